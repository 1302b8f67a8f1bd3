"""What a person has used of their limits, counted exactly; `domain/limits.py` says how it is used."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, text

from kyo_pipeline.db import audit
from kyo_pipeline.db.engine import Database
from kyo_pipeline.domain.actor import OPERATOR, Actor
from kyo_pipeline.domain.audit import Event
from kyo_pipeline.domain.limits import Limit, LimitReached, window
from kyo_pipeline.domain.ports import Cache

_AUDITED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class Asked:
    """Questions of one person in the windows that hold this moment."""

    today: int
    this_minute: int


def lock(tx: Connection, actor: Actor) -> None:
    """Until the end of the transaction, whoever else counts for this person waits.

    A statement of its own: one that counted as well would count what there was before it had to wait.
    """
    tx.execute(text("select pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": f"kyo.usage:{actor.id}"})


def questions_asked(tx: Connection, actor: Actor, now: datetime) -> Asked:
    day = window(Limit.QUESTIONS_A_DAY.length, now)
    minute = window(Limit.QUESTIONS_A_MINUTE.length, now)
    row = tx.execute(
        text(
            """
            select count(*) as today,
              count(*) filter (where asked_at >= :minute_start and asked_at < :minute_end) as this_minute
            from questions
            where user_id = :actor and asked_at >= :day_start and asked_at < :day_end
            """
        ),
        {
            "actor": actor.id,
            "day_start": day.start,
            "day_end": day.end,
            "minute_start": minute.start,
            "minute_end": minute.end,
        },
    ).one()
    return Asked(row.today, row.this_minute)


def files_uploaded(tx: Connection, actor: Actor, now: datetime) -> int:
    """In this hour: versions that the person can still see, which are their own."""
    hour = window(Limit.UPLOADS_AN_HOUR.length, now)
    return int(
        tx.scalar(
            text(
                """
                select count(*)
                from document_versions
                where uploaded_by = :actor and uploaded_at >= :start and uploaded_at < :end
                """
            ),
            {"actor": actor.id, "start": hour.start, "end": hour.end},
        )
        or 0
    )


@contextmanager
def refusals_audited(
    db: Database, cache: Cache, actor: Actor, event: Event, now: Callable[[], datetime]
) -> Iterator[None]:
    """Audit a `LimitReached` and raise it again: one row a person, limit and minute, so that no loop fills the log.

    PostgreSQL sees to that; the cache only spares it the question. The row has a transaction of its own, because that
    of the refused deed is rolled back, and the operator writes it, because others may not read the log.
    """
    try:
        yield
    except LimitReached as refused:
        at = now()
        minute = window(_AUDITED_EVERY, at)
        key = f"refused:{refused.usage.limit.value}:{actor.id}:{minute.start:%Y-%m-%dT%H:%M}"
        if cache.get(key) is None:
            with db.transaction(OPERATOR) as tx:
                lock(tx, actor)
                if not _is_audited(tx, actor, event, refused.usage.limit, minute.start):
                    _audit(tx, actor, event, refused, at)
            cache.set(key, b"audited", int(_AUDITED_EVERY.total_seconds()))
        raise


def _is_audited(tx: Connection, actor: Actor, event: Event, limit: Limit, since: datetime) -> bool:
    return bool(
        tx.scalar(
            text(
                """
                select exists (
                  select
                  from audit_log
                  where at >= :since and actor_id = :actor and event = :event and details ->> 'limit' = :limit
                )
                """
            ),
            {"since": since, "actor": actor.id, "event": event.value, "limit": limit.value},
        )
    )


def _audit(tx: Connection, actor: Actor, event: Event, refused: LimitReached, at: datetime) -> None:
    usage = refused.usage
    details = {"limit": usage.limit.value, "allowed": usage.allowed, "until": usage.resets_at.isoformat()}
    audit.record(tx, actor, event, actor.id, at, details, outcome="refused")
