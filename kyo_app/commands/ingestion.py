"""The steps of `kyo ingest`: upload, process, follow."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from uuid import UUID

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from kyo_app.children import unmarked_environment
from kyo_app.commands.opening import require_daemon
from kyo_app.commands.passwords import Passwords
from kyo_app.folders import Found, document_names
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.documents import Followed, Review, Upload, VersionStatus
from kyo_pipeline.errors import Invalid, KyoError, Unavailable
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import library, operations, reviewing
from kyo_pipeline.settings import BASE_FOLDER

_POLL_SECONDS = 0.5
_DAEMON_SECONDS = 15
_AT_A_TIME = 200
_FINAL = (VersionStatus.READY, VersionStatus.FAILED)


@dataclass(frozen=True)
class Ingested:
    """What became of one file. `problem` is the sentence that says why it was refused or failed."""

    path: Path
    version_id: UUID | None = None
    document_id: UUID | None = None
    created: bool = False
    status: VersionStatus | None = None
    problem: str | None = None


def upload_all(
    kyo: Kyo, files: Sequence[Found], collection: str | None, approve: bool, passwords: Passwords
) -> list[Ingested]:
    """Upload each file; one that is refused does not stop the others. Raises `Unavailable` when none can be stored."""
    done = []
    with _progress() as progress, passwords.asked_beside(progress):
        task = progress.add_task("Uploading", total=len(files))
        for file, name in zip(files, document_names(files), strict=True):
            take_in = partial(_take_in, kyo, file.path, name, collection, approve)
            done.append(_upload(file.path, take_in, passwords))
            progress.advance(task)
    return done


def process_here(kyo: Kyo, files: Sequence[Ingested]) -> None:
    """Materialise the same assets as the daemon would, in a process that ends when it is done with these files."""
    # Not marked as a part of the stack: a `kyo up` that starts meanwhile would end it as a leftover.
    variables = unmarked_environment(kyo.settings, operations.dagster_url(kyo.settings), os.environ)
    log = kyo.settings.KYO_HOME / "logs" / "run-once.log"
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with log.open("wb") as errors, TemporaryFile("w+") as ids:
        ids.writelines(f"{file.version_id}\n" for file in files if file.version_id is not None)
        ids.seek(0)
        with subprocess.Popen(
            [sys.executable, "-m", "kyo_pipeline.defs.run_once", "-"],
            env=variables,
            cwd=BASE_FOLDER,
            stdin=ids,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as run:
            for line in run.stdout or ():
                click.echo(line.rstrip(), err=True)
    if run.returncode:
        raise Unavailable(f"The files could not be processed (log: {log}).")


def wait_for_all(kyo: Kyo, files: Sequence[Ingested], *, daemon: bool) -> list[Ingested]:
    """Follow the files until each is ready or has failed. Raises `Unavailable` when nothing works on them.

    That is when the daemon stops meanwhile; without a daemon, at once.
    """
    state = {file.version_id: file for file in files if file.version_id is not None}
    asked = time.monotonic()
    with _progress() as progress:
        task = progress.add_task("Processing", total=len(state))
        while waiting := [key for key, file in state.items() if file.status not in _FINAL]:
            progress.update(task, completed=len(state) - len(waiting))
            state.update(_look(kyo, state, waiting))
            if not daemon:
                _require_final(state)
            elif time.monotonic() - asked > _DAEMON_SECONDS:
                require_daemon(kyo)
                asked = time.monotonic()
            time.sleep(_POLL_SECONDS if daemon else 0)
        progress.update(task, completed=len(state))
    return [state[file.version_id] if file.version_id is not None else file for file in files]


def _require_final(state: Mapping[UUID, Ingested]) -> None:
    if left := sum(1 for file in state.values() if file.status not in _FINAL):
        raise Unavailable(
            f"{left} of {len(state)} files are not done, and nothing works on them now. "
            "Run the same command again, or start KYO with `kyo up`."
        )


def _upload(path: Path, take_in: Callable[[str | None], Upload], passwords: Passwords) -> Ingested:
    try:
        upload = passwords.opening(path, take_in)
    except Unavailable:
        raise
    except KyoError as error:
        return Ingested(path, problem=error.message)
    latest = upload.document.latest
    return Ingested(path, latest.id, upload.document.id, upload.created, latest.status, latest.error)


def _take_in(kyo: Kyo, path: Path, name: str, collection: str | None, approve: bool, password: str | None) -> Upload:
    upload = library.upload(kyo, OPERATOR, name, _read(kyo, path), collection, password=password)
    latest = upload.document.latest
    if approve and latest.review is Review.PENDING:
        reviewing.approve(kyo, OPERATOR, latest.id)
    return upload


def _read(kyo: Kyo, path: Path) -> bytes:
    """The bytes, but never many more than a file may have: the rest of a huge one is of no interest."""
    try:
        with path.open("rb") as file:
            return file.read(kyo.settings.max_file_bytes + 1)
    except OSError as error:
        raise Invalid(f"It cannot be read: {error.strerror}.") from error


def _look(kyo: Kyo, state: dict[UUID, Ingested], keys: Sequence[UUID]) -> dict[UUID, Ingested]:
    """The same files as the database has them now."""
    followed: dict[UUID, Followed] = {}
    for begin in range(0, len(keys), _AT_A_TIME):
        found = library.list_versions(kyo, OPERATOR, keys[begin : begin + _AT_A_TIME])
        followed.update({one.version.id: one for one in found})
    return {key: _updated(state[key], followed.get(key)) for key in keys}


def _updated(file: Ingested, found: Followed | None) -> Ingested:
    """Whatever somebody has put in its place meanwhile, it was taken in and is read to its end."""
    if found is None:
        return replace(file, status=VersionStatus.FAILED, problem="This document is not there any more.")
    return replace(file, status=found.version.status, problem=found.version.error)


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True))
