"""Tokens and keys at the same moment, from real connections: what counts once counts once, and what is over is over."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from sqlalchemy import text

from kyo_pipeline.adapters import passwords
from kyo_pipeline.db import users
from kyo_pipeline.domain.actor import OPERATOR, Actor, Role
from kyo_pipeline.domain.api_keys import TokenPair
from kyo_pipeline.domain.scopes import Scope
from kyo_pipeline.errors import Conflict, NotAllowed, NotSignedIn
from kyo_pipeline.kyo import Kyo, utc_now
from kyo_pipeline.services import api_keys, people, token_access

PASSWORD = "correct horse battery"
ASK = frozenset({Scope.ANSWERS_ASK})


@pytest.fixture
def kyo(committed: Kyo, monkeypatch: pytest.MonkeyPatch) -> Kyo:
    """On its own database, with a clock that goes and passwords that take no time."""
    monkeypatch.setattr(passwords, "verify", lambda _, password: password == PASSWORD)
    return replace(committed, now=utc_now)


@pytest.fixture
def anna(kyo: Kyo) -> Actor:
    with kyo.db.transaction(OPERATOR) as tx:
        return users.add(tx, "anna", "Anna", Role.EMPLOYEE, kyo.now(), password_hash="any")


def at_once(*deeds: Callable[[], object]) -> list[Any]:
    """What each deed returned or raised; all begin at the same moment."""
    start = threading.Barrier(len(deeds), timeout=20)

    def outcome(deed: Callable[[], object]) -> object:
        start.wait()
        try:
            return deed()
        except (Conflict, NotAllowed, NotSignedIn) as error:
            return error

    with ThreadPoolExecutor(len(deeds)) as threads:
        return list(threads.map(outcome, deeds))


def log_in(kyo: Kyo) -> TokenPair:
    return token_access.log_in(kyo, "anna", PASSWORD)


def is_in(kyo: Kyo, pair: TokenPair) -> bool:
    try:
        token_access.actor_of_bearer(kyo, pair.access_token)
    except NotSignedIn:
        return False
    return True


def rows(kyo: Kyo, statement: str) -> list[Any]:
    with kyo.db.transaction(OPERATOR) as tx:
        return list(tx.execute(text(statement)).all())


@pytest.mark.usefixtures("anna")
@pytest.mark.parametrize("_", range(3))
@pytest.mark.parametrize("clients", [2, 10])
def test_a_refresh_token_that_comes_twice_at_once_counts_once_and_ends_its_family(
    kyo: Kyo, clients: int, _: int
) -> None:
    first, other = log_in(kyo), log_in(kyo)
    outcomes = at_once(*[lambda: token_access.refresh(kyo, first.refresh_token)] * clients)
    pairs = [one for one in outcomes if isinstance(one, TokenPair)]
    assert len(pairs) == 1
    assert sum(isinstance(one, NotSignedIn) for one in outcomes) == clients - 1
    assert not is_in(kyo, first)
    assert not is_in(kyo, pairs[0])
    with pytest.raises(NotSignedIn):
        token_access.refresh(kyo, pairs[0].refresh_token)
    assert is_in(kyo, other)
    assert len(rows(kyo, "select from audit_log where event = 'token:reuse'")) == 1


@pytest.mark.usefixtures("anna")
@pytest.mark.parametrize("_", range(5))
def test_logging_out_while_the_token_is_refreshed_leaves_nobody_in(kyo: Kyo, _: int) -> None:
    first = log_in(kyo)
    outcomes = at_once(
        lambda: token_access.refresh(kyo, first.refresh_token),
        lambda: token_access.log_out(kyo, first.refresh_token),
    )
    for pair in (first, outcomes[0]):
        if isinstance(pair, TokenPair):
            assert not is_in(kyo, pair)
            with pytest.raises(NotSignedIn):
                token_access.refresh(kyo, pair.refresh_token)
    assert outcomes[1] is None
    assert rows(kyo, "select from sessions where revoked_at is null") == []


@pytest.mark.parametrize("_", range(5))
def test_who_logs_in_while_they_are_deactivated_is_out(kyo: Kyo, anna: Actor, _: int) -> None:
    outcomes = at_once(
        *[lambda: log_in(kyo)] * 4,
        lambda: people.deactivate(kyo, OPERATOR, anna.id),
    )
    people.reactivate(kyo, OPERATOR, anna.id)  # else all would be out anyway
    assert [one for one in outcomes if isinstance(one, TokenPair) and is_in(kyo, one)] == []
    assert rows(kyo, "select from sessions where revoked_at is null") == []


def test_keys_made_at_once_are_never_more_than_twenty(kyo: Kyo, anna: Actor) -> None:
    for number in range(api_keys.MAX_KEYS - 3):
        api_keys.create(kyo, anna, str(number), ASK, 30)
    outcomes = at_once(*[partial(api_keys.create, kyo, anna, f"at once {number}", ASK, 30) for number in range(10)])
    assert sum(isinstance(one, Conflict) for one in outcomes) == 7
    assert len(api_keys.list_keys(kyo, anna)) == api_keys.MAX_KEYS


def test_one_name_is_taken_once_by_keys_made_at_once(kyo: Kyo, anna: Actor) -> None:
    outcomes = at_once(*[lambda: api_keys.create(kyo, anna, "agent", ASK, 30)] * 10)
    assert sum(isinstance(one, Conflict) for one in outcomes) == 9
    assert len(api_keys.list_keys(kyo, anna)) == 1


@pytest.mark.parametrize("_", range(3))
def test_a_key_made_while_its_owner_is_deactivated_is_good_for_nothing(kyo: Kyo, anna: Actor, _: int) -> None:
    at_once(
        *[partial(api_keys.create, kyo, anna, name, ASK, 30) for name in "abcd"],
        partial(people.deactivate, kyo, OPERATOR, anna.id),
    )
    assert rows(kyo, "select active from users where username = 'anna'") == [(False,)]
    people.reactivate(kyo, OPERATOR, anna.id)
    assert rows(kyo, "select from api_keys where revoked_at is null") == []
