"""What is left of one's limits."""

from dataclasses import dataclass

from kyo_pipeline.db import usage
from kyo_pipeline.domain.actor import Actor, Permission
from kyo_pipeline.domain.limits import Limit, Usage
from kyo_pipeline.kyo import Kyo


@dataclass(frozen=True)
class Allowance:
    """`used`, `allowed`, `left` and `resets_at` of each; None for the operator, who is not limited."""

    questions: Usage | None
    uploads: Usage | None


def read_allowance(kyo: Kyo, actor: Actor) -> Allowance:
    """What the actor has asked today and uploaded this hour, as PostgreSQL counts it. Raises `NotAllowed`."""
    actor.require(Permission.ANSWER_ASK)
    if actor.is_operator:
        return Allowance(None, None)
    now = kyo.now()
    with kyo.db.transaction(actor) as tx:
        asked = usage.questions_asked(tx, actor, now).today
        uploaded = usage.files_uploaded(tx, actor, now)
    return Allowance(
        Usage.of(Limit.QUESTIONS_A_DAY, kyo.settings.MAX_QUERIES_PER_DAY, asked, now),
        Usage.of(Limit.UPLOADS_AN_HOUR, kyo.settings.KYO_UPLOADS_PER_HOUR, uploaded, now),
    )
