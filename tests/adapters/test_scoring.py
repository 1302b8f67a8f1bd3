"""Scores: expected values are worked out by hand, so that the evaluator is asked for the right measures."""

import math

import pytest

from kyo_pipeline.adapters.scoring import require, score, score_each
from kyo_pipeline.domain.evaluation import Scores


def test_the_evaluator_is_here() -> None:
    require()


@pytest.mark.parametrize(
    ("ranking", "relevant", "expected"),
    [
        # the only relevant one at rank 2: 1/log2(3)
        (["x", "a"], {"a": 1}, Scores(1 / math.log2(3), 1.0, 1.0, 0.5)),
        # grades are gains: 1 at rank 1 and 2 at rank 2, where the best order is the other way round
        (["a", "b"], {"a": 1, "b": 2}, Scores((1 + 2 / math.log2(3)) / (2 + 1 / math.log2(3)), 1.0, 1.0, 1.0)),
        # at rank 11: too late for all that end at 10, the reciprocal rank too
        ([*"0123456789", "a"], {"a": 1}, Scores(0.0, 0.0, 1.0, 0.0)),
        # names in an order that sorting them would change: the rank is what counts
        (["a", "z"], {"a": 1}, Scores(1.0, 1.0, 1.0, 1.0)),
        (["z", "a"], {"z": 1}, Scores(1.0, 1.0, 1.0, 1.0)),
        # nothing found
        ([], {"a": 1}, Scores(0.0, 0.0, 0.0, 0.0)),
    ],
)
def test_scores_of_one_question(ranking: list[str], relevant: dict[str, int], expected: Scores) -> None:
    found = score_each({"q": ranking}, {"q": relevant})["q"]
    assert vars(found) == pytest.approx(vars(expected), abs=1e-6)


def test_the_mean_counts_questions_for_which_nothing_was_found() -> None:
    found = score({"q": ["a"], "r": []}, {"q": {"a": 1}, "r": {"b": 1}, "not asked": {"a": 1}})
    assert vars(found) == pytest.approx(vars(Scores(0.5, 0.5, 0.5, 0.5)))
