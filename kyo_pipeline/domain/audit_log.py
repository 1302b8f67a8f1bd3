"""What people see of the audit log: rows, and which of them are wanted."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from uuid import UUID


@dataclass(frozen=True)
class AuditRecord:
    """`event` is `resource:action`; `object_type` its resource. `address`: None where there was none, or no more.

    The hashes are hexadecimal; None in rows from before there was a chain.
    """

    id: int
    at: datetime
    actor_id: UUID | None
    actor_name: str
    event: str
    object_type: str
    object_id: str
    outcome: str
    details: Mapping[str, object]
    address: str | None
    request_id: str | None
    previous_hash: str | None
    hash: str | None


@dataclass(frozen=True)
class AuditFilter:
    """Rows that have all of it; None: any. `since` is within, `until` is not."""

    actor_id: UUID | None = None
    event: str | None = None
    object_type: str | None = None
    object_id: str | None = None
    outcome: str | None = None
    request_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def on_record(self) -> dict[str, str]:
        """What of it says which rows somebody took away."""
        return {name: str(value) for name, value in asdict(self).items() if value is not None}


EVERYTHING = AuditFilter()


@dataclass(frozen=True)
class Cursor:
    """A row that a page goes on from: with what is older than that, or, with `newer`, with what is newer."""

    at: datetime
    id: int
    newer: bool = False


#: Before the oldest row: the page that reads away from here is the last one.
OLDEST = Cursor(datetime.min.replace(tzinfo=timezone.utc), 0, newer=True)

#: More are not counted: it would take longer than reading a page.
MOST_COUNTED = 10_000


@dataclass(frozen=True)
class AuditPage:
    """The newest first. `total` counts all that is wanted, up to `MOST_COUNTED`; `newer`, `older`: where to go on."""

    records: tuple[AuditRecord, ...]
    total: int
    newer: Cursor | None
    older: Cursor | None

    @property
    def is_counted(self) -> bool:
        """Whether `total` is all there is."""
        return self.total < MOST_COUNTED
