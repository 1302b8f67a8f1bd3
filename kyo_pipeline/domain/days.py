"""Days of a time zone."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo


def day_of(at: datetime, zone: str) -> date:
    """The day that it is at a moment in a time zone, an IANA name."""
    return at.astimezone(ZoneInfo(zone)).date()


def runs_of(days: Iterable[date]) -> Iterator[tuple[date, date]]:
    """Days that follow upon one another, as the first and the last of each run."""
    first = last = None
    for day in sorted(days):
        if first is None or last is None or day - last > timedelta(days=1):
            if first is not None and last is not None:
                yield first, last
            first = day
        last = day
    if first is not None and last is not None:
        yield first, last
