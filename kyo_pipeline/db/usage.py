"""What a person has used of their limits, counted exactly; `domain/limits.py` says how it is used."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from kyo_pipeline.db.engine import lock_name
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.limits import Limit, window


@dataclass(frozen=True)
class Asked:
    """Questions of one person in the windows that hold this moment."""

    today: int
    this_minute: int


def lock(tx: Connection, actor: Actor) -> None:
    """Until the end of the transaction, whoever else counts for this person waits.

    A statement of its own: one that counted as well would count what there was before it had to wait.
    """
    lock_name(tx, f"usage:{actor.id}")


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
    """In this hour: versions that the person can still see, which are their own. Reading one again is no upload."""
    hour = window(Limit.UPLOADS_AN_HOUR.length, now)
    return int(
        tx.scalar(
            text(
                """
                select count(*)
                from document_versions
                where uploaded_by = :actor and uploaded_at >= :start and uploaded_at < :end and reprocess_of is null
                """
            ),
            {"actor": actor.id, "start": hour.start, "end": hour.end},
        )
        or 0
    )
