"""Reviews that are due: documents whose approval has run out, and the items of work that it makes."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Connection, text

from kyo_pipeline.domain.actor import Actor

#: An approved document whose last day is over, and that is not marked yet or that nobody has been told to look at.
_DUE = """
    d.state = 'approved'
    and d.review_by < :today
    and (
      d.stale_since is null
      or not exists (
        select from review_items i where i.document_id = d.id and i.kind = 'overdue' and i.closed_at is null
      )
    )
"""


def count_due(tx: Connection, today: date) -> int:
    return int(tx.scalar(text(f"select count(*) from documents d where {_DUE}"), {"today": today}) or 0)  # noqa: S608 — a constant


def lock_due(tx: Connection, today: date, limit: int) -> tuple[UUID, ...]:
    """Some of the documents that are due, locked."""
    statement = f"select d.id from documents d where {_DUE} order by d.id limit :limit for no key update"  # noqa: S608 — a constant
    return tuple(tx.scalars(text(statement), {"today": today, "limit": limit}))


def mark_stale(tx: Connection, document_ids: tuple[UUID, ...], now: datetime) -> tuple[UUID, ...]:
    """Mark documents as overdue; returns which were not marked before."""
    return tuple(
        tx.scalars(
            text(
                """
                update documents
                set stale_since = :now
                where id = any(cast(:ids as uuid[])) and stale_since is null
                returning id
                """
            ),
            {"ids": list(document_ids), "now": now},
        )
    )


def open_for_owners(tx: Connection, document_ids: tuple[UUID, ...], now: datetime) -> None:
    """Give each document's owner the task to look at it; where somebody has it already, nothing changes."""
    tx.execute(
        text(
            """
            insert into review_items (document_id, kind, assigned_to, opened_at)
            select id, 'overdue', owner_id, :now
            from documents
            where id = any(cast(:ids as uuid[]))
            order by id
            on conflict (document_id) where kind = 'overdue' and closed_at is null do nothing
            """
        ),
        {"ids": list(document_ids), "now": now},
    )


def close(tx: Connection, actor: Actor, document_id: UUID, now: datetime) -> None:
    """What was overdue has been looked at, or need not be any more. What people said of answers stays open."""
    tx.execute(
        text(
            """
            update review_items
            set closed_at = :now, closed_by = :actor
            where document_id = :id and kind = 'overdue' and closed_at is null
            """
        ),
        {"id": document_id, "actor": actor.id, "now": now},
    )
