"""What was refused, and what was read, on record: the same thing once in a while, so that no loop fills the audit log.

Of what was refused, PostgreSQL sees to that; the cache only spares it the question. The row has a transaction of its
own, because that of the refused deed is rolled back, and the operator writes it, because others may not read the log.
"""

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

from kyo_pipeline.adapters.audit_key import audit_key
from kyo_pipeline.db import audit
from kyo_pipeline.domain import throttling
from kyo_pipeline.domain.actor import OPERATOR, Actor
from kyo_pipeline.domain.audit import Event
from kyo_pipeline.domain.limits import LimitReached, window
from kyo_pipeline.errors import NotFound
from kyo_pipeline.kyo import Kyo

Details = Mapping[str, object]

_EVERY = timedelta(minutes=1)
_UNKNOWN = "unknown"

#: A page that is open asks for what it shows again and again: in this time it is one reading.
READING = timedelta(minutes=10)


def refused(
    kyo: Kyo,
    actor: Actor,
    event: Event,
    object_id: object,
    details: Details,
    same: Sequence[Details] = (),
    address: str | None = None,
) -> None:
    """Write one row, unless this minute has one of this actor and event that is the same.

    A row is the same that has all the details, or all of one of `same`, where `object_id` counts as a detail.
    """
    at = kyo.now()
    minute = window(_EVERY, at)
    keys = {_key(actor, event, one, f"{minute.start:%Y-%m-%dT%H:%M}"): one for one in same or (details,)}
    if any(kyo.cache.get(key) is not None for key in keys):
        return
    with kyo.db.transaction(OPERATOR) as tx:
        audit.lock(tx, actor, event)
        there = [key for key, one in keys.items() if audit.has_row(tx, actor, event, minute, one)]
        if not there:
            audit.record(tx, actor, event, object_id, at, details, outcome="refused", address=address)
    for key in there or keys:
        kyo.cache.set(key, b"on record", int(_EVERY.total_seconds()))


def read(kyo: Kyo, actor: Actor, event: Event, object_id: UUID) -> None:
    """Put on record that somebody reads something. Called before it is shown: what cannot be recorded is not shown.

    Nothing where KYO_AUDIT_READS is false. Without the cache, there is a row each time.
    """
    if not kyo.settings.KYO_AUDIT_READS:
        return
    key = _key(actor, event, {"object_id": object_id}, "")
    if kyo.cache.get(key) is not None:
        return
    with kyo.db.transaction(actor) as tx:
        audit.record(tx, actor, event, object_id, kyo.now())
    kyo.cache.set(key, b"on record", int(READING.total_seconds()))


@contextmanager
def out_of_reach(kyo: Kyo, actor: Actor, event: Event, object_id: UUID) -> Iterator[None]:
    """Put a `NotFound` on record and raise it again: somebody tried to read what is not there, or not for them."""
    try:
        yield
    except NotFound:
        details = {"reason": "not found"}
        refused(kyo, actor, event, object_id, details, [{**details, "object_id": str(object_id)}])
        raise


@contextmanager
def used_up_limits(kyo: Kyo, actor: Actor, event: Event) -> Iterator[None]:
    """Put a `LimitReached` on record and raise it again."""
    try:
        yield
    except LimitReached as error:
        usage = error.usage
        details = {"limit": usage.limit.value, "allowed": usage.allowed, "until": usage.resets_at.isoformat()}
        refused(kyo, actor, event, actor.id, details)
        raise


def blocked_try(kyo: Kyo, actor: Actor, event: Event, username: str | None, address: str) -> None:
    """Put on record that somebody tried while an account or an address is blocked: once for each of both.

    `username` is None where nobody has the name that was typed: it may be a password in the wrong field.
    """
    # Not by the address as it is: whoever has an IPv6 network could come from another one each time.
    network = _sealed(kyo, next((one.name for one in throttling.of_address(address)), ""))
    details = {"reason": "blocked", "network": network}
    same: list[Details] = [{"object_id": username}] if username else []
    if network:
        same.append({"network": network})
    if not same:
        same.append({"object_id": _UNKNOWN, "network": network})
    alike = [{"reason": "blocked", **one} for one in same]
    refused(kyo, actor, event, username or _UNKNOWN, details, alike, address)


def _sealed(kyo: Kyo, network: str) -> str:
    """What tells networks apart and no more, for this minute: rows are never changed, and addresses are forgotten."""
    if not network:
        return ""
    minute = f"{window(_EVERY, kyo.now()).start.isoformat()} {network}"
    return hmac.new(audit_key(kyo.settings), minute.encode(), "sha256").hexdigest()[:16]


def _key(actor: Actor, event: Event, same: Details, minute: str) -> str:
    digest = hashlib.sha256(json.dumps(dict(same), default=str, sort_keys=True).encode()).hexdigest()
    return f"on-record:{event.value}:{actor.id}:{digest}:{minute}"
