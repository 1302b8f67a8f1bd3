"""`kyo ingest`."""

from collections.abc import Sequence
from pathlib import Path

import click

from kyo_app.commands.exits import FAILED
from kyo_app.commands.ingestion import Ingested, process_here, upload_all, wait_for_all
from kyo_app.commands.opening import opened_kyo, require_daemon
from kyo_app.commands.output import json_option, print_json, printable
from kyo_app.commands.passwords import Passwords
from kyo_app.folders import Found, find_files
from kyo_pipeline.domain.documents import VersionStatus
from kyo_pipeline.domain.media_types import suffixes
from kyo_pipeline.errors import Invalid


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path), metavar="PATH…")
@click.option("--collection", help="Where the documents belong; unless given, to the default collection.")
@click.option("--approve", is_flag=True, help="Approve them at once: they answer questions as soon as they are ready.")
@click.option("--wait", is_flag=True, help="Wait until every file is ready or has failed.")
@click.option("--no-daemon", is_flag=True, help="Process the files in this process instead of the running Dagster.")
@click.option(
    "--password-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Passwords of files that are locked, one a line. Unless given, they are asked for at the terminal.",
)
@json_option
def command(
    paths: tuple[Path, ...],
    collection: str | None,
    approve: bool,
    wait: bool,
    no_daemon: bool,
    password_file: Path | None,
    as_json: bool,
) -> None:
    """Upload files, and folders with all that is in them.

    Hidden files are skipped, and so are types that ALLOWED_FILE_TYPES does not name. A file whose name the collection
    knows becomes the next version of that document; the same bytes again change nothing. A locked file is stored
    without its lock, and its password is not stored. Exit code 1 when a file was refused or failed, 3 when --wait
    finds that nothing processes files.
    """
    passwords = Passwords(password_file)
    with opened_kyo() as kyo:
        files, skipped = _by_type(find_files(paths), kyo.settings.ALLOWED_FILE_TYPES)
        if wait and not no_daemon:
            require_daemon(kyo)
        done = upload_all(kyo, files, collection, approve, passwords)
        if no_daemon:
            process_here(kyo, done)
        if wait or no_daemon:
            done = wait_for_all(kyo, done, daemon=not no_daemon)
    if as_json:
        print_json({"files": done, "skipped": [file.path for file in skipped]})
    _tell(done, skipped)
    if any(file.problem for file in done):
        raise SystemExit(FAILED)


def _by_type(files: Sequence[Found], allowed: Sequence[str]) -> tuple[list[Found], list[Found]]:
    endings = suffixes(allowed)
    wanted = [file for file in files if file.kind in endings]
    if not wanted:
        raise Invalid(f"There is no file of a type that is allowed ({', '.join(allowed)}).")
    return wanted, [file for file in files if file.kind not in endings]


def _tell(done: Sequence[Ingested], skipped: Sequence[Found]) -> None:
    """A summary, and each failure with its sentence."""
    for file in done:
        if file.problem:
            click.echo(f"{printable(str(file.path))}: {printable(file.problem)}", err=True)
    refused = sum(1 for file in done if file.problem)
    ready = sum(1 for file in done if file.status is VersionStatus.READY)
    known = sum(1 for file in done if file.version_id is not None and not file.created)
    kinds = sorted({file.kind or "no ending" for file in skipped})
    parts = [
        f"{len(done)} files",
        f"{ready} ready",
        f"{known} known already" if known else "",
        f"{refused} failed" if refused else "",
        f"{len(skipped)} skipped ({', '.join(kinds)})" if skipped else "",
    ]
    click.echo(", ".join(part for part in parts if part) + ".", err=True)
