import threading
import time

import pytest

from kyo_pipeline.adapters.deadline import within
from kyo_pipeline.errors import Unavailable


def test_what_is_done_in_time_is_done() -> None:
    done: list[int] = []
    within(5, lambda: done.append(1), "Late.")
    assert done == [1]


def test_nobody_waits_for_what_takes_too_long() -> None:
    ends, began = threading.Event(), time.monotonic()
    with pytest.raises(Unavailable, match=r"Late\."):
        within(0.1, lambda: bool(ends.wait(10)) and None, "Late.")
    assert time.monotonic() - began < 5
    ends.set()


def test_what_goes_wrong_is_raised_here() -> None:
    def fail() -> None:
        raise ValueError("on purpose")

    with pytest.raises(ValueError, match="on purpose"):
        within(5, fail, "Late.")
