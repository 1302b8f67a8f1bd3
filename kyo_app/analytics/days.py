"""Which days somebody looks at, and how many of them a chart shows as one."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from kyo_app import wording
from kyo_pipeline.domain.analytics import DayTotals, Period, Totals

#: By their names, which stand in addresses too.
RANGES = {"7 days": 7, "30 days": 30, "90 days": 90, "365 days": 365}
USUAL = "30 days"
OTHER = "Other days"

#: A chart of more days shows weeks, of more still months: bars narrower than a hair say nothing on a phone.
_MOST_DAYS, _MOST_WEEKS = 92, 106

Count = Callable[[Totals], int]


@dataclass(frozen=True)
class Stretch:
    """One or more days, which a chart shows as one."""

    first: date
    last: date
    days: tuple[Totals, ...]

    def sum(self, count: Count) -> int:
        return sum(count(day) for day in self.days)


def last_days(number: int, today: date) -> Period:
    """That many days, today included."""
    return Period(today - timedelta(days=number - 1), today)


def stretches(days: Sequence[DayTotals], period: Period) -> tuple[Stretch, ...]:
    """The days, or their calendar weeks, or months: as many as a chart can show. The first and last may be in part."""
    found: dict[date, list[DayTotals]] = {}
    start = _start_of(unit(period))
    for one in days:
        found.setdefault(start(one.day), []).append(one)
    return tuple(Stretch(some[0].day, some[-1].day, tuple(one.totals for one in some)) for some in found.values())


def unit(period: Period) -> str:
    """What one stretch of it is called."""
    if period.days <= _MOST_DAYS:
        return "day"
    return "week" if period.days <= _MOST_WEEKS * 7 else "month"


def said(first: date, last: date, today: date) -> str:
    """One day, or from one to another."""
    return wording.day(first, today) if first == last else f"{wording.day(first, today)} – {wording.day(last, today)}"


def labels(found: Sequence[Stretch], period: Period, today: date) -> Iterator[str]:
    """A short one for each, all of them different: the years are told where there are several."""
    years = period.first.year != period.last.year
    for one in found:
        if unit(period) == "month":
            yield f"{one.first:%b %Y}"
        else:
            yield f"{one.first.day} {one.first:%b}{one.first: %Y}" if years else wording.day(one.first, today)


def _start_of(name: str) -> Callable[[date], date]:
    """Of the stretch that a day belongs to, by what a stretch is called."""
    starts: dict[str, Callable[[date], date]] = {
        "day": lambda day: day,
        "week": lambda day: day - timedelta(days=day.weekday()),
        "month": lambda day: day.replace(day=1),
    }
    return starts[name]
