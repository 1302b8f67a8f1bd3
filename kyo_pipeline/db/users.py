"""People."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, CursorResult, Row, text
from sqlalchemy.exc import IntegrityError

from kyo_pipeline.domain.actor import OPERATOR_ID, Actor, Role
from kyo_pipeline.domain.people import PersonState
from kyo_pipeline.errors import Conflict, NotAllowed, NotFound

NOBODY = "There is no such user."

#: Of the row `u` in users.
STATE = """
  case
    when u.active and exists (select from invitations i where i.user_id = u.id) then 'invited'
    when u.active then 'active'
    when u.awaiting_approval then 'awaiting'
    else 'deactivated'
  end
"""


@dataclass(frozen=True)
class Credentials:
    """`password_changed_at` tells later whether the password is still the one that was checked."""

    actor: Actor
    password_hash: str
    password_changed_at: datetime


@dataclass(frozen=True)
class Account:
    """A person with what decides about signing in."""

    actor: Actor
    email: str | None
    state: PersonState
    created_at: datetime
    password_changed_at: datetime

    def require_let_in(self) -> None:
        """Raises `Conflict` for who waits."""
        if self.state is PersonState.AWAITING:
            raise Conflict(f"{self.actor.username} has not been let in yet. Approve the registration first.")


def credentials(tx: Connection, username: str) -> Credentials | None:
    """What is needed to check a password; None for unknown and password-less users."""
    row = tx.execute(
        text(
            """
            select c.id, c.username, c.name, c.role, c.must_change_password, c.password_hash, u.password_changed_at
            from sign_in_credentials(:username) c
            join users u on u.id = c.id
            """
        ),
        {"username": username},
    ).one_or_none()
    return Credentials(to_actor(row), row.password_hash, row.password_changed_at) if row else None


def has_password(tx: Connection, user_id: UUID) -> bool:
    """Of oneself, and for admins of anybody: whether there is one, not which."""
    return bool(tx.scalar(text("select has_password(:id)"), {"id": user_id}))


def by_username(tx: Connection, username: str) -> Actor | None:
    """Somebody who is active."""
    found = find(tx, username)
    return found.actor if found and found.state in (PersonState.ACTIVE, PersonState.INVITED) else None


def find(tx: Connection, username: str) -> Account | None:
    """Somebody in any state."""
    return _account(tx, "u.username = :wanted", username)


def read(tx: Connection, user_id: UUID) -> Account | None:
    return _account(tx, "u.id = :wanted", user_id)


def lock(tx: Connection, user_id: UUID) -> Account | None:
    """Somebody whom nobody else changes until the transaction ends."""
    tx.execute(text("select from users where id = :id for no key update"), {"id": user_id})
    return read(tx, user_id)


def lock_somebody(tx: Connection, user_id: UUID) -> Account:
    """The same. Raises `NotFound`."""
    account = lock(tx, user_id)
    if account is None:
        raise NotFound(NOBODY)
    return account


def lock_present(tx: Connection, user_id: UUID) -> Account:
    """The same of somebody who is in, or invited. Raises `NotFound`, `Conflict`."""
    account = lock_somebody(tx, user_id)
    account.require_let_in()
    if account.state is PersonState.DEACTIVATED:
        raise Conflict(f"{account.actor.username} is deactivated. Reactivate them first.")
    return account


def lock_unchanged(tx: Connection, known: Credentials) -> bool:
    """Whether somebody is still active and has the password still; until the transaction ends, neither changes.

    Not a shared lock: two that hold one and then change the row would wait for each other.
    """
    found = tx.execute(
        text(
            """
            select from users
            where id = :id and active and password_changed_at = :password_changed_at
            for no key update
            """
        ),
        {"id": known.actor.id, "password_changed_at": known.password_changed_at},
    )
    return found.first() is not None


def add(
    tx: Connection,
    username: str,
    name: str,
    role: Role,
    now: datetime,
    *,
    password_hash: str | None = None,
    must_change: bool = False,
    email: str | None = None,
    email_confirmed: bool = False,
    awaiting: bool = False,
) -> Actor:
    """Insert a person. Raises `Conflict` when the user name or the e-mail address is taken."""
    values = {
        "username": username,
        "name": name,
        "role": role.value,
        "password_hash": password_hash,
        "must_change": must_change,
        "email": email,
        "email_confirmed": email_confirmed and email is not None,
        "active": not awaiting,
        "awaiting": awaiting,
        "now": now,
    }
    try:
        with tx.begin_nested():
            row = tx.execute(
                text(
                    """
                    insert into users
                      (username, name, role, email, email_confirmed, password_hash, must_change_password, active,
                        awaiting_approval, created_at, password_changed_at)
                    values (:username, :name, :role, :email, :email_confirmed, :password_hash, :must_change, :active,
                      :awaiting, :now, :now)
                    returning id, username, name, role, must_change_password
                    """
                ),
                values,
            ).one()
    except IntegrityError as error:
        raise _taken(error, username) from error
    return to_actor(row)


def set_password(
    tx: Connection, user_id: UUID, password_hash: str, now: datetime, *, must_change: bool = False
) -> None:
    statement = text(
        """
        update users
        set password_hash = :password_hash, must_change_password = :must_change, password_changed_at = :now
        where id = :id
        """
    )
    values = {"id": user_id, "password_hash": password_hash, "must_change": must_change, "now": now}
    _require_changed(tx.execute(statement, values))


def strengthen_hash(tx: Connection, known: Credentials, password_hash: str) -> None:
    """Store another hash of the same password, unless it has been changed meanwhile."""
    tx.execute(
        text(
            """
            update users set password_hash = :password_hash
            where id = :id and password_changed_at = :password_changed_at
            """
        ),
        {
            "id": known.actor.id,
            "password_hash": password_hash,
            "password_changed_at": known.password_changed_at,
        },
    )


def set_profile(tx: Connection, user_id: UUID, name: str, email: str | None) -> None:
    """What people say of themselves: an address that they have typed is not confirmed. Raises `Conflict`."""
    try:
        with tx.begin_nested():
            tx.execute(
                text(
                    """
                    update users
                    set name = :name, email = :email,
                      email_confirmed = email_confirmed and email is not distinct from :email
                    where id = :id
                    """
                ),
                {"id": user_id, "name": name, "email": email},
            )
    except IntegrityError as error:
        raise _taken(error, "") from error


def set_role(tx: Connection, user_id: UUID, role: Role) -> None:
    statement = text("update users set role = :role where id = :id")
    _require_changed(tx.execute(statement, {"id": user_id, "role": role.value}))


def set_active(tx: Connection, user_id: UUID, active: bool) -> None:
    statement = text("update users set active = :active, awaiting_approval = false where id = :id")
    _require_changed(tx.execute(statement, {"id": user_id, "active": active}))


def delete(tx: Connection, user_id: UUID) -> None:
    """Only of people who never were in."""
    statement = text("delete from users where id = :id and awaiting_approval")
    _require_changed(tx.execute(statement, {"id": user_id}))


def is_anybody_there(tx: Connection) -> bool:
    return bool(tx.scalar(text("select exists (select from users where id <> :operator)"), {"operator": OPERATOR_ID}))


def is_another_admin(tx: Connection, user_id: UUID) -> bool:
    """Whether somebody else can act as an admin; one who was invited and has not come yet cannot."""
    statement = f"""
        select exists (
          select from users u
          where u.role = 'admin' and u.id not in (:id, :operator) and {STATE} = 'active'
        )
    """  # noqa: S608 — a constant
    return bool(tx.scalar(text(statement), {"id": user_id, "operator": OPERATOR_ID}))


def to_actor(row: Row[Any]) -> Actor:
    return Actor(row.id, row.username, row.name, Role(row.role), row.must_change_password)


def _account(tx: Connection, condition: str, wanted: object) -> Account | None:
    statement = f"""
        select u.id, u.username, u.name, u.role, u.must_change_password, u.email, u.created_at,
          u.password_changed_at, {STATE} as state
        from users u
        where {condition} and u.id <> :operator
    """  # noqa: S608 — constants
    row = tx.execute(text(statement), {"wanted": wanted, "operator": OPERATOR_ID}).one_or_none()
    if row is None:
        return None
    return Account(to_actor(row), row.email, PersonState(row.state), row.created_at, row.password_changed_at)


def _require_changed(done: CursorResult[Any]) -> None:
    """Row-level security passes over rows in silence: an admin may have been deactivated since their page began."""
    if done.rowcount != 1:
        raise NotAllowed(
            "What you may do has been changed at the same moment. Nothing was changed; load the page anew."
        )


def _taken(error: IntegrityError, username: str) -> Conflict:
    if getattr(getattr(error.orig, "diag", None), "constraint_name", None) == "users_email":
        return Conflict("There is already a user with this e-mail address.")
    return Conflict(f"There is already a user called {username}.")
