"""Statistics made right and anew, and how worn the tables of the index are. For the pipeline, every night."""

from dataclasses import dataclass

from kyo_pipeline.db import audit, corpus, index_health, table_health
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.audit import Event
from kyo_pipeline.domain.table_health import TableHealth
from kyo_pipeline.kyo import Kyo


@dataclass(frozen=True)
class Analysed:
    """How many tables the planner's statistics were counted anew of, and the names of those that were busy."""

    tables: int
    busy: tuple[str, ...]


def correct_totals(kyo: Kyo) -> int:
    """Count anew what BM25 is computed with, if its totals are wrong; returns how many were, 0 in a sound corpus."""
    with kyo.db.transaction(OPERATOR) as tx:
        if not index_health.miscounted(tx):
            return 0  # without the lock: it would hold up publishing for as long as counting takes
    with kyo.db.transaction(OPERATOR) as tx:
        corpus.lock(tx)
        if wrong := index_health.recount(tx):
            audit.record(tx, OPERATOR, Event.CORPUS_REPAIR, "corpus", kyo.now(), {"miscounted": wrong})
        return wrong


def analyse(kyo: Kyo) -> Analysed:
    """Have the planner's statistics of all tables counted anew, each in a transaction of its own."""
    with kyo.db.transaction(OPERATOR) as tx:
        tables = table_health.names(tx)
    busy = tuple(table for table in tables if not _analyse_one(kyo, table))
    return Analysed(len(tables) - len(busy), busy)


def read_tables(kyo: Kyo) -> tuple[TableHealth, ...]:
    """The tables of chunks and vectors, and what there is to be done about them."""
    with kyo.db.transaction(OPERATOR) as tx:
        return table_health.read(tx)


def _analyse_one(kyo: Kyo, table: str) -> bool:
    with kyo.db.transaction(OPERATOR) as tx:
        return table_health.analyse(tx, table)
