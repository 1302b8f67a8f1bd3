"""How long failed tries must pause."""

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyo_pipeline.domain.throttling import (
    FORGOTTEN_AFTER,
    FREE,
    LONGEST_PAUSE,
    ONE_FORGOTTEN_IN,
    Kind,
    counted,
    of_account,
    of_address,
    pause_after,
    too_many,
)

NOW = datetime(2026, 5, 1, 12, tzinfo=timezone.utc)
FAILURES = st.floats(0, 10**9)
LATER = st.timedeltas(timedelta(0), timedelta(days=3))
KINDS = st.sampled_from(Kind)


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize(
    ("beyond", "seconds"),
    [(-1, 0), (0, 0), (0.01, 30), (1, 30), (1.5, 60), (2, 60), (3, 120), (4, 240), (5, 480), (6, 900), (7, 900)],
)
def test_the_pauses(kind: Kind, beyond: float, seconds: int) -> None:
    assert pause_after(FREE[kind] + beyond, kind) == timedelta(seconds=seconds)


def test_an_account_has_four_failures_free_and_an_address_nineteen_and_registrations_of_its_own() -> None:
    assert FREE == {Kind.ACCOUNT: 4, Kind.ADDRESS: 19, Kind.REGISTRATION: 49}


@given(FAILURES, KINDS)
def test_more_failures_never_pause_less_and_never_beyond_the_longest(failures: float, kind: Kind) -> None:
    assert timedelta(0) <= pause_after(failures, kind) <= pause_after(failures + 1, kind) <= LONGEST_PAUSE


@given(FAILURES, KINDS, LATER, LATER)
def test_failures_are_forgotten_as_time_passes_and_all_of_them_after_a_day(
    failures: float, kind: Kind, one: timedelta, other: timedelta
) -> None:
    sooner, later = sorted([one, other])
    assert failures >= counted(failures, NOW, NOW + sooner, kind) >= counted(failures, NOW, NOW + later, kind) >= 0
    if later >= FORGOTTEN_AFTER:
        assert counted(failures, NOW, NOW + later, kind) == 0


@given(FAILURES, LATER)
def test_those_of_an_account_all_count_for_a_day(failures: float, later: timedelta) -> None:
    assert counted(failures, NOW, NOW + later, Kind.ACCOUNT) == (failures if later < FORGOTTEN_AFTER else 0)


@pytest.mark.parametrize("kind", [Kind.ADDRESS, Kind.REGISTRATION])
def test_an_office_that_mistypes_or_registers_all_day_is_never_blocked(kind: Kind) -> None:
    failures = 0.0
    for _ in range(500):
        failures = counted(failures, NOW, NOW + ONE_FORGOTTEN_IN, kind) + 1
        assert pause_after(failures, kind) == timedelta(0)


def test_who_guesses_from_one_address_gets_one_in_five_minutes_in_the_end() -> None:
    """Trying again as soon as each pause is over."""
    failures, guesses, passed = 0.0, 0, timedelta(0)
    while passed < timedelta(hours=24):
        failures, guesses = failures + 1, guesses + 1
        pause = max(pause_after(failures, Kind.ADDRESS), timedelta(seconds=1))
        failures, passed = counted(failures, NOW, NOW + pause, Kind.ADDRESS), passed + pause
    assert guesses < FREE[Kind.ADDRESS] + timedelta(hours=24) / ONE_FORGOTTEN_IN + 10


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


def test_registrations_of_an_address_are_counted_apart_from_its_failures() -> None:
    [address], [registration] = of_address("192.0.2.1"), of_address("192.0.2.1", Kind.REGISTRATION)
    assert (registration.kind, registration.name) == (Kind.REGISTRATION, address.name)
    assert registration.digest != address.digest
    assert of_address("127.0.0.1", Kind.REGISTRATION) == ()


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        (Kind.ACCOUNT, "Too many tries have failed."),
        (Kind.ADDRESS, "Too many tries have failed."),
        (Kind.REGISTRATION, "Too many people have registered from your network."),
    ],
)
def test_the_sentence_says_what_there_was_too_much_of_and_not_for_whom(kind: Kind, what: str) -> None:
    error = too_many(NOW, kind)
    assert (error.message, error.retry_at) == (what, NOW)
