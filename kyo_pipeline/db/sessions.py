"""Sign-in tickets and sessions. Only hashes of tokens are stored."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text

from kyo_pipeline.db.users import to_actor
from kyo_pipeline.domain.actor import Actor


def add_ticket(
    tx: Connection,
    ticket_hash: bytes,
    user_id: UUID,
    browser_hash: bytes,
    now: datetime,
    expires_at: datetime,
) -> None:
    """Store a ticket, and forget those that have expired."""
    tx.execute(text("delete from sign_in_tickets where expires_at < :now"), {"now": now})
    tx.execute(
        text(
            """
            insert into sign_in_tickets (ticket_hash, user_id, browser_hash, expires_at)
            values (:ticket_hash, :user_id, :browser_hash, :expires_at)
            """
        ),
        {
            "ticket_hash": ticket_hash,
            "user_id": user_id,
            "browser_hash": browser_hash,
            "expires_at": expires_at,
        },
    )


def use_ticket(tx: Connection, ticket_hash: bytes, browser_hash: bytes, now: datetime) -> Actor | None:
    """Whose ticket it was; deleting it makes it single-use, even for two requests at once."""
    row = tx.execute(
        text(
            """
            delete from sign_in_tickets t
            using users u
            where t.ticket_hash = :ticket_hash
              and t.browser_hash = :browser_hash
              and t.expires_at >= :now
              and u.id = t.user_id
              and u.active
            returning u.id, u.username, u.name, u.role, u.must_change_password
            """
        ),
        {"ticket_hash": ticket_hash, "browser_hash": browser_hash, "now": now},
    ).one_or_none()
    return to_actor(row) if row else None


def add(tx: Connection, token_hash: bytes, user_id: UUID, now: datetime, expires_at: datetime) -> None:
    tx.execute(
        text(
            """
            insert into sessions (token_hash, user_id, created_at, last_seen_at, expires_at)
            values (:token_hash, :user_id, :now, :now, :expires_at)
            """
        ),
        {"token_hash": token_hash, "user_id": user_id, "now": now, "expires_at": expires_at},
    )
    tx.execute(text("update users set last_seen_at = :now where id = :id"), {"id": user_id, "now": now})


def actor_of(tx: Connection, token_hash: bytes, now: datetime) -> Actor | None:
    """The person behind a session that is neither over, revoked, nor older than the password."""
    row = tx.execute(
        text(
            """
            select u.id, u.username, u.name, u.role, u.must_change_password
            from sessions s
            join users u on u.id = s.user_id
            where s.token_hash = :token_hash
              and s.revoked_at is null
              and s.expires_at > :now
              and s.created_at >= u.password_changed_at
              and u.active
            """
        ),
        {"token_hash": token_hash, "now": now},
    ).one_or_none()
    return to_actor(row) if row else None


def revoke(tx: Connection, token_hash: bytes, now: datetime) -> UUID | None:
    """End one session; returns whose it was, None when there was nothing to end."""
    owner: UUID | None = tx.scalar(
        text(
            """
            update sessions set revoked_at = :now
            where token_hash = :token_hash and revoked_at is null
            returning user_id
            """
        ),
        {"token_hash": token_hash, "now": now},
    )
    return owner


def revoke_all(tx: Connection, user_id: UUID, now: datetime) -> None:
    """End all sessions of a person, and the sign-ins that have only got as far as a ticket."""
    tx.execute(text("delete from sign_in_tickets where user_id = :user_id"), {"user_id": user_id})
    tx.execute(
        text("update sessions set revoked_at = :now where user_id = :user_id and revoked_at is null"),
        {"user_id": user_id, "now": now},
    )
