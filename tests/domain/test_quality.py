"""When a night is worse than those before it, and when that is chance."""

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyo_pipeline.domain.judging import Response
from kyo_pipeline.domain.known_questions import FOLDER, LIKED, KnownQuestion
from kyo_pipeline.domain.quality import (
    Compared,
    Conditions,
    Drop,
    QualityRun,
    Score,
    by_origin,
    compare,
    figures_of,
    normal,
    not_measured,
    score_of,
)

NOW = datetime(2026, 11, 30, 3, 30, tzinfo=timezone.utc)
CONDITIONS = Conditions(1, "bge", 0.5, 0.7, "v1/500/50", "vector", 5, "off", 120, 4000)
A_DROP = Drop("nDCG@10", 0.8, 0.6, 40, NOW, "nDCG@10 fell.")

Night = dict[bytes, Score]


def score(number: int, value: float = 1.0, *, answered: bool = True, origin: str = FOLDER) -> Score:
    return Score(f"q{number}".encode(), origin, value, value, value, answered, 10.0)


def without_answer(number: int, *, answered: bool) -> Score:
    return Score(f"u{number}".encode(), FOLDER, None, None, None, answered, 10.0)


def night(values: Sequence[float]) -> Night:
    return {one.question: one for one in (score(number, value) for number, value in enumerate(values))}


def run(
    number: int, days_ago: float, *, dropped: bool = False, accepted: bool = False, **changed: object
) -> QualityRun:
    figures = figures_of([score(1)])
    return QualityRun(
        number,
        NOW - timedelta(days=days_ago),
        replace(CONDITIONS, **changed),  # type: ignore[arg-type]  # fields of it, by name
        figures,
        {FOLDER: figures},
        0,
        7,
        40,
        (A_DROP,) if dropped else (),
        NOW if accepted else None,
    )


def compared(tonight: Night, *before: Night, margin: float = 0.03) -> Compared:
    """With nights one day apart, the newest first."""
    runs = [run(100 - number, number + 1) for number in range(len(before))]
    scores = {one.id: values for one, values in zip(runs, before, strict=True)}
    return compare(tonight, NOW, CONDITIONS, runs, scores, margin)


def measures(found: Compared) -> list[str]:
    return [drop.measure for drop in found.drops]


RANKS = ["nDCG@10", "recall@10", "MRR@10"]


@pytest.mark.parametrize(
    ("tonight", "before", "dropped"),
    [
        ([1.0] * 40, [1.0] * 40, []),
        ([0.9] * 40, [1.0] * 40, RANKS),
        ([0.97] * 40, [1.0] * 40, []),  # exactly the margin
        ([1.0] * 40, [0.5] * 40, []),  # better
        ([0.3] + [1.0] * 19, [1.0] * 20, []),  # 0.035 in the mean, but one question alone
        ([0.5] * 3 + [1.0] * 17, [1.0] * 20, RANKS),  # three of twenty are more than chance
        ([0.0] * 10 + [1.0] * 30, [1.0] * 10 + [0.7] * 30, []),  # some fell, as many rose
    ],
)
def test_a_drop_is_more_than_the_margin_and_more_than_chance(
    tonight: list[float], before: list[float], dropped: list[str]
) -> None:
    assert measures(compared(night(tonight), night(before))) == dropped


def test_questions_are_compared_with_themselves_and_not_with_others() -> None:
    """A third of the questions of yesterday is gone, and hard ones came: the mean fell, and nothing became worse."""
    before = night([1.0] * 60)
    tonight = {key: one for key, one in before.items() if int(key[1:]) < 40}
    tonight |= {one.question: one for one in (score(number, 0.1) for number in range(100, 130))}
    found = compared(tonight, before)
    assert (found.drops, found.shared, found.nights) == ((), 40, 1)


def test_one_bad_night_before_changes_no_median() -> None:
    good, bad = night([0.9] * 40), night([0.2] * 40)
    assert measures(compared(night([0.7] * 40), bad, good, good)) == RANKS
    assert measures(compared(night([0.9] * 40), bad, good, good)) == []


def test_refusals_count_where_there_is_an_answer_and_answers_where_there_is_none() -> None:
    def asked(refused: int, answered: int) -> Night:
        known = [score(number, answered=number >= refused) for number in range(40)]
        unknown = [without_answer(number, answered=number < answered) for number in range(10)]
        return {one.question: one for one in (*known, *unknown)}

    assert measures(compared(asked(0, 0), asked(0, 0))) == []
    assert measures(compared(asked(8, 0), asked(0, 0))) == ["refused wrongly"]
    assert measures(compared(asked(0, 5), asked(0, 0))) == ["answered wrongly"]
    assert measures(compared(asked(0, 0), asked(8, 5))) == []


def test_of_four_questions_nothing_is_said() -> None:
    def asked(answered: bool) -> Night:
        rows = (*map(score, range(40)), *(without_answer(number, answered=answered) for number in range(4)))
        return {one.question: one for one in rows}

    assert measures(compared(asked(True), asked(False))) == []


@pytest.mark.parametrize(
    ("before", "nights"),
    [
        ([night([1.0] * 19)], 0),  # too few of them
        ([night([1.0] * 20)], 0),  # not half of tonight's
        ([night([1.0] * 30)], 1),
        ([night([1.0] * 40)] * 9, 7),
    ],
)
def test_what_is_comparable(before: list[Night], nights: int) -> None:
    assert compared(night([0.5] * 60), *before).nights == nights


def test_it_says_how_much_since_when_and_what_changed() -> None:
    runs = [
        run(3, 1, dropped=True, embedding_set=2, model="other"),
        run(2, 2, dropped=True, embedding_set=2, model="other"),
        run(1, 3),
    ]
    scores = {3: night([0.5] * 40), 2: night([0.5] * 40), 1: night([0.9] * 40)}
    tonight = replace(CONDITIONS, embedding_set=2, model="other", corpus_revision=121)
    found = compare(night([0.5] * 40), NOW, tonight, runs, scores, 0.03)
    assert found.nights == 1  # what was worse is not the norm
    assert found.drops[0].since == NOW - timedelta(days=2)
    assert found.drops[0].sentence == (
        "nDCG@10 fell from 0.900 to 0.500 on 40 questions, beside the median of the night before; since 2026-11-28. "
        "Changed since the last good night: embedding set 1 → 2, model bge → other, corpus revision 120 → 121."
    )


def test_where_nothing_known_changed_it_says_so() -> None:
    [drop, *_] = compared(night([0.5] * 40), night([0.9] * 40)).drops
    assert drop.since == NOW
    assert drop.sentence.endswith("Nothing known has changed.")


@pytest.mark.parametrize(
    ("runs", "found"),
    [
        ([], []),
        ([run(2, 1), run(1, 2)], [2, 1]),
        ([run(2, 1, dropped=True), run(1, 2)], [1]),
        ([run(2, 1), run(1, 31)], [2]),
        ([run(3, 1, dropped=True), run(2, 2, dropped=True, accepted=True), run(1, 3)], [2]),
    ],
)
def test_what_is_normal(runs: list[QualityRun], found: list[int]) -> None:
    assert [one.id for one in normal(runs, NOW)] == found


@given(st.lists(st.floats(0, 1), min_size=20, max_size=60), st.integers(1, 9))
def test_the_same_again_is_never_worse(values: list[float], nights: int) -> None:
    assert compared(night(values), *[night(values)] * nights, margin=0.0).drops == ()


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=20, max_size=60))
def test_what_has_not_fallen_in_the_mean_has_not_dropped(pairs: list[tuple[float, float]]) -> None:
    before, after = [one for one, _ in pairs], [other for _, other in pairs]
    if math.fsum(after) >= math.fsum(before):
        assert compared(night(after), night(before), margin=0.0).drops == ()


@pytest.mark.parametrize(("known", "enough"), [(0, False), (3, False), (19, False), (20, True)])
def test_a_few_questions_measure_nothing(known: int, enough: bool) -> None:
    reason = not_measured(known)
    assert (reason is None) == enough
    if reason is not None:
        assert reason.startswith(f"Not measured: {known} of at least 20 questions are known.")


def test_a_question_is_scored_as_trec_eval_does() -> None:
    grades = {"leave": 1, "trips": 1}
    found = score_of(b"k", KnownQuestion("How long?", LIKED, grades), Response(("other", "leave"), True, 7.0))
    assert (found.origin, found.recall, found.reciprocal_rank, found.answered) == (LIKED, 0.5, 0.5, True)
    assert found.ndcg == pytest.approx((1 / math.log2(3)) / (1 + 1 / math.log2(3)))
    none = score_of(b"k", KnownQuestion("Who won?", FOLDER, {}), Response(("other",), False, 7.0))
    assert (none.ndcg, none.recall, none.reciprocal_rank, none.answered) == (None, None, None, False)


def test_figures_are_means_of_those_they_are_of() -> None:
    scores = [score(1, 1.0), score(2, 0.5, answered=False, origin=LIKED), without_answer(1, answered=True)]
    found = figures_of(scores)
    assert (found.questions, found.unanswerable) == (2, 1)
    assert (found.ndcg_at_10, found.refused_wrongly, found.answered_wrongly) == (0.75, 0.5, 1.0)
    origins = by_origin(scores)
    assert list(origins) == [FOLDER, LIKED]
    assert (origins[LIKED].ndcg_at_10, origins[LIKED].answered_wrongly) == (0.5, None)


def test_of_nothing_there_are_no_figures() -> None:
    found = figures_of([])
    assert (found.questions, found.ndcg_at_10, found.p50_ms, found.p95_ms) == (0, None, None, None)
