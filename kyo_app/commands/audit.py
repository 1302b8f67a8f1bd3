"""`kyo audit`."""

from datetime import datetime, timezone
from typing import TextIO

import click

from kyo_app import wording
from kyo_app.commands.exits import FAILED
from kyo_app.commands.opening import opened_kyo
from kyo_app.commands.output import json_option, print_json, printable, table
from kyo_pipeline.domain import anchors
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.audit_export import Format
from kyo_pipeline.domain.audit_log import AuditFilter, AuditRecord
from kyo_pipeline.services import auditing, people

_HEADER = ("ROW", "AT", "WHO", "EVENT", "OBJECT", "OUTCOME")
_DATES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]


@click.group()
def command() -> None:
    """Read the audit log, and prove that nobody has changed it.

    Each row carries the hash of the one before and a seal, made with a key that the database does not know: SECRET_KEY,
    or KYO_HOME/audit.key. docs/security.md says what that proves and what it does not.
    """


@command.command("list")
@click.option("--by", "username", metavar="USER", help="Only what this person did.")
@click.option("--event", metavar="EVENT", help="Only this, such as document:approve.")
@click.option("--object", "object_id", metavar="ID", help="Only what was done to this.")
@click.option("--request", "request_id", metavar="ID", help="Only what belongs together.")
@click.option("--refused", is_flag=True, help="Only what was refused.")
@click.option("--since", type=click.DateTime(_DATES), help="From this moment on, in UTC.")
@click.option("--until", type=click.DateTime(_DATES), help="Before this moment, in UTC.")
@click.option("-n", "limit", type=click.IntRange(1, 200), default=50, show_default=True, help="Rows at most.")
@click.option(
    "--before", type=click.IntRange(1), metavar="ROW", help="Go on where a list ended: what is older than this row."
)
@json_option
def list_rows(
    username: str | None,
    event: str | None,
    object_id: str | None,
    request_id: str | None,
    refused: bool,
    since: datetime | None,
    until: datetime | None,
    limit: int,
    before: int | None,
    as_json: bool,
) -> None:
    """List rows, the newest first."""
    with opened_kyo() as kyo:
        wanted = AuditFilter(
            actor_id=people.id_of(kyo, OPERATOR, username) if username else None,
            event=event,
            object_id=object_id,
            request_id=request_id,
            outcome="refused" if refused else None,
            since=_utc(since),
            until=_utc(until),
        )
        cursor = auditing.place_of(kyo, OPERATOR, before) if before else None
        found = auditing.list_records(kyo, OPERATOR, wanted, cursor, limit)
    if as_json:
        print_json(found.records)
        return
    click.echo(table(_HEADER, [_cells(record) for record in found.records]))
    if found.older is not None:
        _say(f"There are more: --before {found.older.id}")


@command.command()
@click.option(
    "--anchors",
    "file",
    type=click.File(encoding="utf-8"),
    help="What `kyo audit anchor` printed before, a line each. Without it, KYO_AUDIT_ANCHORS is read.",
)
@json_option
def verify(file: TextIO | None, as_json: bool) -> None:
    """Read the whole log, and name the first row that was changed, removed, inserted or moved.

    Exit code 1 where there is one. That the last rows were cut off is seen by anchors alone.
    """
    with opened_kyo() as kyo:
        kept = anchors.read(file) if file else auditing.kept_anchors(kyo, OPERATOR)
        found = auditing.verify(kyo, OPERATOR, kept)
    if as_json:
        print_json({"holds": found.holds, "rows": found.rows, "through": found.end.id, "found": found.tampering})
    else:
        beside = wording.counted(found.anchors, "anchor")
        _say(f"{found.rows:,} rows were read, to row {found.end.id}, beside {beside}.")
        click.echo("The log is as it was written." if found.tampering is None else found.tampering.sentence)
    if found.tampering is not None:
        raise click.exceptions.Exit(FAILED)


@command.command()
def anchor() -> None:
    """Print the hash of the last row as one line, to be kept where nobody of this database gets at."""
    with opened_kyo() as kyo:
        click.echo(anchors.written(auditing.end(kyo, OPERATOR)))


@command.command()
@click.option(
    "--format", "wanted", type=click.Choice([one.value for one in Format]), default="jsonl", show_default=True
)
@click.option("--output", type=click.File("w", encoding="utf-8", lazy=True), default="-", help="A file; else stdout.")
def export(wanted: str, output: TextIO) -> None:
    """Write the whole log, the oldest row first. JSON lines can be checked without KYO: see docs/security.md."""
    with opened_kyo() as kyo:
        for line in auditing.export(kyo, OPERATOR, Format(wanted)):
            output.write(line)


def _cells(record: AuditRecord) -> tuple[str, ...]:
    at = f"{record.at:%Y-%m-%d %H:%M:%S}"
    return (str(record.id), at, record.actor_name, record.event, record.object_id, record.outcome)


def _utc(at: datetime | None) -> datetime | None:
    return None if at is None else at.replace(tzinfo=timezone.utc)


def _say(message: str) -> None:
    click.echo(printable(message), err=True)
