"""Rollups of days that are over, see sql/functions/roll_up.sql. For the pipeline."""

from datetime import date, datetime

from sqlalchemy import Connection, text

from kyo_pipeline.domain.rollups import DayFigures, Difference


def days_to_roll_up(tx: Connection, zone: str, today: date) -> tuple[date, ...]:
    """Days that are over and not rolled up, or for which something has come since; the oldest first."""
    statement = text("select * from days_to_roll_up(:zone, :today)")
    return tuple(tx.scalars(statement, {"zone": zone, "today": today}))


def roll_up_day(tx: Connection, day: date, zone: str, today: date, now: datetime) -> DayFigures:
    """Count a day that is over, in place of what was kept of it."""
    row = tx.execute(
        text("select * from roll_up_day(:day, :zone, :today, :now)"),
        {"day": day, "zone": zone, "today": today, "now": now},
    ).one()
    return DayFigures(day, row.questions, row.people, row.documents, row.refused, row.files)


def roll_up_months(tx: Connection, zone: str, today: date) -> int:
    """Sum up the months that are over and not summed up; returns how many."""
    return int(tx.scalar(text("select roll_up_months(:zone, :today)"), {"zone": zone, "today": today}) or 0)


def days_to_check(tx: Connection, wanted: int, zone: str) -> tuple[date, ...]:
    """The last day that is rolled up, and those that were not looked at for the longest."""
    return tuple(tx.scalars(text("select * from days_to_check(:wanted, :zone)"), {"wanted": wanted, "zone": zone}))


def recount_day(tx: Connection, day: date, zone: str, now: datetime) -> tuple[Difference, ...]:
    """What is kept of a day and not what is counted now: a hundred differences at the most."""
    rows = tx.execute(text("select * from recount_day(:day, :zone, :now)"), {"day": day, "zone": zone, "now": now})
    return tuple(Difference(day, row.figures, row.of_what, row.kept, row.counted) for row in rows)
