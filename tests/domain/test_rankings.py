"""Scores of one ranking: worked out by hand, and the same as trec_eval's on any ranking."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyo_pipeline.adapters.scoring import score_each
from kyo_pipeline.domain.rankings import ndcg_at_10, overlap_at_10, recall_at_10, reciprocal_rank_at_10

NAMES = [f"name {number}" for number in range(30)]
RANKINGS = st.lists(st.sampled_from(NAMES), unique=True, max_size=30)
#: trec_eval knows no question of which nothing is relevant.
GRADES = st.dictionaries(st.sampled_from(NAMES), st.integers(1, 4), min_size=1, max_size=20)


@given(RANKINGS, GRADES)
def test_scores_are_those_of_trec_eval(ranking: list[str], grades: dict[str, int]) -> None:
    expected = score_each({"question": ranking}, {"question": grades})["question"]
    assert ndcg_at_10(ranking, grades) == pytest.approx(expected.ndcg_at_10, abs=1e-9)
    assert recall_at_10(ranking, grades) == pytest.approx(expected.recall_at_10, abs=1e-9)
    assert reciprocal_rank_at_10(ranking, grades) == pytest.approx(expected.mrr_at_10, abs=1e-9)


@pytest.mark.parametrize(
    ("ranking", "grades", "ndcg", "recall"),
    [
        (["a"], {"a": 1}, 1, 1),
        (["x", "a"], {"a": 1}, 1 / math.log2(3), 1),
        (["a", "b"], {"a": 1, "b": 2}, (1 + 2 / math.log2(3)) / (2 + 1 / math.log2(3)), 1),
        ([*"0123456789", "a"], {"a": 1}, 0, 0),  # at rank 11
        (["a"], {"a": 1, "b": 0}, 1, 1),  # what is not relevant is not missed
        ([], {"a": 1}, 0, 0),
        (["a"], {}, 0, 0),
    ],
)
def test_scores_worked_out_by_hand(ranking: list[str], grades: dict[str, int], ndcg: float, recall: float) -> None:
    assert ndcg_at_10(ranking, grades) == pytest.approx(ndcg)
    assert recall_at_10(ranking, grades) == pytest.approx(recall)


@pytest.mark.parametrize(
    ("ranking", "grades", "expected"),
    [
        (["a", "b"], {"b": 1}, 1 / 2),
        (["a", "b"], {"a": 0, "b": 1}, 1 / 2),  # judged, and not relevant
        ([*"0123456789", "a"], {"a": 1}, 0),  # at rank 11
        ([], {"a": 1}, 0),
    ],
)
def test_reciprocal_ranks(ranking: list[str], grades: dict[str, int], expected: float) -> None:
    assert reciprocal_rank_at_10(ranking, grades) == expected


@pytest.mark.parametrize(
    ("ranking", "other", "expected"),
    [
        (["a", "b"], ["b", "a"], 1),
        (["a", "b"], ["b", "c"], 1 / 2),
        (["a"], [], 0),
        (["a"], [*"0123456789", "a"], 0),  # at rank 11
        ([*"0123456789", "a"], [*"0123456789"], 1),
    ],
)
def test_overlap(ranking: list[str], other: list[str], expected: float) -> None:
    assert overlap_at_10(ranking, other) == expected
