"""Decisions about documents: approve, reject, confirm what is overdue, go back to an earlier version."""

from datetime import date
from uuid import UUID

from kyo_pipeline.db import audit, collections, documents, review_items, versions
from kyo_pipeline.db.documents import Filter
from kyo_pipeline.db.engine import Transaction
from kyo_pipeline.db.publishing import publish, put_back
from kyo_pipeline.db.versions import VersionRow
from kyo_pipeline.domain.actor import Actor, Permission
from kyo_pipeline.domain.audit import Event
from kyo_pipeline.domain.collections import default_review_by
from kyo_pipeline.domain.documents import (
    Document,
    DocumentPage,
    DocumentState,
    Review,
    VersionStatus,
    checked_review_by,
    why_not_approve,
)
from kyo_pipeline.domain.pages import MAX_PAGE
from kyo_pipeline.domain.typed_text import storable
from kyo_pipeline.errors import Conflict, Invalid, NotAllowed, NotFound
from kyo_pipeline.kyo import Kyo

MAX_REASON_LENGTH = 1000


def waiting(kyo: Kyo, actor: Actor, limit: int = 50, offset: int = 0) -> DocumentPage:
    """Documents of which a version waits for a decision that this actor's role and collections allow.

    `latest` is that version, also where somebody has a newer draft.
    """
    actor.require(Permission.DOCUMENT_APPROVE)
    wanted = Filter(review=Review.PENDING, to_decide=True, limit=limit, offset=offset)
    with kyo.db.transaction(actor) as tx:
        return documents.find(tx, actor, wanted, kyo.now())


def overdue(kyo: Kyo, actor: Actor, limit: int = 50, offset: int = 0) -> DocumentPage:
    """Documents whose review is overdue, of those that the actor owns or may decide about."""
    actor.require(Permission.DOCUMENT_READ)
    wanted = Filter(stale=True, theirs=True, limit=min(max(limit, 1), MAX_PAGE), offset=max(offset, 0))
    with kyo.db.transaction(actor) as tx:
        return documents.find(tx, actor, wanted, kyo.now())


def may_approve(kyo: Kyo, actor: Actor, document: Document) -> str | None:
    """None when the actor may approve the newest version, else the sentence that says why not."""
    if not actor.may(Permission.DOCUMENT_APPROVE):
        return "Your role does not allow approving documents."
    with kyo.db.transaction(actor) as tx:
        return _why_not(kyo, tx, actor, document.id, document.latest.status, document.latest.uploaded_by)


def may_confirm(kyo: Kyo, actor: Actor, document: Document) -> str | None:
    """None when the actor may say that a document is still right, else the sentence that says why not."""
    if not actor.may(Permission.DOCUMENT_APPROVE):
        return "Your role does not allow approving documents."
    with kyo.db.transaction(actor) as tx:
        return _why_not_confirm(kyo, tx, actor, document)


def approve(kyo: Kyo, actor: Actor, version_id: UUID, review_by: date | None = None) -> Document:
    """Approve a version. It answers questions from the moment it is ready too.

    `review_by` is the last day on which this holds. Without one, the collection says for how many months; where it does
    not, a day that was set for the document and lies ahead stays. Raises `NotAllowed`, `Conflict`, `Invalid`.
    """
    actor.require(Permission.DOCUMENT_APPROVE)
    now = kyo.now()
    with kyo.db.transaction(actor) as tx:
        version = _lock_pending(kyo, tx, actor, version_id)
        reason = _why_not(kyo, tx, actor, version.document_id, version.status, version.uploaded_by)
        if reason is not None:
            raise NotAllowed(reason)
        document = documents.read(tx, actor, version.document_id, kyo.now())
        until = _review_by(kyo, tx, document, review_by)
        versions.decide(tx, version_id, Review.APPROVED, actor.id, None, now)
        documents.approve(tx, document.id, until, now)
        review_items.close(tx, actor, document.id, now)
        own = version.uploaded_by == actor.id
        audit.record(tx, actor, Event.DOCUMENT_APPROVE, version_id, now, {"own_upload": own, "review_by": until})
        publish(tx, actor, [version_id], now)
        return documents.read(tx, actor, document.id, kyo.now())


def confirm(kyo: Kyo, actor: Actor, document_id: UUID, review_by: date | None = None) -> Document:
    """Approve once more what answers questions already: it is still right. It is not overdue any more.

    `review_by` as for `approve`, and the same rule about one's own uploads. Raises `NotFound`, `NotAllowed`,
    `Conflict`, `Invalid`.
    """
    actor.require(Permission.DOCUMENT_APPROVE)
    now = kyo.now()
    with kyo.db.transaction(actor) as tx:
        document = documents.lock_to_decide(tx, actor, document_id, now)
        if not document.searchable:
            raise Conflict("This document does not answer questions now, so there is nothing to confirm.")
        if reason := _why_not_confirm(kyo, tx, actor, document):
            raise NotAllowed(reason)
        until = _review_by(kyo, tx, document, review_by)
        documents.approve(tx, document_id, until, now)
        review_items.close(tx, actor, document_id, now)
        details = {"title": document.title, "version": document.current_number, "review_by": until}
        audit.record(tx, actor, Event.DOCUMENT_CONFIRM, document_id, now, details)
        return documents.read(tx, actor, document_id, kyo.now())


def roll_back(kyo: Kyo, actor: Actor, version_id: UUID) -> Document:
    """Have another version answer questions from now on that was approved once, an earlier or a later one.

    It has its chunks and vectors still: nothing is processed. Raises `NotFound`, `Conflict`.
    """
    actor.require(Permission.DOCUMENT_APPROVE)
    now = kyo.now()
    with kyo.db.transaction(actor) as tx:
        version = versions.lock(tx, version_id)
        if version is None or not documents.may_decide(tx, actor, version.document_id):
            raise NotFound(documents.NOT_THEIRS)
        before = documents.read(tx, actor, version.document_id, kyo.now())
        if before.state is DocumentState.ARCHIVED:
            raise Conflict("This document is archived. Restore it first.")
        if documents.current_version(tx, before.id) == (version_id,):
            raise Conflict("This version answers questions already.")
        if version.review is not Review.APPROVED or version.status is not VersionStatus.READY:
            raise Conflict("Only a version that was approved, and that could be read, can answer questions.")
        put_back(tx, version_id, now)
        details = {"title": before.title, "before": before.current_number, "after": version.number}
        audit.record(tx, actor, Event.DOCUMENT_ROLL_BACK, version_id, now, details)
        return documents.read(tx, actor, before.id, kyo.now())


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
        return documents.read(tx, actor, version.document_id, kyo.now())


def _lock_pending(kyo: Kyo, tx: Transaction, actor: Actor, version_id: UUID) -> VersionRow:
    version = versions.lock(tx, version_id)
    if version is None or not documents.may_decide(tx, actor, version.document_id):
        raise NotFound(documents.NOT_THEIRS)
    if version.review is Review.DRAFT:
        raise Conflict("This version is a draft: whoever uploaded it has not sent it for review yet.")
    if version.review is not Review.PENDING:
        raise Conflict(f"Somebody has decided about this version already: it is {version.review.value}.")
    if documents.read(tx, actor, version.document_id, kyo.now()).state is DocumentState.ARCHIVED:
        raise Conflict("This document is archived.")
    if versions.has_newer_to_decide(tx, version.document_id, version.number):
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


def _why_not_confirm(kyo: Kyo, tx: Transaction, actor: Actor, document: Document) -> str | None:
    uploader = versions.uploader_of_current(tx, document.id)
    if uploader is None:
        return "This document does not answer questions now, so there is nothing to confirm."
    return _why_not(kyo, tx, actor, document.id, VersionStatus.READY, uploader)


def _review_by(kyo: Kyo, tx: Transaction, document: Document, wanted: date | None) -> date | None:
    """The last day of an approval that is given now."""
    today = kyo.now().date()
    if wanted is not None:
        return checked_review_by(wanted, today)
    if (months := collections.review_months(tx, document.id)) is not None:
        return default_review_by(today, months)
    return document.review_by if document.review_by is not None and document.review_by > today else None
