"""Documents: upload, list, read, try again."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from uuid import UUID

from kyo_pipeline import on_record
from kyo_pipeline.db import audit, collections, documents, sources, texts, uploads, usage, versions
from kyo_pipeline.db.documents import Filter
from kyo_pipeline.db.engine import Transaction
from kyo_pipeline.db.uploads import NewFile, Place
from kyo_pipeline.domain.access import Access
from kyo_pipeline.domain.actor import Actor, Permission
from kyo_pipeline.domain.audit import Event
from kyo_pipeline.domain.collections import MAX_NAME_LENGTH, Collection
from kyo_pipeline.domain.documents import (
    Document,
    DocumentPage,
    DocumentState,
    Followed,
    PassageInContext,
    Review,
    Upload,
    Version,
    VersionStatus,
)
from kyo_pipeline.domain.limits import Limit, Usage
from kyo_pipeline.domain.media_types import identify, may_be_locked, safe_file_name
from kyo_pipeline.domain.pages import MAX_PAGE
from kyo_pipeline.domain.parsed import heading_path_at, page_at
from kyo_pipeline.domain.sources import holds
from kyo_pipeline.domain.typed_text import composed, storable
from kyo_pipeline.domain.unlocking import Lock, Unlocked
from kyo_pipeline.errors import Conflict, Invalid, NotAllowed, NotFound, PasswordNeeded, TooLarge
from kyo_pipeline.kyo import Kyo

_MAX_CONTEXT = 5000
_MAX_OFFSET = 2**30  # PostgreSQL holds texts of 1 GB at most


def list_collections(kyo: Kyo, actor: Actor, access: Access) -> tuple[Collection, ...]:
    """The collections in which the actor may read, write or approve."""
    actor.require(Permission.DOCUMENT_READ)
    with kyo.db.transaction(actor) as tx:
        return collections.accessible(tx, actor, access)


def upload(
    kyo: Kyo,
    actor: Actor,
    file_name: str,
    content: bytes,
    collection: str | None = None,
    *,
    document_id: UUID | None = None,
    draft: bool = False,
    password: str | None = None,
) -> Upload:
    """Take a file in for review, into the default collection unless another is named. The pipeline finds it by status.

    With `document_id` it becomes the next version of that document, whatever its name; else that of a document of this
    name which the actor can see in the collection. The bytes that the newest version has change nothing, unless they
    were rejected: then they ask once more. A `draft` asks for no decision yet. Of a locked file, what the `password`
    opens is stored; the password is not. Raises `Invalid` (type, size), `PasswordNeeded`, `NotAllowed`, `NotFound`,
    `Conflict`, `TooMany`.
    """
    actor.require(Permission.DOCUMENT_UPLOAD)
    name = safe_file_name(file_name)
    _check_size(kyo, name, content)
    with suppress(PasswordNeeded):  # it may be about to be opened
        identify(name, content, kyo.settings.ALLOWED_FILE_TYPES)
    with on_record.used_up_limits(kyo, actor, Event.DOCUMENT_REFUSE):
        place = _place(kyo, actor, collection, document_id)
        opened = _open(kyo, name, content, password)
        media_type = identify(name, opened.content, kyo.settings.ALLOWED_FILE_TYPES)
        # The bytes come first: a row without its file would be worse than a file without its row.
        sha256 = kyo.files.put(opened.content)
        file = NewFile(name, sha256, len(opened.content), media_type, draft, opened.state is Lock.UNLOCKED)
        return _take_in(kyo, actor, opened.content, file, place)


def send_for_review(kyo: Kyo, actor: Actor, version_id: UUID) -> Document:
    """Ask for a decision about one's own draft. Raises `NotFound`, `NotAllowed`, `Conflict`."""
    actor.require(Permission.DOCUMENT_UPLOAD)
    now = kyo.now()
    with kyo.db.transaction(actor) as tx:
        version = versions.lock(tx, version_id)
        if version is None:
            raise NotFound(documents.NO_DOCUMENT)
        uploads.refuse_ended(documents.read(tx, actor, version.document_id, now).state)
        if version.uploaded_by != actor.id:
            raise NotAllowed("Only whoever uploaded a draft can send it for approval.")
        if version.review is not Review.DRAFT:
            raise Conflict(f"This version is no draft any more: it is {version.review.value}.")
        if versions.has_newer_to_decide(tx, version.document_id, version.number):
            raise Conflict("There is a newer version of this document. Upload this file again if it is still wanted.")
        uploads.submit(tx, actor, version, now)
        return documents.read(tx, actor, version.document_id, now)


def list_documents(
    kyo: Kyo,
    actor: Actor,
    *,
    text: str = "",
    state: DocumentState | None = None,
    status: VersionStatus | None = None,
    review: Review | None = None,
    collection: str | None = None,
    tag: str | None = None,
    owner_id: UUID | None = None,
    stale: bool = False,
    limit: int = 25,
    offset: int = 0,
) -> DocumentPage:
    """The documents that the actor may see, newest upload first; `text` is looked for in titles and file names.

    `stale`: only those whose review is overdue. Deleted ones are left out unless `state` asks for them.
    """
    actor.require(Permission.DOCUMENT_READ)
    wanted = Filter(
        text=composed(storable(text)),
        state=state,
        status=status,
        review=review,
        collection=storable(collection) if collection is not None else None,
        tag=storable(tag) if tag is not None else None,
        owner_id=owner_id,
        stale=stale,
        limit=min(max(limit, 1), MAX_PAGE),
        offset=max(offset, 0),
    )
    with kyo.db.transaction(actor) as tx:
        return documents.find(tx, actor, wanted, kyo.now())


def list_versions(kyo: Kyo, actor: Actor, version_ids: Sequence[UUID]) -> tuple[Followed, ...]:
    """What has become of some uploads, as far as the actor may know: replaced, read again or deleted ones too."""
    actor.require(Permission.DOCUMENT_READ)
    now = kyo.now()
    with kyo.db.transaction(actor) as tx:
        wanted = Filter(of_versions=tuple(version_ids), limit=max(len(version_ids), 1))
        found = {document.id: document for document in documents.find(tx, actor, wanted, now).documents}
        versions_of = sources.versions(tx, actor, version_ids, now)
    return tuple(Followed(version, found[of]) for of, version in versions_of if of in found)


def list_history(kyo: Kyo, actor: Actor, document_id: UUID) -> tuple[Version, ...]:
    """The versions of a document that the actor may know of, newest first. Raises `NotFound` when there are none."""
    actor.require(Permission.DOCUMENT_READ)
    with kyo.db.transaction(actor) as tx:
        if found := sources.history(tx, actor, document_id, kyo.now()):
            return found
    raise NotFound(documents.NO_DOCUMENT)


def read_document(kyo: Kyo, actor: Actor, document_id: UUID) -> Document:
    """One document. Raises `NotFound`."""
    actor.require(Permission.DOCUMENT_READ)
    with kyo.db.transaction(actor) as tx:
        return documents.read(tx, actor, document_id, kyo.now())


def retry(kyo: Kyo, actor: Actor, version_id: UUID) -> None:
    """Send a failed version through the pipeline again: one's own, or as one who may approve. Raises `Conflict`."""
    actor.require(Permission.DOCUMENT_RETRY)
    with kyo.db.transaction(actor) as tx:
        found = documents.find(tx, actor, Filter(of_versions=(version_id,)), kyo.now()).documents
        newest = [one for one in found if one.latest.id == version_id and one.state is not DocumentState.DELETED]
        row = versions.lock(tx, version_id) if newest else None
        if row is None:
            raise NotFound(documents.NO_DOCUMENT)
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
    with on_record.out_of_reach(kyo, actor, Event.DOCUMENT_READ, version_id):
        with kyo.db.transaction(actor) as tx:
            found = texts.read(tx, version_id, start, end, min(context, _MAX_CONTEXT))
        if found is None:
            raise NotFound(documents.NO_DOCUMENT)
    on_record.read(kyo, actor, Event.DOCUMENT_READ, version_id)
    first = found.stretch_start
    quote = found.stretch[start - first : end - first]
    return PassageInContext(
        document_id=found.document_id,
        version_id=version_id,
        title=found.title,
        file_name=found.file_name,
        version_number=found.version_number,
        media_type=found.media_type,
        is_current=found.is_current,
        current_number=found.current_number,
        is_in_current=True if found.is_current else holds(found.current_text, quote),
        is_stale=found.is_stale,
        from_ocr=page_at(found.page_starts, start) in found.ocr_pages,
        page_from=page_at(found.page_starts, start),
        page_to=page_at(found.page_starts, end - 1),
        heading_path=heading_path_at(found.headings, start),
        before=found.stretch[: start - first],
        quote=quote,
        after=found.stretch[end - first :],
    )


def preview(kyo: Kyo, actor: Actor, version_id: UUID, limit: int = 3000) -> str:
    """The beginning of a version's text; empty while it has none."""
    actor.require(Permission.DOCUMENT_READ)
    with kyo.db.transaction(actor) as tx:
        found = texts.read(tx, version_id, 0, limit, 0)
    if found is None:
        return ""
    on_record.read(kyo, actor, Event.DOCUMENT_READ, version_id)
    return found.stretch


def _check_size(kyo: Kyo, name: str, content: bytes) -> None:
    if len(content) > kyo.settings.max_file_bytes:
        raise TooLarge(f"{name} is larger than {kyo.settings.MAX_FILE_SIZE_MB} MB. Split it, or make it smaller.")


def _open(kyo: Kyo, name: str, content: bytes, password: str | None) -> Unlocked:
    """The file as it can be read. Nobody else gets to know the password."""
    if not may_be_locked(content):
        return Unlocked(Lock.NOT_LOCKED, content)
    opened = kyo.parser.unlock(content, password)
    if opened.state in (Lock.NEEDS_PASSWORD, Lock.WRONG_PASSWORD):
        raise PasswordNeeded(opened.reason, wrong=opened.state is Lock.WRONG_PASSWORD)
    if not opened.is_open:
        raise Invalid(opened.reason)
    _check_size(kyo, name, opened.content)
    return opened


def _require_upload(kyo: Kyo, tx: Transaction, actor: Actor) -> None:
    """Raise `TooMany` when the uploads of this hour are used up. The operator is not limited."""
    if actor.is_operator:
        return
    usage.lock(tx, actor)
    now = kyo.now()
    used = usage.files_uploaded(tx, actor, now)
    Usage.of(Limit.UPLOADS_AN_HOUR, kyo.settings.KYO_UPLOADS_PER_HOUR, used, now).require_one()


def _place(kyo: Kyo, actor: Actor, collection: str | None, document_id: UUID | None) -> Place:
    """Where a file goes, for somebody who may upload one more."""
    with kyo.db.transaction(actor) as tx:
        _require_upload(kyo, tx, actor)
        if document_id is not None:
            return uploads.place_of(tx, actor, document_id)
        found = _collection_to_write(tx, actor, collection)
        return Place(found.id, found.name)


def _take_in(kyo: Kyo, actor: Actor, content: bytes, file: NewFile, place: Place) -> Upload:
    with kyo.db.transaction(actor) as tx:
        _require_upload(kyo, tx, actor)  # once more: others may have come in between
        now = kyo.now()
        document_id = uploads.lock_document(tx, actor, place, file.name)
        if document_id is not None:
            latest = versions.latest_of(tx, document_id)
            if latest.is_there(file.sha256):
                if not file.draft:
                    _submit_own_draft(tx, actor, latest.id, now)
                return Upload(documents.read(tx, actor, document_id, now), False)
        versions.lock_digest(tx, file.sha256)
        kyo.files.put(content)  # once more: with the last document that had these bytes, they may have been deleted
        document_id = uploads.add(tx, actor, place, document_id, file, now)
        twin = uploads.same_elsewhere(tx, file.sha256, document_id)
        return Upload(
            documents.read(tx, actor, document_id, now), True, documents.read(tx, actor, twin, now) if twin else None
        )


def _submit_own_draft(tx: Transaction, actor: Actor, version_id: UUID, now: datetime) -> None:
    version = versions.lock(tx, version_id)
    if version is not None and version.review is Review.DRAFT and version.uploaded_by == actor.id:
        uploads.submit(tx, actor, version, now)


def _collection_to_write(tx: Transaction, actor: Actor, name: str | None) -> Collection:
    """The collection with this name, or the default one."""
    for collection in collections.accessible(tx, actor, Access.WRITE):
        if collection.is_default if name is None else collection.name == name:
            return collection
    if name is None:
        raise NotFound("You may not upload to the default collection. Name another one.")
    raise NotFound(f"There is no collection called {name[:MAX_NAME_LENGTH]} that you may upload to.")
