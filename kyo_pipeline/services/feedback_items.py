"""Answers that somebody found unhelpful: for the owners of what they cite, and those who may approve it."""

from collections.abc import Sequence
from uuid import UUID

from kyo_pipeline import on_record
from kyo_pipeline.db import audit, feedback_items
from kyo_pipeline.domain.actor import Actor, Permission
from kyo_pipeline.domain.audit import Event
from kyo_pipeline.domain.evaluation_cases import MAX_DOCUMENTS, checked_answer
from kyo_pipeline.domain.feedback import Reason
from kyo_pipeline.domain.feedback_items import Decision, FeedbackDetail, FeedbackPage, Resolution, Resolved
from kyo_pipeline.domain.pages import MAX_PAGE
from kyo_pipeline.domain.typed_text import composed, storable
from kyo_pipeline.errors import Conflict, Invalid, NotFound
from kyo_pipeline.kyo import Kyo

_NO_ITEM = "There is no such feedback, or none that you may look into. Perhaps it was taken back."


def list_items(
    kyo: Kyo,
    actor: Actor,
    *,
    closed: bool = False,
    reason: Reason | None = None,
    text: str = "",
    limit: int = 20,
    offset: int = 0,
) -> FeedbackPage:
    """What the actor may look into, the newest first: of those, the newest 500.

    `text` is looked for in questions and in the titles of documents.
    """
    actor.require(Permission.FEEDBACK_REVIEW)
    with kyo.db.transaction(actor) as tx:
        return feedback_items.find(
            tx,
            closed=closed,
            reason=reason,
            wanted=composed(storable(text)),
            limit=min(max(limit, 1), MAX_PAGE),
            offset=max(offset, 0),
        )


def count_open(kyo: Kyo, actor: Actor) -> int:
    """How many wait for the actor, or for somebody else who may look into them: `MOST_COUNTED` at the most."""
    actor.require(Permission.FEEDBACK_REVIEW)
    with kyo.db.transaction(actor) as tx:
        return feedback_items.count_open(tx)


def read_item(kyo: Kyo, actor: Actor, item_id: UUID) -> FeedbackDetail:
    """One of them with the answer as it was, and never who asked. Raises `NotFound`."""
    actor.require(Permission.FEEDBACK_REVIEW)
    with on_record.out_of_reach(kyo, actor, Event.ANSWER_READ, item_id):
        with kyo.db.transaction(actor) as tx:
            found = feedback_items.read(tx, actor, item_id)
        if found is None:
            raise NotFound(_NO_ITEM)
    # Under the id of the item: that of the answer would tell whoever reads the log who asked.
    on_record.read(kyo, actor, Event.ANSWER_READ, item_id)
    return found


def resolve(
    kyo: Kyo,
    actor: Actor,
    item_id: UUID,
    resolution: Resolution,
    note: str = "",
    *,
    sources: Sequence[UUID] = (),
    expected: str = "",
) -> Resolved:
    """Say what was found, once. An answer that was right, and one that is put right, become an evaluation case.

    `sources` and `expected`, the documents with the right answer and what it says, go with a correction alone. Raises
    `Invalid`, `NotFound`, and `Conflict` where somebody was quicker.
    """
    actor.require(Permission.FEEDBACK_REVIEW)
    chosen = tuple(dict.fromkeys(sources))
    if len(chosen) > MAX_DOCUMENTS:
        raise Invalid(f"Choose {MAX_DOCUMENTS} documents at most.")
    decision = Decision(resolution, storable(note), chosen, checked_answer(expected)).checked()
    now = kyo.now()
    with kyo.db.transaction(actor) as tx:
        found = feedback_items.read(tx, actor, item_id)
        if found is None:
            raise NotFound(_NO_ITEM)
        if not all(feedback_items.may_be_source(tx, actor, source) for source in chosen):
            raise Invalid("Choose a document that you may read and that answers questions now.")
        resolved = feedback_items.resolve(tx, item_id, decision, now)
        if resolved is None:
            raise Conflict("Somebody has decided about this already, or it was taken back. Look at the list again.")
        details = {"resolution": resolution.value, "document": resolved.document_id, "case": resolved.case_id}
        audit.record(tx, actor, Event.FEEDBACK_RESOLVE, item_id, now, details)
        if resolved.case_id is not None:
            audit.record(tx, actor, Event.EVALUATION_CASE_ADD, resolved.case_id, now, {"origin": "review"})
        return resolved
