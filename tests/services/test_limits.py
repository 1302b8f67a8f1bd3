"""The limits of questions and uploads: with Redis, without it, with a forgetful one, and with many at once."""

import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
import redis
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from kyo_pipeline.adapters.cache import RedisCache
from kyo_pipeline.adapters.embedded_redis import redis_url, running_redis
from kyo_pipeline.db import audit, questions, users
from kyo_pipeline.db.engine import Database
from kyo_pipeline.domain.actor import OPERATOR, Actor, Role
from kyo_pipeline.domain.answers import Draft, Outcome
from kyo_pipeline.domain.limits import Limit, counter_key
from kyo_pipeline.errors import Invalid, KyoError, NotAllowed, TooMany, Unavailable
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import asking, library, limits
from tests.conftest import Clock
from tests.fakes import DownCache, ScriptedGenerator

Sql = Callable[..., list[Any]]
NOON = datetime(2026, 11, 2, 12, 0, tzinfo=timezone.utc)

DAY, MINUTE, HOUR = "as one day allows", "as one minute allows", "as one hour allows"


@pytest.fixture(autouse=True)
def at_noon(clock: Clock) -> None:
    """So that no test runs over the end of an hour."""
    clock.time = NOON


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    with running_redis(tmp_path / "redis") as url:
        yield url


@pytest.fixture
def on_redis(kyo: Kyo, server: str) -> Iterator[Kyo]:
    cache = RedisCache(server)
    yield replace(kyo, cache=cache)
    cache.close()


def limited(kyo: Kyo, **values: int) -> Kyo:
    return replace(kyo, settings=kyo.settings.model_copy(update=values))


def ask_many(kyo: Kyo, actor: Actor, times: int) -> None:
    for number in range(times):
        asking.ask(kyo, actor, f"Question {number}?")


# A day ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cache", ["redis", "memory", "down"])
def test_a_day_has_so_many_questions_and_no_more(
    kyo: Kyo, on_redis: Kyo, employee: Actor, person: Callable[[Role], Actor], clock: Clock, sql: Sql, cache: str
) -> None:
    bundle = {"redis": on_redis, "memory": kyo, "down": replace(kyo, cache=DownCache())}[cache]
    small = limited(bundle, MAX_QUERIES_PER_DAY=3)
    ask_many(small, employee, 3)
    for _ in range(2):
        with pytest.raises(TooMany, match=DAY) as refused:
            asking.ask(small, employee, "One more?")
    assert refused.value.retry_at == datetime(2026, 11, 3, tzinfo=timezone.utc)
    assert len(sql("select from questions")) == 3
    asking.ask(small, person(Role.EMPLOYEE), "Somebody else?")
    clock.time = refused.value.retry_at
    asking.ask(small, employee, "On the next day?")


def test_the_day_ends_at_midnight_in_utc(kyo: Kyo, employee: Actor, clock: Clock) -> None:
    small = limited(kyo, MAX_QUERIES_PER_DAY=1)
    clock.time = datetime(2026, 11, 2, 23, 59, 59, 999_999, tzinfo=timezone.utc)
    asking.ask(small, employee, "One?")
    with pytest.raises(TooMany):
        asking.ask(small, employee, "Two?")
    clock.advance(microseconds=1)
    asking.ask(small, employee, "Two?")


def test_redis_refuses_without_the_database(on_redis: Kyo, employee: Actor) -> None:
    small = limited(on_redis, MAX_QUERIES_PER_DAY=1)
    asking.ask(small, employee, "One?")
    with pytest.raises(TooMany):
        asking.ask(small, employee, "Two?")  # audited: from here on the log knows of this minute

    class NoDatabase(Database):
        def transaction(self, actor: Actor) -> Any:  # noqa: ARG002 — the signature of what it stands for
            raise AssertionError("it was asked")

    for _ in range(20):
        with pytest.raises(TooMany, match=DAY):
            asking.ask(replace(small, db=NoDatabase("postgresql://nowhere/none")), employee, "Two?")


def test_a_redis_that_forgets_opens_nothing_and_learns_again(on_redis: Kyo, server: str, employee: Actor) -> None:
    small, client = limited(on_redis, MAX_QUERIES_PER_DAY=4), redis.Redis.from_url(server)
    ask_many(small, employee, 2)
    client.flushall()
    ask_many(small, employee, 1)
    assert client.get(counter_key(Limit.QUESTIONS_A_DAY, employee.id, NOON)) == b"3"
    ask_many(small, employee, 1)
    client.flushall()
    with pytest.raises(TooMany, match=DAY):
        asking.ask(small, employee, "Five?")
    assert client.get(counter_key(Limit.QUESTIONS_A_DAY, employee.id, NOON)) == b"4"
    client.close()


def test_a_redis_that_was_away_knows_too_little_and_opens_nothing(
    on_redis: Kyo, employee: Actor, tmp_path: Path
) -> None:
    """Its memory is of before the outage: two questions less than were asked."""
    small = limited(on_redis, MAX_QUERIES_PER_DAY=3)
    ask_many(small, employee, 1)
    ask_many(replace(small, cache=RedisCache(redis_url(tmp_path / "nowhere"))), employee, 2)
    with pytest.raises(TooMany, match=DAY):
        asking.ask(small, employee, "Four?")


def test_a_redis_that_dies_and_comes_back_opens_nothing(kyo: Kyo, employee: Actor, tmp_path: Path) -> None:
    cache = RedisCache(redis_url(tmp_path))
    small = limited(replace(kyo, cache=cache), MAX_QUERIES_PER_DAY=3)
    with running_redis(tmp_path):
        ask_many(small, employee, 1)
    ask_many(small, employee, 1)
    with running_redis(tmp_path):
        assert cache.ping()
        ask_many(small, employee, 1)
        with pytest.raises(TooMany, match=DAY):
            asking.ask(small, employee, "Four?")
    with pytest.raises(TooMany, match=DAY):
        asking.ask(small, employee, "Four?")
    cache.close()


@pytest.mark.parametrize("spoilt", [b"", b"-5", b"many", b"\xff", b"1e9", b"0" * 5000, "٣".encode()])
def test_a_spoilt_count_is_none(kyo: Kyo, employee: Actor, spoilt: bytes) -> None:
    small = limited(kyo, MAX_QUERIES_PER_DAY=2)
    kyo.cache.set(counter_key(Limit.QUESTIONS_A_DAY, employee.id, NOON), spoilt, 60)
    ask_many(small, employee, 2)
    kyo.cache.set(counter_key(Limit.QUESTIONS_A_DAY, employee.id, NOON), spoilt, 60)
    with pytest.raises(TooMany, match=DAY):
        asking.ask(small, employee, "Three?")


def test_a_question_that_was_not_stored_has_not_been_counted(
    on_redis: Kyo, employee: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = limited(on_redis, MAX_QUERIES_PER_DAY=1)
    with monkeypatch.context() as broken:
        broken.setattr(questions, "add_question", _away)
        for _ in range(3):
            with pytest.raises(Unavailable):
                asking.ask(small, employee, "One?")
    with pytest.raises(Invalid):
        asking.ask(small, employee, "   ")
    ask_many(small, employee, 1)


def _away(*_: object, **__: object) -> None:
    raise Unavailable("The database does not answer.")


def test_what_failed_and_what_was_stopped_counts(kyo: Kyo, employee: Actor) -> None:
    small = limited(kyo, MAX_QUERIES_PER_DAY=2)
    with pytest.raises(Unavailable):
        asking.ask(replace(small, generator=ScriptedGenerator(("x",), Unavailable("No model."))), employee, "One?")
    stopped = replace(small, generator=ScriptedGenerator(("x",), Draft("x", Outcome.ANSWERED)))
    stream = asking.stream_answer(stopped, employee, "Two?")
    next(stream)
    stream.close()
    with pytest.raises(TooMany, match=DAY):
        asking.ask(small, employee, "Three?")


def test_a_clock_that_is_set_changes_the_day_and_not_the_limit(kyo: Kyo, employee: Actor, clock: Clock) -> None:
    small = limited(kyo, MAX_QUERIES_PER_DAY=1)
    for moment in (NOON, NOON + timedelta(days=1), NOON - timedelta(days=1)):
        clock.time = moment
        asking.ask(small, employee, "One a day?")
    for moment in (NOON, NOON + timedelta(days=1), NOON - timedelta(days=1), NOON + timedelta(hours=1)):
        clock.time = moment
        with pytest.raises(TooMany, match=DAY):
            asking.ask(small, employee, "Two a day?")


def test_who_waits_over_midnight_is_counted_in_the_day_of_the_row(
    kyo: Kyo, employee: Actor, clock: Clock, monkeypatch: pytest.MonkeyPatch, sql: Sql
) -> None:
    small = limited(kyo, MAX_QUERIES_PER_DAY=1)
    clock.time = NOON.replace(hour=23, minute=59)
    monkeypatch.setattr("kyo_pipeline.db.usage.lock", lambda *_: clock.advance(minutes=2))
    asking.ask(small, employee, "One?")
    assert [row.asked_at.day for row in sql("select asked_at from questions")] == [3]
    with pytest.raises(TooMany):
        asking.ask(small, employee, "Two?")


def test_a_lower_limit_counts_at_once_and_a_higher_one_too(on_redis: Kyo, employee: Actor) -> None:
    ask_many(limited(on_redis, MAX_QUERIES_PER_DAY=3), employee, 3)
    with pytest.raises(TooMany):
        asking.ask(limited(on_redis, MAX_QUERIES_PER_DAY=2), employee, "More?")
    asking.ask(limited(on_redis, MAX_QUERIES_PER_DAY=4), employee, "More?")


def added(kyo: Kyo) -> Actor:
    with kyo.db.transaction(OPERATOR) as tx:
        name = f"anna-{secrets.token_hex(3)}"
        return users.add(tx, name, "Anna", Role.EMPLOYEE, kyo.now(), password_hash="no password fits")


@pytest.mark.parametrize("cache", ["redis", "down", "forgetful"])
def test_of_twenty_at_once_exactly_the_limit_gets_through(committed: Kyo, server: str, cache: str) -> None:
    """Through two bundles, as two processes have: nothing between them but Redis and PostgreSQL."""
    anna = added(committed)
    small = limited(committed, MAX_QUERIES_PER_DAY=7, KYO_QUERIES_PER_MINUTE=1000)
    caches = [DownCache(), DownCache()] if cache == "down" else [RedisCache(server), RedisCache(server)]
    bundles = [replace(small, cache=one) for one in caches]
    together, client = Barrier(20), redis.Redis.from_url(server)

    def ask(number: int) -> bool:
        together.wait()
        if cache == "forgetful":
            client.flushall()
        try:
            asking.ask(bundles[number % 2], anna, f"Question {number}?")
        except TooMany:
            return False
        return True

    with ThreadPoolExecutor(20) as pool:
        assert sum(pool.map(ask, range(20))) == 7
    with committed.db.transaction(anna) as tx:
        assert len(questions.history(tx, anna, "", 50, 0).answers) == 7
    assert refusals(committed, anna) == [("answer:refuse", "questions_a_day")]
    client.close()
    for one in caches:
        if isinstance(one, RedisCache):
            one.close()


def refusals(kyo: Kyo, actor: Actor) -> list[tuple[str, str]]:
    """Event and limit of what the log says of a person."""
    statement = "select event, details ->> 'limit' as name from audit_log where outcome = 'refused' and actor_id = :id"
    with kyo.db.transaction(OPERATOR) as tx:
        return [(row.event, row.name) for row in tx.execute(text(statement + " order by id"), {"id": actor.id})]


def test_of_twenty_uploads_at_once_exactly_the_limit_gets_through(committed: Kyo) -> None:
    anna = added(committed)
    small, together = limited(committed, KYO_UPLOADS_PER_HOUR=7), Barrier(20)

    def upload(number: int) -> bool:
        together.wait()
        try:
            library.upload(small, anna, f"{number}.txt", f"Text number {number}.".encode())
        except TooMany:
            return False
        return True

    with ThreadPoolExecutor(20) as pool:
        assert sum(pool.map(upload, range(20))) == 7
    assert library.list_documents(committed, anna).total == 7
    assert refusals(committed, anna) == [("document:refuse", "uploads_an_hour")]


def test_somebody_who_was_deleted_leaves_no_count_and_no_lock(committed: Kyo, own_database: str) -> None:
    small = limited(committed, MAX_QUERIES_PER_DAY=1)
    anna = added(small)
    asking.ask(small, anna, "One?")
    owner = Database(own_database)
    with owner.transaction(OPERATOR) as tx:
        tx.execute(text("select set_config('kyo.actor', '', true)"))  # for people there is no way to delete people
        tx.execute(text("delete from users where id = :id"), {"id": anna.id})
    owner.close()
    with pytest.raises((DBAPIError, KyoError)):
        asking.ask(small, anna, "Two?")
    with small.db.transaction(OPERATOR) as tx:
        assert tx.scalar(text("select count(*) from questions where user_id = :id"), {"id": anna.id}) == 0
    asking.ask(small, added(small), "Another person?")


# A minute -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cache", ["redis", "memory", "away"])
def test_a_minute_has_so_many_questions_and_searches(
    kyo: Kyo, on_redis: Kyo, employee: Actor, clock: Clock, tmp_path: Path, sql: Sql, cache: str
) -> None:
    away = replace(kyo, cache=RedisCache(redis_url(tmp_path / "nowhere")))
    small = limited({"redis": on_redis, "memory": kyo, "away": away}[cache], KYO_QUERIES_PER_MINUTE=3)
    ask_many(small, employee, 1)
    asking.search(small, employee, "Search?")
    ask_many(small, employee, 1)
    for verb in (asking.ask, asking.search):
        with pytest.raises(TooMany, match=MINUTE) as refused:
            verb(small, employee, "More?")
    assert refused.value.retry_at == NOON + timedelta(minutes=1)
    clock.time = refused.value.retry_at
    ask_many(small, employee, 3)
    assert len(sql("select from questions")) == 5, "searches and refusals are not among the day's questions"


def test_without_any_memory_postgresql_counts_the_questions_of_the_minute(
    kyo: Kyo, employee: Actor, clock: Clock
) -> None:
    small = limited(replace(kyo, cache=DownCache()), KYO_QUERIES_PER_MINUTE=2)
    ask_many(small, employee, 2)
    with pytest.raises(TooMany, match=MINUTE):
        asking.ask(small, employee, "Three?")
    clock.advance(minutes=1)
    ask_many(small, employee, 2)


def test_who_is_refused_for_the_minute_loses_nothing_of_the_day(kyo: Kyo, employee: Actor, clock: Clock) -> None:
    small = limited(kyo, KYO_QUERIES_PER_MINUTE=1, MAX_QUERIES_PER_DAY=2)
    ask_many(small, employee, 1)
    for _ in range(5):
        with pytest.raises(TooMany, match=MINUTE):
            asking.ask(small, employee, "More?")
    clock.advance(minutes=1)
    ask_many(small, employee, 1)


def test_when_both_are_used_up_the_day_is_named(kyo: Kyo, employee: Actor) -> None:
    small = limited(kyo, KYO_QUERIES_PER_MINUTE=1, MAX_QUERIES_PER_DAY=1)
    ask_many(small, employee, 1)
    for bundle in (small, replace(small, cache=DownCache())):
        with pytest.raises(TooMany, match=DAY):
            asking.ask(bundle, employee, "More?")


# An hour of uploads -------------------------------------------------------------------------------------------------


def test_an_hour_has_so_many_uploads_and_what_is_refused_is_not_stored(
    kyo: Kyo, employee: Actor, manager: Actor, clock: Clock, tmp_path: Path
) -> None:
    small = limited(kyo, KYO_UPLOADS_PER_HOUR=2)
    library.upload(small, employee, "a.txt", b"One.")
    library.upload(small, employee, "a.txt", b"One.")  # there already: changes nothing, counts nothing
    library.upload(small, employee, "a.txt", b"Two.")
    stored = sum(1 for path in (tmp_path / "files").rglob("*") if path.is_file())
    with pytest.raises(TooMany, match=HOUR) as refused:
        library.upload(small, employee, "b.txt", b"Three.")
    assert refused.value.retry_at == NOON + timedelta(hours=1)
    assert sum(1 for path in (tmp_path / "files").rglob("*") if path.is_file()) == stored == 2
    library.upload(small, manager, "c.txt", b"Of somebody else.")
    clock.time = refused.value.retry_at
    library.upload(small, employee, "b.txt", b"Three.")


def test_a_file_that_is_refused_for_what_it_is_counts_nothing(kyo: Kyo, employee: Actor) -> None:
    small = limited(kyo, KYO_UPLOADS_PER_HOUR=1)
    for _ in range(3):
        with pytest.raises(Invalid):
            library.upload(small, employee, "empty.txt", b"")
    assert library.upload(small, employee, "a.txt", b"One.").created


# The operator, the log, what is left --------------------------------------------------------------------------------


def test_the_operator_is_not_limited(kyo: Kyo, audited: Callable[[], list[str]]) -> None:
    small = limited(kyo, MAX_QUERIES_PER_DAY=1, KYO_QUERIES_PER_MINUTE=1, KYO_UPLOADS_PER_HOUR=1)
    ask_many(small, OPERATOR, 3)
    for number in range(3):
        asking.search(small, OPERATOR, "leave")
        library.upload(small, OPERATOR, f"{number}.txt", b"Text.")
    assert limits.read_allowance(small, OPERATOR) == limits.Allowance(None, None)
    assert not any(event.endswith(":refuse") for event in audited())


@pytest.mark.parametrize("role", Role)
def test_everybody_else_is(kyo: Kyo, person: Callable[[Role], Actor], role: Role) -> None:
    small, actor = limited(kyo, MAX_QUERIES_PER_DAY=1), person(role)
    ask_many(small, actor, 1)
    with pytest.raises(TooMany):
        asking.ask(small, actor, "Two?")


@pytest.mark.parametrize("cache", ["redis", "down"])
def test_refusals_are_audited_once_a_person_limit_and_minute(
    kyo: Kyo, on_redis: Kyo, employee: Actor, manager: Actor, clock: Clock, sql: Sql, cache: str
) -> None:
    bundle = on_redis if cache == "redis" else replace(kyo, cache=DownCache())
    small = limited(bundle, MAX_QUERIES_PER_DAY=1, KYO_UPLOADS_PER_HOUR=1)
    for actor in (employee, manager):
        ask_many(small, actor, 1)
        library.upload(small, actor, f"{actor.username}.txt", b"Text.")
    for minute in range(2):
        for actor in (employee, manager) * 3:
            with pytest.raises(TooMany):
                asking.ask(small, actor, "More?")
            with pytest.raises(TooMany):
                library.upload(small, actor, "more.txt", b"More.")
        clock.time = NOON + timedelta(minutes=minute + 1)
    for actor in (employee, manager):
        assert (
            refusals(kyo, actor) == [("answer:refuse", "questions_a_day"), ("document:refuse", "uploads_an_hour")] * 2
        )
    row = sql("select * from audit_log where event = 'answer:refuse' order by id")[0]
    assert (row.actor_name, row.object_type, row.object_id) == (employee.username, "answer", str(employee.id))
    assert row.details == {"limit": "questions_a_day", "allowed": 1, "until": "2026-11-03T00:00:00+00:00"}


def test_a_refusal_that_cannot_be_audited_is_none_the_less_one(
    kyo: Kyo, employee: Actor, monkeypatch: pytest.MonkeyPatch, sql: Sql
) -> None:
    """And the next one is audited: nothing has noted that this one was."""
    small = limited(kyo, MAX_QUERIES_PER_DAY=1)
    ask_many(small, employee, 1)
    with monkeypatch.context() as broken:
        broken.setattr(audit, "record", _away)
        with pytest.raises(Unavailable):
            asking.ask(small, employee, "Two?")
    assert len(sql("select from questions")) == 1
    with pytest.raises(TooMany):
        asking.ask(small, employee, "Two?")
    assert refusals(kyo, employee) == [("answer:refuse", "questions_a_day")]


def test_the_allowance_says_what_is_left_and_when_it_begins_anew(kyo: Kyo, employee: Actor, clock: Clock) -> None:
    small = limited(kyo, MAX_QUERIES_PER_DAY=5, KYO_UPLOADS_PER_HOUR=3)
    ask_many(small, employee, 2)
    library.upload(small, employee, "a.txt", b"Text.")
    found = limits.read_allowance(small, employee)
    assert found.questions is not None
    assert found.uploads is not None
    assert (found.questions.used, found.questions.left, found.questions.allowed) == (2, 3, 5)
    assert found.questions.resets_at == datetime(2026, 11, 3, tzinfo=timezone.utc)
    assert (found.uploads.used, found.uploads.left, found.uploads.resets_at) == (1, 2, NOON + timedelta(hours=1))
    lowered = limits.read_allowance(limited(kyo, MAX_QUERIES_PER_DAY=1), employee).questions
    assert lowered is not None
    assert lowered.left == 0
    clock.advance(days=1)
    assert [one and one.used for one in vars(limits.read_allowance(small, employee)).values()] == [0, 0]


def test_somebody_with_a_one_time_password_is_told_nothing(kyo: Kyo, employee: Actor) -> None:
    with pytest.raises(NotAllowed):
        limits.read_allowance(kyo, replace(employee, must_change_password=True))
