"""Documents: upload, list, read, try again."""

from collections.abc import Sequence
from pathlib import PurePath
from uuid import UUID

from kyo_pipeline import on_record
from kyo_pipeline.db import audit, collections, documents, texts, usage, versions
from kyo_pipeline.db.documents import Filter
from kyo_pipeline.db.engine import Transaction
from kyo_pipeline.domain.access import Access
from kyo_pipeline.domain.actor import Actor, Permission
from kyo_pipeline.domain.audit import Event
from kyo_pipeline.domain.collections import MAX_NAME_LENGTH, Collection
from kyo_pipeline.domain.documents import (
    Document,
    DocumentPage,
    DocumentState,
    PassageInContext,
    Review,
    Upload,
    VersionStatus,
)
from kyo_pipeline.domain.limits import Limit, Usage
from kyo_pipeline.domain.media_types import identify, safe_file_name
from kyo_pipeline.domain.pages import MAX_PAGE
from kyo_pipeline.domain.parsed import heading_path_at, page_at
from kyo_pipeline.domain.typed_text import storable
from kyo_pipeline.errors import Conflict, Invalid, NotAllowed, NotFound
from kyo_pipeline.kyo import Kyo

_MAX_OFFSET = 2**30  # PostgreSQL holds texts of 1 GB at most

_NO_DOCUMENT = "There is no such document, or none that you may see."


def list_collections(kyo: Kyo, actor: Actor, access: Access) -> tuple[Collection, ...]:
    """The collections in which the actor may read, write or approve."""
    actor.require(Permission.DOCUMENT_READ)
    with kyo.db.transaction(actor) as tx:
        return collections.accessible(tx, actor, access)


def upload(kyo: Kyo, actor: Actor, file_name: str, content: bytes, collection: str | None = None) -> Upload:
    """Take a file in for review, into the default collection unless another is named. The pipeline finds it by status.

    A name that the actor can see in the collection becomes the next version of that document. The same bytes under the
    same name are there already and change nothing, unless they were rejected: then they ask once more. Raises `Invalid`
    (type, size), `NotAllowed`, `NotFound`, `TooMany`.
    """
    actor.require(Permission.DOCUMENT_UPLOAD)
    name = safe_file_name(file_name)
    if len(content) > kyo.settings.max_file_bytes:
        raise Invalid(f"{name} is larger than {kyo.settings.MAX_FILE_SIZE_MB} MB. Split it, or make it smaller.")
    media_type = identify(name, content, kyo.settings.ALLOWED_FILE_TYPES)
    with on_record.used_up_limits(kyo, actor, Event.DOCUMENT_REFUSE):
        return _take_in(kyo, actor, name, content, media_type, collection)


def _take_in(kyo: Kyo, actor: Actor, name: str, content: bytes, media_type: str, collection: str | None) -> Upload:
    target = _collection_to_write(kyo, actor, collection)
    # The bytes come first: a row without its file would be worse than a file without its row.
    sha256 = kyo.files.put(content)
    with kyo.db.transaction(actor) as tx:
        _require_upload(kyo, tx, actor)  # once more: others may have come in between
        now = kyo.now()
        document_id = documents.lock_by_file_name(tx, actor, target.id, name)
        if document_id is not None and versions.latest_of(tx, document_id).is_there(sha256):
            return Upload(_the_only(documents.find(tx, actor, Filter(document_id=document_id), now)), False)
        if document_id is None:
            document_id = documents.add(tx, target.id, actor.id, _title(name), DocumentState.IN_REVIEW, now)
        version_id = versions.add(
            tx,
            document_id,
            file_name=name,
            sha256=sha256,
            size_bytes=len(content),
            media_type=media_type,
            uploaded_by=actor.id,
            now=now,
        )
        documents.put_in_review(tx, document_id, now)
        details = {"file_name": name, "sha256": sha256, "bytes": len(content), "collection": target.name}
        audit.record(tx, actor, Event.DOCUMENT_UPLOAD, version_id, now, details)
        return Upload(_the_only(documents.find(tx, actor, Filter(document_id=document_id), now)), True)


def list_documents(
    kyo: Kyo,
    actor: Actor,
    *,
    text: str = "",
    state: DocumentState | None = None,
    status: VersionStatus | None = None,
    review: Review | None = None,
    collection: str | None = None,
    limit: int = 25,
    offset: int = 0,
) -> DocumentPage:
    """The documents that the actor may see, newest upload first; `text` is looked for in titles and file names."""
    actor.require(Permission.DOCUMENT_READ)
    wanted = Filter(
        text=storable(text),
        state=state,
        status=status,
        review=review,
        collection=storable(collection) if collection is not None else None,
        limit=min(max(limit, 1), MAX_PAGE),
        offset=max(offset, 0),
    )
    with kyo.db.transaction(actor) as tx:
        return documents.find(tx, actor, wanted, kyo.now())


def list_versions(kyo: Kyo, actor: Actor, version_ids: Sequence[UUID]) -> tuple[Document, ...]:
    """The documents of which these are the newest versions: what has become of some uploads."""
    actor.require(Permission.DOCUMENT_READ)
    with kyo.db.transaction(actor) as tx:
        wanted = Filter(version_ids=tuple(version_ids), limit=max(len(version_ids), 1))
        return documents.find(tx, actor, wanted, kyo.now()).documents


def read_document(kyo: Kyo, actor: Actor, document_id: UUID) -> Document:
    """One document. Raises `NotFound`."""
    actor.require(Permission.DOCUMENT_READ)
    with kyo.db.transaction(actor) as tx:
        return _the_only(documents.find(tx, actor, Filter(document_id=document_id), kyo.now()))


def retry(kyo: Kyo, actor: Actor, version_id: UUID) -> None:
    """Send a failed version through the pipeline again: one's own, or as one who may approve. Raises `Conflict`."""
    actor.require(Permission.DOCUMENT_RETRY)
    with kyo.db.transaction(actor) as tx:
        found = documents.find(tx, actor, Filter(version_ids=(version_id,)), kyo.now()).documents
        row = versions.lock(tx, version_id) if found else None
        if row is None:
            raise NotFound(_NO_DOCUMENT)
        may_approve = actor.may(Permission.DOCUMENT_APPROVE) and documents.may_decide(tx, actor, row.document_id)
        if row.uploaded_by != actor.id and not may_approve:
            raise NotAllowed("Only whoever uploaded a file, or somebody who may approve it, can try it again.")
        if row.status is not VersionStatus.FAILED:
            raise Conflict("This file has not failed, so there is nothing to try again.")
        versions.start_again(tx, version_id)
        audit.record(tx, actor, Event.DOCUMENT_RETRY, version_id, kyo.now())


def read_passage(
    kyo: Kyo, actor: Actor, version_id: UUID, start: int, end: int, context: int = 700
) -> PassageInContext:
    """Characters start..end of a version's text, with about `context` characters on each side. Raises `NotFound`."""
    actor.require(Permission.DOCUMENT_READ)
    if not 0 <= start < end <= _MAX_OFFSET:
        raise Invalid("A passage ends after it has begun.")
    with kyo.db.transaction(actor) as tx:
        found = texts.read(tx, actor, version_id, start, end, context)
    if found is None:
        raise NotFound(_NO_DOCUMENT)
    first = found.stretch_start
    return PassageInContext(
        document_id=found.document_id,
        version_id=version_id,
        title=found.title,
        file_name=found.file_name,
        version_number=found.version_number,
        media_type=found.media_type,
        is_current=found.is_current,
        current_number=found.current_number,
        is_in_current=True if found.is_current else None,
        is_stale=found.is_stale,
        from_ocr=page_at(found.page_starts, start) in found.ocr_pages,
        page_from=page_at(found.page_starts, start),
        page_to=page_at(found.page_starts, end - 1),
        heading_path=heading_path_at(found.headings, start),
        before=found.stretch[: start - first],
        quote=found.stretch[start - first : end - first],
        after=found.stretch[end - first :],
    )


def preview(kyo: Kyo, actor: Actor, version_id: UUID, limit: int = 3000) -> str:
    """The beginning of a version's text; empty while it has none."""
    actor.require(Permission.DOCUMENT_READ)
    with kyo.db.transaction(actor) as tx:
        found = texts.read(tx, actor, version_id, 0, limit, 0)
    return found.stretch if found else ""


def _require_upload(kyo: Kyo, tx: Transaction, actor: Actor) -> None:
    """Raise `TooMany` when the uploads of this hour are used up. The operator is not limited."""
    if actor.is_operator:
        return
    usage.lock(tx, actor)
    now = kyo.now()
    used = usage.files_uploaded(tx, actor, now)
    Usage.of(Limit.UPLOADS_AN_HOUR, kyo.settings.KYO_UPLOADS_PER_HOUR, used, now).require_one()


def _collection_to_write(kyo: Kyo, actor: Actor, name: str | None) -> Collection:
    """The collection with this name, or the default one, for somebody who may upload one more file."""
    with kyo.db.transaction(actor) as tx:
        _require_upload(kyo, tx, actor)
        for collection in collections.accessible(tx, actor, Access.WRITE):
            if collection.is_default if name is None else collection.name == name:
                return collection
    if name is None:
        raise NotFound("You may not upload to the default collection. Name another one.")
    raise NotFound(f"There is no collection called {name[:MAX_NAME_LENGTH]} that you may upload to.")


def _title(file_name: str) -> str:
    return PurePath(file_name).stem.replace("_", " ").strip() or file_name


def _the_only(page: DocumentPage) -> Document:
    if not page.documents:
        raise NotFound(_NO_DOCUMENT)
    return page.documents[0]
