"""Access by tokens: a password becomes a pair of them, a refresh token the next pair, and each names its owner.

A family of tokens is a session of kind `api`, which knows the hash of the refresh token that counts now. Every request
asks for that session, so its end ends all tokens at once. A refresh token that we have signed, and that is not the one
that counts, was exchanged before: somebody has a copy, so the family ends.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import NoReturn

from kyo_pipeline import proof
from kyo_pipeline.adapters import access_tokens, tokens
from kyo_pipeline.adapters.access_tokens import Claims, TokenType
from kyo_pipeline.db import api_keys, audit, sessions, users
from kyo_pipeline.domain.actor import OPERATOR, Actor
from kyo_pipeline.domain.api_keys import PREFIX, TokenPair
from kyo_pipeline.domain.audit import Event
from kyo_pipeline.domain.people import SessionKind
from kyo_pipeline.domain.scopes import granted
from kyo_pipeline.domain.typed_text import said_by_browser
from kyo_pipeline.errors import NotAllowed, NotSignedIn
from kyo_pipeline.kyo import Kyo

_OVER = "This sign-in is over. Sign in again."
_REUSED = "This refresh token was used before, so all tokens of its sign-in have ended. Sign in again."
_NO_KEY = "This API key is not valid: it was revoked, has expired, or is mistyped. Make another one in Profile."
_CHOOSE = "Choose a password of your own in the app first: the one-time password opens nothing else."
#: Ours have 47 characters.
_LONGEST_KEY = 100


def log_in(kyo: Kyo, username: str, password: str, device: str = "", address: str = "") -> TokenPair:
    """A new family of tokens for whoever knows the password. Raises `NotSignedIn`, `NotAllowed`, `TooMany`."""
    try:
        proved = proof.prove(kyo, username, password, address)
        if proved.actor.must_change_password:
            _refuse(kyo, proved, address)
        with kyo.db.transaction(OPERATOR) as tx:
            proof.accept(kyo, tx, proved)
            now, actor, where = kyo.now(), proved.actor, said_by_browser(address)
            nobody_has_it = tokens.digest(tokens.new_token())  # until there is a refresh token: that names the session
            session_id = sessions.add(
                tx,
                nobody_has_it,
                actor.id,
                now,
                _end(kyo, now),
                device=said_by_browser(device),
                address=where,
                kind=SessionKind.API,
            )
            details = {"method": "password", "kind": SessionKind.API.value}
            audit.record(tx, actor, Event.SESSION_START, actor.id, now, details, address=where)
            pair = _pair(kyo, Claims(actor.id, session_id), now)
            first = tokens.digest(pair.refresh_token)
            sessions.exchange(tx, session_id, nobody_has_it, first, now, pair.refresh_expires_at)
    except proof.WrongPassword as error:
        raise NotSignedIn(error.message) from error
    return pair


def refresh(kyo: Kyo, refresh_token: str) -> TokenPair:
    """The next pair; the token is spent. One that was spent before ends the whole family. Raises `NotSignedIn`."""
    now = kyo.now()
    claims = access_tokens.read(kyo.settings, TokenType.REFRESH, refresh_token, now)
    pair = _pair(kyo, claims, now)
    with kyo.db.transaction(OPERATOR) as tx:
        # The person first, as everybody does who changes one. Whoever comes with the same token waits.
        users.lock(tx, claims.user_id)
        family = sessions.current_token(tx, claims.session_id, claims.user_id, now)
        if family is None:
            raise NotSignedIn(_OVER)
        actor, current = family
        spent = tokens.digest(refresh_token)
        new = tokens.digest(pair.refresh_token)
        counts = spent == current and sessions.exchange(tx, claims.session_id, spent, new, now, pair.refresh_expires_at)
        if not counts:
            sessions.revoke_one(tx, claims.user_id, claims.session_id, now)
            details = {"session": claims.session_id}
            audit.record(tx, actor, Event.TOKEN_REUSE, actor.id, now, details, outcome="refused")
    if not counts:
        raise NotSignedIn(_REUSED)
    return pair


def log_out(kyo: Kyo, refresh_token: str) -> None:
    """End the family of this token, access tokens too, at once; twice is the same as once. Raises `NotSignedIn`."""
    now = kyo.now()
    claims = access_tokens.read(kyo.settings, TokenType.REFRESH, refresh_token, now)
    with kyo.db.transaction(OPERATOR) as tx:
        account = users.lock(tx, claims.user_id)
        if account is not None and sessions.revoke_one(tx, claims.user_id, claims.session_id, now):
            details = {"session": claims.session_id}
            audit.record(tx, account.actor, Event.SESSION_END, account.actor.id, now, details)


def actor_of_bearer(kyo: Kyo, bearer: str, address: str = "") -> Actor:
    """Who comes with this access token or API key, as the database knows them now. Raises `NotSignedIn`."""
    if bearer.startswith(PREFIX):
        return _owner_of_key(kyo, bearer, address)
    now = kyo.now()
    claims = access_tokens.read(kyo.settings, TokenType.ACCESS, bearer, now)
    with kyo.db.transaction(OPERATOR) as tx:
        actor = sessions.actor_of_family(tx, claims.session_id, claims.user_id, now)
    if actor is None:
        raise NotSignedIn(_OVER)
    return actor


def _refuse(kyo: Kyo, proved: proof.Proof, address: str) -> NoReturn:
    """The password was right, so that the try counts for nothing; but it is one that was given to them."""
    with kyo.db.transaction(OPERATOR) as tx:
        proof.accept(kyo, tx, proved)
        name, details = proved.actor.username, {"reason": "one-time"}
        where = said_by_browser(address)
        audit.record(tx, OPERATOR, Event.SESSION_REFUSE, name, kyo.now(), details, outcome="refused", address=where)
    raise NotAllowed(_CHOOSE)


def _owner_of_key(kyo: Kyo, secret: str, address: str) -> Actor:
    if len(secret) > _LONGEST_KEY or not secret.isascii():
        raise NotSignedIn(_NO_KEY)
    with kyo.db.transaction(OPERATOR) as tx:
        key = api_keys.use(tx, tokens.digest(secret), kyo.now(), said_by_browser(address))
    if key is None:
        raise NotSignedIn(_NO_KEY)
    return replace(key.owner, key=key.name, only=granted(key.scopes))


def _pair(kyo: Kyo, claims: Claims, now: datetime) -> TokenPair:
    lifetime, end = timedelta(minutes=kyo.settings.JWT_ACCESS_TOKEN_LIFETIME_MINUTES), _end(kyo, now)
    return TokenPair(
        access_tokens.issue(kyo.settings, TokenType.ACCESS, claims, now, now + lifetime),
        access_tokens.issue(kyo.settings, TokenType.REFRESH, claims, now, end),
        int(lifetime.total_seconds()),
        end,
    )


def _end(kyo: Kyo, now: datetime) -> datetime:
    return now + timedelta(days=kyo.settings.JWT_REFRESH_TOKEN_LIFETIME_DAYS)
