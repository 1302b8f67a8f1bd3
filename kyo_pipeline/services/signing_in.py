"""Signing in and out: a proof becomes a ticket, a ticket a session, and a session tells who acts."""

import secrets
from datetime import datetime, timedelta
from uuid import UUID

from kyo_pipeline import proof
from kyo_pipeline.adapters import tokens
from kyo_pipeline.db import audit, identities, invitations, sessions, users
from kyo_pipeline.db.engine import Transaction
from kyo_pipeline.domain.actor import OPERATOR, Actor, Role
from kyo_pipeline.domain.audit import Event
from kyo_pipeline.domain.identity import Identity
from kyo_pipeline.domain.people import PersonState, email_of, shown_name, username_from
from kyo_pipeline.domain.typed_text import said_by_browser, storable
from kyo_pipeline.errors import Conflict, Invalid, NotAllowed
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.proof import refusal_of

TICKET_LIFETIME = timedelta(seconds=30)
#: So many namesakes are numbered; the next ones get random letters, since whole alphabets become `person`.
_NUMBERED = 5

_NO_ACCOUNT = "You have no account here. Ask an administrator for an invitation."
_NOBODY = "The organisation's sign-in did not say who you are. Try again, or ask an administrator."


def sign_in(kyo: Kyo, username: str, password: str, browser: str, address: str = "") -> str:
    """Check a password and return a ticket that this `browser` can redeem once. Raises `NotAllowed`, `TooMany`."""
    proved, ticket = proof.prove(kyo, username, password, address), tokens.new_token()
    with kyo.db.transaction(OPERATOR) as tx:
        proof.accept(kyo, tx, proved)
        expires_at = kyo.now() + TICKET_LIFETIME
        sessions.add_ticket(tx, tokens.digest(ticket), proved.actor.id, tokens.digest(browser), expires_at)
    return ticket


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
        refusal = refusal_of(account.state if account else PersonState.DEACTIVATED)
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


# Identities ----------------------------------------------------------------------------------------------------------


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
    if refusal_of(account.state) is None:
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
