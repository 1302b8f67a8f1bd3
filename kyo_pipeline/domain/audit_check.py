"""Whether the audit log is as it was written: reads its rows in order, and names the first that is not."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Protocol

from kyo_pipeline.domain.audit import Event
from kyo_pipeline.domain.audit_chain import GENESIS, End, Row

#: In the details of rows that say from where on the chain is there: the last row that is not, and its hash in hex.
THROUGH, HASH = "through", "hash"

_NOT_AS_WRITTEN = "Row {0} is not as it was written."
_NOT_OURS = "Row {0} was not written by KYO, or with another key."
_COPY = "Row {0} is a copy of another one."
_ELSEWHERE = "Row {0} was written in another place of the log."
_RENUMBERED = "A row before row {0} was removed, and the numbers were changed."
_NOT_ANCHORED = (
    "Row {0} is not the one that was there when its hash was kept outside of the database, at {1:%F %R} UTC."
)
_CUT_OFF = "The log ends with row {0}, and had {1} rows at {2:%F %R} UTC."


class Kind(str, Enum):
    """What was done to the log."""

    CHANGED = "changed"
    REMOVED = "removed"
    INSERTED = "inserted"
    MOVED = "moved"
    CUT_OFF = "cut off"


@dataclass(frozen=True)
class Tampering:
    """`row` is the number of the first row that is missing, or not as it was written."""

    kind: Kind
    row: int
    sentence: str


@dataclass(frozen=True)
class Anchor:
    """The end of the log at some moment, kept outside of the database."""

    at: datetime
    end: End


class WholeLog(Protocol):
    """What a checker asks when a row does not follow on the one before."""

    def count(self, hashed: bytes) -> int:
        """How many rows have this hash."""

    def has_successor(self, hashed: bytes, after: int) -> bool:
        """Whether a row with a higher number than `after` says that it follows on this hash."""


@dataclass
class Checker:
    """Feed it the rows in order of their numbers, then ask what was found. `keys`: the one in use, and former ones."""

    keys: Sequence[bytes]
    log: WholeLog
    anchors: Sequence[Anchor] = ()
    rows: int = 0
    last: End = field(default_factory=End)
    tampering: Tampering | None = None
    _first: End | None = None  # what the first row follows on
    _explained: set[End] = field(default_factory=set)
    _kept: dict[int, list[Anchor]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for anchor in self.anchors:
            self._kept.setdefault(anchor.end.id, []).append(anchor)

    @property
    def first_row(self) -> int:
        """The number of the first row there is; 0: there is none."""
        return 0 if self._first is None else self._first.id + 1

    def feed(self, rows: Iterable[Row]) -> bool:
        """Whether to go on: False as soon as something was found."""
        for row in rows:
            if self._first is None:
                self._first = self.last = self._before(row)
            self.tampering = self._out_of_line(row) or self._written_elsewhere(row) or self._not_anchored(row)
            if self.tampering is not None:
                return False
            self._note(row)
        return True

    def finish(self) -> Tampering | None:
        """What was done; None: nothing that can be seen."""
        return self.tampering or self._begins_late() or self._ends_early()

    def _before(self, first: Row) -> End:
        """What the first row should follow on. Whether rows before it were pruned, `finish` says."""
        is_first = first.id == 1 or self.log.count(first.previous_hash) > 0
        return End(first.id - 1, GENESIS if is_first else first.previous_hash)

    def _note(self, row: Row) -> None:
        self.rows += 1
        self.last = row.end
        if row.entry.event in (Event.AUDIT_PRUNE.value, Event.AUDIT_BEGIN.value):
            details = row.entry.details
            self._explained.add(End(int(str(details[THROUGH])), bytes.fromhex(str(details[HASH]))))

    def _out_of_line(self, row: Row) -> Tampering | None:
        expected = self.last.id + 1
        if row.id != expected:
            return Tampering(Kind.REMOVED, expected, missing(expected, row.id - 1))
        if row.is_sealed(self.keys) and row.is_intact():
            return None
        if self.log.has_successor(self.last.hash, row.id):
            return Tampering(Kind.INSERTED, row.id, _NOT_OURS.format(row.id))
        return Tampering(Kind.CHANGED, row.id, (_NOT_OURS if row.is_intact() else _NOT_AS_WRITTEN).format(row.id))

    def _written_elsewhere(self, row: Row) -> Tampering | None:
        if row.previous_hash == self.last.hash:
            return None
        if self.log.count(row.hash) > 1:
            return Tampering(Kind.INSERTED, row.id, _COPY.format(row.id))
        if self.log.count(row.previous_hash):
            return Tampering(Kind.MOVED, row.id, _ELSEWHERE.format(row.id))
        return Tampering(Kind.REMOVED, row.id, _RENUMBERED.format(row.id))

    def _not_anchored(self, row: Row) -> Tampering | None:
        for anchor in self._kept.get(row.id, ()):
            if anchor.end.hash != row.hash:
                return Tampering(Kind.CHANGED, row.id, _NOT_ANCHORED.format(row.id, anchor.at))
        return None

    def _begins_late(self) -> Tampering | None:
        if self._first in (None, End()) or self._first in self._explained:
            return None
        return Tampering(Kind.REMOVED, 1, missing(1, self._first.id))

    def _ends_early(self) -> Tampering | None:
        longest = max(self.anchors, key=lambda anchor: anchor.end.id, default=None)
        if longest is None or longest.end.id <= self.last.id:
            return None
        sentence = _CUT_OFF.format(self.last.id, longest.end.id, longest.at)
        return Tampering(Kind.CUT_OFF, self.last.id + 1, sentence)


def missing(first: int, last: int) -> str:
    """A sentence about rows that should be there."""
    return f"Row {first} is missing." if first == last else f"Rows {first} to {last} are missing."
