"""A better order for what a search has found."""

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyo_pipeline.domain.reranking import reordered
from kyo_pipeline.domain.retrieval import Passage

ONE = Passage(1, UUID(int=1), UUID(int=2), 1, "Handbook", "HR", "Text.", 0, 5, 1, 1, (), 0.0, 0.5, 1.0)
SCORES = st.lists(st.tuples(st.floats(0, 1), st.floats(-20, 20)), max_size=40)


def found(*fused: float) -> tuple[Passage, ...]:
    return tuple(replace(ONE, chunk_id=number, score=score) for number, score in enumerate(fused))


@pytest.mark.parametrize(
    ("fused", "scores", "order"),
    [
        ((), (), []),
        ((0.9, 0.5, 0.1), (1, 2, 3), [2, 1, 0]),
        ((0.9, 0.5, 0.1), (-3, -1, -2), [1, 2, 0]),
        ((0.9, 0.5, 0.1), (7, 7, 7), [0, 1, 2]),
    ],
)
def test_the_order_is_that_of_the_scores(fused: tuple[float, ...], scores: tuple[float, ...], order: list[int]) -> None:
    assert [passage.chunk_id for passage in reordered(found(*fused), scores)] == order


@given(SCORES)
def test_nothing_is_lost_and_the_fused_scores_are_dealt_out_in_the_new_order(pairs: list[tuple[float, float]]) -> None:
    passages, scores = found(*(fused for fused, _ in pairs)), [score for _, score in pairs]
    new = reordered(passages, scores)
    assert [passage.score for passage in new] == sorted((passage.score for passage in passages), reverse=True)
    assert {replace(passage, score=0.0) for passage in new} == {replace(passage, score=0.0) for passage in passages}
    by_chunk = [scores[passage.chunk_id] for passage in new]
    assert by_chunk == sorted(scores, reverse=True)
