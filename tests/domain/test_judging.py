"""When a candidate is worse, and what is said about it."""

from dataclasses import replace
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from kyo_pipeline.domain.embedding_sets import Verdict
from kyo_pipeline.domain.judging import (
    MIN_QUESTIONS,
    Judgement,
    Response,
    SideScores,
    decide,
    favours_active,
    judgement,
    side_scores,
    would_answer,
)
from kyo_pipeline.domain.known_questions import FOLDER, LIKED, KnownQuestion, KnownQuestions
from kyo_pipeline.domain.retrieval import Passage, Retrieval

ACTIVE = SideScores(0.71, 0.8, 0.1, 0.2, 10, 20)
SHARES = st.none() | st.floats(0, 1)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"ndcg_at_10": 0.52}, "nDCG@10 fell from 0.71 to 0.52, more than the margin of 0.02 allows."),
        ({"ndcg_at_10": 0.6899}, "nDCG@10 fell from 0.71 to 0.69, more than the margin of 0.02 allows."),
        ({"recall_at_10": 0.75}, "Recall@10 fell from 0.80 to 0.75, more than the margin of 0.02 allows."),
        (
            {"refused_wrongly": 0.15},
            "The share of questions that are refused although they have an answer rose from 0.10 to 0.15, more than "
            "the margin of 0.02 allows.",
        ),
        (
            {"answered_wrongly": 0.25},
            "The share of questions that are answered although they have no answer rose from 0.20 to 0.25, more than "
            "the margin of 0.02 allows.",
        ),
    ],
)
def test_one_measure_is_enough_to_be_worse(changed: dict[str, float], reason: str) -> None:
    candidate = replace(SideScores(0.9, 0.9, 0.0, 0.0, 10, 20), **changed)
    assert decide(ACTIVE, candidate, MIN_QUESTIONS, 0.02) == (Verdict.WORSE, (reason,))


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"ndcg_at_10": 0.69},  # exactly the margin
        {"recall_at_10": 0.78},
        {"refused_wrongly": 0.12},
        {"answered_wrongly": 0.22},
        {"answered_wrongly": None},  # nobody has asked for that
        {"p50_ms": 1000.0, "p95_ms": 9000.0},  # is shown, and no reason
        {"ndcg_at_10": 1.0, "refused_wrongly": 0.0},
    ],
)
def test_within_the_margin_nothing_is_worse(changed: dict[str, float]) -> None:
    verdict, reasons = decide(ACTIVE, replace(ACTIVE, **changed), MIN_QUESTIONS, 0.02)
    assert (verdict, reasons) == (Verdict.NOT_WORSE, ("No measure became worse by more than the margin of 0.02.",))


def test_every_reason_is_told() -> None:
    _, reasons = decide(ACTIVE, SideScores(0, 0, 1, 1, 10, 20), MIN_QUESTIONS, 0.02)
    assert len(reasons) == 4


def test_numbers_that_differ_are_told_so_that_they_do() -> None:
    _, [reason] = decide(ACTIVE, replace(ACTIVE, ndcg_at_10=0.7098), MIN_QUESTIONS, 0)
    assert reason == "nDCG@10 fell from 0.7100 to 0.7098, more than the margin of 0 allows."


@pytest.mark.parametrize(
    ("questions", "said"),
    [
        (0, "There are no questions with a known answer"),
        (1, "There is 1 question with a known answer"),
        (MIN_QUESTIONS - 1, "There are 19 questions with a known answer"),
    ],
)
def test_a_few_questions_judge_nothing(questions: int, said: str) -> None:
    worst = SideScores(0, 0, 1, 1, 10, 20)
    verdict, [reason] = decide(ACTIVE, worst, questions, 0.02)
    assert verdict is Verdict.UNJUDGED
    assert reason == (
        f"{said}, and 20 are needed: set KYO_EVAL_DIR to a folder of labelled questions, or let people rate answers as "
        "helpful."
    )


@given(st.builds(SideScores, SHARES, SHARES, SHARES, SHARES, st.none(), st.none()), st.floats(0, 1))
def test_nothing_is_worse_than_itself(side: SideScores, margin: float) -> None:
    assert decide(side, side, MIN_QUESTIONS, margin)[0] is Verdict.NOT_WORSE


def judged(*names: str, source: str = FOLDER) -> KnownQuestion:
    return KnownQuestion("?", source, dict.fromkeys(names, 1))


QUESTIONS = (judged("a"), judged("b", "c", source=LIKED), judged())
RESPONSES = (Response(("a",), True, 10), Response(("x", "b"), False, 30), Response(("y",), True, 20))


def test_what_one_side_scores() -> None:
    first, second = 1, (1 / 1.5849625007) / (1 + 1 / 1.5849625007)
    assert side_scores(QUESTIONS, RESPONSES) == SideScores(
        ndcg_at_10=pytest.approx((first + second) / 2),
        recall_at_10=pytest.approx((1 + 1 / 2) / 2),
        refused_wrongly=1 / 2,
        answered_wrongly=1,
        p50_ms=20,
        p95_ms=30,
    )


def test_without_questions_there_is_nothing_to_say() -> None:
    assert side_scores((), ()) == SideScores(None, None, None, None, None, None)
    found = judgement(KnownQuestions(left_out=3), (), 0.02)
    assert (found.verdict, found.questions, found.overlap, found.left_out) == (Verdict.UNJUDGED, 0, None, 3)


def test_both_sides_are_put_together() -> None:
    other = (Response((), False, 1), Response(("b", "z"), True, 2), Response(("y",), False, 3))
    found = judgement(KnownQuestions(QUESTIONS), list(zip(RESPONSES, other, strict=True)), 0.02)
    assert (found.questions, found.unanswerable, found.sources) == (2, 1, {FOLDER: 1, LIKED: 1})
    assert (found.active, found.candidate) == (side_scores(QUESTIONS, RESPONSES), side_scores(QUESTIONS, other))
    assert found.overlap == pytest.approx((0 + 1 / 2 + 1) / 3)
    assert favours_active(found)


def test_a_judgement_is_the_same_after_json() -> None:
    found = judgement(KnownQuestions(QUESTIONS, 4), list(zip(RESPONSES, RESPONSES, strict=True)), 0.02)
    adapter = TypeAdapter(Judgement)
    assert adapter.validate_json(adapter.dump_json(found)) == found
    assert adapter.validate_python(adapter.dump_python(found, mode="json")) == found


def retrieval(*texts: str, similarity: float = 0.9) -> Retrieval:
    passages = tuple(
        Passage(n, uuid4(), uuid4(), 1, "", "", text, 0, len(text), None, None, (), 1.0, similarity, 1.0)
        for n, text in enumerate(texts)
    )
    return Retrieval(passages, {"bicycl": 2.0, "stand": 2.0, "yard": 2.0}, 0.5, 1)


def test_an_answer_takes_evidence() -> None:
    question = "Where do bicycles stand?"
    assert would_answer(question, retrieval("Bicycles stand in the yard."))
    assert not would_answer(question, retrieval("The cafeteria is closed.", similarity=0.2))
    assert not would_answer(question, retrieval())
