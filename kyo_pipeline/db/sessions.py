"""Sign-in tickets and sessions. Only hashes of tokens are stored."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, text

from kyo_pipeline.db.users import to_actor
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.people import Session, SessionKind

#: A page that is looked at says so no more often than this.
SEEN_EVERY = timedelta(minutes=1)
#: Sessions that are over are kept for so long.
KEPT_FOR = timedelta(days=30)
#: Of the row `s` in sessions, whose person is the row `u` in users.
LIVE = """
  s.revoked_at is null
  and s.expires_at > :now
  and (s.kind = 'api' or s.last_seen_at > :idle_since)
  and s.created_at >= u.password_changed_at
  and u.active
"""


@dataclass(frozen=True)
class Ticket:
    """Somebody who has proved who they are, and how."""

    actor: Actor
    method: str


def add_ticket(
    tx: Connection,
    ticket_hash: bytes,
    user_id: UUID,
    browser_hash: bytes,
    expires_at: datetime,
    method: str = "password",
) -> None:
    tx.execute(
        text(
            """
            insert into sign_in_tickets (ticket_hash, user_id, browser_hash, expires_at, method)
            values (:ticket_hash, :user_id, :browser_hash, :expires_at, :method)
            """
        ),
        {
            "ticket_hash": ticket_hash,
            "user_id": user_id,
            "browser_hash": browser_hash,
            "expires_at": expires_at,
            "method": method,
        },
    )


def use_ticket(tx: Connection, ticket_hash: bytes, browser_hash: bytes, now: datetime) -> Ticket | None:
    """Whose ticket it was; deleting it makes it single-use, even for two requests at once."""
    # The person first, as everybody does who changes one: whoever deactivates them waits, or makes this one wait.
    row = tx.execute(
        text(
            """
            select u.id, u.username, u.name, u.role, u.must_change_password, t.method
            from sign_in_tickets t
            join users u on u.id = t.user_id
            where t.ticket_hash = :ticket_hash
              and t.browser_hash = :browser_hash
              and t.expires_at >= :now
              and u.active
            for no key update of u
            """
        ),
        {"ticket_hash": ticket_hash, "browser_hash": browser_hash, "now": now},
    ).one_or_none()
    used = tx.execute(
        text("delete from sign_in_tickets where ticket_hash = :ticket_hash and browser_hash = :browser_hash"),
        {"ticket_hash": ticket_hash, "browser_hash": browser_hash},
    )
    return Ticket(to_actor(row), row.method) if row and used.rowcount else None


def add(
    tx: Connection,
    token_hash: bytes,
    user_id: UUID,
    now: datetime,
    expires_at: datetime,
    *,
    device: str = "",
    address: str = "",
    method: str = "password",
    kind: SessionKind = SessionKind.BROWSER,
) -> UUID:
    """Begin one; returns its public name."""
    session_id: UUID = tx.execute(
        text(
            """
            insert into sessions (
              token_hash, user_id, created_at, last_seen_at, expires_at, device, address, method, kind
            )
            values (:token_hash, :user_id, :now, :now, :expires_at, :device, :address, :method, :kind)
            returning id
            """
        ),
        {
            "token_hash": token_hash,
            "user_id": user_id,
            "now": now,
            "expires_at": expires_at,
            "device": device,
            "address": address,
            "method": method,
            "kind": kind.value,
        },
    ).scalar_one()
    tx.execute(text("update users set last_seen_at = :now where id = :id"), {"id": user_id, "now": now})
    return session_id


def actor_of(tx: Connection, token_hash: bytes, now: datetime, idle: timedelta) -> Actor | None:
    """The person behind a browser's session that is neither over, revoked, idle, nor older than the password."""
    row = tx.execute(
        text(
            f"""
            select u.id, u.username, u.name, u.role, s.last_seen_at,
                   -- Whoever signed on through the provider need not know the one-time password.
                   u.must_change_password and s.method = 'password' as must_change_password
            from sessions s
            join users u on u.id = s.user_id
            where s.token_hash = :token_hash and s.kind = 'browser' and {LIVE}
            """  # noqa: S608 — a constant
        ),
        {"token_hash": token_hash, "now": now, "idle_since": now - idle},
    ).one_or_none()
    if row is None:
        return None
    if row.last_seen_at <= now - SEEN_EVERY:
        _seen(tx, token_hash, row.id, now)
    return to_actor(row)


def actor_of_family(tx: Connection, session_id: UUID, user_id: UUID, now: datetime) -> Actor | None:
    """The person behind a live family of tokens, as `actor_of` for a browser."""
    row = _family(tx, session_id, user_id, now)
    if row is None:
        return None
    if row.last_seen_at <= now - SEEN_EVERY:
        _seen(tx, row.token_hash, user_id, now)
    return to_actor(row)


def current_token(tx: Connection, session_id: UUID, user_id: UUID, now: datetime) -> tuple[Actor, bytes] | None:
    """Whose live family it is, and the hash of the refresh token that counts now."""
    row = _family(tx, session_id, user_id, now)
    return (to_actor(row), bytes(row.token_hash)) if row else None


def exchange(
    tx: Connection, session_id: UUID, old_hash: bytes, new_hash: bytes, now: datetime, expires_at: datetime
) -> bool:
    """Put the next refresh token of a family in place of this one; whether it was the one that counts."""
    return bool(
        tx.scalar(
            text("select exchange_refresh_token(:id, :old, :new, :now, :expires_at)"),
            {"id": session_id, "old": old_hash, "new": new_hash, "now": now, "expires_at": expires_at},
        )
    )


def of_person(tx: Connection, user_id: UUID, this: bytes, now: datetime, idle: timedelta) -> tuple[Session, ...]:
    """The live sessions of a person, the one with the token `this` first, then the last seen."""
    rows = tx.execute(
        text(
            f"""
            select s.id, s.created_at, s.last_seen_at, s.expires_at, s.device, s.address, s.method,
              s.kind, s.token_hash = :this as is_this
            from sessions s
            join users u on u.id = s.user_id
            where s.user_id = :user_id and {LIVE}
            order by is_this desc, s.last_seen_at desc, s.id
            """  # noqa: S608 — a constant
        ),
        {"user_id": user_id, "this": this, "now": now, "idle_since": now - idle},
    )
    return tuple(
        Session(
            row.id,
            row.created_at,
            row.last_seen_at,
            row.expires_at,
            row.device,
            row.address,
            row.method,
            row.is_this,
            SessionKind(row.kind),
        )
        for row in rows
    )


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


def revoke_one(tx: Connection, user_id: UUID, session_id: UUID, now: datetime) -> bool:
    """End the session of a person that has this public name; whether there was one."""
    ended = tx.execute(
        text(
            """
            update sessions set revoked_at = :now
            where id = :id and user_id = :user_id and revoked_at is null and expires_at > :now
            """
        ),
        {"id": session_id, "user_id": user_id, "now": now},
    )
    return bool(ended.rowcount)


def revoke_all(tx: Connection, user_id: UUID, now: datetime, *, but: bytes | None = None) -> int:
    """End all sessions of a person `but` one, and the sign-ins that have only got as far as a ticket."""
    tx.execute(text("delete from sign_in_tickets where user_id = :user_id"), {"user_id": user_id})
    ended = tx.execute(
        text(
            """
            update sessions set revoked_at = :now
            where user_id = :user_id
              and revoked_at is null
              and expires_at > :now
              and token_hash is distinct from :but
            """
        ),
        {"user_id": user_id, "now": now, "but": but},
    )
    return int(ended.rowcount)


def forget_old(tx: Connection, now: datetime) -> None:
    """Delete tickets that nobody used, and sessions that have long been over. What somebody holds is left."""
    for table, key, before in (("sign_in_tickets", "ticket_hash", now), ("sessions", "token_hash", now - KEPT_FOR)):
        tx.execute(
            text(
                f"""
                delete from {table}
                where {key} in (
                  select {key} from {table} where expires_at < :before limit 1000 for update skip locked
                )
                """  # noqa: S608 — constants
            ),
            {"before": before},
        )


def _family(tx: Connection, session_id: UUID, user_id: UUID, now: datetime) -> Row[Any] | None:
    return tx.execute(
        text(
            f"""
            select u.id, u.username, u.name, u.role, u.must_change_password, s.last_seen_at, s.token_hash
            from sessions s
            join users u on u.id = s.user_id
            where s.id = :session_id and s.user_id = :user_id and s.kind = 'api' and {LIVE}
            """  # noqa: S608 — a constant
        ),
        # A program may be silent for as long as its refresh token lives.
        {"session_id": session_id, "user_id": user_id, "now": now, "idle_since": now},
    ).one_or_none()


def _seen(tx: Connection, token_hash: bytes, user_id: UUID, now: datetime) -> None:
    # The person first, as everybody does who changes both. Other tabs may have said the same a moment ago.
    values = {"now": now, "before": now - SEEN_EVERY, "user_id": user_id, "token_hash": token_hash}
    tx.execute(
        text("update users set last_seen_at = :now where id = :user_id and last_seen_at <= :before"),
        values,
    )
    tx.execute(
        text("update sessions set last_seen_at = :now where token_hash = :token_hash and last_seen_at <= :before"),
        values,
    )
