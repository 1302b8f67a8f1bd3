"""How rows get into the audit log, and how its chain is read.

They are kept with the transaction and written right before it is committed, in its last statements: whoever appends
holds the end of the chain until the commit, so this must take no longer than it has to, and no lock may follow on it.
"""

import hashlib
from collections.abc import Callable, MutableMapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from kyo_pipeline.db import audit_log
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.audit import Event
from kyo_pipeline.domain.audit_chain import GENESIS, End, Entry, Row, canonical, follow, said
from kyo_pipeline.domain.audit_check import HASH, THROUGH, Kind, Tampering
from kyo_pipeline.domain.audit_log import EVERYTHING, AuditFilter

_WAITING = "kyo.audit"

_BEFORE = "One of the first {0} rows, which are older than the chain, is not as it was when the chain began."

#: Rows from before there was a chain have the lowest numbers.
_IS_TO_BEGIN = """
    select (select hash is null from audit_log order by id limit 1)
      and not exists (select from audit_log where event = :event)
"""

_COLUMNS = """
    id, at, actor_id, actor_name, event, object_id, outcome, details, address, request_id, address_digest,
    previous_hash, hash, seal
"""


@dataclass(frozen=True)
class Begun:
    """Where what waits is kept, which outlives the transaction, and what waited in one around it."""

    kept: MutableMapping[Any, Any]
    before: object


def begin(tx: Connection) -> Begun:
    """Nothing waits in this transaction yet. For `end`."""
    begun = Begun(tx.info, tx.info.get(_WAITING))
    begun.kept[_WAITING] = []
    return begun


def end(begun: Begun) -> None:
    """Forget what was not written: the transaction was rolled back. The connection may be gone: it is not asked."""
    begun.kept[_WAITING] = begun.before


def await_commit(tx: Connection, entry: Entry) -> None:
    """Have a row written when this transaction is about to be committed."""
    tx.info[_WAITING].append(entry)


def write(tx: Connection, key: Callable[[], bytes]) -> None:
    """Append what waits, as the last thing that the transaction does."""
    entries: list[Entry] = tx.info[_WAITING]
    if not entries:
        return
    secret = key()  # before the lock: it may have to be read from a file
    if refused := [entry.at for entry in entries if entry.outcome == "refused"]:
        tx.execute(text("select expect_refusals(:refused)"), {"refused": refused})
    last = tx.execute(text("select id, hash from lock_audit_chain()")).one_or_none()
    rows = ",".join(_appended(row) for row in follow(_end(last), entries, secret))
    tx.execute(text("select append_to_audit_log(cast(:rows as jsonb))"), {"rows": f"[{rows}]"})
    entries.clear()


def read(tx: Connection, after: int, limit: int, only: AuditFilter = EVERYTHING) -> tuple[Row, ...]:
    """Rows of the chain in the order of their numbers. For admins; rows from before there was a chain are left out."""
    conditions, parameters = audit_log.conditions(only)
    statement = f"""
        select {_COLUMNS}
        from audit_log
        where id > :after and hash is not null and {conditions}
        order by id
        limit :limit
    """  # noqa: S608 — constants
    return tuple(_row(row) for row in tx.execute(text(statement), {"after": after, "limit": limit, **parameters}))


def last(tx: Connection) -> End:
    """The last row of now; somebody may append the next at this moment. For admins."""
    return _end(tx.execute(text("select id, hash from audit_log order by id desc limit 1")).one_or_none())


def last_before(tx: Connection, before: datetime) -> End | None:
    """The last row of those that may be pruned together: all up to there are older than this moment.

    The very last row stays in any case: the next one follows on it.
    """
    row = tx.execute(
        text(
            """
            select id, hash
            from audit_log
            where id < coalesce((select min(id) from audit_log where at >= :before), (select max(id) from audit_log))
            order by id desc
            limit 1
            """
        ),
        {"before": before},
    ).one_or_none()
    return None if row is None or row.hash is None else _end(row)


def prune(tx: Connection, through: int) -> int:
    """Delete rows; returns how many. For the operator, in the pipeline's role."""
    return int(tx.scalar(text("select prune_audit_log(:through)"), {"through": through}) or 0)


def forget_addresses(tx: Connection, before: datetime) -> int:
    """Returns of how many rows. For the operator, in the pipeline's role."""
    return int(tx.scalar(text("select forget_audit_addresses(:before)"), {"before": before}) or 0)


# Rows from before there was a chain ---------------------------------------------------------------------------------


def begin_chain(tx: Connection, now: datetime) -> bool:
    """Have the chain begin with a row about those that are older than it; False when there are none, or it is there.

    For the owner of the tables, when the database is brought up to date.
    """
    if not tx.scalar(text(_IS_TO_BEGIN), {"event": Event.AUDIT_BEGIN.value}):
        return False
    details = {**(_older(tx) or {}), HASH: GENESIS.hex()}
    entry = Entry(now, OPERATOR.id, OPERATOR.username, Event.AUDIT_BEGIN.value, "log", "done", details)
    await_commit(tx, entry)
    return True


def changed_before(tx: Connection) -> Tampering | None:
    """Whether rows from before there was a chain are not as they were when it began."""
    begun = tx.execute(
        text("select details from audit_log where event = :event order by id limit 1"),
        {"event": Event.AUDIT_BEGIN.value},
    ).one_or_none()
    if begun is None:
        return None  # there never were any, or their time was over: they leave together with this row
    older = _older(tx) or {"rows": 0}
    if older.items() <= begun.details.items():
        return None
    return Tampering(Kind.CHANGED, 1, _BEFORE.format(begun.details[THROUGH]))


def _older(tx: Connection) -> dict[str, object] | None:
    """How many rows are older than the chain, the number of the last, and a hash of all."""
    hashed, rows, through = hashlib.sha256(), 0, 0
    while found := _unchained(tx, through):
        for row in found:
            hashed.update(canonical({"row": row.id, **said(_entry(row), None, GENESIS)}).encode())
        rows, through = rows + len(found), found[-1].id
    return {"rows": rows, THROUGH: through, "sha256": hashed.hexdigest()} if rows else None


def _unchained(tx: Connection, after: int) -> Sequence[Any]:
    statement = f"select {_COLUMNS} from audit_log where id > :after and hash is null order by id limit 5000"  # noqa: S608 — a constant
    return tx.execute(text(statement), {"after": after}).all()


class Whole:
    """The log as a checker asks about it, see `domain/audit_check.py`. Reads all rows: only when something is wrong."""

    def __init__(self, tx: Connection) -> None:
        self._tx = tx

    def count(self, hashed: bytes) -> int:
        return int(self._tx.scalar(text("select count(*) from audit_log where hash = :hash"), {"hash": hashed}) or 0)

    def has_successor(self, hashed: bytes, after: int) -> bool:
        statement = "select exists (select from audit_log where previous_hash = :hash and id > :after)"
        return bool(self._tx.scalar(text(statement), {"hash": hashed, "after": after}))


def _appended(row: Row) -> str:
    """An object for `append_to_audit_log`."""
    entry = row.entry
    return canonical(
        {
            "id": row.id,
            "at": entry.at,
            "actor_id": entry.actor_id,
            "actor_name": entry.actor_name,
            "event": entry.event,
            "object_type": entry.object_type,
            "object_id": entry.object_id,
            "outcome": entry.outcome,
            "details": entry.details,
            "address": entry.address,
            "request_id": entry.request_id,
            "address_digest": None if row.address_digest is None else row.address_digest.hex(),
            "previous_hash": row.previous_hash.hex(),
            "hash": row.hash.hex(),
            "seal": row.seal.hex(),
        }
    )


def _end(row: Any) -> End:
    """What the next row follows on; rows of before are passed over."""
    if row is None:
        return End()
    return End(row.id) if row.hash is None else End(row.id, bytes(row.hash))


def _row(row: Any) -> Row:
    digest = None if row.address_digest is None else bytes(row.address_digest)
    return Row(row.id, _entry(row), digest, *(_bytes(one) for one in (row.previous_hash, row.hash, row.seal)))


def _entry(row: Any) -> Entry:
    return Entry(
        row.at,
        row.actor_id,
        row.actor_name,
        row.event,
        row.object_id,
        row.outcome,
        row.details,
        row.address,
        row.request_id,
    )


def _bytes(value: Any) -> bytes:
    """Of a row that somebody has changed, a value may be gone."""
    return b"" if value is None else bytes(value)
