"""When a neighbour that has failed is asked again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from kyo_pipeline.domain.circuit import (
    FAILURES,
    PAUSE_SECONDS,
    PROBE_SECONDS,
    Circuit,
    admits,
    begun,
    failed,
    succeeded,
    undecided,
)

OPEN = Circuit(FAILURES, retry_at=100.0)


@pytest.mark.parametrize(
    ("circuit", "now", "expected"),
    [
        (Circuit(), 0.0, True),
        (Circuit(FAILURES - 1), 0.0, True),
        (OPEN, 99.9, False),
        (OPEN, 100.0, True),
        (begun(OPEN, 100.0), 100.0, False),
        (begun(OPEN, 100.0), 100.0 + PROBE_SECONDS - 0.1, False),
        (begun(OPEN, 100.0), 100.0 + PROBE_SECONDS, True),  # the try was lost
        (undecided(begun(OPEN, 100.0), 101.0), 101.0, True),
        (failed(begun(OPEN, 100.0), 101.0), 101.0, False),
        (failed(begun(OPEN, 100.0), 101.0), 101.0 + PAUSE_SECONDS, True),
        (begun(Circuit(), 0.0), 0.0, True),
        (undecided(Circuit(1), 5.0), 5.0, True),
    ],
)
def test_who_is_let_through(circuit: Circuit, now: float, expected: bool) -> None:
    assert admits(circuit, now) is expected


def test_failures_that_do_not_follow_each_other_never_open_it() -> None:
    circuit = Circuit()
    for now in range(100):
        circuit = failed(circuit, float(now))
        if circuit.failures == FAILURES - 1:
            circuit = succeeded()
        assert not circuit.is_open


def test_what_tells_nothing_is_no_success() -> None:
    assert undecided(Circuit(2), 7.0) == Circuit(2)


@given(st.integers(0, 10), st.floats(0, 10**6))
def test_it_opens_at_the_last_of_so_many_failures(count: int, now: float) -> None:
    circuit = Circuit()
    for _ in range(count):
        circuit = failed(circuit, now)
    assert circuit.is_open is (count >= FAILURES)


class Requests(RuleBasedStateMachine):
    """Requests that come, overlap and end in any order, in a circuit that is told of all of them."""

    def __init__(self) -> None:
        super().__init__()
        self.circuit = Circuit()
        self.now = 0.0
        self.in_a_row = 0
        self.opened_at: float | None = None
        self.probe_began: float | None = None
        self.running = 0

    @rule(seconds=st.floats(0, 2 * PAUSE_SECONDS))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def request_comes(self) -> None:
        if admits(self.circuit, self.now):
            if self.circuit.is_open:
                assert self.probe_began is None or self.now - self.probe_began >= PROBE_SECONDS
                assert self.opened_at is not None
                assert self.now - self.opened_at >= PAUSE_SECONDS
                self.probe_began = self.now
            self.circuit = begun(self.circuit, self.now)
            self.running += 1
        else:
            assert self.opened_at is not None

    @precondition(lambda self: self.running)
    @rule()
    def one_succeeds(self) -> None:
        self.running -= 1
        self.circuit, self.in_a_row = succeeded(), 0
        self.opened_at = self.probe_began = None

    @precondition(lambda self: self.running)
    @rule()
    def one_fails(self) -> None:
        self.running -= 1
        self.circuit, self.in_a_row = failed(self.circuit, self.now), self.in_a_row + 1
        if self.in_a_row >= FAILURES:
            self.opened_at, self.probe_began = self.now, None

    @invariant()
    def it_is_open_after_so_many_failures_in_a_row_and_only_then(self) -> None:
        assert self.circuit.is_open is (self.in_a_row >= FAILURES)

    @invariant()
    def nobody_is_shut_out_for_ever(self) -> None:
        assert admits(self.circuit, self.now + PROBE_SECONDS)


TestRequests = Requests.TestCase
