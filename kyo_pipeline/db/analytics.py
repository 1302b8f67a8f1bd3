"""How KYO was used, as far as the actor is told: see sql/functions/read_figures.sql."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from operator import itemgetter
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from kyo_pipeline.domain.analytics import CollectionUse, DayTotals, DocumentUse, Period, ReasonCount, Totals

#: The counts of a row of JSON, in order.
_COUNTS = (
    "questions",
    "answered",
    "not_found",
    "failed",
    "stopped",
    "cached",
    "liked",
    "disliked",
    "prompt_tokens",
    "completion_tokens",
)


@dataclass(frozen=True)
class Reading:
    """Which days are read, of which zone, and which one is not over yet."""

    period: Period
    today: date
    zone: str


@dataclass(frozen=True)
class Usage:
    """Days without any question are left out; collections are in no order."""

    days: tuple[DayTotals, ...]
    before: Totals
    people: int
    collections: tuple[CollectionUse, ...]
    reasons: tuple[ReasonCount, ...]


@dataclass(frozen=True)
class Documents:
    most: tuple[DocumentUse, ...]
    never: tuple[DocumentUse, ...]
    never_count: int


NO_USAGE = Usage((), Totals(), 0, (), ())
NO_DOCUMENTS = Documents((), (), 0)


def usage(tx: Connection, reading: Reading, collection_id: UUID | None) -> Usage:
    """Of all that the actor is told, or of one collection of it."""
    found = tx.scalar(
        text("select usage_figures(:collection, :before, :first, :last, :today, :zone)"),
        {"collection": collection_id, "before": reading.period.before.first, **_bound(reading)},
    )
    if found is None:
        return NO_USAGE
    people = found["people_by_day"] or {}
    names = _collection_names(tx, [UUID(row[0]) for row in found["collections"] or ()])
    return Usage(
        days=_days(found["days"] or (), people),
        before=_totals(found["before"], found["people_before"]),
        people=found["people"],
        collections=tuple(_collection_use(row, names) for row in found["collections"] or () if UUID(row[0]) in names),
        reasons=tuple(ReasonCount(reason, count) for reason, count in found["reasons"].items() if count),
    )


def own_usage(tx: Connection, reading: Reading) -> tuple[DayTotals, ...]:
    """What the actor asked, by day; days without any question are left out."""
    rows = tx.scalar(text("select own_usage_figures(:first, :last, :today, :zone)"), _bound(reading))
    return _days(rows or (), None)


def documents(
    tx: Connection, reading: Reading, collection_id: UUID | None, limit: int, *, by_dislikes: bool = False
) -> Documents:
    """Those that were asked about most, or with `by_dislikes` were disliked most; and those that never were."""
    found = tx.scalar(
        text("select document_figures(:collection, :first, :last, :today, :zone, :by_dislikes, :limit)"),
        {"collection": collection_id, "by_dislikes": by_dislikes, "limit": limit, **_bound(reading)},
    )
    if found is None:
        return NO_DOCUMENTS
    return Documents(_documents(found["most"] or ()), _documents(found["never"] or ()), found["never_count"])


def own_documents(tx: Connection, reading: Reading, limit: int) -> tuple[DocumentUse, ...]:
    """Those that the actor asked about most, as far as they may read them."""
    rows = tx.execute(
        text("select * from own_document_figures(:first, :last, :zone, :limit)"), {**_bound(reading), "limit": limit}
    )
    return tuple(DocumentUse(r.id, r.title, r.collection, r.asked_about, r.cited, r.disliked) for r in rows)


def latencies(tx: Connection, reading: Reading, collection_id: UUID | None) -> dict[str, dict[int, int]]:
    """By stage, how many answers are in which bucket of milliseconds: see `domain/histograms.py`."""
    rows = tx.execute(
        text("select stage, bucket, count as answers from latency_figures(:collection, :first, :last, :today, :zone)"),
        {"collection": collection_id, **_bound(reading)},
    )
    stages: dict[str, dict[int, int]] = {}
    for row in rows:
        stages.setdefault(row.stage, {})[row.bucket] = row.answers
    return stages


@dataclass(frozen=True)
class Ingestion:
    """`seconds`: how many files are in which bucket of seconds."""

    files: int
    ready: int
    failed: int
    seconds: dict[int, int]


def ingestion(tx: Connection, reading: Reading, collection_id: UUID | None) -> Ingestion:
    rows = tx.execute(
        text("select * from ingestion_figures(:collection, :first, :last, :today, :zone)"),
        {"collection": collection_id, **_bound(reading)},
    ).all()
    return Ingestion(
        sum(row.files for row in rows),
        sum(row.ready for row in rows),
        sum(row.failed for row in rows),
        {row.bucket: row.ready for row in rows if row.bucket is not None},
    )


def refusals(tx: Connection, reading: Reading) -> dict[date, int]:
    """By day, for admins; for others there are none."""
    rows = tx.execute(
        text("select day, count as refused from refusal_figures(:first, :last, :today, :zone)"), _bound(reading)
    )
    return {row.day: row.refused for row in rows}


def collections_told_of(tx: Connection) -> tuple[tuple[UUID, str], ...]:
    """Those whose figures the actor is told, by name."""
    rows = tx.execute(
        text(
            """
            select c.id, c.name
            from collections c
            where c.id in (select accessible_collections(current_actor(), 'approve'))
            order by c.name
            """
        )
    )
    return tuple((row.id, row.name) for row in rows)


def _bound(reading: Reading) -> dict[str, object]:
    period = reading.period
    return {"first": period.first, "last": period.last, "today": reading.today, "zone": reading.zone}


def _collection_names(tx: Connection, ids: Sequence[UUID]) -> dict[UUID, str]:
    rows = tx.execute(text("select id, name from collections where id = any(cast(:ids as uuid[]))"), {"ids": list(ids)})
    return {row.id: row.name for row in rows}


def _collection_use(row: Sequence[Any], names: dict[UUID, str]) -> CollectionUse:
    collection_id, people, questions, not_found, liked, disliked = row
    key = UUID(collection_id)
    return CollectionUse(key, names[key], questions, people, not_found, liked, disliked)


def _days(rows: Iterable[list[Any]], people: Mapping[str, int] | None) -> tuple[DayTotals, ...]:
    """`people` by day; None: one, the actor."""
    return tuple(
        DayTotals(date.fromisoformat(day), _totals(counts, 1 if people is None else people.get(day, 0)))
        for day, *counts in sorted(rows, key=itemgetter(0))
    )


def _totals(counts: Sequence[int], people: int) -> Totals:
    return Totals(people=people, **dict(zip(_COUNTS, counts, strict=True)))


def _documents(rows: Iterable[Sequence[Any]]) -> tuple[DocumentUse, ...]:
    return tuple(DocumentUse(UUID(row[0]), *row[1:]) for row in rows)
