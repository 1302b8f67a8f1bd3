"""One's own account: profile, password, sessions; and how one comes to have an account."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kyo_pipeline import tries
from kyo_pipeline.adapters import passwords, tokens
from kyo_pipeline.db import access, audit, sessions, users
from kyo_pipeline.domain import password_policy, throttling
from kyo_pipeline.domain.access import Access
from kyo_pipeline.domain.actor import OPERATOR, Actor, Role
from kyo_pipeline.domain.audit import Event
from kyo_pipeline.domain.people import Session, email_of, name_of
from kyo_pipeline.domain.typed_text import said_by_browser
from kyo_pipeline.errors import Conflict, Invalid, NotAllowed, NotFound
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.tries import Try


@dataclass(frozen=True)
class Profile:
    """What somebody sees of their own account."""

    username: str
    name: str
    email: str | None
    role: Role
    created_at: datetime
    password_changed_at: datetime
    has_password: bool
    collections: tuple[tuple[str, Access], ...]


def read_profile(kyo: Kyo, actor: Actor) -> Profile:
    actor.require_settled()
    with kyo.db.transaction(actor) as tx:
        account = users.read(tx, actor.id)
        if account is None:
            raise NotFound("There is no such account.")
        return Profile(
            account.actor.username,
            account.actor.name,
            account.email,
            account.actor.role,
            account.created_at,
            account.password_changed_at,
            users.has_password(tx, actor.id),
            access.accesses(tx, actor.id),
        )


def change_profile(kyo: Kyo, actor: Actor, name: str, email: str) -> None:
    """Change one's own name and e-mail address; without one, it is taken away.

    Raises `Invalid`, `Conflict`, and `NotAllowed` with an API key.
    """
    actor.require_in_person()
    name, address, now = name_of(name), email_of(email), kyo.now()
    with kyo.db.transaction(actor) as tx:
        before = users.lock(tx, actor.id)
        if before is None:
            raise NotFound("There is no such account.")
        changed = {"name": before.actor.name != name, "email": before.email != address}
        if any(changed.values()):
            users.set_profile(tx, actor.id, name, address)
            details = {"changed": [what for what, is_changed in changed.items() if is_changed]}
            audit.record(tx, actor, Event.USER_CHANGE_PROFILE, actor.id, now, details)


def change_password(kyo: Kyo, actor: Actor, current: str, new: str, address: str = "") -> None:
    """Replace the actor's own password. All sessions end: sign in again. Raises `Invalid`, `NotAllowed`, `TooMany`."""
    actor.require_no_key()
    with kyo.db.transaction(actor) as tx:
        account, known = users.read(tx, actor.id), users.credentials(tx, actor.username)
    if account is None or known is None:
        raise NotAllowed("You have no password here: you sign in through your organisation.")
    password_policy.check(new, (actor.username, account.actor.name, account.email or ""))
    # Whoever finds a screen unlocked has no more guesses here than at the sign-in.
    subjects = (throttling.of_account(actor.username),)
    attempt = Try(Event.USER_CHANGE_PASSWORD, actor, actor, subjects, said_by_browser(address))
    counted = tries.count(kyo, attempt)
    fits = passwords.verify(known.password_hash, current[: password_policy.MAX_LENGTH + 1])
    with kyo.db.transaction(OPERATOR) as tx:
        if fits:
            tries.forgive(tx, counted)
        else:
            tries.record_failure(tx, attempt, "wrong", counted, kyo.now())
    if not fits:
        raise NotAllowed("The current password is wrong.")
    if current == new:
        raise Invalid("The new password must differ from the current one.")
    password_hash, now = passwords.hash_password(new), kyo.now()
    with kyo.db.transaction(actor) as tx:
        if not users.lock_unchanged(tx, known):
            raise Conflict("Your account has been changed at the same moment. Sign in again.")
        users.set_password(tx, actor.id, password_hash, now)
        sessions.revoke_all(tx, actor.id, now)
        audit.record(tx, actor, Event.USER_CHANGE_PASSWORD, actor.id, now)


def list_sessions(kyo: Kyo, actor: Actor, token: str | None) -> tuple[Session, ...]:
    """Where the actor is signed in; the session with this token is marked and comes first."""
    actor.require_in_person()
    with kyo.db.transaction(actor) as tx:
        return sessions.of_person(tx, actor.id, tokens.digest(token or ""), kyo.now(), kyo.settings.session_idle)


def end_session(kyo: Kyo, actor: Actor, session_id: UUID) -> None:
    """End one of the actor's own sessions, perhaps the one they are in. Raises `NotFound`."""
    actor.require_in_person()
    now = kyo.now()
    with kyo.db.transaction(actor) as tx:
        if not sessions.revoke_one(tx, actor.id, session_id, now):
            raise NotFound("This session has ended already.")
        audit.record(tx, actor, Event.SESSION_END, actor.id, now, {"session": session_id})


def end_other_sessions(kyo: Kyo, actor: Actor, token: str | None) -> int:
    """End all of the actor's sessions but the one with this token; returns how many there were."""
    actor.require_in_person()
    now = kyo.now()
    with kyo.db.transaction(actor) as tx:
        ended = sessions.revoke_all(tx, actor.id, now, but=tokens.digest(token or ""))
        if ended:
            audit.record(tx, actor, Event.SESSION_END, actor.id, now, {"others": ended})
    return ended
