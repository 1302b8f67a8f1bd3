"""How KYO is used: what is counted, over which days."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from uuid import UUID


@dataclass(frozen=True)
class Period:
    """Whole days in the zone of KYO_TIME_ZONE, from `first` to `last`, both included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def before(self) -> "Period":
        """As many days, right before these: what they are compared with."""
        last = self.first - timedelta(days=1)
        return Period(last - timedelta(days=self.days - 1), last)


@dataclass(frozen=True)
class Totals:
    """What was asked in a period. Each question has one outcome, as far as it has an answer at all.

    `cached`: answers that were written before. `cost` is in the currency of the prices in the settings; None: they name
    none. Erased answers count as answered, which they were. Answers and thumbs count on the day of their question.
    """

    questions: int = 0
    people: int = 0
    answered: int = 0
    not_found: int = 0
    failed: int = 0
    stopped: int = 0
    cached: int = 0
    liked: int = 0
    disliked: int = 0
    refused: int = 0  # limits and permissions, from the audit log; for admins, else 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float | None = None


@dataclass(frozen=True)
class DayTotals:
    day: date
    totals: Totals


@dataclass(frozen=True)
class StageLatency:
    """How long a stage took, in milliseconds; `total` is the name of all stages of an answer together."""

    stage: str
    count: int
    p50: float
    p95: float


@dataclass(frozen=True)
class DocumentUse:
    """`asked_about`: questions whose answer cites it, or that came near it unanswered; `cited`: citations."""

    document_id: UUID
    title: str
    collection: str
    asked_about: int
    cited: int
    disliked: int


@dataclass(frozen=True)
class CollectionUse:
    """A question counts in each collection that its answer cites, or that it came near to unanswered."""

    collection_id: UUID
    name: str
    questions: int
    people: int
    not_found: int
    liked: int
    disliked: int


@dataclass(frozen=True)
class IngestionTotals:
    """Files that were uploaded in the period; `seconds` from the upload until searchable, the median and p95."""

    files: int = 0
    ready: int = 0
    failed: int = 0
    seconds_p50: float | None = None
    seconds_p95: float | None = None


@dataclass(frozen=True)
class Overview:
    """`before` is of the period before. Lists are the longest first, `never_used` of documents that answer questions."""

    period: Period
    totals: Totals
    before: Totals
    days: tuple[DayTotals, ...]
    latencies: tuple[StageLatency, ...]
    documents: tuple[DocumentUse, ...]
    never_used: tuple[DocumentUse, ...]
    never_used_count: int
    collections: tuple[CollectionUse, ...]
    ingestion: IngestionTotals


@dataclass(frozen=True)
class OwnStatistics:
    """Of one person, by that person."""

    period: Period
    totals: Totals
    before: Totals
    days: tuple[DayTotals, ...]
    documents: tuple[DocumentUse, ...]


@dataclass(frozen=True)
class ReasonCount:
    reason: str
    count: int


@dataclass(frozen=True)
class FeedbackSummary:
    """Thumbs of a period; `reasons` of the thumbs down, the most frequent first. Comments are not told here."""

    period: Period
    totals: Totals
    before: Totals
    days: tuple[DayTotals, ...]
    reasons: tuple[ReasonCount, ...]
    documents: tuple[DocumentUse, ...]  # the most disliked


@dataclass(frozen=True)
class Prices:
    """Of a million tokens, in one currency; None where the settings name none."""

    prompt: float | None
    completion: float | None

    def of(self, totals: Totals) -> float | None:
        if self.prompt is None and self.completion is None:
            return None
        price = totals.prompt_tokens * (self.prompt or 0) + totals.completion_tokens * (self.completion or 0)
        return price / 1_000_000


#: What is added up over days; people may be the same ones, and what it cost follows from the tokens.
_ADDED = tuple(field.name for field in fields(Totals) if field.name not in ("people", "cost"))


def total(days: Iterable[DayTotals], people: int) -> Totals:
    """All days together; `people` are those of all of them."""
    counted = [day.totals for day in days]
    sums = {name: sum(getattr(totals, name) for totals in counted) for name in _ADDED}
    return Totals(people=people, **sums)


def every_day(
    period: Period, until: date, known: Iterable[DayTotals], refused: Mapping[date, int], prices: Prices
) -> tuple[DayTotals, ...]:
    """The days of a period that have begun, also those without a question, with what was refused and what it cost."""
    counted = {day.day: day.totals for day in known}
    days = (period.first + timedelta(days=n) for n in range((min(period.last, until) - period.first).days + 1))
    return tuple(DayTotals(day, priced(counted.get(day, Totals()), refused.get(day, 0), prices)) for day in days)


def priced(totals: Totals, refused: int, prices: Prices) -> Totals:
    return replace(totals, refused=refused, cost=prices.of(totals))
