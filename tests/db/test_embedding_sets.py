"""Vector spaces never mix."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from kyo_pipeline import serving
from kyo_pipeline.db import chunks, embedding_sets
from kyo_pipeline.domain.actor import OPERATOR, Actor
from kyo_pipeline.domain.database_role import DatabaseRole
from kyo_pipeline.domain.embedding import EmbeddingSpec
from kyo_pipeline.errors import Conflict, Invalid
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import asking, indexing, library
from tests.embedding_sets import first_set
from tests.fakes import OtherEmbedder, RollbackDatabase

SPEC = EmbeddingSpec("test", "model", "1", 4, "mean", "query: ", "passage: ", 128, 0.5, 0.25)


@pytest.fixture
def kyo(kyo: Kyo, db: RollbackDatabase) -> Kyo:
    """All of this is the pipeline's work: it has the rights of the pipeline."""
    return replace(kyo, db=db.as_role(DatabaseRole.PIPELINE))


def test_a_set_comes_back_as_it_was_stored(kyo: Kyo) -> None:
    with kyo.db.transaction(OPERATOR) as tx:
        made = first_set(tx, SPEC, kyo.now())
        assert embedding_sets.active(tx) == made
        assert made.spec == SPEC
        assert embedding_sets.is_empty(tx, made.id)


def test_one_set_is_active_and_the_one_before_is_retired(kyo: Kyo, sql: Callable[..., list[Any]]) -> None:
    with kyo.db.transaction(OPERATOR) as tx:
        first_set(tx, SPEC, kyo.now())
        first_set(tx, replace(SPEC, revision="2"), kyo.now())
    assert sql("select revision, state from embedding_sets order by id") == [("1", "retired"), ("2", "active")]
    with pytest.raises(Conflict):
        sql("update embedding_sets set state = 'active'")


def test_vectors_of_another_length_do_not_fit(kyo: Kyo, publish: Callable[[str, str], None]) -> None:
    publish("a.txt", "Some text.")
    with kyo.db.transaction(OPERATOR) as tx:
        made = first_set(tx, SPEC, kyo.now())
    with pytest.raises(Invalid, match="cannot hold"), kyo.db.transaction(OPERATOR) as tx:
        chunks.replace_vectors(tx, made.id, [1], np.ones((1, 8), dtype=np.float32))


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"backend": "x"}, False),
        ({"model": "x"}, False),
        ({"revision": "x"}, False),
        ({"dimensions": 5}, False),
        ({"pooling": "cls"}, False),
        ({"passage_prefix": ""}, False),
        ({"query_prefix": ""}, True),
        ({"similarity_threshold": 0.9}, True),
        ({"dense_weight": 0.9}, True),
    ],
)
def test_what_makes_another_space(change: dict[str, Any], same: bool) -> None:
    assert SPEC.same_space(replace(SPEC, **change)) is same


def test_an_unused_set_gives_way_to_another_model(kyo: Kyo) -> None:
    indexing.serving_set(kyo)
    other = replace(kyo, embedder=OtherEmbedder(kyo.embedder))
    assert indexing.serving_set(other).spec == other.embedder.spec


def test_a_used_set_does_not_and_says_so(kyo: Kyo, employee: Actor, publish: Callable[[str, str], None]) -> None:
    publish("a.txt", "Some text.")
    other = replace(kyo, embedder=OtherEmbedder(kyo.embedder))
    with pytest.raises(Conflict, match="Put the one from before back"):
        serving.with_model(other, indexing.serving_set(other))
    with pytest.raises(Conflict, match="Put the one from before back"):
        asking.search(other, employee, "text")


def test_files_that_meet_another_space_wait_and_do_not_fail(
    kyo: Kyo, employee: Actor, publish: Callable[[str, str], None], sql: Callable[..., list[Any]]
) -> None:
    """Wrong settings are no fault of a file: it is not `too large or damaged`, however often a run tries."""
    publish("a.txt", "Some text.")
    library.upload(kyo, employee, "b.txt", b"More text.")
    indexing.parse(kyo, "run:1")
    indexing.cut(kyo, "run:1")
    other = replace(kyo, embedder=OtherEmbedder(kyo.embedder))
    for number in range(1, 9):
        with pytest.raises(Conflict):
            indexing.embed(other, f"run:{number}")
        sql("update document_versions set claimed_by = null, retry_at = null")
    assert sql("select status from document_versions where file_name = 'b.txt'") == [("chunked",)]
