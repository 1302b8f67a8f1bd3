"""The chain of the audit log: each row carries the hash of the one before, and a seal that needs a key.

`hash` is SHA-256 of the row as canonical JSON, the hash of the row before within: whoever has an export can check it
with nothing else. `seal` is HMAC-SHA-256 of the hash with a key that the database does not know: whoever may do
everything in the database can compute hashes, but no seals. The format is described in docs/security.md.
"""

import hashlib
import hmac
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from uuid import UUID

#: The hash before the first row.
GENESIS = bytes(32)

#: From here on a float has no fraction: PostgreSQL prints it without a point, and it is read again as an integer.
_EXACT = 2**53


@dataclass(frozen=True)
class Entry:
    """What a row says. `details` is whatever JSON can hold; `address` is where from, as far as anybody knows."""

    at: datetime
    actor_id: UUID | None
    actor_name: str
    event: str
    object_id: str
    outcome: str
    details: Mapping[str, object]
    address: str | None = None
    request_id: str | None = None

    @property
    def object_type(self) -> str:
        """The resource of the event."""
        return self.event.partition(":")[0]


@dataclass(frozen=True)
class End:
    """A row that others follow on, or that an anchor keeps elsewhere."""

    id: int = 0
    hash: bytes = GENESIS


@dataclass(frozen=True)
class Row:
    """A row as it stands in the log. Hashes and seals have 32 bytes.

    `address_digest` stays when the address is forgotten; None: there was none.
    """

    id: int
    entry: Entry
    address_digest: bytes | None
    previous_hash: bytes
    hash: bytes
    seal: bytes

    @property
    def end(self) -> End:
        return End(self.id, self.hash)

    def is_intact(self) -> bool:
        """Whether it says what it said when it was hashed."""
        return self.hash == hash_of(self.entry, self.address_digest, self.previous_hash)

    def is_sealed(self, keys: Iterable[bytes]) -> bool:
        """Whether somebody with one of the keys has written it, and the address, where that is still there."""
        return any(
            hmac.compare_digest(self.seal, seal_of(self.hash, key))
            and (
                self.entry.address is None
                or self.address_digest == address_digest(self.entry.address, self.previous_hash, key)
            )
            for key in keys
        )


def follow(end: End, entries: Iterable[Entry], key: bytes) -> Iterator[Row]:
    """The rows that say these things, next after `end`."""
    for entry in entries:
        previous = end.hash
        digest = None if entry.address is None else address_digest(entry.address, previous, key)
        end = End(end.id + 1, hash_of(entry, digest, previous))
        yield Row(end.id, entry, digest, previous, end.hash, seal_of(end.hash, key))


def hash_of(entry: Entry, digest: bytes | None, previous: bytes) -> bytes:
    return hashlib.sha256(canonical(said(entry, digest, previous)).encode()).digest()


def seal_of(hashed: bytes, key: bytes) -> bytes:
    return hmac.digest(key, hashed, "sha256")


def address_digest(address: str, previous: bytes, key: bytes) -> bytes:
    """Keyed, since addresses are few enough to be guessed; never twice the same, since each row has another before."""
    return hmac.digest(key, previous + address.encode(), "sha256")


def said(entry: Entry, digest: bytes | None, previous: bytes) -> dict[str, object]:
    """All that is hashed of a row."""
    return {
        "at": entry.at.astimezone(timezone.utc).isoformat(timespec="microseconds"),
        "actor_id": None if entry.actor_id is None else str(entry.actor_id),
        "actor_name": entry.actor_name,
        "event": entry.event,
        "object_id": entry.object_id,
        "outcome": entry.outcome,
        "details": entry.details,
        "address_digest": None if digest is None else digest.hex(),
        "request_id": entry.request_id,
        "previous_hash": previous.hex(),
    }


def canonical(values: Mapping[str, object]) -> str:
    """JSON without spaces, keys in order; the same before PostgreSQL has stored it as jsonb and after."""
    return json.dumps(_plain(values), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _plain(value: object) -> object:
    match value:
        case None | bool() | str():
            return value
        case float():
            return value + 0.0  # there is no negative zero in the database
        case int():
            return value if abs(value) < _EXACT else _as_float(value)
        case Mapping():
            return {str(key): _plain(one) for key, one in value.items()}
        case list() | tuple():
            return [_plain(one) for one in value]
        case _:
            return str(value)


def _as_float(value: int) -> float | str:
    try:
        return float(value)
    except OverflowError:
        return str(value)
