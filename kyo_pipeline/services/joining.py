"""How people come to have an account: they register, or come with the link of an invitation."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from kyo_pipeline import tries
from kyo_pipeline.adapters import passwords, tokens
from kyo_pipeline.db import audit, identities, invitations, sessions, users
from kyo_pipeline.db.engine import Transaction
from kyo_pipeline.db.users import Account
from kyo_pipeline.domain import password_policy, throttling
from kyo_pipeline.domain.actor import OPERATOR, Actor, Permission, Role
from kyo_pipeline.domain.audit import Event
from kyo_pipeline.domain.people import Invitation, PersonState, email_of, name_of, username_of
from kyo_pipeline.domain.throttling import Kind
from kyo_pipeline.domain.typed_text import said_by_browser
from kyo_pipeline.errors import Conflict, Invalid, NotAllowed, NotFound
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.tries import Try

_USED = "This invitation has been used, replaced, or has expired. Ask an administrator for a new one."


@dataclass(frozen=True)
class Registered:
    username: str
    awaiting_approval: bool


@dataclass(frozen=True)
class Invited:
    """Somebody who has yet to choose a password; the token for their link is known only here and now."""

    person: Actor
    token: str
    expires_at: datetime


def register(kyo: Kyo, username: str, name: str, email: str, password: str, address: str = "") -> Registered:
    """Make an account for oneself. Raises `NotAllowed` where that is off, `Invalid`, `Conflict`, `TooMany`."""
    setting = kyo.settings.KYO_REGISTRATION
    if setting == "off":
        raise NotAllowed("People cannot register here by themselves. Ask an administrator for an invitation.")
    username, name, mail, now = username_of(username), name_of(name), email_of(email), kyo.now()
    if mail is None:
        raise Invalid("Enter your e-mail address.")
    subjects = throttling.of_address(address, Kind.REGISTRATION)
    attempt = Try(Event.USER_REGISTER, OPERATOR, None, subjects, said_by_browser(address))
    # Counted whether it succeeds or not: a script that registers thousands has to wait as well.
    counted = tries.count(kyo, attempt)
    try:
        password_policy.check(password, (username, name, mail))
        password_hash, awaiting = passwords.hash_password(password), setting == "approval"
        with kyo.db.transaction(OPERATOR) as tx:
            added = users.add(
                tx, username, name, Role.EMPLOYEE, now, password_hash=password_hash, email=mail, awaiting=awaiting
            )
            details = {"username": username, "awaiting_approval": awaiting}
            audit.record(tx, OPERATOR, Event.USER_REGISTER, added.id, now, details)
    except (Invalid, Conflict) as error:
        reason = "password" if isinstance(error, Invalid) else "taken"
        with kyo.db.transaction(OPERATOR) as tx:
            tries.record_failure(tx, attempt, reason, counted, now)
        raise
    return Registered(username, awaiting)


def read_invitation(kyo: Kyo, token: str, address: str = "") -> Invitation:
    """Whom the link is for. Raises `NotFound`, `TooMany`."""
    return _open_invitation(kyo, token, address).invitation


def accept_invitation(kyo: Kyo, token: str, password: str, address: str = "") -> str:
    """Choose the first password; returns the user name to sign in with. Raises `NotFound`, `Invalid`, `TooMany`."""
    found = _open_invitation(kyo, token, address)
    about = found.invitation
    password_policy.check(password, (about.username, about.name, found.email or ""))
    password_hash, now = passwords.hash_password(password), kyo.now()
    with kyo.db.transaction(OPERATOR) as tx:
        # The person first, as everybody does who changes one.
        account = users.lock(tx, found.user_id)
        if account is None or not invitations.use(tx, tokens.digest(token), now):
            raise NotFound(_USED)
        users.set_password(tx, found.user_id, password_hash, now)
        sessions.revoke_all(tx, found.user_id, now)
        audit.record(tx, account.actor, Event.USER_ACCEPT_INVITATION, found.user_id, now)
    return about.username


def invite(kyo: Kyo, actor: Actor, username: str, name: str, role: Role, email: str = "") -> Invited:
    """Add somebody who chooses the password by a link. Raises `Invalid`, `Conflict`, `NotAllowed`."""
    actor.require(Permission.USER_ADD)
    username, name, address, now = username_of(username), name_of(name), email_of(email), kyo.now()
    with kyo.db.transaction(actor) as tx:
        added = users.add(tx, username, name, role, now, email=address, email_confirmed=True)
        return _invited(kyo, tx, actor, added, now)


def invite_again(kyo: Kyo, actor: Actor, user_id: UUID) -> Invited:
    """A new link in place of an earlier one. Raises `NotFound`, `Conflict` for who can sign in already."""
    actor.require(Permission.USER_ADD)
    now = kyo.now()
    with kyo.db.transaction(actor) as tx:
        account = users.lock_present(tx, user_id)
        username = account.actor.username
        # Asked while they are locked: who accepts at this moment must not get a link that resets their password.
        if users.has_password(tx, user_id):
            raise Conflict(f"{username} has a password already. Give them a one-time password instead.")
        if identities.is_linked(tx, user_id):
            raise Conflict(f"{username} signs in through your organisation, and needs no link.")
        return _invited(kyo, tx, actor, account.actor, now)


def approve_registration(kyo: Kyo, actor: Actor, user_id: UUID, role: Role = Role.EMPLOYEE) -> None:
    """Let somebody in who has registered. Raises `NotFound`, `Conflict`."""
    actor.require(Permission.USER_ADD)
    with kyo.db.transaction(actor) as tx:
        _awaiting(tx, user_id)
        users.set_active(tx, user_id, True)
        users.set_role(tx, user_id, role)
        audit.record(tx, actor, Event.USER_APPROVE, user_id, kyo.now(), {"role": role.value})


def decline_registration(kyo: Kyo, actor: Actor, user_id: UUID) -> None:
    """Delete a registration. The user name is free again. Raises `NotFound`, `Conflict`."""
    actor.require(Permission.USER_ADD)
    with kyo.db.transaction(actor) as tx:
        account = _awaiting(tx, user_id)
        users.delete(tx, user_id)
        details = {"username": account.actor.username}
        audit.record(tx, actor, Event.USER_DECLINE, user_id, kyo.now(), details)


def _open_invitation(kyo: Kyo, token: str, address: str) -> invitations.Open:
    now, subjects = kyo.now(), throttling.of_address(address)
    attempt = Try(Event.USER_ACCEPT_INVITATION, OPERATOR, None, subjects, said_by_browser(address))
    counted = tries.count(kyo, attempt)
    with kyo.db.transaction(OPERATOR) as tx:
        found = invitations.find(tx, tokens.digest(token), now)
        if found is None:
            tries.record_failure(tx, attempt, "wrong", counted, now)
        else:
            tries.forgive(tx, counted)
    if found is None:
        raise NotFound(_USED)
    return found


def _invited(kyo: Kyo, tx: Transaction, actor: Actor, person: Actor, now: datetime) -> Invited:
    token, expires_at = tokens.new_token(), now + timedelta(days=kyo.settings.KYO_INVITATION_DAYS)
    invitations.replace(tx, tokens.digest(token), person.id, actor.id, now, expires_at)
    details = {"username": person.username, "role": person.role.value}
    audit.record(tx, actor, Event.USER_INVITE, person.id, now, details)
    return Invited(person, token, expires_at)


def _awaiting(tx: Transaction, user_id: UUID) -> Account:
    account = users.lock_somebody(tx, user_id)
    if account.state is not PersonState.AWAITING:
        raise Conflict(f"{account.actor.username} is not waiting for approval.")
    return account
