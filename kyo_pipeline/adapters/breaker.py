"""The circuit breaker of `domain/circuit.py`, shared by threads."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from kyo_pipeline.domain.circuit import Circuit, admits, begun, failed, succeeded, undecided


@dataclass
class Entry:
    """One request. `answered` stays None as long as it has told nothing of the neighbour."""

    is_probe: bool
    answered: bool | None = None


class Breaker:
    """Lets requests through, or not. `clock` counts seconds and is never set back."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._circuit = Circuit()
        self._lock = threading.Lock()

    def enter(self) -> Entry | None:
        """None where nobody may ask now. Whoever gets an entry leaves with it, whatever happens."""
        with self._lock:
            now = self._clock()
            if not admits(self._circuit, now):
                return None
            entry = Entry(is_probe=self._circuit.is_open)
            self._circuit = begun(self._circuit, now)
            return entry

    def leave(self, entry: Entry) -> None:
        with self._lock:
            if entry.answered:
                self._circuit = succeeded()
            elif entry.answered is False:
                self._circuit = failed(self._circuit, self._clock())
            elif entry.is_probe:  # another's silence would cut the pause short
                self._circuit = undecided(self._circuit, self._clock())
