"""A circuit breaker: whether a neighbour that has failed is asked again. Times are seconds of one steady clock."""

from dataclasses import dataclass, replace

#: Failures in a row that open the circuit. One may be chance; three people have waited for nothing.
FAILURES = 3
#: While it is open nobody is made to wait; then one request tries.
PAUSE_SECONDS = 30.0
#: A try that has not told how it ended after this time is taken for lost, and the next one is let through.
PROBE_SECONDS = 300.0


@dataclass(frozen=True)
class Circuit:
    """Closed as long as `retry_at` is None. Else the next request from `retry_at` on tries, alone."""

    failures: int = 0
    retry_at: float | None = None

    @property
    def is_open(self) -> bool:
        return self.retry_at is not None


def admits(circuit: Circuit, now: float) -> bool:
    """Whether a request may be made now; whoever makes it says so with `begun`."""
    return circuit.retry_at is None or now >= circuit.retry_at


def begun(circuit: Circuit, now: float) -> Circuit:
    """A request is on its way. In an open circuit it is the only one (half-open)."""
    return replace(circuit, retry_at=now + PROBE_SECONDS) if circuit.is_open else circuit


def succeeded() -> Circuit:
    """One answer is enough, also a late one: it shows that the neighbour works."""
    return Circuit()


def failed(circuit: Circuit, now: float) -> Circuit:
    failures = circuit.failures + 1
    return Circuit(failures, now + PAUSE_SECONDS if failures >= FAILURES else None)


def undecided(circuit: Circuit, now: float) -> Circuit:
    """A request ended without telling anything of the neighbour: another one may try at once."""
    return replace(circuit, retry_at=now) if circuit.is_open else circuit
