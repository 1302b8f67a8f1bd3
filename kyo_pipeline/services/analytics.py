"""How KYO is used. Days that are over come from rollups, the others are counted now: see `rolling_up`."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from kyo_pipeline.db import analytics
from kyo_pipeline.db.analytics import Ingestion, Reading, Usage
from kyo_pipeline.db.engine import Transaction
from kyo_pipeline.domain import histograms
from kyo_pipeline.domain.actor import Actor, Permission
from kyo_pipeline.domain.analytics import (
    CollectionUse,
    DayTotals,
    FeedbackSummary,
    IngestionTotals,
    Overview,
    OwnStatistics,
    Period,
    Prices,
    ReasonCount,
    StageLatency,
    Totals,
    every_day,
    priced,
    total,
)
from kyo_pipeline.domain.days import day_of
from kyo_pipeline.errors import Forbidden, Invalid
from kyo_pipeline.kyo import Kyo

#: How many documents a list names.
LISTED = 20

#: The longest period: as the one before is read as well, twice as many days are.
MAX_DAYS = 1830


def overview(kyo: Kyo, actor: Actor, period: Period, collection_id: UUID | None = None) -> Overview:
    """What was asked and found, of all collections that the actor may approve in, or of one; for admins of everything.

    Raises `Forbidden`, `Invalid`, `NotAllowed`, `Unavailable`.
    """
    actor.require(Permission.ANALYTICS_READ)
    reading = _reading(kyo, period)
    with kyo.db.transaction(actor) as tx:
        _require_told(tx, collection_id)
        counted = _counted(kyo, tx, reading, collection_id)
        documents = analytics.documents(tx, reading, collection_id, LISTED)
        latencies = analytics.latencies(tx, reading, collection_id)
        ingested = analytics.ingestion(tx, reading, collection_id)
    return Overview(
        period=period,
        totals=counted.totals,
        before=counted.before,
        days=counted.days,
        latencies=_latencies(latencies),
        documents=documents.most,
        never_used=documents.never,
        never_used_count=documents.never_count,
        collections=_sorted_collections(counted.usage),
        ingestion=_ingestion(ingested),
    )


def feedback_summary(kyo: Kyo, actor: Actor, period: Period, collection_id: UUID | None = None) -> FeedbackSummary:
    """What people thought of answers, of the same collections as in `overview`. Raises the same."""
    actor.require(Permission.ANALYTICS_READ)
    reading = _reading(kyo, period)
    with kyo.db.transaction(actor) as tx:
        _require_told(tx, collection_id)
        counted = _counted(kyo, tx, reading, collection_id)
        documents = analytics.documents(tx, reading, collection_id, LISTED, by_dislikes=True)
    return FeedbackSummary(
        period=period,
        totals=counted.totals,
        before=counted.before,
        days=counted.days,
        reasons=_sorted_reasons(counted.usage),
        documents=documents.most,
    )


def my_statistics(kyo: Kyo, actor: Actor, period: Period) -> OwnStatistics:
    """What the actor asked. Raises `Invalid`, `NotAllowed`, `Unavailable`."""
    actor.require(Permission.ANALYTICS_READ_OWN)
    reading = _reading(kyo, period)
    both = Reading(Period(period.before.first, period.last), reading.today, reading.zone)
    with kyo.db.transaction(actor) as tx:
        known = analytics.own_usage(tx, both)
        documents = analytics.own_documents(tx, reading, LISTED)
    days = [day for day in known if day.day >= period.first]
    earlier = [day for day in known if day.day < period.first]
    prices = _prices(kyo)
    return OwnStatistics(
        period=period,
        totals=priced(total(days, min(1, len(days))), 0, prices),
        before=priced(total(earlier, min(1, len(earlier))), 0, prices),
        days=every_day(period, reading.today, days, {}, prices),
        documents=documents,
    )


def collections_of(kyo: Kyo, actor: Actor) -> tuple[tuple[UUID, str], ...]:
    """Collections whose figures the actor is told, by name. Raises `NotAllowed`, `Unavailable`."""
    actor.require(Permission.ANALYTICS_READ)
    with kyo.db.transaction(actor) as tx:
        return analytics.collections_told_of(tx)


def today(kyo: Kyo) -> date:
    """The day that it is now in the zone of KYO_TIME_ZONE."""
    return day_of(kyo.now(), kyo.settings.KYO_TIME_ZONE)


@dataclass(frozen=True)
class _Counted:
    """The questions of a period, and what `overview` and `feedback_summary` both tell of them."""

    usage: Usage
    totals: Totals
    before: Totals
    days: tuple[DayTotals, ...]


def _counted(kyo: Kyo, tx: Transaction, reading: Reading, collection_id: UUID | None) -> _Counted:
    usage, prices, period = analytics.usage(tx, reading, collection_id), _prices(kyo), reading.period
    # A refusal is about no collection.
    both = Reading(Period(period.before.first, period.last), reading.today, reading.zone)
    refused = analytics.refusals(tx, both) if collection_id is None else {}
    now = sum(count for day, count in refused.items() if day >= period.first)
    return _Counted(
        usage,
        priced(total(usage.days, usage.people), now, prices),
        priced(usage.before, sum(refused.values()) - now, prices),
        every_day(period, reading.today, usage.days, refused, prices),
    )


def _reading(kyo: Kyo, period: Period) -> Reading:
    if not 1 <= period.days <= MAX_DAYS:
        raise Invalid(f"Choose from one day to {MAX_DAYS}, the first of them before the last.")
    if period.first.toordinal() <= period.days:  # there are no such days before it
        raise Invalid("These days are too long ago. Choose later ones.")
    return Reading(period, today(kyo), kyo.settings.KYO_TIME_ZONE)


def _require_told(tx: Transaction, collection_id: UUID | None) -> None:
    if collection_id is not None and collection_id not in dict(analytics.collections_told_of(tx)):
        raise Forbidden("Figures of this collection are for those who may approve in it. Choose another one.")


def _prices(kyo: Kyo) -> Prices:
    return Prices(kyo.settings.KYO_PROMPT_TOKEN_PRICE, kyo.settings.KYO_COMPLETION_TOKEN_PRICE)


def _latencies(stages: dict[str, dict[int, int]]) -> tuple[StageLatency, ...]:
    """The slowest first, which `total` is."""
    found = [
        StageLatency(
            stage,
            sum(counts.values()),
            histograms.percentile(counts, 0.5) or 0.0,
            histograms.percentile(counts, 0.95) or 0.0,
        )
        for stage, counts in stages.items()
    ]
    return tuple(sorted(found, key=lambda one: (one.stage != "total", -one.p95, one.stage)))


def _ingestion(found: Ingestion) -> IngestionTotals:
    return IngestionTotals(
        files=found.files,
        ready=found.ready,
        failed=found.failed,
        seconds_p50=histograms.percentile(found.seconds, 0.5),
        seconds_p95=histograms.percentile(found.seconds, 0.95),
    )


def _sorted_collections(usage: Usage) -> tuple[CollectionUse, ...]:
    return tuple(sorted(usage.collections, key=lambda one: (-one.questions, one.name)))


def _sorted_reasons(usage: Usage) -> tuple[ReasonCount, ...]:
    return tuple(sorted(usage.reasons, key=lambda one: (-one.count, one.reason)))
