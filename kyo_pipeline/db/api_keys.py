"""API keys. Only their hashes are stored."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, text

from kyo_pipeline.db.users import to_actor
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.api_keys import ApiKey
from kyo_pipeline.domain.scopes import Scope

#: A key that is used says so no more often than this.
USED_EVERY = timedelta(minutes=1)

_COLUMNS = "id, name, hint, scopes, created_at, expires_at, last_used_at, last_used_address"


@dataclass(frozen=True)
class Presented:
    """A live key that somebody has come with: whose, and what it is good for."""

    id: UUID
    name: str
    owner: Actor
    scopes: frozenset[Scope]


def add(
    tx: Connection,
    user_id: UUID,
    name: str,
    hint: str,
    key_hash: bytes,
    scopes: frozenset[Scope],
    now: datetime,
    expires_at: datetime,
) -> ApiKey:
    row = tx.execute(
        text(
            f"""
            insert into api_keys (user_id, name, hint, key_hash, scopes, created_at, expires_at)
            values (:user_id, :name, :hint, :key_hash, :scopes, :now, :expires_at)
            returning {_COLUMNS}
            """  # noqa: S608 — a constant
        ),
        {
            "user_id": user_id,
            "name": name,
            "hint": hint,
            "key_hash": key_hash,
            "scopes": sorted(scope.value for scope in scopes),
            "now": now,
            "expires_at": expires_at,
        },
    ).one()
    return _key(row)


def of_person(tx: Connection, user_id: UUID) -> tuple[ApiKey, ...]:
    """Those that have not been revoked, the newest first; those that have expired too."""
    rows = tx.execute(
        text(
            f"""
            select {_COLUMNS}
            from api_keys
            where user_id = :user_id and revoked_at is null
            order by created_at desc, id
            """  # noqa: S608 — a constant
        ),
        {"user_id": user_id},
    )
    return tuple(map(_key, rows))


def use(tx: Connection, key_hash: bytes, now: datetime, address: str) -> Presented | None:
    """The live key with this hash, of somebody who is active; that it was used is written down."""
    row = tx.execute(
        text(
            """
            select k.id as key_id, k.name as key_name, k.scopes, k.last_used_at,
              -- Nobody makes a key before they have chosen a password, and who is given a one-time one loses all keys:
              -- what is left of it belongs to people who sign in through their organisation.
              u.id, u.username, u.name, u.role, false as must_change_password
            from api_keys k
            join users u on u.id = k.user_id
            where k.key_hash = :key_hash and k.revoked_at is null and k.expires_at > :now and u.active
            """
        ),
        {"key_hash": key_hash, "now": now},
    ).one_or_none()
    if row is None:
        return None
    if row.last_used_at is None or row.last_used_at <= now - USED_EVERY:
        tx.execute(
            text("update api_keys set last_used_at = :now, last_used_address = :address where id = :id"),
            {"id": row.key_id, "now": now, "address": address},
        )
    return Presented(row.key_id, row.key_name, to_actor(row), _scopes(row.scopes))


def revoke(tx: Connection, user_id: UUID, key_id: UUID, now: datetime) -> str | None:
    """Take back a key of this person; its name, None when there was nothing to take back."""
    name: str | None = tx.scalar(
        text(
            """
            update api_keys set revoked_at = :now
            where id = :id and user_id = :user_id and revoked_at is null
            returning name
            """
        ),
        {"id": key_id, "user_id": user_id, "now": now},
    )
    return name


def revoke_all(tx: Connection, user_id: UUID, now: datetime) -> int:
    """Take back all keys of a person; returns how many there were."""
    revoked = tx.execute(
        text("update api_keys set revoked_at = :now where user_id = :user_id and revoked_at is null"),
        {"user_id": user_id, "now": now},
    )
    return int(revoked.rowcount)


def _key(row: Row[Any]) -> ApiKey:
    return ApiKey(
        row.id,
        row.name,
        row.hint,
        _scopes(row.scopes),
        row.created_at,
        row.expires_at,
        row.last_used_at,
        row.last_used_address,
    )


def _scopes(stored: list[str]) -> frozenset[Scope]:
    """A scope that this release does not know any more lets nobody do anything."""
    known = {scope.value: scope for scope in Scope}
    return frozenset(known[value] for value in stored if value in known)
