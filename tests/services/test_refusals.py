"""What is refused is on record once a minute, however steadily it is tried."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from kyo_pipeline.adapters.cache import RedisCache
from kyo_pipeline.adapters.embedded_redis import redis_url, running_redis
from kyo_pipeline.domain.actor import OPERATOR, Actor
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import refusals
from tests.conftest import Clock
from tests.fakes import DownCache

Sql = Callable[..., list[Any]]


@pytest.fixture(autouse=True)
def at_noon(clock: Clock) -> None:
    clock.time = datetime(2026, 11, 2, 12, 0, tzinfo=timezone.utc)


@pytest.fixture(params=["redis", "memory", "away", "forgetful"])
def bundle(request: pytest.FixtureRequest, kyo: Kyo, tmp_path: Path) -> Iterator[Kyo]:
    """Kyo with each kind of cache."""
    if request.param == "redis":
        with running_redis(tmp_path / "redis") as url:
            cache = RedisCache(url)
            yield replace(kyo, cache=cache)
            cache.close()
        return
    away = RedisCache(redis_url(tmp_path / "nowhere"))
    yield replace(kyo, cache={"memory": kyo.cache, "away": away, "forgetful": DownCache()}[request.param])


def test_a_refusal_is_on_record_once_a_person_and_thing(bundle: Kyo, employee: Actor, manager: Actor, sql: Sql) -> None:
    for _ in range(3):
        refusals.record(bundle, employee, "people")
        refusals.record(bundle, employee, "collections")
        refusals.record(bundle, manager, "people")
    rows = sql("select actor_name, event, object_id, outcome, details from audit_log order by id")
    assert [tuple(row) for row in rows] == [
        (actor.username, "access:refuse", str(actor.id), "refused", {"what": what})
        for actor, what in [(employee, "people"), (employee, "collections"), (manager, "people")]
    ]


def test_steady_tries_are_on_record_once_in_each_minute(bundle: Kyo, employee: Actor, clock: Clock, sql: Sql) -> None:
    for _ in range(150):
        refusals.record(bundle, employee, "people")
        clock.advance(seconds=1)
    assert [f"{row.at:%M:%S}" for row in sql("select at from audit_log order by id")] == ["00:00", "01:00", "02:00"]


def test_of_many_at_the_same_moment_one_is_on_record(committed: Kyo) -> None:
    together, forgetful = Barrier(8), replace(committed, cache=DownCache())

    def record(_: int) -> None:
        together.wait()
        refusals.record(forgetful, OPERATOR, "together")

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(record, range(8)))
    with committed.db.transaction(OPERATOR) as tx:
        assert tx.exec_driver_sql("select from audit_log where details ->> 'what' = 'together'").rowcount == 1
