"""One's own API keys."""

from collections.abc import Callable
from typing import Any

import pytest

from kyo_pipeline.domain.actor import Actor, Role
from kyo_pipeline.domain.scopes import Scope
from kyo_pipeline.errors import Conflict, Invalid, NotAllowed, NotFound
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import api_keys, people
from tests.conftest import Clock

ASK = frozenset({Scope.ANSWERS_ASK})


def test_a_key_is_told_once_and_never_stored(kyo: Kyo, employee: Actor, sql: Callable[..., list[Any]]) -> None:
    made = api_keys.create(kyo, employee, " My agent ", ASK, 30)
    assert made.secret.startswith("kyo_")
    assert len(made.secret) == 47
    assert api_keys.list_keys(kyo, employee) == (made.key,)
    assert (made.key.name, made.key.hint, made.key.last_used_at) == ("My agent", made.secret[:8], None)
    [row] = sql("select api_keys::text as written from api_keys")
    assert made.secret not in row.written
    [(event, object_id, details)] = sql("select event, object_id, details from audit_log order by id desc limit 1")
    assert (event, object_id) == ("api_key:create", str(made.key.id))
    assert details == {"name": "My agent", "scopes": ["answers:ask"], "days": 30}


@pytest.mark.parametrize(
    ("name", "scopes", "days", "why"),
    [
        ("", ASK, 30, "The name of a key has 1 to 80"),
        ("x" * 81, ASK, 30, "1 to 80"),
        ("a\nb", ASK, 30, "1 to 80"),
        ("a", frozenset(), 30, "Say what the key"),
        ("a", frozenset({Scope.AUDIT_READ}), 30, "Your role .employee. does not allow this: audit:read"),
        ("a", ASK, 0, "1 to 365 days"),
        ("a", ASK, 366, "1 to 365 days"),
    ],
)
def test_refusals(kyo: Kyo, employee: Actor, name: str, scopes: frozenset[Scope], days: int, why: str) -> None:
    with pytest.raises(Invalid, match=why):
        api_keys.create(kyo, employee, name, scopes, days)
    assert api_keys.list_keys(kyo, employee) == ()


def test_names_are_told_apart_as_long_as_the_key_is_there(kyo: Kyo, employee: Actor, manager: Actor) -> None:
    first = api_keys.create(kyo, employee, "agent", ASK, 30).key
    api_keys.create(kyo, manager, "agent", ASK, 30)
    with pytest.raises(Conflict, match="a key of this name"):
        api_keys.create(kyo, employee, "Agent", ASK, 30)
    api_keys.revoke(kyo, employee, first.id)
    api_keys.create(kyo, employee, "Agent", ASK, 30)


def test_nobody_has_more_than_twenty(kyo: Kyo, employee: Actor) -> None:
    for number in range(api_keys.MAX_KEYS):
        api_keys.create(kyo, employee, str(number), ASK, 30)
    with pytest.raises(Conflict, match="20 keys"):
        api_keys.create(kyo, employee, "one more", ASK, 30)


def test_expired_keys_do_not_count(kyo: Kyo, employee: Actor, clock: Clock) -> None:
    for number in range(api_keys.MAX_KEYS):
        api_keys.create(kyo, employee, str(number), ASK, 1 if number else 2)
    clock.advance(days=1)
    for number in range(api_keys.MAX_KEYS - 1):
        api_keys.create(kyo, employee, f"new {number}", ASK, 30)
    with pytest.raises(Conflict, match="20 keys"):
        api_keys.create(kyo, employee, "one more", ASK, 30)


def test_a_new_key_takes_the_name_of_one_that_has_expired(
    kyo: Kyo, employee: Actor, manager: Actor, clock: Clock, sql: Callable[..., list[Any]]
) -> None:
    old = api_keys.create(kyo, employee, "agent", ASK, 1).key
    of_somebody_else = api_keys.create(kyo, manager, "agent", ASK, 1).key
    clock.advance(days=1, seconds=-1)
    with pytest.raises(Conflict, match="a key of this name"):
        api_keys.create(kyo, employee, "Agent", ASK, 30)
    clock.advance(seconds=1)
    new = api_keys.create(kyo, employee, "Agent", ASK, 30).key
    assert api_keys.list_keys(kyo, employee) == (new,)
    assert api_keys.list_keys(kyo, manager) == (of_somebody_else,)
    rows = sql("select event, object_id, details ->> 'name' as name from audit_log order by id desc limit 2")
    assert rows[::-1] == [("api_key:revoke", str(old.id), "agent"), ("api_key:create", str(new.id), "Agent")]


def test_revoking_is_on_record_and_done_once(kyo: Kyo, employee: Actor, audited: Callable[[], list[str]]) -> None:
    key = api_keys.create(kyo, employee, "agent", ASK, 30).key
    api_keys.revoke(kyo, employee, key.id)
    assert audited()[-1] == "api_key:revoke"
    assert api_keys.list_keys(kyo, employee) == ()
    with pytest.raises(NotFound):
        api_keys.revoke(kyo, employee, key.id)


def test_keys_of_others_are_unknown(kyo: Kyo, employee: Actor, admin: Actor) -> None:
    key = api_keys.create(kyo, employee, "agent", ASK, 30).key
    assert api_keys.list_keys(kyo, admin) == ()
    with pytest.raises(NotFound):
        api_keys.revoke(kyo, admin, key.id)


def test_expired_keys_are_listed_until_they_are_revoked(kyo: Kyo, employee: Actor, clock: Clock) -> None:
    key = api_keys.create(kyo, employee, "agent", ASK, 1).key
    clock.advance(days=2)
    assert api_keys.list_keys(kyo, employee) == (key,)


def test_no_key_for_who_is_shut_out(kyo: Kyo, employee: Actor, admin: Actor, audited: Callable[[], list[str]]) -> None:
    people.deactivate(kyo, admin, employee.id)
    with pytest.raises(NotAllowed, match="deactivated"):
        api_keys.create(kyo, employee, "agent", ASK, 30)
    assert audited() == ["user:deactivate"]


def test_before_a_password_of_ones_own_there_are_no_keys(kyo: Kyo, employee: Actor) -> None:
    newcomer = Actor(employee.id, employee.username, employee.name, Role.EMPLOYEE, must_change_password=True)
    with pytest.raises(NotAllowed, match="Choose a password"):
        api_keys.create(kyo, newcomer, "agent", ASK, 30)
