"""The verified answer to a question, where a manager has verified one for the same question in other words."""

from contextlib import suppress
from uuid import UUID

from kyo_pipeline.db import audit, verified
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.answers import Outcome
from kyo_pipeline.domain.audit import Event
from kyo_pipeline.domain.follow_up import asked_now
from kyo_pipeline.domain.same_question import folded, key_of, same_question
from kyo_pipeline.errors import KyoError
from kyo_pipeline.finding import Stages
from kyo_pipeline.kyo import Kyo


def answered(kyo: Kyo, actor: Actor, question_id: UUID, searched: str, stages: Stages) -> UUID | None:
    """Store the newest verified answer that the actor may be given, and return its id; None where there is none.

    `searched` is the question so that it stands alone. No model is asked, and the embedding set does not matter. What
    goes wrong here is no reason not to answer as ever.
    """
    stages.begin()
    with suppress(KyoError), kyo.db.transaction(actor) as tx:
        for candidate in verified.find(tx, key_of(searched)):
            if not is_same(searched, candidate.question):
                continue
            stages.done("verified")
            now = kyo.now()
            answer_id = verified.give(tx, candidate.id, question_id, stages.timings, now)
            if answer_id is not None:
                # Not which one: whoever reads the log and that answer would know what this person has asked.
                details = {"outcome": Outcome.ANSWERED.value, "verified": True}
                audit.record(tx, actor, Event.ANSWER_ASK, answer_id, now, details)
                return answer_id
    return None


def is_same(searched: str, known: str) -> bool:
    """Whether the verified answer to the one is given for the other.

    What rules have made of a follow-up lacks the small words of its topic: that has to be the very same."""
    if asked_now(searched) != searched or asked_now(known) != known:
        return folded(searched) == folded(known)
    return same_question(searched, known)
