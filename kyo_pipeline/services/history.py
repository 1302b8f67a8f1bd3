"""What people asked before, and what they thought of the answers."""

from collections.abc import Sequence
from uuid import UUID

from kyo_pipeline import on_record
from kyo_pipeline.db import audit, conversations, questions
from kyo_pipeline.domain.actor import Actor, Permission
from kyo_pipeline.domain.answers import Answer, AnswerPage, Outcome
from kyo_pipeline.domain.audit import Event
from kyo_pipeline.domain.conversation import Conversation
from kyo_pipeline.domain.pages import MAX_PAGE
from kyo_pipeline.domain.typed_text import composed, storable
from kyo_pipeline.errors import Invalid, NotFound
from kyo_pipeline.kyo import Kyo

MAX_COMMENT_LENGTH = 2000


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


def rate(kyo: Kyo, actor: Actor, answer_id: UUID, rating: int, comment: str = "") -> None:
    """Say whether an answer helped (1) or not (-1); the last word counts. Raises `Invalid`, `NotFound`."""
    actor.require(Permission.ANSWER_RATE)
    comment = storable(comment)
    if rating not in (1, -1):
        raise Invalid("A rating is 1 (helpful) or -1 (not helpful).")
    if len(comment) > MAX_COMMENT_LENGTH:
        raise Invalid(f"A comment has {MAX_COMMENT_LENGTH} characters at most.")
    now = kyo.now()
    with kyo.db.transaction(actor) as tx:
        answer = questions.own_answer(tx, actor, answer_id)
        if answer is None or answer.outcome in (Outcome.WITHHELD, Outcome.ERASED):
            raise NotFound("There is no such answer among yours.")
        questions.rate(tx, actor, answer_id, rating, comment, now)
        audit.record(tx, actor, Event.ANSWER_RATE, answer_id, now, {"rating": rating})
