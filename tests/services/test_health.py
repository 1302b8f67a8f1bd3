from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kyo_pipeline.db.engine import Database
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import asking, health, library
from tests.conftest import Clock
from tests.fakes import DownCache


@pytest.fixture
def alive(pipeline: Kyo) -> None:
    """Dagster's daemon has just said that it is there."""
    health.beat(pipeline)


def failing(kyo: Kyo) -> dict[str, str]:
    return {check.name: check.message for check in health.check_health(kyo).checks if not check.ok}


@pytest.mark.usefixtures("alive")
def test_ready_when_all_neighbours_answer(kyo: Kyo) -> None:
    found = health.check_health(kyo)
    assert found.ready
    assert [check.name for check in found.checks] == ["database", "database role", "migrations", "daemon", "redis"]


@pytest.mark.usefixtures("alive")
def test_a_cache_that_is_away_is_said(kyo: Kyo) -> None:
    assert list(failing(replace(kyo, cache=DownCache()))) == ["redis"]


@pytest.mark.usefixtures("alive")
@pytest.mark.parametrize(("seconds", "ok"), [(90, True), (91, False)])
def test_a_daemon_that_is_silent_for_long_is_said(kyo: Kyo, clock: Clock, seconds: int, ok: bool) -> None:
    clock.advance(seconds=seconds)
    silent = "Nothing has looked for files for 91 s: Dagster's daemon is down, or its sensor waiting_files is off."
    assert failing(kyo) == ({} if ok else {"daemon": silent})


def test_a_daemon_that_never_ran_is_said(kyo: Kyo) -> None:
    assert failing(kyo) == {"daemon": "Dagster's daemon has never run on this database."}


@pytest.mark.usefixtures("alive")
def test_a_database_behind_on_migrations_is_said(kyo: Kyo, sql: Callable[..., list[Any]]) -> None:
    sql("delete from schema_migrations where name = '0001_foundation'")
    assert failing(kyo) == {"migrations": "not applied yet: 0001_foundation. Run `kyo migrate`."}


@pytest.mark.usefixtures("alive")
def test_an_app_that_row_level_security_does_not_hold_back_is_not_ready(owner: Kyo) -> None:
    assert list(failing(owner)) == ["database role"]
    assert not health.check_health(owner).ready


def test_a_database_that_is_away_is_said_and_never_raised(kyo: Kyo, tmp_path: Path) -> None:
    away = replace(kyo, db=Database(f"postgresql://kyo@/kyo?host={tmp_path}"))
    assert list(failing(away)) == ["database"]
    assert not health.check_health(away).ready


def test_the_overview_counts(
    kyo: Kyo, employee: Actor, admin: Actor, publish: Callable[[str, str], None], clock: Clock
) -> None:
    publish("a.txt", "Some text.")
    library.upload(kyo, employee, "b.txt", b"More text.")
    asking.ask(kyo, employee, "Some?")
    clock.advance(seconds=30)
    found = health.read_overview(kyo, admin)
    assert found.numbers.documents == {"approved": 1, "in_review": 1}
    assert found.numbers.versions == {"ready": 1, "uploaded": 1}
    assert (found.numbers.searchable_documents, found.numbers.searchable_chunks) == (1, 1)
    assert (found.numbers.questions, found.numbers.people) == (1, 3)
    assert found.waiting_seconds == 30
    assert found.embedding_model is not None
    assert str(kyo.embedder.spec.dimensions) in found.embedding_model
    assert found.as_dict()["generator"] == found.generator
    assert found.recognition == kyo.parser.recognition


def test_an_empty_installation_has_an_overview(kyo: Kyo, admin: Actor) -> None:
    found = health.read_overview(kyo, admin)
    assert (found.numbers.documents, found.embedding_model, found.waiting_seconds) == ({}, None, None)
