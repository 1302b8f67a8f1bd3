"""Whether somebody may ask now: the limits of `domain/limits.py`, in Redis first, in PostgreSQL with the question."""

from datetime import datetime
from uuid import UUID

from kyo_pipeline.db import conversations, questions, usage
from kyo_pipeline.db.engine import Transaction
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.limits import Limit, LimitReached, Usage, counter_key
from kyo_pipeline.errors import NotFound
from kyo_pipeline.kyo import Kyo

_DAY_SECONDS = 24 * 3600
_MINUTE_SECONDS = 60


def admit(kyo: Kyo, actor: Actor, question: str, conversation_id: UUID | None) -> tuple[UUID, UUID]:
    """Store the question, if the limits let it through: see `domain/limits.py`. Raises `NotFound`, `TooMany`.

    Returns its id and that of its conversation.
    """
    if actor.is_operator:
        with kyo.db.transaction(actor) as tx:
            return _add(tx, actor, question, conversation_id, kyo.now())
    _require_known_day(kyo, actor)
    require_minute(kyo, actor)
    with kyo.db.transaction(actor) as tx:
        usage.lock(tx, actor)
        now = kyo.now()  # not before: while it waited for the lock, the next day may have begun
        asked = usage.questions_asked(tx, actor, now)
        usages = (
            Usage.of(Limit.QUESTIONS_A_DAY, kyo.settings.MAX_QUERIES_PER_DAY, asked.today, now),
            Usage.of(Limit.QUESTIONS_A_MINUTE, kyo.settings.KYO_QUERIES_PER_MINUTE, asked.this_minute, now),
        )
        admitted = all(one.left for one in usages)
        added = _add(tx, actor, question, conversation_id, now) if admitted else None
    key = counter_key(Limit.QUESTIONS_A_DAY, actor.id, now)
    kyo.cache.set(key, str(asked.today + admitted).encode(), _DAY_SECONDS)
    if added is None:
        raise LimitReached(next(one for one in usages if not one.left))
    return added


def require_minute(kyo: Kyo, actor: Actor) -> None:
    """Count one more attempt in this minute; refuse it where that is one too many."""
    now = kyo.now()
    counted = kyo.cache.count(counter_key(Limit.QUESTIONS_A_MINUTE, actor.id, now), _MINUTE_SECONDS)
    Usage.of(Limit.QUESTIONS_A_MINUTE, kyo.settings.KYO_QUERIES_PER_MINUTE, counted - 1, now).require_one()


def _add(
    tx: Transaction, actor: Actor, question: str, conversation_id: UUID | None, now: datetime
) -> tuple[UUID, UUID]:
    if conversation_id is None:
        conversation_id = conversations.begin(tx, actor, now)
    elif not conversations.is_own(tx, actor, conversation_id):
        raise NotFound("There is no such conversation among yours.")
    return questions.add_question(tx, actor, question, now, conversation_id), conversation_id


def _require_known_day(kyo: Kyo, actor: Actor) -> None:
    """Refuse what Redis knows to be refused. What it does not know, or not rightly, PostgreSQL does."""
    now = kyo.now()
    known = kyo.cache.get(counter_key(Limit.QUESTIONS_A_DAY, actor.id, now)) or b""
    used = int(known[:9]) if known.isdigit() else 0
    Usage.of(Limit.QUESTIONS_A_DAY, kyo.settings.MAX_QUERIES_PER_DAY, used, now).require_one()
