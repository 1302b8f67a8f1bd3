"""Vectors as they are stored."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from kyo_pipeline.db import chunks, embedding_sets
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.database_role import DatabaseRole
from kyo_pipeline.domain.embedding_sets import Storage
from kyo_pipeline.kyo import Kyo
from tests.fakes import RollbackDatabase


@pytest.mark.parametrize("storage", Storage)
def test_numbers_are_stored_as_postgresql_reads_them(
    kyo: Kyo, db: RollbackDatabase, publish: Callable[[str, str], None], sql: Callable[..., list[Any]], storage: Storage
) -> None:
    publish("a.txt", "Some text.")
    [(chunk_id,)] = sql("select id from chunks")
    pipeline = replace(kyo, db=db.as_role(DatabaseRole.PIPELINE))
    with pipeline.db.transaction(OPERATOR) as tx:
        active = embedding_sets.active(tx)
        assert active is not None
        assert active.source is not None
        made = embedding_sets.begin(tx, active.spec, active.cutting, active.source, storage, kyo.now())
        vector = np.linspace(-1, 1, active.spec.dimensions, dtype=np.float32)
        chunks.replace_vectors(tx, made.id, [chunk_id], vector[np.newaxis])
    written = "[" + ",".join(map(repr, vector.tolist())) + "]"
    table = chunks.vector_table(made.id)
    statement = f"select chunk_id, embedding = cast(:written as {storage.value}) from {table}"  # noqa: S608 — names of ours
    assert sql(statement, written=written) == [(chunk_id, True)]
