"""Counting tries that failed."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from kyo_pipeline.db import sign_in_failures
from kyo_pipeline.db.sign_in_failures import Counted
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.throttling import Subject, of_account, of_address
from kyo_pipeline.errors import TooMany
from kyo_pipeline.kyo import Kyo
from tests.conftest import Clock

ANNA = of_account("anna")
[OFFICE] = of_address("192.0.2.7")


def count(kyo: Kyo, *subjects: Subject) -> tuple[Counted, ...]:
    with kyo.db.transaction(OPERATOR) as tx:
        return sign_in_failures.count(tx, subjects, kyo.now())


def test_the_fifth_of_an_account_blocks(kyo: Kyo, clock: Clock) -> None:
    assert [count(kyo, ANNA)[0].blocks for _ in range(5)] == [False] * 4 + [True]
    with pytest.raises(TooMany) as caught:
        count(kyo, ANNA)
    assert caught.value.retry_at == clock() + timedelta(seconds=30)


def test_where_one_is_blocked_none_is_counted(kyo: Kyo, sql: Callable[..., list[Any]]) -> None:
    for _ in range(20):
        count(kyo, OFFICE)
    for _ in range(3):
        with pytest.raises(TooMany):
            count(kyo, ANNA, OFFICE)
    assert sql("select failures from sign_in_failures") == [(20,)]


def test_what_is_taken_back_leaves_things_as_they_were(kyo: Kyo, sql: Callable[..., list[Any]]) -> None:
    for _ in range(4):
        count(kyo, ANNA)
    [fifth] = count(kyo, ANNA)
    with kyo.db.transaction(OPERATOR) as tx:
        sign_in_failures.take_back(tx, fifth)
    [again] = count(kyo, ANNA)
    assert again.blocks
    [only] = count(kyo, OFFICE)
    with kyo.db.transaction(OPERATOR) as tx:
        sign_in_failures.take_back(tx, only)
        sign_in_failures.take_back(tx, only)
    assert len(sql("select from sign_in_failures")) == 1


def test_who_is_blocked_until_when(kyo: Kyo, clock: Clock) -> None:
    for subject, times in ((ANNA, 5), (of_account("bert"), 4), (OFFICE, 20)):
        for _ in range(times):
            count(kyo, subject)
    asked = [ANNA, of_account("bert"), of_account("nobody")]
    with kyo.db.transaction(OPERATOR) as tx:
        assert sign_in_failures.blocked(tx, asked, clock()) == {ANNA: clock() + timedelta(seconds=30)}
        assert sign_in_failures.blocked(tx, asked, clock() + timedelta(seconds=30)) == {}
        assert sign_in_failures.blocked(tx, [], clock()) == {}


def test_taking_back_does_not_lift_a_block_of_others(kyo: Kyo, clock: Clock) -> None:
    [own] = count(kyo, ANNA)
    clock.advance(seconds=1)
    for _ in range(4):
        count(kyo, ANNA)
    with kyo.db.transaction(OPERATOR) as tx:
        sign_in_failures.take_back(tx, own)
    with pytest.raises(TooMany):
        count(kyo, ANNA)


def test_a_day_later_counting_begins_anew(kyo: Kyo, clock: Clock, sql: Callable[..., list[Any]]) -> None:
    for _ in range(4):
        count(kyo, ANNA)
    clock.advance(hours=24)
    count(kyo, ANNA)
    assert sql("select failures from sign_in_failures") == [(1,)]


def test_old_ones_are_forgotten(kyo: Kyo, clock: Clock, sql: Callable[..., list[Any]]) -> None:
    count(kyo, ANNA)
    clock.advance(hours=12)
    count(kyo, OFFICE)
    clock.advance(hours=12, seconds=1)
    with kyo.db.transaction(OPERATOR) as tx:
        sign_in_failures.forget_old(tx, clock())
    assert [bytes(row.subject) for row in sql("select subject from sign_in_failures")] == [OFFICE.digest]


def test_clearing_says_whether_there_was_anything(kyo: Kyo) -> None:
    count(kyo, ANNA)
    with kyo.db.transaction(OPERATOR) as tx:
        assert sign_in_failures.clear(tx, ANNA)
        assert not sign_in_failures.clear(tx, ANNA)


def test_counting_and_taking_back_at_the_same_moment_loses_nothing(committed: Kyo) -> None:
    def good_try(_: int) -> None:
        [counted] = count(committed, OFFICE)
        with committed.db.transaction(OPERATOR) as tx:
            sign_in_failures.forget_old(tx, committed.now())
            sign_in_failures.take_back(tx, counted)

    count(committed, OFFICE)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(good_try, range(200)))
    with committed.db.transaction(OPERATOR) as tx:
        left = tx.exec_driver_sql("delete from sign_in_failures returning failures").all()
    assert [row.failures for row in left] == [1]


def test_who_looked_at_the_clock_before_and_has_their_turn_after_is_not_blocked(kyo: Kyo, clock: Clock) -> None:
    def tried(milliseconds: int) -> bool:
        with kyo.db.transaction(OPERATOR) as tx:
            now = clock() + timedelta(milliseconds=milliseconds)
            [counted] = sign_in_failures.count(tx, [ANNA], now)
            return counted.blocks

    assert [tried(milliseconds) for milliseconds in (2, 1, 3, 0)] == [False] * 4
    assert tried(0)
    with pytest.raises(TooMany):
        tried(5)
