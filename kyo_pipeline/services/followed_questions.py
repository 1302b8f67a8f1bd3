"""Questions of one's own that one wants to hear of when they are answered: in the app, by no mail."""

from uuid import UUID

from kyo_pipeline.db import audit, question_followers
from kyo_pipeline.domain.actor import Actor, Permission
from kyo_pipeline.domain.audit import Event
from kyo_pipeline.domain.gaps import AnsweredQuestion
from kyo_pipeline.errors import NotFound
from kyo_pipeline.kyo import Kyo


def follow(kyo: Kyo, actor: Actor, question_id: UUID, *, wanted: bool = True) -> None:
    """Be told when a question of one's own is answered, or no longer. Raises `NotFound`."""
    actor.require(Permission.ANSWER_READ_OWN)
    with kyo.db.transaction(actor) as tx:
        if not question_followers.is_own(tx, actor, question_id):
            raise NotFound("There is no such question among yours.")
        if wanted:
            question_followers.follow(tx, actor, question_id, kyo.now())
        else:
            question_followers.unfollow(tx, actor, question_id)
        event = Event.QUESTION_FOLLOW if wanted else Event.QUESTION_UNFOLLOW
        audit.record(tx, actor, event, question_id, kyo.now())


def is_followed(kyo: Kyo, actor: Actor, question_id: UUID) -> bool:
    """Whether the actor is to be told of it."""
    actor.require(Permission.ANSWER_READ_OWN)
    with kyo.db.transaction(actor) as tx:
        return question_followers.follows(tx, actor, question_id)


def answered(kyo: Kyo, actor: Actor) -> tuple[AnsweredQuestion, ...]:
    """What there is to tell: a document answers the question, and the actor may read it; what was dismissed is not."""
    actor.require(Permission.ANSWER_READ_OWN)
    with kyo.db.transaction(actor) as tx:
        return question_followers.answered(tx)


def dismiss(kyo: Kyo, actor: Actor, question_id: UUID) -> None:
    """The actor has been told, and has seen it."""
    actor.require(Permission.ANSWER_READ_OWN)
    with kyo.db.transaction(actor) as tx:
        question_followers.dismiss(tx, actor, question_id, kyo.now())
        audit.record(tx, actor, Event.QUESTION_DISMISS, question_id, kyo.now())
