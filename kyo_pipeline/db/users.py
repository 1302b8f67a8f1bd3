"""People."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, text
from sqlalchemy.exc import IntegrityError

from kyo_pipeline.domain.actor import OPERATOR_ID, Actor, Role
from kyo_pipeline.errors import Conflict


@dataclass(frozen=True)
class Credentials:
    actor: Actor
    password_hash: str


@dataclass(frozen=True)
class Person:
    id: UUID
    username: str
    name: str
    role: Role
    active: bool
    created_at: datetime
    last_seen_at: datetime | None


def credentials(tx: Connection, username: str) -> Credentials | None:
    """What is needed to check a password; None for unknown, deactivated and password-less users."""
    row = tx.execute(
        text(
            """
            select id, username, name, role, must_change_password, password_hash
            from users
            where username = :username and active and password_hash is not null
            """
        ),
        {"username": username},
    ).one_or_none()
    return Credentials(to_actor(row), row.password_hash) if row else None


def by_username(tx: Connection, username: str) -> Actor | None:
    row = tx.execute(
        text(
            """
            select id, username, name, role, must_change_password
            from users
            where username = :username and active and id <> :operator
            """
        ),
        {"username": username, "operator": OPERATOR_ID},
    ).one_or_none()
    return to_actor(row) if row else None


def add(
    tx: Connection, username: str, name: str, role: Role, password_hash: str, must_change: bool, now: datetime
) -> Actor:
    """Insert a person. Raises `Conflict` when the user name is taken."""
    try:
        with tx.begin_nested():
            row = tx.execute(
                text(
                    """
                    insert into users
                      (username, name, role, password_hash, must_change_password, created_at, password_changed_at)
                    values (:username, :name, :role, :password_hash, :must_change, :now, :now)
                    returning id, username, name, role, must_change_password
                    """
                ),
                {
                    "username": username,
                    "name": name,
                    "role": role.value,
                    "password_hash": password_hash,
                    "must_change": must_change,
                    "now": now,
                },
            ).one()
    except IntegrityError as error:
        raise Conflict(f"There is already a user called {username}.") from error
    return to_actor(row)


def set_password(tx: Connection, user_id: UUID, password_hash: str, must_change: bool, now: datetime) -> None:
    tx.execute(
        text(
            """
            update users
            set password_hash = :password_hash, must_change_password = :must_change, password_changed_at = :now
            where id = :id
            """
        ),
        {"id": user_id, "password_hash": password_hash, "must_change": must_change, "now": now},
    )


def everyone(tx: Connection) -> tuple[Person, ...]:
    rows = tx.execute(
        text(
            """
            select id, username, name, role, active, created_at, last_seen_at
            from users
            where id <> :operator
            order by username
            """
        ),
        {"operator": OPERATOR_ID},
    )
    return tuple(
        Person(row.id, row.username, row.name, Role(row.role), row.active, row.created_at, row.last_seen_at)
        for row in rows
    )


def count_with_roles(tx: Connection, roles: Sequence[Role]) -> int:
    """How many active people have one of these roles, the operator not counted."""
    return int(
        tx.scalar(
            text("select count(*) from users where active and id <> :operator and role = any(:roles)"),
            {"operator": OPERATOR_ID, "roles": [role.value for role in roles]},
        )
        or 0
    )


def to_actor(row: Row[Any]) -> Actor:
    return Actor(row.id, row.username, row.name, Role(row.role), row.must_change_password)
