"""Choosing on labelled data: the fit is told apart from what it is worth."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyo_pipeline.domain.evidence import ENOUGH, Strength
from kyo_pipeline.domain.fitting import choose, choose_refusal, choose_weight

QUESTIONS = [f"q{number}" for number in range(20)]


def test_the_best_mean_wins() -> None:
    outcomes = {
        0.0: dict.fromkeys(QUESTIONS, 0.2),
        0.4: dict.fromkeys(QUESTIONS, 0.5),
        1.0: dict.fromkeys(QUESTIONS, 0.4),
    }
    found = choose_weight(outcomes, current=0.0)
    assert (found.fitted, found.current, found.chosen_in_folds) == (0.4, 0.0, (0.4,) * 5)
    assert (found.at_current, found.at_fitted, found.held_out) == pytest.approx((0.2, 0.5, 0.5))


def test_of_equal_values_the_nearest_to_the_one_in_use_wins() -> None:
    flat = {value: dict.fromkeys(QUESTIONS, 0.5) for value in (0.0, 0.3, 0.5, 1.0)}
    assert choose_weight(flat, current=0.5).fitted == 0.5


def test_what_was_learned_from_a_question_itself_does_not_count_as_held_out() -> None:
    """Each value is right about one question only: the fit is a little better than nothing, and worth nothing."""
    outcomes = {
        float(value): {question: float(value == place) for place, question in enumerate(QUESTIONS)}
        for value in range(len(QUESTIONS))
    }
    found = choose("value", "goal", outcomes, [QUESTIONS], current=0.0)
    assert found.at_fitted == pytest.approx(1 / 20)
    assert found.held_out == 0


@given(st.lists(st.lists(st.floats(0, 1), min_size=3, max_size=3), min_size=1, max_size=30))
def test_the_fit_is_never_worse_than_what_is_in_use(rows: list[list[float]]) -> None:
    outcomes = {
        value: {f"q{number}": row[place] for number, row in enumerate(rows)}
        for place, value in enumerate((0.0, 0.5, 1.0))
    }
    found = choose_weight(outcomes, current=0.5)
    assert found.at_fitted >= found.at_current - 1e-8


def test_refusal_is_fitted_so_that_both_kinds_count_alike() -> None:
    # No word of the question anywhere, so the cosine s decides: (s - t) / (1 - t) reaches the limit of 0.65 for
    # s = 0.9 up to t = 0.714, and for s = 0.8 up to t = 0.428.
    answerable = {f"a{number}": Strength(0.0, 0.0, 0.9) for number in range(90)}
    unanswerable = {f"u{number}": Strength(0.0, 0.0, 0.8) for number in range(10)}
    threshold, limit = choose_refusal(answerable, unanswerable, threshold=0.0)
    assert threshold.at_current == pytest.approx(0.5)  # everything is answered, which is right for one of the kinds
    assert threshold.fitted == 0.43
    assert (threshold.at_fitted, threshold.held_out) == pytest.approx((1.0, 1.0))
    assert (limit.current, limit.fitted) == (ENOUGH, ENOUGH)  # the best already
