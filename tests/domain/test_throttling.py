"""How long failed tries must pause."""

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyo_pipeline.domain.throttling import (
    FORGOTTEN_AFTER,
    FREE,
    LONGEST_PAUSE,
    Kind,
    blocked_until,
    of_account,
    of_address,
    too_many,
)

NOW = datetime(2026, 5, 1, 12, tzinfo=timezone.utc)
FAILURES = st.integers(1, 10**9)
KINDS = st.sampled_from(Kind)


def pause(failures: int, kind: Kind, now: datetime = NOW) -> timedelta:
    return blocked_until(failures, NOW, now, kind) - NOW


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize(
    ("beyond", "seconds"), [(-1, 0), (0, 0), (1, 30), (2, 60), (3, 120), (4, 240), (5, 480), (6, 900), (7, 900)]
)
def test_the_pauses(kind: Kind, beyond: int, seconds: int) -> None:
    assert pause(FREE[kind] + beyond, kind) == timedelta(seconds=seconds)


def test_an_account_has_four_failures_free_and_an_address_nineteen() -> None:
    assert FREE == {Kind.ACCOUNT: 4, Kind.ADDRESS: 19}


@given(FAILURES, KINDS)
def test_more_failures_never_pause_less_and_never_beyond_the_longest(failures: int, kind: Kind) -> None:
    assert timedelta(0) <= pause(failures, kind) <= pause(failures + 1, kind) <= LONGEST_PAUSE


@given(FAILURES, KINDS, st.timedeltas(timedelta(0), timedelta(days=3)))
def test_a_day_after_the_last_failure_they_are_forgotten_and_not_before(
    failures: int, kind: Kind, later: timedelta
) -> None:
    expected = timedelta(0) if later >= FORGOTTEN_AFTER else pause(failures, kind)
    assert pause(failures, kind, NOW + later) == expected


@pytest.mark.parametrize(
    "address", ["", "127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1", "testclient", "unix:", "10.0.0.1, 10.0.0.2"]
)
def test_addresses_that_say_nothing_are_not_counted(address: str) -> None:
    assert of_address(address) == ()


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:DB8:1:2::1", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
    ],
)
def test_whoever_has_a_network_of_addresses_has_one(one: str, other: str, same: bool) -> None:
    [first], [second] = of_address(one), of_address(other)
    assert (first.digest == second.digest) is same


@given(st.text(), st.text())
def test_names_are_hashed_and_told_apart_from_addresses(one: str, other: str) -> None:
    assert (of_account(one).digest == of_account(other).digest) is (one == other)
    assert len(of_account(one).digest) == 32


def test_an_account_named_like_an_address_is_another_subject() -> None:
    [address] = of_address("192.0.2.1")
    assert address.digest != of_account("192.0.2.1").digest
    assert len(of_account("\ud800").digest) == 32


@pytest.mark.parametrize(
    ("seconds", "wait"), [(1, "a minute"), (30, "a minute"), (60, "a minute"), (61, "2 minutes"), (900, "15 minutes")]
)
def test_the_sentence_says_how_long_to_wait(seconds: int, wait: str) -> None:
    error = too_many(NOW + timedelta(seconds=seconds), NOW)
    assert error.message == f"Too many tries have failed. Wait {wait}, then try again."
    assert error.retry_at == NOW + timedelta(seconds=seconds)
