"""What people asked before, and what they thought of the answers."""

from collections.abc import Sequence
from uuid import UUID

from kyo_pipeline import on_record
from kyo_pipeline.db import audit, citations, conversations, feedback_items, questions
from kyo_pipeline.domain.actor import Actor, Permission
from kyo_pipeline.domain.answers import Answer, AnswerPage, Outcome
from kyo_pipeline.domain.audit import Event
from kyo_pipeline.domain.conversation import Conversation
from kyo_pipeline.domain.feedback import Opinion, Reason
from kyo_pipeline.domain.feedback_items import Reviewed
from kyo_pipeline.domain.pages import MAX_PAGE
from kyo_pipeline.domain.typed_text import composed, storable
from kyo_pipeline.errors import Invalid, NotFound
from kyo_pipeline.kyo import Kyo


def list_answers(kyo: Kyo, actor: Actor, *, text: str = "", limit: int = 20, offset: int = 0) -> AnswerPage:
    """The actor's own questions with their answers, newest first."""
    actor.require(Permission.ANSWER_READ_OWN)
    with kyo.db.transaction(actor) as tx:
        return questions.history(tx, actor, composed(storable(text)), min(max(limit, 1), MAX_PAGE), max(offset, 0))


def read_answer(kyo: Kyo, actor: Actor, answer_id: UUID) -> Answer:
    """An answer to one of the actor's own questions. Raises `NotFound`.

    Reading it again goes on record; that it was given stands there already.
    """
    actor.require(Permission.ANSWER_READ_OWN)
    with on_record.out_of_reach(kyo, actor, Event.ANSWER_READ, answer_id):
        with kyo.db.transaction(actor) as tx:
            answer = questions.own_answer(tx, actor, answer_id)
        if answer is None:
            raise NotFound("There is no such answer among yours.")
    if kyo.now() - answer.asked_at > on_record.READING:
        on_record.read(kyo, actor, Event.ANSWER_READ, answer.id)
    return answer


def read_conversation(kyo: Kyo, actor: Actor, conversation_id: UUID, limit: int = MAX_PAGE) -> Conversation:
    """One of the actor's own conversations, with the answers to its last questions. Raises `NotFound`."""
    actor.require(Permission.ANSWER_READ_OWN)
    with kyo.db.transaction(actor) as tx:
        if not conversations.is_own(tx, actor, conversation_id):
            raise NotFound("There is no such conversation among yours.")
        asked = conversations.question_ids(tx, actor, conversation_id, min(max(limit, 1), MAX_PAGE))
        found = [questions.own_answer(tx, actor, question_id) for question_id in asked]
    answers = tuple(answer for answer in found if answer is not None)
    if any(kyo.now() - answer.asked_at > on_record.READING for answer in answers):
        on_record.read(kyo, actor, Event.ANSWER_READ, conversation_id)
    return Conversation(conversation_id, answers)


def still_readable(kyo: Kyo, actor: Actor, answer_ids: Sequence[UUID]) -> frozenset[UUID]:
    """Of these answers to the actor's own questions, those that are there and quote nothing out of their reach."""
    actor.require(Permission.ANSWER_READ_OWN)
    with kyo.db.transaction(actor) as tx:
        return questions.readable(tx, actor, answer_ids)


def rate(
    kyo: Kyo,
    actor: Actor,
    answer_id: UUID,
    rating: int,
    comment: str = "",
    reason: Reason | None = None,
    correct_document_id: UUID | None = None,
) -> None:
    """Say whether an answer helped (1) or not (-1), and why; the last word counts.

    What did not help becomes an item for those who look after the documents that it cites, or after the one that the
    asker says has the answer; a thumb up takes the item back, unless somebody has decided about it.
    Raises `Invalid`, `NotFound`.
    """
    actor.require(Permission.ANSWER_RATE)
    opinion = Opinion(rating, storable(comment), reason, correct_document_id).checked()
    now = kyo.now()
    with kyo.db.transaction(actor) as tx:
        citations.hold_documents(tx, answer_id, correct_document_id)
        answer = questions.own_answer(tx, actor, answer_id)
        if answer is None or answer.outcome in (Outcome.WITHHELD, Outcome.ERASED):
            raise NotFound("There is no such answer among yours.")
        if correct_document_id is not None and not feedback_items.may_be_source(tx, actor, correct_document_id):
            raise Invalid("Name a document that you may read and that answers questions now.")
        questions.rate(tx, actor, answer.id, opinion, now)
        feedback_items.follow(tx, answer.id, now)
        details = {"rating": rating, **({"reason": reason.value} if reason else {})}
        audit.record(tx, actor, Event.ANSWER_RATE, answer.id, now, details)


def withdraw_rating(kyo: Kyo, actor: Actor, answer_id: UUID) -> None:
    """Say nothing about an answer any more, also about one that the actor may no longer read. Raises `NotFound`."""
    actor.require(Permission.ANSWER_RATE)
    now = kyo.now()
    with kyo.db.transaction(actor) as tx:
        citations.hold_documents(tx, answer_id)
        taken_back = questions.unrate(tx, actor, answer_id)
        if taken_back is None:
            raise NotFound("You have not rated this answer.")
        feedback_items.follow(tx, taken_back, now)
        audit.record(tx, actor, Event.ANSWER_UNRATE, taken_back, now)


def outcome_of_rating(kyo: Kyo, actor: Actor, answer_id: UUID) -> Reviewed | None:
    """What came of it that an answer of the actor's did not help; None as long as nobody has decided."""
    actor.require(Permission.ANSWER_READ_OWN)
    with kyo.db.transaction(actor) as tx:
        return feedback_items.outcome(tx, answer_id)
