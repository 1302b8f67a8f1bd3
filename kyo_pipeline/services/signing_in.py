"""Signing in and out: a proof becomes a ticket, a ticket a session, and a session tells who acts."""

import secrets
from datetime import datetime, timedelta
from uuid import UUID

from kyo_pipeline import tries
from kyo_pipeline.adapters import passwords, tokens
from kyo_pipeline.db import audit, identities, invitations, sessions, sign_in_failures, users
from kyo_pipeline.db.engine import Transaction
from kyo_pipeline.db.sign_in_failures import Counted
from kyo_pipeline.db.users import Credentials
from kyo_pipeline.domain import throttling
from kyo_pipeline.domain.actor import OPERATOR, Actor, Role
from kyo_pipeline.domain.audit import Event
from kyo_pipeline.domain.identity import Identity
from kyo_pipeline.domain.password_policy import MAX_LENGTH
from kyo_pipeline.domain.people import PersonState, email_of, shown_name, typed_username, username_from
from kyo_pipeline.domain.typed_text import said_by_browser, storable
from kyo_pipeline.errors import Conflict, Invalid, NotAllowed
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.tries import Try

TICKET_LIFETIME = timedelta(seconds=30)
#: So many namesakes are numbered; the next ones get random letters, since whole alphabets become `person`.
_NUMBERED = 5

_WRONG = "The user name or the password is wrong."
_EXPIRED = "This one-time password has expired. Ask an administrator for a new one."
_DEACTIVATED = "Your account has been deactivated. Ask an administrator."
_AWAITING = "You have registered, and an administrator has not let you in yet. Try again later."
_NO_ACCOUNT = "You have no account here. Ask an administrator for an invitation."
_NOBODY = "The organisation's sign-in did not say who you are. Try again, or ask an administrator."


def sign_in(kyo: Kyo, username: str, password: str, browser: str, address: str = "") -> str:
    """Check a password and return a ticket that this `browser` can redeem once. Raises `NotAllowed`, `TooMany`."""
    typed = typed_username(username)
    with kyo.db.transaction(OPERATOR) as tx:
        account, known = (users.find(tx, typed), users.credentials(tx, typed)) if typed else (None, None)
    subjects = (throttling.of_account(typed or username.strip().lower()), *throttling.of_address(address))
    person = account.actor if account else None
    attempt = Try(Event.SESSION_REFUSE, OPERATOR, person, subjects, said_by_browser(address))
    counted = tries.count(kyo, attempt)
    # Outside any transaction: hashing takes long, and takes as long for a name that does not exist.
    fits = passwords.verify(known.password_hash if known else None, password[: MAX_LENGTH + 1])
    if known is None or not fits:
        with kyo.db.transaction(OPERATOR) as tx:
            tries.record_failure(tx, attempt, "wrong", counted, kyo.now())
        raise NotAllowed(_WRONG)
    refusal = _refusal(account.state) if account else None
    if refusal is not None:  # only to whoever knows the password
        with kyo.db.transaction(OPERATOR) as tx:
            tries.record_failure(tx, attempt, "state", counted, kyo.now())
        raise NotAllowed(refusal)
    lifetime = timedelta(days=kyo.settings.KYO_INVITATION_DAYS)
    if known.actor.must_change_password and kyo.now() - known.password_changed_at > lifetime:
        with kyo.db.transaction(OPERATOR) as tx:
            tries.record_failure(tx, attempt, "expired", counted, kyo.now())
        raise NotAllowed(_EXPIRED)
    stronger = passwords.hash_password(password) if passwords.is_outdated(known.password_hash) else None
    return _let_in(kyo, known, stronger, browser, counted)


def sign_in_with_identity(kyo: Kyo, identity: Identity, browser: str) -> str:
    """A ticket for whom the identity provider has vouched for. Raises `NotAllowed`, `Conflict`."""
    if not identity.names_somebody:
        raise NotAllowed(_NOBODY)
    now, ticket = kyo.now(), tokens.new_token()
    with kyo.db.transaction(OPERATOR) as tx:
        user_id = identities.find(tx, identity) or _link(tx, identity, now) or _register(kyo, tx, identity, now)
    # After the registration is stored: whoever waits is told so at each try.
    with kyo.db.transaction(OPERATOR) as tx:
        account = users.lock(tx, user_id)
        refusal = _refusal(account.state if account else PersonState.DEACTIVATED)
        if refusal is None:
            sessions.forget_old(tx, now)
            sessions.add_ticket(
                tx, tokens.digest(ticket), user_id, tokens.digest(browser), now + TICKET_LIFETIME, "sso"
            )
        else:
            name = account.actor.username if account else "unknown"
            details = {"reason": "identity", "issuer": identity.issuer}
            audit.record(tx, OPERATOR, Event.SESSION_REFUSE, name, now, details, outcome="refused")
    if refusal is not None:
        raise NotAllowed(refusal)
    return ticket


def redeem_ticket(
    kyo: Kyo, ticket: str, browser: str, device: str = "", address: str = "", replaced: str | None = None
) -> tuple[str, datetime]:
    """Turn a ticket into a session: its token, for the cookie, and when it ends. Raises `NotAllowed`.

    `replaced` is the token that the cookie held before: that session ends, since nobody would see it any more.
    """
    now = kyo.now()
    token, expires_at = tokens.new_token(), now + timedelta(hours=kyo.settings.KYO_SESSION_HOURS)
    with kyo.db.transaction(OPERATOR) as tx:
        proved = sessions.use_ticket(tx, tokens.digest(ticket), tokens.digest(browser), now)
        if proved is None:
            raise NotAllowed("This sign-in link has been used or has expired. Sign in again.")
        if replaced:
            _end(tx, replaced, now)
        sessions.add(
            tx,
            tokens.digest(token),
            proved.actor.id,
            now,
            expires_at,
            device=said_by_browser(device),
            address=said_by_browser(address),
            method=proved.method,
        )
        details = {"method": proved.method}
        audit.record(
            tx, proved.actor, Event.SESSION_START, proved.actor.id, now, details, address=said_by_browser(address)
        )
    return token, expires_at


def actor_of_session(kyo: Kyo, token: str | None) -> Actor | None:
    """Who is signed in with this token, as the database knows them now; None when nobody is."""
    if not token:
        return None
    with kyo.db.transaction(OPERATOR) as tx:
        return sessions.actor_of(tx, tokens.digest(token), kyo.now(), kyo.settings.session_idle)


def sign_out(kyo: Kyo, token: str) -> None:
    """End a session. Ending it twice is the same as once."""
    with kyo.db.transaction(OPERATOR) as tx:
        _end(tx, token, kyo.now())


def _end(tx: Transaction, token: str, now: datetime) -> None:
    """End a session and say so in the name of its owner, also when it was over before it was ended."""
    owner = sessions.revoke(tx, tokens.digest(token), now)
    account = users.read(tx, owner) if owner else None
    if account is not None:
        audit.record(tx, account.actor, Event.SESSION_END, account.actor.id, now)


def _let_in(kyo: Kyo, known: Credentials, stronger: str | None, browser: str, counted: tuple[Counted, ...]) -> str:
    """`stronger` is a hash of the same password with the parameters of today, if the stored one has older ones."""
    now, ticket = kyo.now(), tokens.new_token()
    with kyo.db.transaction(OPERATOR) as tx:
        # Whoever deactivates them or resets the password at this moment comes before or after, not in between.
        if not users.lock_unchanged(tx, known):
            raise NotAllowed(_WRONG)
        if stronger is not None:
            users.strengthen_hash(tx, known, stronger)
        tries.forgive(tx, counted)
        sign_in_failures.forget_old(tx, now)
        sessions.forget_old(tx, now)
        sessions.add_ticket(tx, tokens.digest(ticket), known.actor.id, tokens.digest(browser), now + TICKET_LIFETIME)
    return ticket


# Identities ----------------------------------------------------------------------------------------------------------


def _refusal(state: PersonState) -> str | None:
    return {PersonState.DEACTIVATED: _DEACTIVATED, PersonState.AWAITING: _AWAITING}.get(state)


def _verified_email(identity: Identity) -> str | None:
    if not identity.email_verified:
        return None
    try:
        return email_of(identity.email or "")
    except Invalid:
        return None


def _link(tx: Transaction, identity: Identity, now: datetime) -> UUID | None:
    """Link somebody whom an admin has added with this address, and whose password, if any, stays as it is."""
    email = _verified_email(identity)
    user_id = identities.find_by_email(tx, email) if email else None
    account = users.lock(tx, user_id) if user_id else None
    if account is None:
        return None
    if _refusal(account.state) is None:
        if not identities.add(tx, identity, account.actor.id, now):
            raise Conflict("Somebody signed in as you at the same moment. Try again.")
        invitations.withdraw(tx, account.actor.id)
        details = {"issuer": identity.issuer}
        audit.record(tx, account.actor, Event.USER_LINK_IDENTITY, account.actor.id, now, details)
    return account.actor.id


def _register(kyo: Kyo, tx: Transaction, identity: Identity, now: datetime) -> UUID:
    setting = kyo.settings.KYO_REGISTRATION
    if setting == "off":
        raise NotAllowed(_NO_ACCOUNT)
    email = _verified_email(identity)
    if email and identities.is_taken(tx, email):
        email = None
    username = _free_username(tx, username_from(email, identity.name))
    name = shown_name(storable(identity.name), username)
    added = users.add(
        tx, username, name, Role.EMPLOYEE, now,
        email=email, email_confirmed=True, awaiting=setting == "approval",
    )  # fmt: skip
    if not identities.add(tx, identity, added.id, now):
        raise Conflict("You could not be registered at this moment. Try again.")
    details = {"username": added.username, "issuer": identity.issuer, "awaiting_approval": setting == "approval"}
    audit.record(tx, OPERATOR, Event.USER_REGISTER, added.id, now, details)
    return added.id


def _free_username(tx: Transaction, wanted: str) -> str:
    for number in range(1, _NUMBERED + 1):
        username = wanted if number == 1 else f"{wanted}-{number}"
        if users.find(tx, username) is None and username != OPERATOR.username:
            return username
    return f"{wanted}-{secrets.token_hex(3)}"
