"""What people have asked for in the app: a new embedding set by the settings."""

from datetime import datetime

from sqlalchemy import Connection, text

from kyo_pipeline.domain.actor import Actor, Role


def add(tx: Connection, actor: Actor, now: datetime) -> None:
    """At most one waits: a second one raises `Conflict`."""
    tx.execute(
        text("insert into embedding_requests (requested_by, requested_at) values (:actor, :now)"),
        {"actor": actor.id, "now": now},
    )


def is_waiting(tx: Connection) -> bool:
    return bool(tx.scalar(text("select exists (select from embedding_requests where taken_at is null)")))


def asker(tx: Connection) -> Actor | None:
    """Who has asked, if they still may; None where nobody waits."""
    row = tx.execute(
        text(
            """
            select u.id, u.username, u.name, u.role
            from embedding_requests r
            join users u on u.id = r.requested_by
            where r.taken_at is null and u.active and u.role = 'admin'
            """
        )
    ).one_or_none()
    return None if row is None else Actor(row.id, row.username, row.name, Role(row.role))


def take(tx: Connection, now: datetime) -> bool:
    """Whether a request waited, which it does no more."""
    result = tx.execute(text("update embedding_requests set taken_at = :now where taken_at is null"), {"now": now})
    return result.rowcount == 1
