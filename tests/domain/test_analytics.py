from datetime import date, datetime, timezone
from math import ceil, floor, log10

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyo_pipeline.domain import histograms
from kyo_pipeline.domain.analytics import DayTotals, Period, Prices, Totals, every_day, total
from kyo_pipeline.domain.days import day_of
from kyo_pipeline.domain.rollups import Difference

FREE = Prices(None, None)


@pytest.mark.parametrize(
    ("first", "last", "days", "before"),
    [
        ("2027-03-01", "2027-03-01", 1, ("2027-02-28", "2027-02-28")),
        ("2027-03-01", "2027-03-31", 31, ("2027-01-29", "2027-02-28")),
    ],
)
def test_a_period_and_the_one_before(first: str, last: str, days: int, before: tuple[str, str]) -> None:
    period = Period(date.fromisoformat(first), date.fromisoformat(last))
    assert period.days == days
    assert period.before == Period(*map(date.fromisoformat, before))


@pytest.mark.parametrize(
    ("prices", "cost"),
    [(FREE, None), (Prices(2, None), 1.0), (Prices(None, 4), 1.0), (Prices(2, 4), 2.0), (Prices(0, 0), 0)],
)
def test_a_price_is_of_a_million_tokens(prices: Prices, cost: float | None) -> None:
    assert prices.of(Totals(prompt_tokens=500_000, completion_tokens=250_000)) == cost


def test_every_day_that_has_begun_is_there() -> None:
    known = [DayTotals(date(2027, 1, 2), Totals(questions=3, prompt_tokens=10))]
    days = every_day(Period(date(2027, 1, 1), date(2027, 1, 9)), date(2027, 1, 3), known, {date(2027, 1, 3): 4}, FREE)
    assert [(one.day.day, one.totals.questions, one.totals.refused) for one in days] == [
        (1, 0, 0),
        (2, 3, 0),
        (3, 0, 4),
    ]
    assert total(days, 2) == Totals(questions=3, people=2, prompt_tokens=10, refused=4)


@given(st.lists(st.floats(0.01, 1e7), min_size=1, max_size=50), st.sampled_from([0.5, 0.95, 1.0]))
def test_a_percentile_is_off_by_six_in_a_hundred_at_the_most(values: list[float], share: float) -> None:
    counts: dict[int, int] = {}
    for value in values:
        bucket = floor(histograms.BUCKETS_A_DECADE * log10(value))
        counts[bucket] = counts.get(bucket, 0) + 1
    exact = sorted(values)[ceil(share * len(values)) - 1]
    assert histograms.percentile(counts, share) == pytest.approx(exact, rel=0.0601)


def test_of_nothing_there_is_no_percentile() -> None:
    assert histograms.percentile({}, 0.5) is None
    assert histograms.percentile({3: 0}, 0.5) is None


@pytest.mark.parametrize(
    ("zone", "day"),
    [("UTC", date(2027, 1, 1)), ("Europe/Berlin", date(2027, 1, 2)), ("America/Lima", date(2027, 1, 1))],
)
def test_the_day_is_that_of_the_zone(zone: str, day: date) -> None:
    assert day_of(datetime(2027, 1, 1, 23, 30, tzinfo=timezone.utc), zone) == day


@pytest.mark.parametrize(
    ("kept", "counted", "said"),
    [
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, "b 2 instead of 3"),
        (None, {"a": 1}, "nothing instead of {'a': 1}"),
        (4, 5, "4 instead of 5"),
    ],
)
def test_a_difference_says_what_differs(kept: object, counted: object, said: str) -> None:
    assert str(Difference(date(2027, 1, 1), "usage", "{}", kept, counted)) == f"2027-01-01 usage {{}}: {said}"
