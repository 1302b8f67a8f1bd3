"""Decisions about documents: approve, reject, archive."""

from uuid import UUID

from kyo_pipeline.db import audit, corpus, documents, versions
from kyo_pipeline.db.documents import Filter
from kyo_pipeline.db.engine import Transaction
from kyo_pipeline.db.publishing import publish
from kyo_pipeline.db.versions import VersionRow
from kyo_pipeline.domain.actor import Actor, Permission
from kyo_pipeline.domain.audit import Event
from kyo_pipeline.domain.documents import (
    Document,
    DocumentPage,
    DocumentState,
    Review,
    VersionStatus,
    why_not_approve,
)
from kyo_pipeline.domain.typed_text import storable
from kyo_pipeline.errors import Conflict, Invalid, NotAllowed, NotFound
from kyo_pipeline.kyo import Kyo

MAX_REASON_LENGTH = 1000

_NO_DOCUMENT = "There is no such document, or none that you may decide about."


def waiting(kyo: Kyo, actor: Actor, limit: int = 50, offset: int = 0) -> DocumentPage:
    """Documents whose newest version waits for a decision that this actor's role and collections allow."""
    actor.require(Permission.DOCUMENT_APPROVE)
    wanted = Filter(review=Review.PENDING, to_decide=True, limit=limit, offset=offset)
    with kyo.db.transaction(actor) as tx:
        return documents.find(tx, actor, wanted, kyo.now())


def may_approve(kyo: Kyo, actor: Actor, document: Document) -> str | None:
    """None when the actor may approve the newest version, else the sentence that says why not."""
    if not actor.may(Permission.DOCUMENT_APPROVE):
        return "Your role does not allow approving documents."
    with kyo.db.transaction(actor) as tx:
        return _why_not(kyo, tx, actor, document.id, document.latest.status, document.latest.uploaded_by)


def approve(kyo: Kyo, actor: Actor, version_id: UUID) -> Document:
    """Approve a version. It answers questions from the moment it is ready too. Raises `NotAllowed`, `Conflict`."""
    actor.require(Permission.DOCUMENT_APPROVE)
    now = kyo.now()
    with kyo.db.transaction(actor) as tx:
        version = _lock_pending(kyo, tx, actor, version_id)
        reason = _why_not(kyo, tx, actor, version.document_id, version.status, version.uploaded_by)
        if reason is not None:
            raise NotAllowed(reason)
        versions.decide(tx, version_id, Review.APPROVED, actor.id, None, now)
        documents.set_state(tx, version.document_id, DocumentState.APPROVED, now)
        own = version.uploaded_by == actor.id
        audit.record(tx, actor, Event.DOCUMENT_APPROVE, version_id, now, {"own_upload": own})
        publish(tx, actor, [version_id], now)
        return _read(kyo, tx, actor, version.document_id)


def reject(kyo: Kyo, actor: Actor, version_id: UUID, reason: str) -> Document:
    """Turn a version down, with a reason for whoever uploaded it. What is approved already stays. Raises `Invalid`."""
    actor.require(Permission.DOCUMENT_APPROVE)
    reason = storable(reason)
    if not reason or len(reason) > MAX_REASON_LENGTH:
        raise Invalid(f"Say in 1 to {MAX_REASON_LENGTH} characters why it is turned down.")
    now = kyo.now()
    with kyo.db.transaction(actor) as tx:
        version = _lock_pending(kyo, tx, actor, version_id)
        versions.decide(tx, version_id, Review.REJECTED, actor.id, reason, now)
        if not versions.has_approved(tx, version.document_id):
            documents.set_state(tx, version.document_id, DocumentState.REJECTED, now)
        audit.record(tx, actor, Event.DOCUMENT_REJECT, version_id, now, {"reason": reason})
        return _read(kyo, tx, actor, version.document_id)


def archive(kyo: Kyo, actor: Actor, document_id: UUID) -> Document:
    """Take a document out of all answers; its history stays. Raises `Conflict` when it is archived already."""
    actor.require(Permission.DOCUMENT_ARCHIVE)
    now = kyo.now()
    with kyo.db.transaction(actor) as tx:
        if not documents.may_decide(tx, actor, document_id):
            raise NotFound(_NO_DOCUMENT)
        documents.lock(tx, document_id)
        document = _read(kyo, tx, actor, document_id)
        if document.state is DocumentState.ARCHIVED:
            raise Conflict("This document is archived already.")
        if document.searchable:
            corpus.lock(tx)
            corpus.withdraw(tx, documents.current_version(tx, document_id))
        documents.set_state(tx, document_id, DocumentState.ARCHIVED, now)
        audit.record(tx, actor, Event.DOCUMENT_ARCHIVE, document_id, now)
        return _read(kyo, tx, actor, document_id)


def _lock_pending(kyo: Kyo, tx: Transaction, actor: Actor, version_id: UUID) -> VersionRow:
    version = versions.lock(tx, version_id)
    if version is None or not documents.may_decide(tx, actor, version.document_id):
        raise NotFound(_NO_DOCUMENT)
    if version.review is not Review.PENDING:
        raise Conflict(f"Somebody has decided about this version already: it is {version.review.value}.")
    if _read(kyo, tx, actor, version.document_id).state is DocumentState.ARCHIVED:
        raise Conflict("This document is archived.")
    if versions.latest_of(tx, version.document_id).id != version_id:
        raise Conflict("There is a newer version of this document; decide about that one.")
    return version


def _why_not(
    kyo: Kyo, tx: Transaction, actor: Actor, document_id: UUID, status: VersionStatus, uploaded_by: UUID
) -> str | None:
    return why_not_approve(
        status=status,
        own_upload=uploaded_by == actor.id and not actor.is_operator,
        rule=kyo.settings.KYO_SELF_APPROVAL,
        people_who_may=documents.count_approvers(tx, document_id),
    )


def _read(kyo: Kyo, tx: Transaction, actor: Actor, document_id: UUID) -> Document:
    found = documents.find(tx, actor, Filter(document_id=document_id), kyo.now()).documents
    if not found:
        raise NotFound(_NO_DOCUMENT)
    return found[0]
