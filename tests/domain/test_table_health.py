import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyo_pipeline.domain.table_health import Index, TableHealth

GRAPH = Index("vectors_idx", "hnsw", 8192, is_valid=True)
WORDS = Index("words_idx", "gin", 8192, is_valid=True)


@pytest.mark.parametrize(
    ("live", "dead", "is_worn"),
    [
        (0, 0, False),
        (4000, 1000, False),  # a fifth, and no more
        (3999, 1000, True),
        (0, 999, False),  # all of it, and yet nobody notices
        (0, 1000, True),
    ],
)
def test_worn_is_a_table_with_many_dead_rows(live: int, dead: int, is_worn: bool) -> None:
    assert TableHealth("chunks", live, dead, ()).is_worn is is_worn


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_the_share_is_one_of_all_rows_and_grows_with_the_dead(live: int, dead: int) -> None:
    share = TableHealth("chunks", live, dead, ()).dead_share
    assert 0 <= share <= TableHealth("chunks", live, dead + 1, ()).dead_share <= 1


def test_what_is_well_needs_nothing() -> None:
    assert TableHealth("chunks", 5000, 0, (GRAPH, WORDS)).warnings == ()


def test_a_graph_is_made_anew_before_its_table_is_cleared_and_an_index_of_words_is_not() -> None:
    assert TableHealth("chunk_embeddings_1", 1000, 3000, (GRAPH, WORDS)).warnings == (
        "75% of the rows of chunk_embeddings_1 are dead. Run as the owner of the database: "
        "REINDEX INDEX CONCURRENTLY kyo.vectors_idx; VACUUM (ANALYZE) kyo.chunk_embeddings_1;",
    )


def test_an_index_that_is_not_valid_is_told_of_however_few_rows_there_are() -> None:
    [warning] = TableHealth("chunks", 1, 0, (Index("words_idx", "gin", 0, is_valid=False), GRAPH)).warnings
    assert "words_idx is not valid" in warning
    assert warning.endswith("REINDEX INDEX CONCURRENTLY kyo.words_idx;")
