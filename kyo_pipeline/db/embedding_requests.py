"""What people have asked for in the app: a new embedding set by the settings."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from kyo_pipeline.domain.actor import Actor, Role


@dataclass(frozen=True)
class Request:
    by: Actor


def add(tx: Connection, actor: Actor, now: datetime) -> None:
    """At most one waits: a second one raises `Conflict`."""
    tx.execute(
        text("insert into embedding_requests (requested_by, requested_at) values (:actor, :now)"),
        {"actor": actor.id, "now": now},
    )


def is_waiting(tx: Connection) -> bool:
    return bool(tx.scalar(text("select exists (select from embedding_requests where taken_at is null)")))


def take(tx: Connection, now: datetime) -> Request | None:
    """The request that waits, which it then does no more."""
    row = tx.execute(
        text(
            """
            with taken as (
              update embedding_requests set taken_at = :now where taken_at is null returning requested_by
            )
            select u.id, u.username, u.name, u.role from taken t join users u on u.id = t.requested_by
            """
        ),
        {"now": now},
    ).one_or_none()
    return None if row is None else Request(Actor(row.id, row.username, row.name, Role(row.role)))
