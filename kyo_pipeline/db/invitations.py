"""Links with which people choose their first password. Only hashes of their tokens are stored."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text

from kyo_pipeline.domain.people import Invitation


@dataclass(frozen=True)
class Open:
    """An invitation that can be accepted, and what is known of the person it is for."""

    user_id: UUID
    email: str | None
    invitation: Invitation


def replace(
    tx: Connection, token_hash: bytes, user_id: UUID, created_by: UUID, now: datetime, expires_at: datetime
) -> None:
    """Store an invitation; an earlier one of the same person no longer works."""
    tx.execute(
        text(
            """
            insert into invitations (token_hash, user_id, created_by, created_at, expires_at)
            values (:token_hash, :user_id, :created_by, :now, :expires_at)
            on conflict (user_id) do update
            set token_hash = excluded.token_hash, created_by = excluded.created_by,
              created_at = excluded.created_at, expires_at = excluded.expires_at
            """
        ),
        {
            "token_hash": token_hash,
            "user_id": user_id,
            "created_by": created_by,
            "now": now,
            "expires_at": expires_at,
        },
    )


def find(tx: Connection, token_hash: bytes, now: datetime) -> Open | None:
    row = tx.execute(
        text(
            """
            select u.id, u.username, u.name, u.email, i.expires_at
            from invitations i
            join users u on u.id = i.user_id
            where i.token_hash = :token_hash and i.expires_at > :now and u.active
            """
        ),
        {"token_hash": token_hash, "now": now},
    ).one_or_none()
    return Open(row.id, row.email, Invitation(row.username, row.name, row.expires_at)) if row else None


def use(tx: Connection, token_hash: bytes, now: datetime) -> bool:
    """Whether it could be accepted; deleting it makes it single-use, even for two requests at once."""
    used = tx.execute(
        text("delete from invitations where token_hash = :token_hash and expires_at > :now"),
        {"token_hash": token_hash, "now": now},
    )
    return bool(used.rowcount)


def withdraw(tx: Connection, user_id: UUID) -> None:
    tx.execute(text("delete from invitations where user_id = :user_id"), {"user_id": user_id})
