"""Answers by a link: for whoever may read all that they cite."""

from uuid import UUID

from kyo_pipeline import on_record
from kyo_pipeline.db import audit, questions, shared_answers
from kyo_pipeline.domain.actor import Actor, Permission
from kyo_pipeline.domain.answers import Answer, Outcome, SharedAnswer
from kyo_pipeline.domain.audit import Event
from kyo_pipeline.errors import Conflict, NotFound
from kyo_pipeline.kyo import Kyo

NOT_THERE = "There is no such answer, or it is not for you."
_NOT_YOURS = "There is no such answer among yours."


def may_be_shared(answer: Answer) -> bool:
    """Only what cites something: the right to read that is the right to read the answer."""
    return answer.outcome is Outcome.ANSWERED and bool(answer.citations)


def share(kyo: Kyo, actor: Actor, answer_id: UUID) -> Answer:
    """Let everybody read an answer of the actor's who may read all its sources. Shared twice, the first time counts.

    Raises `NotFound`, and `Conflict` when it has no sources or cannot be read any more.
    """
    actor.require(Permission.ANSWER_SHARE)
    now = kyo.now()
    with kyo.db.transaction(actor) as tx:
        answer = _own(questions.own_answer(tx, actor, answer_id))
        if answer.shared_at is None:
            shared = shared_answers.share(tx, answer.id, now) if may_be_shared(answer) else None
            if shared is None:
                raise Conflict("Only an answer with sources that you may read can be shared.")
            audit.record(tx, actor, Event.ANSWER_SHARE, shared, now)
        return _own(questions.own_answer(tx, actor, answer.id))


def stop_sharing(kyo: Kyo, actor: Actor, answer_id: UUID) -> None:
    """Make an answer of the actor's theirs alone again, also one that they may no longer read. Raises `NotFound`."""
    actor.require(Permission.ANSWER_SHARE)
    with kyo.db.transaction(actor) as tx:
        answer = _own(questions.own_answer(tx, actor, answer_id))
        was_shared = answer.shared_at is not None
        if was_shared and (stopped := shared_answers.share(tx, answer.id, None)):
            audit.record(tx, actor, Event.ANSWER_UNSHARE, stopped, kyo.now())


def read_shared(kyo: Kyo, actor: Actor, answer_id: UUID) -> SharedAnswer:
    """An answer that somebody has shared, as those see it who may read all its sources where they stand.

    Raises `NotFound`, whatever the reason is.
    """
    actor.require(Permission.ANSWER_READ_SHARED)
    with on_record.out_of_reach(kyo, actor, Event.ANSWER_READ, answer_id):
        with kyo.db.transaction(actor) as tx:
            found = shared_answers.read(tx, actor, answer_id)
        if found is None:
            raise NotFound(NOT_THERE)
    on_record.read(kyo, actor, Event.ANSWER_READ, found.answer.id)
    return found


def _own(answer: Answer | None) -> Answer:
    if answer is None:
        raise NotFound(_NOT_YOURS)
    return answer
