"""How long a child may take: its limit counts what it computes, not what it waits for on a busy machine."""

import time
from contextlib import suppress

import psutil

#: So many times the limit may pass by the clock on the wall, for whoever computes nothing and waits for ever.
PATIENCE = 4
_SHORTEST = 0.05  # so that nobody asks all the time what is nearly used up


class Clock:
    """The time left to one process."""

    def __init__(self, pid: int, seconds: float) -> None:
        self._process = psutil.Process(pid)
        self.start(seconds)

    def start(self, seconds: float) -> None:
        """From now on the process may compute for so many seconds."""
        self._given = (seconds, time.monotonic(), self._cpu())  # at once: another thread may ask what is left

    def left(self) -> float:
        """The time is up when this is not above 0; before so many seconds have passed, it cannot be."""
        seconds, started, before = self._given
        passed = time.monotonic() - started
        if passed < seconds:  # nobody can have computed longer
            return seconds - passed
        computed = self._cpu() - before
        if computed >= seconds:
            return 0.0
        return min(PATIENCE * seconds - passed, max(seconds - computed, _SHORTEST))

    def _cpu(self) -> float:
        """What it has computed in its life; 0 when it is gone, which whoever listens to it finds out."""
        with suppress(psutil.Error):
            times = self._process.cpu_times()
            return float(times.user + times.system)
        return 0.0
