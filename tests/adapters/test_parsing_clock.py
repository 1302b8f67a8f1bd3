"""Whose time is up: told by what a process has computed and by the clock on the wall, here both made up."""

import os
import subprocess
import sys
import time

import pytest

from kyo_pipeline.adapters.parsing import clock
from kyo_pipeline.adapters.parsing.clock import Clock


@pytest.mark.parametrize(
    ("passed", "computed", "left"),
    [
        (0, 0, 30),
        (10, 10, 20),
        (29, 0, 1),
        (30, 30, 0),
        (31, 30.5, 0),
        (60, 10, 20),  # a busy machine
        (60, 29.99, 0.05),  # nearly: asked again soon, but not all the time
        (100, 1, 20),  # it waits: the clock on the wall is nearer
        (119, 29.5, 0.5),
        (120, 0, 0),
        (500, 1, -380),
    ],
)
def test_what_is_left(monkeypatch: pytest.MonkeyPatch, passed: float, computed: float, left: float) -> None:
    now, spent = [1000.0], [5.0]
    monkeypatch.setattr(clock.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(Clock, "_cpu", lambda _: spent[0])
    one = Clock(os.getpid(), 30)
    now[0] += passed
    spent[0] += computed
    assert one.left() == pytest.approx(left)
    one.start(7)
    assert one.left() == 7


def test_what_a_process_computes_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "PATIENCE", 1000)
    child = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    one = Clock(child.pid, 0.2)
    while one.left() > 0:
        time.sleep(0.05)
    assert one._cpu() >= 0.2
    child.kill()
    child.wait()
    assert one._cpu() == 0
