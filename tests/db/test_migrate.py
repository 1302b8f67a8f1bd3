from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from kyo_pipeline.db.migrate import Migration, everything, migrate, pending, read_migrations
from kyo_pipeline.errors import Conflict, Unavailable

FIRST = Migration("0001_first", "create table first (id integer); insert into first values (1)")
SECOND = Migration("0002_second", "create table second (percent text default '100 % :not_a_parameter')")


@pytest.fixture(scope="module")
def empty_database(new_database: Callable[[], str]) -> str:
    return new_database()


@pytest.fixture
def url(empty_database: str) -> Iterator[str]:
    """A database without our schemas."""
    yield empty_database
    with create_engine(empty_database, poolclass=NullPool).begin() as connection:
        connection.execute(text("drop schema if exists kyo, dagster cascade"))


def rows(url: str, statement: str) -> list[Any]:
    with create_engine(url, poolclass=NullPool).connect() as connection:
        return list(connection.execute(text(statement)).scalars())


def test_the_real_migrations_run_once_and_then_never_again(url: str) -> None:
    names = [migration.name for migration in everything()]
    assert migrate(url) == names
    assert migrate(url) == []


def test_pending_names_what_a_database_lacks(url: str) -> None:
    with create_engine(url, poolclass=NullPool).connect() as connection:
        assert pending(connection) == [migration.name for migration in everything()]
        connection.rollback()
        migrate(url)
        assert pending(connection) == []


def test_an_installation_of_the_first_release_goes_on_with_what_it_has(url: str) -> None:
    """Dagster's tables, made by the owner, become the pipeline's; there is a default collection, whatever its name."""
    migrate(url, read_migrations()[:1])
    with create_engine(url, poolclass=NullPool).begin() as connection:
        connection.execute(text("update kyo.collections set name = 'Renamed'"))
        connection.execute(text("create table dagster.runs (id serial primary key, body text)"))
        connection.execute(text("insert into dagster.runs (body) values ('kept')"))
        connection.execute(text("create table kyo.chunk_embeddings_1 (chunk_id bigint, embedding vector(2))"))
    migrate(url)
    assert rows(url, "select name from kyo.collections where is_default") == ["Renamed"]
    assert rows(url, "set role kyo_pipeline; insert into dagster.runs (body) values ('new') returning id") == [2]
    assert rows(url, "set role kyo_pipeline; set kyo.actor = ''; select count(*) from kyo.chunk_embeddings_1") == [0]


def test_roles_that_may_do_too_much_are_refused(url: str) -> None:
    broken = tuple(
        replace(migration, body=migration.body.replace("rolsuper or rolbypassrls", "rolname = 'kyo_app'"))
        for migration in read_migrations()
    )
    with pytest.raises(Conflict, match="must be neither a superuser nor free of row-level security"):
        migrate(url, broken)


def test_only_what_is_new_is_applied(url: str) -> None:
    assert migrate(url, (FIRST,)) == ["0001_first"]
    assert migrate(url, (FIRST, SECOND)) == ["0002_second"]
    assert rows(url, "select count(*) from kyo.first") == [1]


def test_percent_signs_and_colons_in_a_migration_are_taken_as_they_are(url: str) -> None:
    migrate(url, (FIRST, SECOND))
    assert rows(url, "insert into kyo.second default values returning percent") == ["100 % :not_a_parameter"]


def test_an_edited_migration_is_refused(url: str) -> None:
    migrate(url, (FIRST,))
    with pytest.raises(Conflict, match="0001_first was edited"):
        migrate(url, (Migration("0001_first", "create table other (id integer)"),))
    assert rows(url, "select to_regclass('kyo.other')") == [None]


def test_a_failing_migration_leaves_nothing_of_itself_and_keeps_those_before(url: str) -> None:
    broken = Migration("0002_broken", "create table half (id integer); select 1 / 0")
    with pytest.raises(Conflict, match="nothing of it was kept: division by zero"):
        migrate(url, (FIRST, broken))
    assert rows(url, "select to_regclass('kyo.half')") == [None]
    assert rows(url, "select name from kyo.schema_migrations") == ["0001_first"]
    assert migrate(url, (FIRST, SECOND)) == ["0002_second"]


def test_two_processes_that_start_at_once_apply_each_migration_once(url: str) -> None:
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: migrate(url, (FIRST, SECOND)), range(2))
    assert sorted(first + second) == ["0001_first", "0002_second"]


@pytest.mark.parametrize(
    "names",
    [["0001_a", "0003_c"], ["0002_b"], ["0001_a", "0001_b"], ["1_a"]],
    ids=["gap", "does not begin at one", "number used twice", "not four digits"],
)
def test_numbers_have_no_gaps_and_no_doubles(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / f"{name}.sql").write_text("select 1")
    with pytest.raises(Conflict, match="should have the number"):
        read_migrations(tmp_path)


def test_an_installation_without_migrations_is_not_up_to_date(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(Conflict, match=f"There are no migrations in {folder}"):
            read_migrations(folder)


def test_a_database_that_is_down_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"^The database does not answer: .+$"):
        migrate(f"postgresql://kyo@/kyo?host={tmp_path}")
