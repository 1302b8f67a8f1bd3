"""What those who look after documents make of it that somebody found an answer unhelpful."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from uuid import UUID

from kyo_pipeline.domain.answers import Answer, Outcome
from kyo_pipeline.domain.feedback import NamedDocument, Reason
from kyo_pipeline.errors import Invalid

MAX_NOTE_LENGTH = 1000

#: Open items that are counted at most.
MOST_COUNTED = 100


class Resolution(str, Enum):
    """What was found about an answer that did not help somebody."""

    CONFIRMED = "confirmed"  # it was right
    CORRECTED = "corrected"  # the answer is elsewhere
    DOCUMENT_UPDATED = "document_updated"
    DISMISSED = "dismissed"  # there is nothing to do


@dataclass(frozen=True)
class FeedbackItem:
    """An answer that somebody found unhelpful, beside one of the documents that it cites. Who that was is not told.

    `asked_on` and `opened_on` are days in UTC: the moment would tell it, beside the audit log. `newer_number` is the
    version that answers questions since, None where it is the one that was cited.
    """

    id: UUID
    document_id: UUID
    title: str
    collection: str
    owner_name: str
    question: str
    standalone: str | None
    asked_on: date
    outcome: Outcome
    reason: Reason | None
    comment: str
    correct_document: NamedDocument | None
    opened_on: date
    closed_at: datetime | None
    closed_by_name: str | None
    resolution: Resolution | None
    note: str
    newer_number: int | None
    newer_since: datetime | None

    @property
    def is_open(self) -> bool:
        return self.closed_at is None


@dataclass(frozen=True)
class FeedbackPage:
    """One page of items, with the number of all that match."""

    items: tuple[FeedbackItem, ...]
    total: int


@dataclass(frozen=True)
class FeedbackDetail:
    """An item with the answer as it was. The rating and the comment are in the item, not in the answer."""

    item: FeedbackItem
    answer: Answer


@dataclass(frozen=True)
class Decision:
    """What somebody decides about an item. `sources` are the documents with the right answer, `expected` is that."""

    resolution: Resolution
    note: str = ""
    sources: Sequence[UUID] = ()
    expected: str = ""

    def checked(self) -> "Decision":
        """The same. Raises `Invalid`."""
        if len(self.note) > MAX_NOTE_LENGTH:
            raise Invalid(f"A note has {MAX_NOTE_LENGTH} characters at most.")
        if self.resolution is Resolution.DISMISSED and not self.note:
            raise Invalid("Say in a few words why there is nothing to do.")
        if self.resolution is Resolution.CORRECTED and not self.sources:
            raise Invalid("Choose the document that has the right answer.")
        if self.resolution is not Resolution.CORRECTED and (self.sources or self.expected):
            raise Invalid("Only a correction names a source and an answer.")
        return self


@dataclass(frozen=True)
class Resolved:
    """An item that was closed. `case_id` is the case of the evaluation set that it became, if it became one."""

    document_id: UUID
    case_id: UUID | None


@dataclass(frozen=True)
class Reviewed:
    """What came of somebody's thumb down."""

    resolution: Resolution
    at: datetime
