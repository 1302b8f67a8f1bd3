from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from kyo_pipeline.db import index_health, table_health
from kyo_pipeline.domain.actor import OPERATOR, Actor
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import asking, maintaining

Sql = Callable[..., list[Any]]


def miscounted(kyo: Kyo) -> int:
    with kyo.db.transaction(OPERATOR) as tx:
        return index_health.miscounted(tx)


def test_a_sound_corpus_is_left_as_it_is(
    pipeline: Kyo, publish: Callable[[str, str], None], audited: Callable[[], list[str]]
) -> None:
    publish("leave.txt", "Thirty days of leave.")
    before = audited()
    assert maintaining.correct_totals(pipeline) == 0
    assert audited() == before


def test_totals_that_are_wrong_are_counted_anew_once_with_an_audit_row(
    kyo: Kyo,
    pipeline: Kyo,
    employee: Actor,
    publish: Callable[[str, str], None],
    sql: Sql,
    details: Callable[[str], list[tuple[Any, str, Any]]],
) -> None:
    publish("leave.txt", "Thirty days of leave.")
    sql("delete from chunks")  # behind the back of the totals
    assert miscounted(pipeline) > 0
    wrong = maintaining.correct_totals(pipeline)
    assert (wrong > 0, miscounted(pipeline)) == (True, 0)
    assert details("corpus:repair") == [(OPERATOR.id, "corpus", {"miscounted": wrong})]
    assert maintaining.correct_totals(pipeline) == 0
    assert len(details("corpus:repair")) == 1
    assert asking.search(kyo, employee, "leave").passages == ()


def test_every_table_is_analysed(pipeline: Kyo) -> None:
    with pipeline.db.transaction(OPERATOR) as tx:
        tables = len(table_health.names(tx))
    assert maintaining.analyse(pipeline) == maintaining.Analysed(tables, ())


def test_busy_tables_are_named(pipeline: Kyo, database_url: str) -> None:
    engine = create_engine(database_url)
    with engine.connect() as other, other.begin():
        other.execute(text("lock table kyo.lexemes in share update exclusive mode"))
        assert maintaining.analyse(pipeline).busy == ("lexemes",)
    engine.dispose()


@pytest.mark.usefixtures("employee")
def test_the_tables_of_chunks_and_of_each_set_of_vectors_are_looked_at(
    pipeline: Kyo, publish: Callable[[str, str], None], sql: Sql
) -> None:
    publish("leave.txt", "Thirty days of leave.")
    [(number,)] = sql("select id from embedding_sets")
    assert [one.table for one in maintaining.read_tables(pipeline)] == [f"chunk_embeddings_{number}", "chunks"]
