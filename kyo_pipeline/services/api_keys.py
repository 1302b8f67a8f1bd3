"""One's own API keys: made, listed, taken back."""

from datetime import datetime, timedelta
from uuid import UUID

from kyo_pipeline.adapters import tokens
from kyo_pipeline.db import api_keys, audit, users
from kyo_pipeline.db.engine import Transaction
from kyo_pipeline.domain.actor import PERMISSIONS, Actor, Role
from kyo_pipeline.domain.api_keys import PREFIX, ApiKey, NewKey
from kyo_pipeline.domain.audit import Event
from kyo_pipeline.domain.scopes import GRANTED, Scope
from kyo_pipeline.domain.typed_text import checked_line
from kyo_pipeline.errors import Conflict, Invalid, NotAllowed, NotFound
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.proof import refusal_of

MAX_NAME_LENGTH = 80
#: Live keys of one person.
MAX_KEYS = 20
#: Characters of a key that are kept to tell it from others: they tell nothing about the rest.
_HINT = len(PREFIX) + 4


def create(kyo: Kyo, actor: Actor, name: str, scopes: frozenset[Scope], days: int) -> NewKey:
    """A key for these kinds of work that ends after so many days. Raises `Invalid`, `NotAllowed`, `Conflict`."""
    actor.require_in_person()
    name = _checked(kyo, actor, name, scopes, days)
    secret, now = PREFIX + tokens.new_token(), kyo.now()
    with kyo.db.transaction(actor) as tx:
        # Two at the same moment are counted one after the other, and whoever deactivates them comes before or after.
        if refusal := refusal_of(users.lock_somebody(tx, actor.id).state):
            raise NotAllowed(refusal)
        _make_room(tx, actor, name, now)
        expires_at = now + timedelta(days=days)
        key = api_keys.add(tx, actor.id, name, secret[:_HINT], tokens.digest(secret), scopes, now, expires_at)
        details = {"name": name, "scopes": sorted(scope.value for scope in scopes), "days": days}
        audit.record(tx, actor, Event.API_KEY_CREATE, key.id, now, details)
    return NewKey(key, secret)


def list_keys(kyo: Kyo, actor: Actor) -> tuple[ApiKey, ...]:
    """The actor's own keys that have not been revoked, the newest first; those that have expired too."""
    actor.require_in_person()
    with kyo.db.transaction(actor) as tx:
        return api_keys.of_person(tx, actor.id)


def revoke(kyo: Kyo, actor: Actor, key_id: UUID) -> None:
    """Take a key back, at once. Raises `NotFound` for one that is not there or was taken back before."""
    actor.require_in_person()
    now = kyo.now()
    with kyo.db.transaction(actor) as tx:
        name = api_keys.revoke(tx, actor.id, key_id, now)
        if name is None:
            raise NotFound("There is no such key of yours, or it was revoked before.")
        audit.record(tx, actor, Event.API_KEY_REVOKE, key_id, now, {"name": name})


def scopes_of(role: Role) -> tuple[Scope, ...]:
    """Those that are of any use to somebody with this role."""
    return tuple(scope for scope in Scope if GRANTED[scope] & PERMISSIONS[role])


def _checked(kyo: Kyo, actor: Actor, name: str, scopes: frozenset[Scope], days: int) -> str:
    name = checked_line(name, "The name of a key", MAX_NAME_LENGTH)
    if not scopes:
        raise Invalid("Say what the key may be used for.")
    if useless := scopes - frozenset(scopes_of(actor.role)):
        listed = ", ".join(sorted(scope.value for scope in useless))
        raise Invalid(f"Your role ({actor.role.value}) does not allow this: {listed}.")
    longest = kyo.settings.KYO_API_KEY_MAX_DAYS
    if not 1 <= days <= longest:
        raise Invalid(f"A key lives for 1 to {longest} days.")
    return name


def _make_room(tx: Transaction, actor: Actor, name: str, now: datetime) -> None:
    """What has expired counts no more, and a new key may take its name: then it is revoked, as it is not missed."""
    keys = api_keys.of_person(tx, actor.id)
    if sum(key.expires_at > now for key in keys) >= MAX_KEYS:
        raise Conflict(f"You have {MAX_KEYS} keys, and nobody has more. Revoke one that you do not need.")
    namesake = next((key for key in keys if key.name.lower() == name.lower()), None)
    if namesake is None:
        return
    if namesake.expires_at > now:
        raise Conflict("You have a key of this name. Choose another one, or revoke that one first.")
    api_keys.revoke(tx, actor.id, namesake.id, now)
    audit.record(tx, actor, Event.API_KEY_REVOKE, namesake.id, now, {"name": namesake.name})
