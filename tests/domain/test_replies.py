"""Counting what the generator said."""

import pytest

from kyo_pipeline.domain.evaluation import AnswerAccuracy, Refusal, percentile
from kyo_pipeline.domain.labelled import LabelledQuestion
from kyo_pipeline.domain.replies import CONTAINED, F1, Reply, accuracy, refusal

REFUSED = Reply(answered=False, text="This was not found.")


def test_refusal_counts_both_kinds_of_error() -> None:
    said = {"a": Reply(True, "x"), "b": REFUSED, "c": Reply(True, "x"), "d": REFUSED, "e": REFUSED}
    found = refusal(said, answerable=["a", "b"], unanswerable=["c", "d", "e"], foreign=True)
    assert found == Refusal(
        unanswerable=3,
        answered_although_unanswerable=1,
        answerable=2,
        refused_although_answerable=1,
        foreign=True,
    )


def test_accuracy_is_told_among_the_answered_and_over_all() -> None:
    long = " ".join("abcdefghijkl")
    questions = [
        LabelledQuestion("right", "?", ("308",)),
        LabelledQuestion("wrong", "?", ("308",)),
        LabelledQuestion("refused", "?", ("not found",)),  # its words are in the refusal, which is no answer
        LabelledQuestion("long", "?", (long,)),
        LabelledQuestion("without answers", "?"),
    ]
    said = {
        "right": Reply(True, "308 points"),
        "wrong": Reply(True, "309 points"),
        "refused": REFUSED,
        "long": Reply(True, long),
        "without answers": Reply(True, "x"),
    }
    assert accuracy(questions, said) == (
        AnswerAccuracy(CONTAINED, questions=3, answered=2, among_answered=0.5, overall=1 / 3),
        AnswerAccuracy(F1, questions=1, answered=1, among_answered=1.0, overall=1.0),
    )


def test_when_all_are_refused_nothing_is_right() -> None:
    [found] = accuracy([LabelledQuestion("q", "?", ("1",))], {"q": REFUSED})
    assert (found.answered, found.among_answered, found.overall) == (0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [([3.0, 1.0, 2.0], 0.5, 2.0), ([1.0, 2.0], 0.5, 1.0), (list(range(1, 101)), 0.95, 95), ([7.0], 0.95, 7.0)],
)
def test_percentiles_are_values_that_were_measured(values: list[float], share: float, expected: float) -> None:
    assert percentile(values, share) == expected
