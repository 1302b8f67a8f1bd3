"""Looking after documents: what they are called and who owns them, where they belong, and whether they stay."""

from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

from kyo_pipeline.db import audit, collections, corpus, curation, documents, names, reprocessing, review_items, versions
from kyo_pipeline.db.engine import Transaction
from kyo_pipeline.db.publishing import announce_drift, publish
from kyo_pipeline.domain.access import Access, PersonName
from kyo_pipeline.domain.actor import Actor, Permission
from kyo_pipeline.domain.audit import Event
from kyo_pipeline.domain.documents import (
    Document,
    DocumentState,
    checked_review_by,
    checked_tags,
    checked_title,
    state_after_archive,
)
from kyo_pipeline.domain.typed_text import storable
from kyo_pipeline.errors import Conflict, Invalid, NotFound, Unavailable
from kyo_pipeline.kyo import Kyo

_ARCHIVED_TITLE = "This document is archived. Restore it before you give it another title."
_NO_OWNER = "Choose an owner who may upload to the collection of this document."
_OVERDUE = "The review of this document is overdue: confirm that it is still right, or upload a new version."


def list_tags(kyo: Kyo, actor: Actor) -> tuple[str, ...]:
    """The tags of all documents that the actor may see, in alphabetical order."""
    actor.require(Permission.DOCUMENT_READ)
    with kyo.db.transaction(actor) as tx:
        return curation.tags(tx, actor)


def may_curate(kyo: Kyo, actor: Actor, document_id: UUID) -> bool:
    """Whether the actor may change, move and archive this document: only who may approve in its collection."""
    if not actor.may(Permission.DOCUMENT_CHANGE):
        return False
    with kyo.db.transaction(actor) as tx:
        return documents.may_decide(tx, actor, document_id)


def owners(kyo: Kyo, actor: Actor, document_id: UUID) -> tuple[PersonName, ...]:
    """Everybody who may become the owner of a document: who may upload to its collection. Raises `NotFound`."""
    actor.require(Permission.DOCUMENT_CHANGE)
    with kyo.db.transaction(actor) as tx:
        if not documents.may_decide(tx, actor, document_id):
            raise NotFound(documents.NOT_THEIRS)
        return curation.possible_owners(tx, document_id)


def change(
    kyo: Kyo,
    actor: Actor,
    document_id: UUID,
    *,
    title: str,
    owner: UUID,
    tags: Sequence[str],
    review_by: date | None,
) -> Document:
    """Change what is said of a document, and who owns it. Raises `Invalid`, `NotFound`, `Conflict`.

    The title is part of what is searched: with another one, the document is read again, and found by the old one until
    that is done. A review that is overdue is not put off here, but confirmed.
    """
    actor.require(Permission.DOCUMENT_CHANGE)
    title, cleaned, now = checked_title(title), checked_tags(tags), kyo.now()
    with kyo.db.transaction(actor) as tx:
        before = documents.lock_to_decide(tx, actor, document_id, kyo.now())
        _require_day(before, review_by, now.date())
        if owner != before.owner_id:
            _hand_over(kyo, tx, actor, document_id, owner)
        if title != before.title and before.state is DocumentState.ARCHIVED:
            raise Conflict(_ARCHIVED_TITLE)
        if title != before.title:
            versions.lock_all(tx, document_id)  # before the corpus, whose revision grows with the change
        curation.change(tx, document_id, title=title, owner_id=owner, tags=cleaned, review_by=review_by, now=now)
        after = documents.read(tx, actor, document_id, kyo.now())
        if _said(after) == _said(before):
            return after
        details = {"before": _said(before), "after": _said(after)}
        audit.record(tx, actor, Event.DOCUMENT_CHANGE, document_id, now, details)
        if title != before.title:
            reprocessing.requeue(tx, actor, document_id, now)
        return documents.read(tx, actor, document_id, kyo.now())


def add_tags(kyo: Kyo, actor: Actor, document_id: UUID, tags: Sequence[str]) -> Document:
    """Add tags to those that a document has. Raises `Invalid`, `NotFound`."""
    actor.require(Permission.DOCUMENT_CHANGE)
    with kyo.db.transaction(actor) as tx:
        before = documents.lock_to_decide(tx, actor, document_id, kyo.now())
        all_tags = checked_tags([*before.tags, *tags])
        if all_tags == before.tags:
            return before
        curation.change(
            tx,
            document_id,
            title=before.title,
            owner_id=before.owner_id,
            tags=all_tags,
            review_by=before.review_by,
            now=kyo.now(),
        )
        details = {"title": before.title, "before": {"tags": before.tags}, "after": {"tags": all_tags}}
        audit.record(tx, actor, Event.DOCUMENT_CHANGE, document_id, kyo.now(), details)
        return documents.read(tx, actor, document_id, kyo.now())


def move(kyo: Kyo, actor: Actor, document_id: UUID, collection: str) -> Document:
    """Move a document to another collection, for somebody who may approve in both. Raises `NotFound`.

    From now on those may read it who may read there, and its single readers as before.
    """
    actor.require(Permission.DOCUMENT_CHANGE)
    with kyo.db.transaction(actor) as tx:
        before = documents.lock_to_decide(tx, actor, document_id, kyo.now())
        if before.collection == collection:
            return before
        wanted = storable(collection)
        allowed = collections.accessible(tx, actor, Access.APPROVE)
        target = next((found for found in allowed if found.name == wanted), None)
        if target is None:
            raise NotFound("There is no such collection, or none in which you may approve documents.")
        curation.move(tx, document_id, target.id, kyo.now())
        details = {"title": before.title, "before": before.collection, "after": target.name}
        audit.record(tx, actor, Event.DOCUMENT_MOVE, document_id, kyo.now(), details)
        return documents.read(tx, actor, document_id, kyo.now())


def archive(kyo: Kyo, actor: Actor, document_id: UUID) -> Document:
    """Take a document out of all answers; its history stays. Raises `Conflict` when it is archived already."""
    actor.require(Permission.DOCUMENT_ARCHIVE)
    now = kyo.now()
    with kyo.db.transaction(actor) as tx:
        document = documents.lock_to_decide(tx, actor, document_id, kyo.now())
        if document.state is DocumentState.ARCHIVED:
            raise Conflict("This document is archived already.")
        _withdraw(tx, document)
        documents.set_state(tx, document_id, DocumentState.ARCHIVED, now)
        review_items.close(tx, actor, document_id, now)
        audit.record(tx, actor, Event.DOCUMENT_ARCHIVE, document_id, now)
        return documents.read(tx, actor, document_id, kyo.now())


def restore(kyo: Kyo, actor: Actor, document_id: UUID) -> Document:
    """Bring an archived document back as what it was: it answers questions again at once, if it did.

    A version that was approved before and has become ready meanwhile takes its place. Raises `Conflict`.
    """
    actor.require(Permission.DOCUMENT_ARCHIVE)
    now = kyo.now()
    with kyo.db.transaction(actor) as tx:
        document = documents.lock_to_decide(tx, actor, document_id, kyo.now())
        if document.state is not DocumentState.ARCHIVED:
            raise Conflict("This document is not archived.")
        newest = versions.latest_of(tx, document_id).review
        state = state_after_archive(approved=versions.has_approved(tx, document_id), newest=newest)
        documents.set_state(tx, document_id, state, now)
        audit.record(tx, actor, Event.DOCUMENT_RESTORE, document_id, now, {"title": document.title, "state": state})
        corpus.lock(tx)
        corpus.readmit(tx, documents.current_version(tx, document_id))
        announce_drift(tx)
        publish(tx, actor, versions.approved_and_ready(tx, document_id), now)
        return documents.read(tx, actor, document_id, kyo.now())


def delete(kyo: Kyo, actor: Actor, document_id: UUID) -> Document:
    """Delete a document for good: its text, chunks, vectors and files, and the answers that quoted it.

    What stays is that it was there: its title, the names of its versions, and the audit log. Answers that Redis may
    still keep for a while are encrypted, and nobody asks for them any more. Raises `NotFound`, `Conflict`, and
    `Unavailable` when a file could not be removed.
    """
    actor.require(Permission.DOCUMENT_DELETE)
    now = kyo.now()
    with kyo.db.transaction(actor) as tx:
        document = documents.lock_to_decide(tx, actor, document_id, kyo.now())
        versions.lock_all(tx, document_id)
        _withdraw(tx, document)
        digests = curation.erase(tx, document_id, now)
        details = {
            "title": document.title,
            "collection": document.collection,
            "versions": document.latest.number,
            "files": len(digests),
        }
        audit.record(tx, actor, Event.DOCUMENT_DELETE, document_id, now, details)
        announce_drift(tx)
        deleted = documents.read(tx, actor, document_id, now, DocumentState.DELETED)
    _remove_files(kyo, actor, digests)
    return deleted


def _remove_files(kyo: Kyo, actor: Actor, digests: Sequence[str]) -> None:
    """Remove files of a deleted document that no other one has. What a crash leaves of them, `kyo doctor` finds."""
    for sha256 in digests:
        with kyo.db.transaction(actor) as tx:
            versions.lock_digest(tx, sha256)
            if versions.digest_in_use(tx, sha256):
                continue
            try:
                kyo.files.remove(sha256)
            except Unavailable as error:
                left = "The document is deleted, but not its file yet: run `kyo doctor --repair`."
                raise Unavailable(f"{left} {error.message}") from error


def _withdraw(tx: Transaction, document: Document) -> None:
    if document.searchable:
        corpus.lock(tx)
        corpus.withdraw(tx, documents.current_version(tx, document.id))


def _require_day(before: Document, review_by: date | None, today: date) -> None:
    if review_by == before.review_by:
        return
    if before.stale_since is not None:
        raise Conflict(_OVERDUE)
    if review_by is not None:
        checked_review_by(review_by, today)


def _hand_over(kyo: Kyo, tx: Transaction, actor: Actor, document_id: UUID, owner: UUID) -> None:
    """Whose task a review was is told to the new owner by the next look at what is due."""
    if names.of_active_person(tx, owner) is None or not documents.has_access(tx, owner, document_id, Access.WRITE):
        raise Invalid(_NO_OWNER)
    review_items.close(tx, actor, document_id, kyo.now())


def _said(document: Document) -> Mapping[str, object]:
    """What the audit log says of it."""
    return {
        "title": document.title,
        "owner": document.owner_name,
        "tags": document.tags,
        "review_by": document.review_by,
    }
