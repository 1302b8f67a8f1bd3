"""Rollups while somebody writes: with two connections, whose transactions end in one order or the other."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, text

from kyo_pipeline.db.engine import Database
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.database_role import DatabaseRole
from kyo_pipeline.domain.rollups import DayFigures
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import rolling_up
from tests.usage import Use, at

#: How long a rollup that should be waiting is given to show that it is not.
A_MOMENT = 0.3


@pytest.fixture
def pipeline(committed: Kyo, own_database: str) -> Iterator[Kyo]:
    """As Dagster's runs, on connections of its own."""
    db = Database(own_database, DatabaseRole.PIPELINE)
    yield replace(committed, db=db)
    db.close()


@pytest.fixture
def yesterday(committed: Kyo) -> date:
    return committed.now().date() - timedelta(days=1)


@pytest.fixture
def writers(own_database: str) -> Iterator[Database]:
    db = Database(own_database)
    yield db
    db.close()


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


def use_in(tx: Connection) -> Use:
    def sql(statement: str, **values: object) -> list[Any]:
        result = tx.execute(text(statement), values)
        return list(result.all()) if result.returns_rows else []

    return Use(sql)


def is_waiting(future: Future[DayFigures]) -> bool:
    try:
        future.result(A_MOMENT)
    except TimeoutError:
        return True
    return False


def test_the_first_rollup_of_a_day_waits_for_those_who_began_to_write_while_it_was_open(
    pipeline: Kyo, writers: Database, threads: ThreadPoolExecutor, yesterday: date
) -> None:
    with writers.transaction(OPERATOR) as tx:
        use_in(tx).ask(OPERATOR, at(yesterday))
        rolled = threads.submit(rolling_up.roll_up, pipeline, yesterday)
        assert is_waiting(rolled)
    assert rolled.result(10).questions == 1
    assert rolling_up.days_to_roll_up(pipeline) == ()


def test_it_waits_for_nobody_who_writes_about_today_and_they_do_not_wait_for_it(
    pipeline: Kyo, writers: Database, threads: ThreadPoolExecutor, yesterday: date
) -> None:
    today = yesterday + timedelta(days=1)
    with writers.transaction(OPERATOR) as tx:
        use_in(tx).ask(OPERATOR, at(today))
        assert threads.submit(rolling_up.roll_up, pipeline, yesterday).result(10).questions == 0
    with pipeline.db.transaction(OPERATOR) as rollup:
        rollup.execute(
            text("select * from roll_up_day(:day, 'UTC', :today, :now)"),
            {"day": yesterday, "today": today, "now": pipeline.now()},
        )

        def ask() -> None:
            with writers.transaction(OPERATOR) as tx:
                tx.execute(text("set local lock_timeout = '2s'"))
                use_in(tx).ask(OPERATOR, at(today))

        threads.submit(ask).result(10)


@pytest.mark.parametrize("first", ["event", "rollup"])
def test_what_commits_after_a_rollup_has_counted_is_not_lost(
    pipeline: Kyo, writers: Database, yesterday: date, first: str
) -> None:
    """The day is closed already: nobody waits. Whichever ends first, the day is rolled up again or has counted it."""
    rolling_up.roll_up(pipeline, yesterday)
    with ExitStack() as stack:
        event = stack.enter_context(writers.transaction(OPERATOR))
        use_in(event).ask(OPERATOR, at(yesterday))
        if first == "event":
            stack.close()
        assert rolling_up.roll_up(pipeline, yesterday).questions == (1 if first == "event" else 0)
    expected = () if first == "event" else (yesterday,)
    assert rolling_up.days_to_roll_up(pipeline) == expected
    assert rolling_up.roll_up(pipeline, yesterday).questions == 1
    assert rolling_up.days_to_roll_up(pipeline) == ()
    assert rolling_up.recount(pipeline, [yesterday]).differences == ()


def test_whoever_comes_while_a_day_is_being_closed_notes_it(
    pipeline: Kyo, writers: Database, threads: ThreadPoolExecutor, yesterday: date
) -> None:
    """They saw it open, and wait until it is rolled up: what they write is not in it."""

    def ask() -> None:
        with writers.transaction(OPERATOR) as tx:
            use_in(tx).ask(OPERATOR, at(yesterday))

    with pipeline.db.transaction(OPERATOR) as rollup:
        rollup.execute(
            text("select * from roll_up_day(:day, 'UTC', :today, :now)"),
            {"day": yesterday, "today": yesterday + timedelta(days=1), "now": pipeline.now()},
        )
        asked = threads.submit(ask)
        with pytest.raises(TimeoutError):
            asked.result(A_MOMENT)
    asked.result(10)
    assert rolling_up.days_to_roll_up(pipeline) == (yesterday,)
    assert rolling_up.roll_up(pipeline, yesterday).questions == 1


def test_a_document_that_moves_keeps_rollups_waiting(
    pipeline: Kyo, writers: Database, threads: ThreadPoolExecutor, yesterday: date
) -> None:
    """It looks for the days on which it was asked about, and may not see the last of them."""
    with writers.transaction(OPERATOR) as tx:
        use = use_in(tx)
        one, two = use.collection("One"), use.collection("Two")
        document = use.document(one, "1", at(yesterday))
    with writers.transaction(OPERATOR) as move:
        use_in(move).move(document, two)
        with writers.transaction(OPERATOR) as tx:
            use_in(tx).ask(OPERATOR, at(yesterday), about=[document])
        rolled = threads.submit(rolling_up.roll_up, pipeline, yesterday)
        assert is_waiting(rolled)
    rolled.result(10)
    assert rolling_up.recount(pipeline, [yesterday]).differences == ()


def test_two_rollups_of_the_same_day_take_turns(
    pipeline: Kyo, writers: Database, threads: ThreadPoolExecutor, yesterday: date
) -> None:
    with writers.transaction(OPERATOR) as tx:
        use_in(tx).ask(OPERATOR, at(yesterday))
    both = [threads.submit(rolling_up.roll_up, pipeline, yesterday) for _ in range(2)]
    assert [one.result(10).questions for one in both] == [1, 1]
    assert rolling_up.recount(pipeline, [yesterday]).differences == ()
