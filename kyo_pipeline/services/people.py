"""People as administrators look after them."""

from dataclasses import dataclass
from uuid import UUID

from kyo_pipeline.adapters import passwords, tokens
from kyo_pipeline.db import access, api_keys, audit, invitations, people, sessions, sign_in_failures, users
from kyo_pipeline.db.engine import Transaction
from kyo_pipeline.db.users import Account
from kyo_pipeline.domain import password_policy, throttling
from kyo_pipeline.domain.actor import OPERATOR, Actor, Permission, Role
from kyo_pipeline.domain.audit import Event
from kyo_pipeline.domain.pages import MAX_PAGE
from kyo_pipeline.domain.people import (
    LAST_ADMIN,
    Grant,
    PeoplePage,
    Person,
    PersonState,
    email_of,
    name_of,
    typed_username,
    username_of,
)
from kyo_pipeline.domain.typed_text import storable
from kyo_pipeline.errors import Conflict, NotFound
from kyo_pipeline.kyo import Kyo

FIRST_ADMIN = "admin"

_PRESENT = (PersonState.ACTIVE, PersonState.INVITED)


@dataclass(frozen=True)
class NewPerson:
    """Somebody with a new password; a one-time password is known only here and now."""

    person: Actor
    one_time_password: str | None


def list_people(
    kyo: Kyo, actor: Actor, *, text: str = "", state: PersonState | None = None, limit: int = 50, offset: int = 0
) -> PeoplePage:
    """A page of everybody whose user name, name or e-mail address contains `text`."""
    actor.require(Permission.USER_LIST)
    limit, offset = min(max(limit, 1), MAX_PAGE), min(max(offset, 0), 2**31)
    with kyo.db.transaction(actor) as tx:
        wanted, idle = storable(text)[:200], kyo.settings.session_idle
        return people.page(tx, wanted, state, kyo.now(), idle, limit=limit, offset=offset)


def read_person(kyo: Kyo, actor: Actor, user_id: UUID) -> Person:
    """Somebody in any state. Raises `NotFound`."""
    actor.require(Permission.USER_LIST)
    with kyo.db.transaction(actor) as tx:
        found = people.person(tx, user_id, kyo.now(), kyo.settings.session_idle)
    if found is None:
        raise NotFound(users.NOBODY)
    return found


def read_access(kyo: Kyo, actor: Actor, user_id: UUID) -> tuple[Grant, ...]:
    """Where somebody may do what, and why."""
    actor.require(Permission.USER_LIST)
    with kyo.db.transaction(actor) as tx:
        if users.read(tx, user_id) is None:
            raise NotFound(users.NOBODY)
        return access.grants(tx, user_id)


def id_of(kyo: Kyo, actor: Actor, username: str) -> UUID:
    """Of somebody in any state. Raises `NotFound`."""
    actor.require(Permission.USER_LIST)
    wanted = typed_username(username)
    with kyo.db.transaction(actor) as tx:
        account = users.find(tx, wanted) if wanted else None
    if account is None:
        raise NotFound(f"There is no user called {storable(username)[:64]}.")
    return account.actor.id


def add_person(
    kyo: Kyo, actor: Actor, username: str, name: str, role: Role, email: str = "", password: str | None = None
) -> NewPerson:
    """Add somebody; without a password they get a one-time one. Raises `Invalid`, `Conflict`, `NotAllowed`."""
    actor.require(Permission.USER_ADD)
    username, name, address = username_of(username), name_of(name), email_of(email)
    if password is not None:
        password_policy.check(password, (username, name, address or ""))
    one_time = None if password is not None else tokens.new_password()
    password_hash, now = passwords.hash_password(password or one_time or ""), kyo.now()
    with kyo.db.transaction(actor) as tx:
        added = users.add(
            tx, username, name, role, now,
            password_hash=password_hash, must_change=one_time is not None, email=address, email_confirmed=True,
        )  # fmt: skip
        audit.record(tx, actor, Event.USER_ADD, added.id, now, {"username": username, "role": role.value})
    return NewPerson(added, one_time)


def change_role(kyo: Kyo, actor: Actor, user_id: UUID, role: Role) -> Actor:
    """Raises `NotFound`, and `Conflict` where no admin would be left."""
    actor.require(Permission.USER_CHANGE)
    with kyo.db.transaction(actor) as tx:
        account = users.lock_somebody(tx, user_id)
        account.require_let_in()
        before = account.actor.role
        if role is not before:
            if role is not Role.ADMIN:
                _keep_an_admin(tx, account)
            users.set_role(tx, user_id, role)
            details = {"from": before.value, "to": role.value}
            audit.record(tx, actor, Event.USER_CHANGE_ROLE, user_id, kyo.now(), details)
    return Actor(account.actor.id, account.actor.username, account.actor.name, role, account.actor.must_change_password)


def deactivate(kyo: Kyo, actor: Actor, user_id: UUID) -> None:
    """Shut somebody out at once, and their API keys for good.

    Raises `NotFound`, and `Conflict` for oneself and for the last admin.
    """
    actor.require(Permission.USER_CHANGE)
    now = kyo.now()
    with kyo.db.transaction(actor) as tx:
        account = users.lock_present(tx, user_id)
        if user_id == actor.id:
            raise Conflict("You cannot deactivate yourself. Ask another administrator.")
        _keep_an_admin(tx, account)
        users.set_active(tx, user_id, False)
        invitations.withdraw(tx, user_id)
        sessions.revoke_all(tx, user_id, now)
        keys = api_keys.revoke_all(tx, user_id, now)
        audit.record(tx, actor, Event.USER_DEACTIVATE, user_id, now, {"api_keys": keys} if keys else None)


def reactivate(kyo: Kyo, actor: Actor, user_id: UUID) -> None:
    """Let somebody in again who was deactivated, with the password they had. Raises `NotFound`, `Conflict`."""
    actor.require(Permission.USER_CHANGE)
    now = kyo.now()
    with kyo.db.transaction(actor) as tx:
        account = users.lock_somebody(tx, user_id)
        if account.state is not PersonState.DEACTIVATED:
            raise Conflict(f"{account.actor.username} is not deactivated.")
        users.set_active(tx, user_id, True)
        sessions.revoke_all(tx, user_id, now)  # one that began at the moment of the deactivation
        audit.record(tx, actor, Event.USER_REACTIVATE, user_id, now)


def reset_password(kyo: Kyo, actor: Actor, user_id: UUID) -> NewPerson:
    """Give somebody a one-time password; sessions and API keys end. Raises `NotFound`, `Conflict`."""
    actor.require(Permission.USER_CHANGE)
    if user_id == actor.id and not actor.is_operator:  # the session that is to show it would end
        raise Conflict("Change your own password in your profile.")
    one_time, now = tokens.new_password(), kyo.now()
    password_hash = passwords.hash_password(one_time)
    with kyo.db.transaction(actor) as tx:
        account = users.lock_present(tx, user_id)
        users.set_password(tx, user_id, password_hash, now, must_change=True)
        invitations.withdraw(tx, user_id)
        sessions.revoke_all(tx, user_id, now)
        keys = api_keys.revoke_all(tx, user_id, now)
        sign_in_failures.clear(tx, throttling.of_account(account.actor.username))
        audit.record(tx, actor, Event.USER_RESET_PASSWORD, user_id, now, {"api_keys": keys} if keys else None)
    return NewPerson(account.actor, one_time)


def end_sessions(kyo: Kyo, actor: Actor, user_id: UUID) -> int:
    """End all sessions of somebody at once, and their API keys; returns how many sessions. Raises `NotFound`."""
    actor.require(Permission.USER_CHANGE)
    now = kyo.now()
    with kyo.db.transaction(actor) as tx:
        users.lock_somebody(tx, user_id)
        ended = sessions.revoke_all(tx, user_id, now)
        keys = api_keys.revoke_all(tx, user_id, now)
        details = {"sessions": ended, **({"api_keys": keys} if keys else {})}
        audit.record(tx, actor, Event.USER_END_SESSIONS, user_id, now, details)
    return ended


def unblock(kyo: Kyo, actor: Actor, user_id: UUID) -> None:
    """Forget the failed tries of an account. Raises `NotFound`, `Conflict`."""
    actor.require(Permission.USER_CHANGE)
    with kyo.db.transaction(actor) as tx:
        account = users.lock_somebody(tx, user_id)
        if not sign_in_failures.clear(tx, throttling.of_account(account.actor.username)):
            raise Conflict(f"{account.actor.username} is not blocked.")
        audit.record(tx, actor, Event.USER_UNBLOCK, user_id, kyo.now())


def ensure_first_admin(kyo: Kyo) -> NewPerson | None:
    """On an installation without people, add an admin with a one-time password; else None."""
    with kyo.db.transaction(OPERATOR) as tx:
        if users.is_anybody_there(tx):
            return None
    return add_person(kyo, OPERATOR, FIRST_ADMIN, "Administrator", Role.ADMIN)


def actor_named(kyo: Kyo, username: str) -> Actor:
    """The person with this user name, for an operator who acts as them. Raises `NotFound`."""
    wanted = typed_username(username)
    with kyo.db.transaction(OPERATOR) as tx:
        actor = users.by_username(tx, wanted) if wanted else None
    if actor is None:
        raise NotFound(f"There is no active user called {storable(username)[:64]}.")
    return actor


def _keep_an_admin(tx: Transaction, account: Account) -> None:
    """The database refuses as well, for two who do it at the same moment."""
    if (
        account.actor.role is Role.ADMIN
        and account.state in _PRESENT
        and not users.is_another_admin(tx, account.actor.id)
    ):
        raise Conflict(LAST_ADMIN)
