"""`kyo documents`."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import click

from kyo_app.commands.exits import FAILED
from kyo_app.commands.opening import actor_called, as_option, opened_kyo
from kyo_app.commands.output import json_option, print_json, printable, table
from kyo_pipeline.domain.documents import Document, DocumentState, Followed
from kyo_pipeline.domain.pages import MAX_PAGE
from kyo_pipeline.errors import Invalid, NotFound
from kyo_pipeline.services import curating, library, reprocessing, reviewing
from kyo_pipeline.services.reprocessing import Reprocessed

_STATES = click.Choice([state.value for state in DocumentState])


class _DocumentId(click.types.UUIDParameterType):
    def convert(self, value: str | UUID, param: click.Parameter | None, ctx: click.Context | None) -> UUID:
        try:
            return value if isinstance(value, UUID) else UUID(value)
        except ValueError:
            self.fail(f"{value!r} is not the id of a document; ids: `kyo documents list`", param, ctx)


@click.group()
def command() -> None:
    """List documents and their versions, have them read again, archive and delete them.

    Documents are named by their ids, which `kyo documents list` prints.
    """


@command.command("list")
@click.argument("text", default="")
@click.option("--collection", help="Only documents of this collection.")
@click.option(
    "--state", type=_STATES, help="Only documents in this state; deleted ones are listed only when asked for."
)
@click.option("--tag", help="Only documents with this tag.")
@click.option("--overdue", is_flag=True, help="Only documents whose review is overdue.")
@as_option
@json_option
def list_documents(
    text: str,
    collection: str | None,
    state: str | None,
    tag: str | None,
    overdue: bool,
    username: str | None,
    as_json: bool,
) -> None:
    """List all documents, or those whose title or file name contains TEXT."""
    wanted = DocumentState(state) if state else None
    found: list[Document] = []
    with opened_kyo() as kyo:
        actor = actor_called(kyo, username)
        while page := library.list_documents(
            kyo,
            actor,
            text=text,
            state=wanted,
            collection=collection,
            tag=tag,
            stale=overdue,
            limit=MAX_PAGE,
            offset=len(found),
        ).documents:
            found.extend(page)
    if as_json:
        print_json(found)
        return
    click.echo(table(("ID", "STATE", "ANSWERS", "NEWEST", "COLLECTION", "TITLE"), [_row(one) for one in found]))


@command.command()
@click.argument("document", type=_DocumentId())
@as_option
@json_option
def history(document: UUID, username: str | None, as_json: bool) -> None:
    """List the versions of DOCUMENT, newest first."""
    with opened_kyo() as kyo:
        actor = actor_called(kyo, username)
        found = library.list_history(kyo, actor, document)
        followed = library.list_versions(kyo, actor, [one.id for one in found])
    if as_json:
        print_json(found)
        return
    header = ("VERSION", "PROCESSING", "DECISION", "UPLOADED", "BY", "FILE", "NOTE")
    click.echo(table(header, [_version_row(one) for one in followed]))


@command.command()
@click.argument("documents", nargs=-1, type=_DocumentId(), metavar="[DOCUMENT]…")
@click.option("--collection", help="All documents of this collection.")
@click.option("--everything", is_flag=True, help="All documents.")
@as_option
@json_option
def reprocess(
    documents: Sequence[UUID], collection: str | None, everything: bool, username: str | None, as_json: bool
) -> None:
    """Have documents read again, from the files that were uploaded: after other settings, or to repair them.

    What answers questions goes on answering until the new reading takes its place. May be interrupted and run again:
    what waits already is not queued twice. Exit code 1 when a document had to be left out.
    """
    if sum((bool(documents), collection is not None, everything)) != 1:
        raise Invalid("Name documents by their ids, or use --collection or --everything.")
    with opened_kyo() as kyo:
        actor = actor_called(kyo, username)
        parts = [reprocessing.reprocess(kyo, actor, document_id=one) for one in documents] or [
            reprocessing.reprocess(kyo, actor, collection=collection, everything=everything)
        ]
    if as_json:
        print_json(parts)
    _tell(parts)
    if any(part.skipped for part in parts):
        raise SystemExit(FAILED)


@command.command()
@click.argument("document", type=_DocumentId())
@as_option
def archive(document: UUID, username: str | None) -> None:
    """Take DOCUMENT out of all answers; its history stays."""
    with opened_kyo() as kyo:
        done = curating.archive(kyo, actor_called(kyo, username), document)
    _say(f"{done.title} is archived.")


@command.command()
@click.argument("document", type=_DocumentId())
@as_option
def restore(document: UUID, username: str | None) -> None:
    """Bring DOCUMENT back that was archived."""
    with opened_kyo() as kyo:
        done = curating.restore(kyo, actor_called(kyo, username), document)
    _say(f"{done.title} is no longer archived.")


@command.command()
@click.argument("document", type=_DocumentId())
@click.option("--yes", is_flag=True, help="Do not ask.")
@as_option
def delete(document: UUID, yes: bool, username: str | None) -> None:
    """Delete DOCUMENT with all of its versions: files, text, and the answers that quote it. This cannot be undone."""
    with opened_kyo() as kyo:
        actor = actor_called(kyo, username)
        title = printable(library.read_document(kyo, actor, document).title)
        if not yes:
            click.confirm(f"Delete {title} for ever?", abort=True, err=True)
        curating.delete(kyo, actor, document)
    _say(f"{title} is deleted.")


@command.command("roll-back")
@click.argument("document", type=_DocumentId())
@click.argument("version", type=click.IntRange(1))
@as_option
def roll_back(document: UUID, version: int, username: str | None) -> None:
    """Let VERSION of DOCUMENT answer questions, at once; a later one may be brought back in the same way."""
    with opened_kyo() as kyo:
        actor = actor_called(kyo, username)
        for one in library.list_history(kyo, actor, document):
            if one.number == version:
                done = reviewing.roll_back(kyo, actor, one.id)
                break
        else:
            raise NotFound(f"This document has no version {version}, or none that you may see.")
    _say(f"{done.title} answers questions with version {version} now.")


def _row(document: Document) -> tuple[str, ...]:
    latest = document.latest
    return (
        str(document.id),
        document.state.value.replace("_", " ") + (", review overdue" if document.is_overdue else ""),
        f"version {document.current_number}" if document.searchable else "no",
        f"version {latest.number}, {latest.status.value}",
        document.collection,
        document.title,
    )


def _version_row(followed: Followed) -> tuple[str, ...]:
    version, document = followed.version, followed.document
    status, decision = version.status.value, version.review.value
    note = version.error or version.review_reason
    if document.deleted_at is not None:
        status, decision = "deleted", f"was {decision}"
        note = f"deleted {_minute(document.deleted_at)} by {document.deleted_by_name}"
    return (
        str(version.number),
        status,
        decision,
        _minute(version.uploaded_at),
        version.uploaded_by_name,
        version.file_name,
        note or (f"version {version.reprocess_of}, read again" if version.reprocess_of else ""),
    )


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"


def _tell(parts: Sequence[Reprocessed]) -> None:
    for one in (skipped for part in parts for skipped in part.skipped):
        click.echo(f"{printable(one.title)} ({one.document_id}): {one.reason}", err=True)
    counts = {
        "read again": sum(part.again for part in parts),
        "started again": sum(part.restarted for part in parts),
        "waiting already or not to be read": sum(part.waiting for part in parts),
        "left out": sum(len(part.skipped) for part in parts),
    }
    told = [f"{number} {what}" for what, number in counts.items() if number]
    click.echo(f"Documents: {', '.join(told) or 'none'}.", err=True)


def _say(sentence: str) -> None:
    click.echo(printable(sentence), err=True)
