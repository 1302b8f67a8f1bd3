"""The laws of windows and of what is left."""

from datetime import datetime, timedelta, timezone
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kyo_pipeline.domain.limits import Limit, LimitReached, Usage, counter_key, window

ANNA, BERT = UUID(int=7), UUID(int=8)
NOON = datetime(2026, 3, 29, 12, 34, 56, 789, tzinfo=timezone.utc)
ZONES = [timezone.utc, ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kathmandu"), ZoneInfo("America/Los_Angeles")]
MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.sampled_from(ZONES))  # noqa: DTZ001 — wants them so
LIMITS = st.sampled_from(Limit)


@given(MOMENTS, LIMITS)
def test_windows_tile_time(moment: datetime, limit: Limit) -> None:
    """Each moment is in one window; the next begins where it ends, and is as long."""
    here = window(limit.length, moment)
    assert moment in here
    assert here.end - here.start == limit.length
    assert here.end not in here
    following = window(limit.length, here.end)
    assert (following.start, following.end) == (here.end, here.end + limit.length)
    assert window(limit.length, here.end - timedelta(microseconds=1)) == here


@given(MOMENTS, LIMITS, st.sampled_from(ZONES))
def test_a_window_is_the_same_wherever_its_moment_is_read(moment: datetime, limit: Limit, zone: timezone) -> None:
    assert window(limit.length, moment) == window(limit.length, moment.astimezone(zone))
    assert counter_key(limit, ANNA, moment) == counter_key(limit, ANNA, moment.astimezone(zone))


@pytest.mark.parametrize(
    ("limit", "start", "end"),
    [
        (Limit.QUESTIONS_A_DAY, "2026-03-29T00:00:00+00:00", "2026-03-30T00:00:00+00:00"),
        (Limit.UPLOADS_AN_HOUR, "2026-03-29T12:00:00+00:00", "2026-03-29T13:00:00+00:00"),
        (Limit.QUESTIONS_A_MINUTE, "2026-03-29T12:34:00+00:00", "2026-03-29T12:35:00+00:00"),
    ],
)
def test_windows_begin_at_full_minutes_hours_and_days_of_utc(limit: Limit, start: str, end: str) -> None:
    found = window(limit.length, NOON)
    assert (found.start.isoformat(), found.end.isoformat()) == (start, end)


@given(LIMITS, st.integers(1, 1000), st.integers(0, 2000), MOMENTS)
@example(Limit.QUESTIONS_A_DAY, 100, 0, datetime(2026, 3, 29, 1, 30, tzinfo=ZONES[1]))
def test_what_is_left_is_never_negative_and_what_is_used_up_is_refused(
    limit: Limit, allowed: int, used: int, now: datetime
) -> None:
    one = Usage.of(limit, allowed, used, now)
    assert 0 <= one.left <= allowed
    assert one.left == 0 or one.left + used == allowed
    # In UTC: on the clocks of a country, a day may have 25 hours.
    assert now < one.resets_at <= now.astimezone(timezone.utc) + limit.length
    if used < allowed:
        one.require_one()
    else:
        with pytest.raises(LimitReached) as refused:
            one.require_one()
        assert refused.value.retry_at == one.resets_at
        assert str(allowed) in refused.value.message


@pytest.mark.parametrize(("used", "low"), [(0, False), (80, False), (81, True), (100, True), (150, True)])
def test_less_than_a_fifth_is_low(used: int, low: bool) -> None:
    assert Usage.of(Limit.QUESTIONS_A_DAY, 100, used, NOON).is_low is low


@given(MOMENTS, MOMENTS, LIMITS)
def test_a_counter_is_one_persons_one_limits_and_one_windows(first: datetime, second: datetime, limit: Limit) -> None:
    same = window(limit.length, first) == window(limit.length, second)
    assert (counter_key(limit, ANNA, first) == counter_key(limit, ANNA, second)) is same
    assert counter_key(limit, ANNA, first) != counter_key(limit, BERT, first)
    assert len({counter_key(one, ANNA, first) for one in Limit}) == len(Limit)
