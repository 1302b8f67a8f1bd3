"""People: sign in and out, sessions, passwords, who there is."""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from kyo_pipeline.adapters import passwords
from kyo_pipeline.db import audit, sessions, users
from kyo_pipeline.db.users import Person
from kyo_pipeline.domain.actor import OPERATOR, Actor, Permission, Role
from kyo_pipeline.domain.audit import Event
from kyo_pipeline.domain.typed_text import storable
from kyo_pipeline.errors import Invalid, NotAllowed, NotFound
from kyo_pipeline.kyo import Kyo

TICKET_LIFETIME = timedelta(seconds=30)
MIN_PASSWORD_LENGTH = 12
MAX_PASSWORD_LENGTH = 1000
#: Shorter user names occur in passwords by chance.
MIN_TELLING_NAME = 4
FIRST_ADMIN = "admin"

_USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_WRONG = "The user name or the password is wrong."


@dataclass(frozen=True)
class NewUser:
    """A new person; the one-time password is known only here and now."""

    actor: Actor
    one_time_password: str | None


def sign_in(kyo: Kyo, username: str, password: str, browser: str) -> str:
    """Check a password and return a ticket that this `browser` can redeem once. Raises `NotAllowed`."""
    username = username.strip().lower()
    with kyo.db.transaction(OPERATOR) as tx:
        known = users.credentials(tx, username) if _USERNAME.fullmatch(username) else None
    # Outside any transaction: hashing takes long, and takes as long for a name that does not exist.
    fits = passwords.verify(known.password_hash if known else None, password[: MAX_PASSWORD_LENGTH + 1])
    now = kyo.now()
    if known is None or not fits:
        with kyo.db.transaction(OPERATOR) as tx:
            # A name that nobody has may be a password in the wrong field.
            name = known.actor.username if known else "unknown"
            audit.record(tx, OPERATOR, Event.SESSION_REFUSE, name, now, outcome="refused")
        raise NotAllowed(_WRONG)
    ticket = secrets.token_urlsafe(32)
    with kyo.db.transaction(known.actor) as tx:
        sessions.add_ticket(tx, _digest(ticket), known.actor.id, _digest(browser), now, now + TICKET_LIFETIME)
    return ticket


def redeem_ticket(kyo: Kyo, ticket: str, browser: str) -> tuple[str, datetime]:
    """Turn a ticket into a session: its token, for the cookie, and when it ends. Raises `NotAllowed`."""
    now = kyo.now()
    token, expires_at = secrets.token_urlsafe(32), now + timedelta(hours=kyo.settings.KYO_SESSION_HOURS)
    with kyo.db.transaction(OPERATOR) as tx:
        actor = sessions.use_ticket(tx, _digest(ticket), _digest(browser), now)
        if actor is None:
            raise NotAllowed("This sign-in link has been used or has expired. Sign in again.")
        sessions.add(tx, _digest(token), actor.id, now, expires_at)
        audit.record(tx, actor, Event.SESSION_START, actor.id, now)
    return token, expires_at


def actor_of_session(kyo: Kyo, token: str | None) -> Actor | None:
    """Who is signed in with this token, as the database knows them now; None when nobody is."""
    if not token:
        return None
    with kyo.db.transaction(OPERATOR) as tx:
        return sessions.actor_of(tx, _digest(token), kyo.now())


def sign_out(kyo: Kyo, token: str) -> None:
    """End a session. Ending it twice is the same as once."""
    now = kyo.now()
    with kyo.db.transaction(OPERATOR) as tx:
        actor = sessions.actor_of(tx, _digest(token), now)
        owner = sessions.revoke(tx, _digest(token), now)
        if owner is not None:
            # A session that was over already ends without its actor, but it is still theirs.
            audit.record(tx, actor or OPERATOR, Event.SESSION_END, owner, now)


def change_password(kyo: Kyo, actor: Actor, current: str, new: str) -> None:
    """Replace the actor's own password. All sessions end: sign in again. Raises `Invalid`, `NotAllowed`."""
    _check_new_password(new, actor.username)
    with kyo.db.transaction(actor) as tx:
        known = users.credentials(tx, actor.username)
    if known is None or not passwords.verify(known.password_hash, current):
        raise NotAllowed("The current password is wrong.")
    if current == new:
        raise Invalid("The new password must differ from the current one.")
    password_hash, now = passwords.hash_password(new), kyo.now()
    with kyo.db.transaction(actor) as tx:
        users.set_password(tx, actor.id, password_hash, must_change=False, now=now)
        sessions.revoke_all(tx, actor.id, now)
        audit.record(tx, actor, Event.USER_CHANGE_PASSWORD, actor.id, now)


def add_user(kyo: Kyo, actor: Actor, username: str, name: str, role: Role, password: str | None = None) -> NewUser:
    """Add a person; without a password they get a one-time one. Raises `Invalid`, `Conflict`, `NotAllowed`."""
    actor.require(Permission.USER_ADD)
    username, name = username.strip().lower(), name.strip()
    _check_names(username, name)
    if password is not None:
        _check_new_password(password, username)
    one_time = None if password is not None else secrets.token_urlsafe(12)
    password_hash, now = passwords.hash_password(password or one_time or ""), kyo.now()
    with kyo.db.transaction(actor) as tx:
        added = users.add(tx, username, name, role, password_hash, one_time is not None, now)
        audit.record(tx, actor, Event.USER_ADD, added.id, now, {"username": username, "role": role.value})
    return NewUser(added, one_time)


def reset_password(kyo: Kyo, actor: Actor, username: str) -> NewUser:
    """Give somebody a new one-time password and end their sessions. Raises `NotFound`, `NotAllowed`."""
    actor.require(Permission.USER_ADD)
    one_time, now = secrets.token_urlsafe(12), kyo.now()
    password_hash = passwords.hash_password(one_time)
    with kyo.db.transaction(actor) as tx:
        person = users.by_username(tx, storable(username).lower())
        if person is None:
            raise NotFound(f"There is no active user called {username}.")
        users.set_password(tx, person.id, password_hash, must_change=True, now=now)
        sessions.revoke_all(tx, person.id, now)
        audit.record(tx, actor, Event.USER_RESET_PASSWORD, person.id, now)
    return NewUser(person, one_time)


def ensure_first_admin(kyo: Kyo) -> NewUser | None:
    """On an installation without people, add an admin with a one-time password; else None."""
    with kyo.db.transaction(OPERATOR) as tx:
        if users.everyone(tx):
            return None
    return add_user(kyo, OPERATOR, FIRST_ADMIN, "Administrator", Role.ADMIN)


def list_users(kyo: Kyo, actor: Actor) -> tuple[Person, ...]:
    actor.require(Permission.USER_LIST)
    with kyo.db.transaction(actor) as tx:
        return users.everyone(tx)


def actor_named(kyo: Kyo, username: str) -> Actor:
    """The person with this user name, for an operator who acts as them. Raises `NotFound`."""
    with kyo.db.transaction(OPERATOR) as tx:
        actor = users.by_username(tx, storable(username).lower())
    if actor is None:
        raise NotFound(f"There is no active user called {username}.")
    return actor


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def _check_names(username: str, name: str) -> None:
    if not _USERNAME.fullmatch(username):
        raise Invalid(
            "A user name has 1 to 64 characters: small letters, digits, dots, dashes and underscores, "
            "and begins with a letter or a digit."
        )
    if not name or len(name) > 200 or not name.isprintable():
        raise Invalid("A name has 1 to 200 characters, without control characters.")


def _check_new_password(password: str, username: str) -> None:
    if not MIN_PASSWORD_LENGTH <= len(password) <= MAX_PASSWORD_LENGTH:
        raise Invalid(f"A password has {MIN_PASSWORD_LENGTH} to {MAX_PASSWORD_LENGTH} characters.")
    if storable(password) != password.strip():
        raise Invalid("A password must not contain characters that cannot be typed.")
    if len(username) >= MIN_TELLING_NAME and username in password.lower():
        raise Invalid("A password must not contain the user name.")
