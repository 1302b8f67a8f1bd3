"""What is the same, where several things may be; what is written of it is tested with the services."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any
from uuid import UUID

import pytest

from kyo_pipeline import on_record
from kyo_pipeline.adapters.cache import RedisCache
from kyo_pipeline.domain.actor import OPERATOR, Actor
from kyo_pipeline.domain.audit import Event
from kyo_pipeline.errors import NotFound
from kyo_pipeline.kyo import Kyo
from tests.conftest import Clock
from tests.fakes import MemoryCache

THIS, THAT = UUID(int=1), UUID(int=2)

Sql = Callable[..., list[Any]]


@pytest.fixture(autouse=True)
def at_noon(clock: Clock) -> None:
    clock.time = datetime(2026, 11, 2, 12, 0, tzinfo=timezone.utc)


@pytest.fixture
def tried(kyo: Kyo, sql: Sql) -> Callable[..., list[tuple[str, str]]]:
    """Tries of (user name, address) while blocked; the name and the address of each that is on record."""

    def record(*tries: tuple[str | None, str]) -> list[tuple[str, str]]:
        for username, address in tries:
            on_record.blocked_try(kyo, OPERATOR, Event.SESSION_REFUSE, username, address)
        rows = sql("select object_id, coalesce(address, '') as address from audit_log order by id")
        return [tuple(row) for row in rows]

    return record


def test_an_account_is_one_from_wherever_it_is_tried(tried: Callable[..., list[tuple[str, str]]]) -> None:
    assert tried(*(("anna", f"192.0.2.{number}") for number in range(5))) == [("anna", "192.0.2.0")]


def test_an_address_is_one_whatever_accounts_it_tries(tried: Callable[..., list[tuple[str, str]]]) -> None:
    assert tried(("anna", "192.0.2.1"), ("bert", "192.0.2.1"), (None, "192.0.2.1")) == [("anna", "192.0.2.1")]


def test_a_network_is_one_whatever_address_it_uses(tried: Callable[..., list[tuple[str, str]]], sql: Sql) -> None:
    assert tried(*((f"user{number}", f"2001:db8::{number}") for number in range(5))) == [("user0", "2001:db8::0")]
    [(details,)] = sql("select details from audit_log")
    assert set(details) == {"reason", "network"}
    assert len(details["network"]) == 16, "sealed: details are never forgotten"


def test_who_was_tried_from_a_known_address_is_on_record_when_tried_from_elsewhere(
    kyo: Kyo, tried: Callable[..., list[tuple[str, str]]]
) -> None:
    """Also when the cache has to learn from PostgreSQL what is on record."""
    assert isinstance(kyo.cache, MemoryCache)
    tried(("anna", "192.0.2.1"))
    kyo.cache.values.clear()
    assert tried(("bert", "192.0.2.1")) == [("anna", "192.0.2.1")]
    assert tried(("bert", "192.0.2.2")) == [("anna", "192.0.2.1"), ("bert", "192.0.2.2")]


def test_others_from_elsewhere_are_others(tried: Callable[..., list[tuple[str, str]]]) -> None:
    tries = [("anna", "192.0.2.1"), ("bert", "192.0.2.2"), (None, "192.0.2.3"), (None, ""), ("carl", "")]
    assert tried(*tries * 2) == [(name or "unknown", address) for name, address in tries]


def test_what_else_was_refused_to_them_is_not_the_same(
    kyo: Kyo, employee: Actor, tried: Callable[..., list[tuple[str, str]]]
) -> None:
    on_record.refused(kyo, OPERATOR, Event.SESSION_REFUSE, "anna", {"reason": "wrong"}, address="192.0.2.1")
    on_record.refused(kyo, OPERATOR, Event.ACCESS_REFUSE, "anna", {"reason": "blocked"})
    on_record.refused(kyo, employee, Event.SESSION_REFUSE, "anna", {"reason": "blocked"})
    assert len(tried(("anna", "192.0.2.1"))) == 4


# What was read -------------------------------------------------------------------------------------------------------


def test_what_is_read_again_and_again_is_one_reading_for_a_while(
    kyo: Kyo, employee: Actor, clock: Clock, audited: Callable[[], list[str]]
) -> None:
    for _ in range(3):
        on_record.read(kyo, employee, Event.DOCUMENT_READ, THIS)
    assert audited() == ["document:read"]
    clock.advance(minutes=11)
    on_record.read(kyo, employee, Event.DOCUMENT_READ, THIS)
    assert audited() == ["document:read"] * 2


def test_another_thing_another_reader_and_another_kind_are_readings_of_their_own(
    kyo: Kyo, employee: Actor, manager: Actor, sql: Sql
) -> None:
    on_record.read(kyo, employee, Event.DOCUMENT_READ, THIS)
    on_record.read(kyo, employee, Event.DOCUMENT_READ, THAT)
    on_record.read(kyo, manager, Event.DOCUMENT_READ, THIS)
    on_record.read(kyo, employee, Event.ANSWER_READ, THIS)
    rows = sql("select actor_id, event, object_id, outcome, details from audit_log order by id")
    assert rows == [
        (employee.id, "document:read", str(THIS), "done", {}),
        (employee.id, "document:read", str(THAT), "done", {}),
        (manager.id, "document:read", str(THIS), "done", {}),
        (employee.id, "answer:read", str(THIS), "done", {}),
    ]


def test_without_the_cache_there_are_more_rows_and_never_fewer(
    kyo: Kyo, employee: Actor, audited: Callable[[], list[str]]
) -> None:
    away = replace(kyo, cache=RedisCache("redis://127.0.0.1:1/0"))
    for _ in range(2):
        on_record.read(away, employee, Event.DOCUMENT_READ, THIS)
    assert audited() == ["document:read"] * 2


def test_readings_are_on_record_unless_the_settings_say_no(
    with_settings: Callable[..., Kyo], employee: Actor, audited: Callable[[], list[str]]
) -> None:
    on_record.read(with_settings(KYO_AUDIT_READS=False), employee, Event.DOCUMENT_READ, THIS)
    assert audited() == []


def test_who_looks_for_what_is_out_of_their_reach_is_on_record_once_a_minute(
    kyo: Kyo, employee: Actor, clock: Clock, sql: Sql
) -> None:
    def look(wanted: UUID) -> None:
        with pytest.raises(NotFound), on_record.out_of_reach(kyo, employee, Event.DOCUMENT_READ, wanted):
            raise NotFound("There is no such document.")

    look(THIS)
    look(THIS)
    look(THAT)
    clock.advance(minutes=1)
    look(THIS)
    rows = sql("select actor_id, event, object_id, outcome from audit_log order by id")
    assert rows == [(employee.id, "document:read", str(one), "refused") for one in (THIS, THAT, THIS)]
