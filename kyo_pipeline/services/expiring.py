"""Approvals that have run out: documents become overdue, and their owners are told to look at them."""

from kyo_pipeline.db import audit, review_items
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.audit import Event
from kyo_pipeline.kyo import Kyo

#: Nobody who works on one of the documents has to wait for thousands.
DOCUMENTS_A_TRANSACTION = 500


def count_due(kyo: Kyo) -> int:
    """How many documents `expire` would look at."""
    with kyo.db.transaction(OPERATOR) as tx:
        return review_items.count_due(tx, kyo.now().date())


def expire(kyo: Kyo) -> int:
    """Mark approved documents as overdue whose last day is over, and give their owners the task to look at them.

    They go on answering questions, and the answers say so. Returns how many became overdue; twice is the same as once.
    """
    expired = 0
    while (found := _expire_some(kyo)) is not None:
        expired += found
    return expired


def _expire_some(kyo: Kyo) -> int | None:
    """None when nothing is left."""
    now = kyo.now()
    with kyo.db.transaction(OPERATOR) as tx:
        due = review_items.lock_due(tx, now.date(), DOCUMENTS_A_TRANSACTION)
        marked = review_items.mark_stale(tx, due, now)
        for document_id in marked:
            audit.record(tx, OPERATOR, Event.DOCUMENT_EXPIRE, document_id, now)
        review_items.open_for_owners(tx, due, now)
        return len(marked) if due else None
