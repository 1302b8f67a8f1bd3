"""Claims. Where two runs meet, both have a real connection of their own."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from kyo_pipeline.db import claims
from kyo_pipeline.db.engine import Database, Transaction
from kyo_pipeline.domain.actor import OPERATOR, Actor
from kyo_pipeline.domain.documents import VersionStatus
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import indexing, library
from tests.conftest import Clock

LEASE = timedelta(minutes=15)
UPLOADED, PARSED, EMBEDDED = VersionStatus.UPLOADED, VersionStatus.PARSED, VersionStatus.EMBEDDED


@pytest.fixture
def upload(kyo: Kyo, employee: Actor, clock: Clock) -> Callable[[int], list[UUID]]:
    """Uploads files, a second apart, and returns their versions in order."""

    def put(count: int) -> list[UUID]:
        found = []
        for number in range(count):
            clock.advance(seconds=1)
            name = f"file {number}.txt"
            found.append(library.upload(kyo, employee, name, name.encode()).document.latest.id)
        return found

    return put


def take(tx: Transaction, run: str, now: datetime, limit: int = 100, status: VersionStatus = UPLOADED) -> list[UUID]:
    return [found.version_id for found in claims.claim(tx, status, run, limit, now, now + LEASE)]


@pytest.fixture
def claim(pipeline: Kyo) -> Callable[..., list[UUID]]:
    def run(name: str, limit: int = 100, status: VersionStatus = UPLOADED) -> list[UUID]:
        with pipeline.db.transaction(OPERATOR) as tx:
            return take(tx, name, pipeline.now(), limit, status)

    return run


@pytest.fixture
def version(sql: Callable[..., list[Any]]) -> Callable[[UUID], Any]:
    return lambda version_id: sql("select * from document_versions where id = :id", id=version_id)[0]


def test_the_oldest_are_taken_first_and_not_more_than_asked_for(
    upload: Callable[[int], list[UUID]], claim: Callable[..., list[UUID]]
) -> None:
    first, second, third = upload(3)
    assert set(claim("run:a", 2)) == {first, second}
    assert claim("run:b") == [third]


def test_a_run_gets_its_own_claims_again_and_this_is_no_new_attempt(
    upload: Callable[[int], list[UUID]], claim: Callable[..., list[UUID]], version: Callable[[UUID], Any]
) -> None:
    [one] = upload(1)
    assert claim("run:a") == claim("run:a") == [one]
    assert version(one).attempts == 1


def test_a_claim_holds_until_its_lease_is_over_and_not_longer(
    upload: Callable[[int], list[UUID]],
    claim: Callable[..., list[UUID]],
    version: Callable[[UUID], Any],
    clock: Clock,
) -> None:
    [one] = upload(1)
    claim("run:a")
    clock.advance(minutes=15)
    assert claim("run:b") == []
    clock.advance(seconds=1)
    assert claim("run:b") == [one]
    assert (version(one).claimed_by, version(one).attempts) == ("run:b", 2)


def test_a_renewed_claim_holds_longer(
    pipeline: Kyo, upload: Callable[[int], list[UUID]], claim: Callable[..., list[UUID]], clock: Clock
) -> None:
    upload(1)
    claim("run:a")
    clock.advance(minutes=14)
    with pipeline.db.transaction(OPERATOR) as tx:
        claims.renew(tx, "run:a", clock() + LEASE)
    clock.advance(minutes=14)
    assert claim("run:b") == []


def test_whoever_has_lost_a_claim_changes_nothing(
    pipeline: Kyo,
    upload: Callable[[int], list[UUID]],
    claim: Callable[..., list[UUID]],
    version: Callable[[UUID], Any],
    clock: Clock,
) -> None:
    [one] = upload(1)
    claim("run:lost")
    clock.advance(hours=1)
    claim("run:new")
    before = version(one)
    with pipeline.db.transaction(OPERATOR) as tx:
        assert claims.advance(tx, [one], "run:lost", UPLOADED, PARSED, 1.0) == ()
        assert claims.finish(tx, [one], "run:lost", clock()) == ()
        assert not claims.fail(tx, one, "run:lost", "It broke.")
        claims.put_back(tx, [one], "run:lost", UPLOADED, clock())
        claims.renew(tx, "run:lost", clock() + timedelta(days=1))
    assert version(one) == before


def test_advance_asks_for_the_status_too(
    pipeline: Kyo, upload: Callable[[int], list[UUID]], claim: Callable[..., list[UUID]], version: Callable[[UUID], Any]
) -> None:
    [one] = upload(1)
    claim("run:a")
    with pipeline.db.transaction(OPERATOR) as tx:
        assert claims.advance(tx, [one], "run:a", UPLOADED, PARSED, 0.25) == (one,)
        assert claims.advance(tx, [one], "run:a", UPLOADED, PARSED, 0.25) == ()
    assert (version(one).status, version(one).stage_seconds) == ("parsed", {"parsed": 0.25})


def test_finish_ends_the_claim(
    pipeline: Kyo, upload: Callable[[int], list[UUID]], claim: Callable[..., list[UUID]], version: Callable[[UUID], Any]
) -> None:
    [one] = upload(1)
    claim("run:a")
    with pipeline.db.transaction(OPERATOR) as tx:
        claims.advance(tx, [one], "run:a", UPLOADED, EMBEDDED, 0)
        assert claims.finish(tx, [one], "run:a", pipeline.now()) == (one,)
    assert (version(one).status, version(one).claimed_by, version(one).attempts) == ("ready", None, 0)


def test_what_is_put_back_waits_until_then_and_does_not_count_as_an_attempt(
    pipeline: Kyo,
    upload: Callable[[int], list[UUID]],
    claim: Callable[..., list[UUID]],
    version: Callable[[UUID], Any],
    clock: Clock,
) -> None:
    [one] = upload(1)
    claim("run:a")
    with pipeline.db.transaction(OPERATOR) as tx:
        claims.put_back(tx, [one], "run:a", UPLOADED, clock() + timedelta(minutes=1))
        assert claims.count_waiting(tx, clock()) == 0
    assert claim("run:b") == []
    clock.advance(minutes=1)
    assert claim("run:b") == [one]
    assert version(one).attempts == 1


def test_only_the_claims_of_dead_dagster_runs_are_released(
    pipeline: Kyo, upload: Callable[[int], list[UUID]], claim: Callable[..., list[UUID]], version: Callable[[UUID], Any]
) -> None:
    dead, alive, local = upload(3)
    for run in ("run:dead", "run:alive", "local:anywhere"):
        claim(run, 1)
    with pipeline.db.transaction(OPERATOR) as tx:
        assert claims.release_dead(tx, ["run:alive"]) == 1
        assert claims.count_waiting(tx, pipeline.now()) == 1
    assert [version(one).claimed_by for one in (dead, alive, local)] == [None, "run:alive", "local:anywhere"]


def test_with_no_run_alive_all_dagster_claims_are_released(
    pipeline: Kyo, upload: Callable[[int], list[UUID]], claim: Callable[..., list[UUID]]
) -> None:
    upload(2)
    claim("run:dead")
    with pipeline.db.transaction(OPERATOR) as tx:
        assert claims.release_dead(tx, []) == 2


def test_a_failed_version_is_neither_waiting_nor_claimed(
    pipeline: Kyo, upload: Callable[[int], list[UUID]], claim: Callable[..., list[UUID]]
) -> None:
    [one] = upload(1)
    claim("run:a")
    with pipeline.db.transaction(OPERATOR) as tx:
        assert claims.fail(tx, one, "run:a", "It broke.")
        assert claims.count_waiting(tx, pipeline.now()) == 0
    assert claim("run:b") == []


# Two connections ----------------------------------------------------------------------------------------------------


@pytest.fixture
def files(committed: Kyo) -> list[UUID]:
    """Forty committed uploads."""
    names = [f"file {number}.txt" for number in range(40)]
    return [library.upload(committed, OPERATOR, name, name.encode()).document.latest.id for name in names]


def test_two_runs_side_by_side_take_different_rows_without_waiting(committed: Kyo, files: list[UUID]) -> None:
    now = committed.now()
    with committed.db.transaction(OPERATOR) as first:
        taken = take(first, "run:a", now, 25)
        with committed.db.transaction(OPERATOR) as second:
            second.execute(text("set local lock_timeout = '1s'"))
            rest = take(second, "run:b", now, 25)
    assert len(taken) == 25
    assert len(rest) == 15
    assert {*taken, *rest} == set(files)


def test_many_runs_at_once_never_take_the_same_row(committed: Kyo, files: list[UUID]) -> None:
    start = threading.Barrier(4)

    def claim_all(name: str) -> list[UUID]:
        start.wait()
        found: list[UUID] = []
        for _ in range(8):
            with committed.db.transaction(OPERATOR) as tx:
                found.extend(set(take(tx, name, committed.now(), 3)) - set(found))
        return found

    with ThreadPoolExecutor(4) as pool:
        taken = [one for found in pool.map(claim_all, ["run:a", "run:b", "run:c", "run:d"]) for one in found]
    assert len(taken) == len(set(taken))
    assert set(taken) <= set(files)


def test_a_claim_that_was_rolled_back_is_free_again(committed: Kyo, files: list[UUID]) -> None:
    with suppress(InterruptedError), committed.db.transaction(OPERATOR) as tx:
        take(tx, "run:killed", committed.now())
        raise InterruptedError
    with committed.db.transaction(OPERATOR) as tx:
        assert len(take(tx, "run:next", committed.now())) == len(files)


def test_an_upload_wakes_a_listener_at_once(committed: Kyo, own_database: str) -> None:
    other = Database(own_database)
    uploading = threading.Timer(0.2, library.upload, (replace_db(committed, other), OPERATOR, "new.txt", b"text"))
    uploading.start()
    started = time.monotonic()
    assert indexing.wait_for_work(committed, 10) == 1
    assert time.monotonic() - started < 5
    uploading.join()
    other.close()


def test_without_work_the_listener_waits_no_longer_than_it_was_told(committed: Kyo) -> None:
    started = time.monotonic()
    assert indexing.wait_for_work(committed, 0.2) == 0
    assert 0.2 <= time.monotonic() - started < 2


def test_what_is_announced_before_the_wait_begins_is_not_missed(committed: Kyo, own_database: str) -> None:
    """Between counting and listening there must be no gap in which an upload goes unnoticed for a whole wait."""
    other = Database(own_database)
    with claims.listening(committed.db) as announced:
        library.upload(replace_db(committed, other), OPERATOR, "new.txt", b"text")
        assert announced(5)
    other.close()


def replace_db(kyo: Kyo, db: Database) -> Kyo:
    return replace(kyo, db=db)
