"""Documents themselves: their pages, their text, their files, and what differs between two versions."""

from contextlib import AbstractContextManager
from uuid import UUID

from kyo_pipeline import on_record
from kyo_pipeline.db import audit, sources, texts
from kyo_pipeline.db.engine import Transaction
from kyo_pipeline.db.sources import SourceRow
from kyo_pipeline.domain.actor import Actor, Permission
from kyo_pipeline.domain.audit import Event
from kyo_pipeline.domain.diffs import Diff, diff
from kyo_pipeline.domain.documents import VersionStatus
from kyo_pipeline.domain.media_types import PDF
from kyo_pipeline.domain.parsed import ParsedDocument
from kyo_pipeline.domain.sources import PageImage, Part, SourceFile, SourceText, part_at, parts
from kyo_pipeline.errors import Conflict, Invalid, NotAllowed, NotFound
from kyo_pipeline.kyo import Kyo

_NO_VERSION = "There is no such version of a document, or none that you may see."
_NO_DOWNLOAD = (
    "Files of this collection can be read here, but not downloaded. Ask the document's owner, or somebody who may "
    "approve it."
)


def read_source(
    kyo: Kyo, actor: Actor, version_id: UUID, *, page: int | None = None, offset: int | None = None
) -> SourceText:
    """A page of a version, or a stretch of one without pages: the one with the character `offset`, else the first.

    `page` counts from 1 and goes before `offset`; formats without pages have no use for it. Of an old version, whoever
    was given an answer out of it may read the pages that the answer cites. Raises `NotFound`, `Conflict` (no text yet).
    """
    actor.require(Permission.DOCUMENT_READ)
    with _on_record(kyo, actor, version_id):
        with kyo.db.transaction(actor) as tx:
            row = _find(tx, actor, version_id)
            document = _text(tx, row, version_id)
        part = _part(row, document, page, row.readable.first if offset is None else offset)
    on_record.read(kyo, actor, Event.DOCUMENT_READ, version_id)
    return SourceText(
        document_id=row.document_id,
        version_id=version_id,
        title=row.title,
        file_name=row.file_name,
        media_type=row.media_type,
        version_number=row.version_number,
        is_current=row.is_current,
        current_number=row.current_number,
        page=part.page,
        pages=document.pages,
        text=document.text[part.start : part.end],
        start=part.start,
        characters=len(document.text),
        headings=tuple(heading for heading in document.headings if part.start <= heading.start < part.end),
        from_ocr=part.page in document.ocr_pages,
        may_download=row.may_download,
    )


def page_image(kyo: Kyo, actor: Actor, version_id: UUID, page: int, start: int, end: int) -> PageImage:
    """A page of a PDF as a picture, with characters start..end highlighted as far as they are on it.

    Whoever may read the page may see it. Raises `NotFound`, `Invalid`, `Unavailable`.
    """
    actor.require(Permission.DOCUMENT_READ)
    with _on_record(kyo, actor, version_id), kyo.db.transaction(actor) as tx:
        row = _find(tx, actor, version_id)
        if row.media_type != PDF:
            raise Invalid("Only the pages of PDF files can be shown as pictures.")
        document = _text(tx, row, version_id)
    part = _part(row, document, page, 0)
    quote = document.text[max(start, part.start) : max(min(end, part.end), 0)]
    picture = kyo.parser.render_page(kyo.files.path(row.sha256), page, quote)
    if isinstance(picture, str):
        raise Invalid(picture)
    on_record.read(kyo, actor, Event.DOCUMENT_READ, version_id)
    return picture


def download(kyo: Kyo, actor: Actor, version_id: UUID) -> SourceFile:
    """The file of a version that the actor may read all of. Raises `NotFound`, `NotAllowed` (the collection's rule)."""
    actor.require(Permission.DOCUMENT_DOWNLOAD)
    with _on_record(kyo, actor, version_id), kyo.db.transaction(actor) as tx:
        row = _find_whole(tx, actor, version_id)
        if not row.may_download:
            raise NotAllowed(_NO_DOWNLOAD)
        path = kyo.files.path(row.sha256)
        details = {"file_name": row.file_name, "sha256": row.sha256}
        audit.record(tx, actor, Event.DOCUMENT_DOWNLOAD, version_id, kyo.now(), details)
    return SourceFile(path, row.file_name, row.media_type, row.size_bytes)


def compare(kyo: Kyo, actor: Actor, older_id: UUID, newer_id: UUID) -> Diff:
    """What differs between two versions that the actor may read all of. Raises `NotFound`, `Conflict` (no text yet)."""
    actor.require(Permission.DOCUMENT_READ)
    with kyo.db.transaction(actor) as tx:
        older, newer = (_text(tx, _find_whole(tx, actor, one), one) for one in (older_id, newer_id))
    for one in (older_id, newer_id):
        on_record.read(kyo, actor, Event.DOCUMENT_READ, one)
    return diff(older, newer)


def _on_record(kyo: Kyo, actor: Actor, version_id: UUID) -> AbstractContextManager[None]:
    return on_record.out_of_reach(kyo, actor, Event.DOCUMENT_READ, version_id)


def _find(tx: Transaction, actor: Actor, version_id: UUID) -> SourceRow:
    row = sources.find(tx, actor, version_id)
    if row is None:
        raise NotFound(_NO_VERSION)
    return row


def _find_whole(tx: Transaction, actor: Actor, version_id: UUID) -> SourceRow:
    row = _find(tx, actor, version_id)
    if not row.readable.whole:
        raise NotFound(_NO_VERSION)
    return row


def _text(tx: Transaction, row: SourceRow, version_id: UUID) -> ParsedDocument:
    document = texts.find(tx, version_id)
    if document is None and row.status is VersionStatus.FAILED:
        raise Conflict(f"This file could not be read, so there is no text of it. {row.error or ''}".strip())
    if document is None:
        raise Conflict("This file has not been read yet. Try again in a moment.")
    return document


def _part(row: SourceRow, document: ParsedDocument, page: int | None, offset: int) -> Part:
    """The page, or else the part with the character at `offset`, if the actor may read it."""
    found = parts(document)
    if page is None or document.pages is None:
        part = part_at(found, offset)
    elif 1 <= page <= len(found):
        part = found[page - 1]
    else:
        raise NotFound(f"There is no page {page}: this document has {len(found)}.")
    if not row.readable.touches(part.start, part.end):
        raise NotFound("Of this version you may read only the pages that an answer of yours has quoted.")
    return part
