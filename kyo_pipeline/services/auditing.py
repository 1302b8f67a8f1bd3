"""The audit log: reading it, proving that it is as it was written, taking it elsewhere, letting go of what is old."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from kyo_pipeline.adapters import anchors as anchor_file
from kyo_pipeline.adapters import webhook
from kyo_pipeline.adapters.audit_key import known_keys
from kyo_pipeline.db import audit, audit_chain, audit_log
from kyo_pipeline.db.engine import lock_name
from kyo_pipeline.domain import anchors
from kyo_pipeline.domain.access import PersonName
from kyo_pipeline.domain.actor import OPERATOR, Actor, Permission
from kyo_pipeline.domain.audit import Event
from kyo_pipeline.domain.audit_chain import End
from kyo_pipeline.domain.audit_check import HASH, THROUGH, Anchor, Checker, Tampering
from kyo_pipeline.domain.audit_export import Format, header, line
from kyo_pipeline.domain.audit_log import EVERYTHING, AuditFilter, AuditPage, Cursor
from kyo_pipeline.domain.pages import MAX_PAGE
from kyo_pipeline.errors import Conflict, NotFound
from kyo_pipeline.kyo import Kyo

#: Rows that are read at once.
_BATCH = 5000

#: What stands for the whole log in rows about it.
_LOG = "log"

#: The lock between those who read all rows and those who delete some.
_RETENTION = "audit-retention"


@dataclass(frozen=True)
class LogCheck:
    """What was looked at, and what was found. `end` is the last row: print it, and it is an anchor."""

    rows: int
    first: int
    end: End
    anchors: int
    tampering: Tampering | None

    @property
    def holds(self) -> bool:
        return self.tampering is None


def list_records(
    kyo: Kyo, actor: Actor, wanted: AuditFilter = EVERYTHING, cursor: Cursor | None = None, limit: int = 50
) -> AuditPage:
    """One page of the log, the newest first. For admins."""
    actor.require(Permission.AUDIT_READ)
    with kyo.db.transaction(actor) as tx:
        return audit_log.page(tx, wanted, cursor, min(max(limit, 1), MAX_PAGE))


def place_of(kyo: Kyo, actor: Actor, row: int) -> Cursor:
    """From where a list goes on with what is older than this row. Raises `NotFound`."""
    actor.require(Permission.AUDIT_READ)
    with kyo.db.transaction(actor) as tx:
        cursor = audit_log.place_of(tx, row)
    if cursor is None:
        raise NotFound(f"There is no row {row} in the audit log.")
    return cursor


def list_people(kyo: Kyo, actor: Actor) -> tuple[PersonName, ...]:
    """Everybody who may be in the log, by name; the operator, under whom the pipeline works, too."""
    actor.require(Permission.AUDIT_READ)
    with kyo.db.transaction(actor) as tx:
        return audit_log.people(tx)


def list_events(kyo: Kyo, actor: Actor) -> tuple[str, ...]:
    """The events that occur in the log."""
    actor.require(Permission.AUDIT_READ)
    with kyo.db.transaction(actor) as tx:
        return audit_log.events(tx)


def verify(
    kyo: Kyo,
    actor: Actor,
    beside: Sequence[Anchor] = (),
    on_rows: Callable[[int], None] = lambda _: None,
) -> LogCheck:
    """Read the whole chain and say what was done to it first, if anything was; it goes on record.

    `beside`: what was kept elsewhere; without them nobody sees that the last rows were removed. `on_rows` hears how
    many rows were read. Raises `Unavailable` where the key cannot be read.
    """
    actor.require(Permission.AUDIT_READ)
    keys = known_keys(kyo.settings)
    with kyo.db.transaction(actor) as tx:
        lock_name(tx, _RETENTION, shared=True)
        checker = Checker(keys, audit_chain.Whole(tx), beside)
        while (rows := audit_chain.read(tx, checker.last.id if checker.rows else 0, _BATCH)) and checker.feed(rows):
            on_rows(checker.rows)
        tampering = checker.finish() or audit_chain.changed_before(tx)
        checked = LogCheck(checker.rows, checker.first_row, checker.last, len(beside), tampering)
        details = {"rows": checked.rows, "through": checked.end.id, "found": tampering and tampering.sentence}
        audit.record(tx, actor, Event.AUDIT_VERIFY, _LOG, kyo.now(), details)
    return checked


def kept_anchors(kyo: Kyo, actor: Actor) -> tuple[Anchor, ...]:
    """What was kept in KYO_AUDIT_ANCHORS, the oldest first. Raises `Invalid`, `Unavailable`."""
    actor.require(Permission.AUDIT_READ)
    return anchors.read(anchor_file.read(_anchor_file(kyo)))


def keep_anchor(kyo: Kyo) -> Anchor:
    """Write the end of the log of now into KYO_AUDIT_ANCHORS. Raises `Unavailable`."""
    anchor = end(kyo, OPERATOR)
    anchor_file.append(_anchor_file(kyo), anchors.written(anchor))
    return anchor


def send_anchor(kyo: Kyo, anchor: Anchor) -> None:
    """Send it to KYO_AUDIT_ANCHOR_URL, if that is set. Raises `Unavailable`."""
    if kyo.settings.KYO_AUDIT_ANCHOR_URL is not None:
        webhook.send(kyo.settings.KYO_AUDIT_ANCHOR_URL.get_secret_value(), anchors.as_json(anchor))


def end(kyo: Kyo, actor: Actor) -> Anchor:
    """The last row of now, to be kept elsewhere."""
    actor.require(Permission.AUDIT_READ)
    with kyo.db.transaction(actor) as tx:
        return Anchor(kyo.now(), audit_chain.last(tx))


def export(kyo: Kyo, actor: Actor, wanted: Format, only: AuditFilter = EVERYTHING) -> Iterator[str]:
    """The chain, or some rows of it, as lines of a file, the oldest first; it goes on record before the first line."""
    actor.require(Permission.AUDIT_READ)
    with kyo.db.transaction(actor) as tx:
        through = audit_chain.last(tx).id
        details = {"through": through, "format": wanted.value, **only.on_record}
        audit.record(tx, actor, Event.AUDIT_EXPORT, _LOG, kyo.now(), details)
    return _lines(kyo, actor, through, wanted, only)


def prune(kyo: Kyo) -> int:
    """Delete rows older than KYO_RETAIN_AUDIT_DAYS, if that is set; returns how many.

    The row about it says where the log begins from now on, so that the chain still proves itself.
    """
    days = kyo.settings.KYO_RETAIN_AUDIT_DAYS
    if days is None:
        return 0
    with kyo.db.transaction(OPERATOR) as tx:
        lock_name(tx, _RETENTION)
        through = audit_chain.last_before(tx, kyo.now() - timedelta(days=days))
        if through is None:
            return 0
        pruned = audit_chain.prune(tx, through.id)
        details = {THROUGH: through.id, HASH: through.hash.hex(), "rows": pruned}
        audit.record(tx, OPERATOR, Event.AUDIT_PRUNE, _LOG, kyo.now(), details)
    return pruned


def forget_addresses(kyo: Kyo) -> int:
    """Forget where deeds came from that are older than KYO_RETAIN_AUDIT_ADDRESSES_DAYS; returns of how many rows."""
    before = kyo.now() - timedelta(days=kyo.settings.KYO_RETAIN_AUDIT_ADDRESSES_DAYS)
    with kyo.db.transaction(OPERATOR) as tx:
        return audit_chain.forget_addresses(tx, before)


def _anchor_file(kyo: Kyo) -> Path:
    return kyo.settings.KYO_AUDIT_ANCHORS or kyo.settings.KYO_HOME / "audit-anchors.jsonl"


def _lines(kyo: Kyo, actor: Actor, through: int, wanted: Format, only: AuditFilter) -> Iterator[str]:
    yield from header(wanted)
    after = 0
    while after < through:
        with kyo.db.transaction(actor) as tx:
            rows = audit_chain.read(tx, after, _BATCH, only)
        if only == EVERYTHING and after and rows and rows[0].id != after + 1:
            raise Conflict("Rows were deleted meanwhile, since their time was over. Export once more.")
        yield from (line(row, wanted) for row in rows if row.id <= through)
        after = rows[-1].id if rows else through
