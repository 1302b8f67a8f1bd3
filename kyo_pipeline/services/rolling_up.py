"""Figures of days that are over, counted once and kept; for the pipeline. Reading them is for `analytics`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from kyo_pipeline.db import rollups
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.days import day_of
from kyo_pipeline.domain.rollups import DayFigures, Difference
from kyo_pipeline.kyo import Kyo

#: Days that one check recounts.
_CHECKED = 7


@dataclass(frozen=True)
class Recount:
    """Which days were recounted, and what is kept otherwise than it is counted."""

    days: tuple[date, ...]
    differences: tuple[Difference, ...]


def days_to_roll_up(kyo: Kyo, over_for: timedelta = timedelta()) -> tuple[date, ...]:
    """Days that have been over for so long and are not rolled up, or for which something has come since.

    The oldest first. Raises `Unavailable`.
    """
    until = day_of(kyo.now() - over_for, _zone(kyo))
    with kyo.db.transaction(OPERATOR) as tx:
        return rollups.days_to_roll_up(tx, _zone(kyo), until)


def roll_up(kyo: Kyo, day: date) -> DayFigures:
    """Count a day, in place of what was kept of it, in one transaction. Raises `Conflict` while it is not over."""
    with kyo.db.transaction(OPERATOR) as tx:
        return rollups.roll_up_day(tx, day, _zone(kyo), _today(kyo), kyo.now())


def roll_up_months(kyo: Kyo) -> int:
    """Sum up the months that are complete: long ranges are read from there. Returns how many were missing."""
    with kyo.db.transaction(OPERATOR) as tx:
        return rollups.roll_up_months(tx, _zone(kyo), _today(kyo))


def recount(kyo: Kyo, days: Sequence[date] = ()) -> Recount:
    """Compare days with the base tables; without any, the last one and those not looked at for the longest."""
    with kyo.db.transaction(OPERATOR) as tx:
        days = tuple(days) or rollups.days_to_check(tx, _CHECKED, _zone(kyo))
    found: list[Difference] = []
    for day in days:
        with kyo.db.transaction(OPERATOR) as tx:
            found += rollups.recount_day(tx, day, _zone(kyo), kyo.now())
    return Recount(tuple(days), tuple(found))


def _zone(kyo: Kyo) -> str:
    return kyo.settings.KYO_TIME_ZONE


def _today(kyo: Kyo) -> date:
    return day_of(kyo.now(), _zone(kyo))
