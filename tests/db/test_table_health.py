"""Tables as PostgreSQL's own statistics see them. Those are of what was committed: this has a database of its own."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

from kyo_pipeline.db import table_health
from kyo_pipeline.db.engine import Database
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.database_role import DatabaseRole
from kyo_pipeline.errors import Forbidden
from kyo_pipeline.kyo import Kyo
from tests.embedding_sets import first_set

ROWS, DELETED = 4000, 3000


@pytest.fixture
def pipeline_there(committed: Kyo, own_database: str) -> Iterator[Kyo]:
    database = Database(own_database, DatabaseRole.PIPELINE)
    yield replace(committed, db=database)
    database.close()


@pytest.fixture
def by_owner(own_database: str) -> Iterator[Connection]:
    engine = create_engine(own_database, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection


@pytest.fixture
def vectors(pipeline_there: Kyo) -> str:
    """A second set of vectors stands beside the one that answers questions."""
    with pipeline_there.db.transaction(OPERATOR) as tx:
        first_set(tx, pipeline_there.embedder.spec, pipeline_there.now())
        made = first_set(tx, pipeline_there.embedder.spec, pipeline_there.now())
    return f"chunk_embeddings_{made.id}"


def read(kyo: Kyo) -> dict[str, table_health.TableHealth]:
    with kyo.db.transaction(OPERATOR) as tx:
        return {one.table: one for one in table_health.read(tx)}


def test_dead_rows_are_seen_by_the_pipeline_and_the_advice_helps(
    pipeline_there: Kyo, by_owner: Connection, vectors: str
) -> None:
    # Else the server might clear them away by itself at this very moment; and a foreign key would want chunks.
    by_owner.execute(text(f"alter table kyo.{vectors} set (autovacuum_enabled = off)"))
    by_owner.execute(text(f"alter table kyo.{vectors} drop constraint {vectors}_chunk_id_fkey"))
    vector = f"cast(array_fill(1, array[{pipeline_there.embedder.spec.dimensions}]) as public.vector)"
    fill = f"insert into kyo.{vectors} select n, {vector} from generate_series(1, {ROWS}) n"  # noqa: S608 — our own names
    by_owner.execute(text(fill))
    by_owner.execute(text(f"delete from kyo.{vectors} where chunk_id <= {DELETED}"))  # noqa: S608 — the same
    by_owner.execute(text("select pg_stat_force_next_flush()"))

    found = read(pipeline_there)
    assert len(found) >= 3  # chunks, and both sets of vectors
    worn = found[vectors]
    assert (worn.live, worn.dead, worn.is_worn) == (ROWS - DELETED, DELETED, True)
    assert [(index.kind, index.is_valid, index.size_bytes > 0) for index in worn.indexes] == [("hnsw", True, True)]
    assert [index.kind for index in found["chunks"].indexes] == ["gin"]

    [warning] = worn.warnings
    for statement in filter(None, warning.partition("database: ")[2].split("; ")):
        by_owner.execute(text(statement.rstrip(";")))
    by_owner.execute(text("select pg_stat_force_next_flush()"))
    assert (read(pipeline_there)[vectors].dead, read(pipeline_there)[vectors].warnings) == (0, ())


def analyse(kyo: Kyo, table: str) -> bool:
    with kyo.db.transaction(OPERATOR) as tx:
        return table_health.analyse(tx, table)


def test_the_pipeline_has_a_table_analysed_that_it_does_not_own(pipeline_there: Kyo, by_owner: Connection) -> None:
    analysed = text("select last_analyze is not null from pg_stat_all_tables where relname = 'embedding_work'")
    assert by_owner.scalar(analysed) is False
    assert analyse(pipeline_there, "embedding_work")
    by_owner.execute(text("select pg_stat_force_next_flush()"))
    assert by_owner.scalar(analysed) is True


def test_a_table_that_somebody_changes_is_not_waited_for(pipeline_there: Kyo, own_database: str) -> None:
    engine = create_engine(own_database, poolclass=NullPool)
    with engine.connect() as other, other.begin():
        other.execute(
            text("lock table kyo.chunks in share update exclusive mode")
        )  # as `create index concurrently` does
        assert not analyse(pipeline_there, "chunks")
    assert analyse(pipeline_there, "chunks")


@pytest.mark.parametrize("name", ["gone", "chunks; drop table chunks", 'ch"unks', "public.vector"])
def test_a_name_is_that_of_a_table_in_kyo_or_nothing_happens(pipeline: Kyo, name: str) -> None:
    assert not analyse(pipeline, name)
    assert analyse(pipeline, "chunks")


def test_all_tables_of_kyo_are_known(pipeline: Kyo) -> None:
    with pipeline.db.transaction(OPERATOR) as tx:
        names = table_health.names(tx)
    assert {"audit_log", "chunks", "sessions", "users"} <= set(names)


@pytest.mark.parametrize("actor", ["", UUID(int=2)], ids=["nobody", "somebody else"])
def test_nobody_but_the_operator_has_tables_analysed(pipeline: Kyo, actor: Any) -> None:
    with pytest.raises(Forbidden), pipeline.db.transaction(replace(OPERATOR, id=actor)) as tx:
        table_health.analyse(tx, "chunks")


def test_the_app_has_not_even_as_the_operator(kyo: Kyo) -> None:
    with pytest.raises(Forbidden), kyo.db.transaction(OPERATOR) as tx:
        table_health.analyse(tx, "chunks")
