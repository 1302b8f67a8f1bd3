from datetime import datetime, timedelta, timezone

import pytest

from kyo_pipeline.errors import TooMany

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("pause", "said"),
    [
        (timedelta(0), "12:00"),
        (timedelta(microseconds=1), "12:01"),
        (timedelta(seconds=30), "12:01"),
        (timedelta(seconds=60), "12:01"),
        (timedelta(hours=11, minutes=59, seconds=59), "00:00"),
    ],
)
def test_what_is_said_to_work_again_does_by_then(pause: timedelta, said: str) -> None:
    error = TooMany("Too many tries have failed.", NOON + pause)
    assert error.sentence("{:%H:%M}".format) == f"Too many tries have failed. It works again from {said} on."
