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
        self._seconds = seconds
        self._started = time.monotonic()
        self._computed = self._cpu()

    def left(self) -> float:
        """The time is up when this is not above 0; before so many seconds have passed, it cannot be."""
        passed = time.monotonic() - self._started
        if passed < self._seconds:  # nobody can have computed longer
            return self._seconds - passed
        computed = self._cpu() - self._computed
        if computed >= self._seconds:
            return 0.0
        return min(PATIENCE * self._seconds - passed, max(self._seconds - computed, _SHORTEST))

    def _cpu(self) -> float:
        """What it has computed in its life; 0 when it is gone, which whoever listens to it finds out."""
        with suppress(psutil.Error):
            times = self._process.cpu_times()
            return float(times.user + times.system)
        return 0.0
