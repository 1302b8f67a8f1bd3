"""Judges an embedding set beside the one that answers questions now, on questions with known answers."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from kyo_pipeline.domain.embedding_sets import Verdict
from kyo_pipeline.domain.evaluation import percentile
from kyo_pipeline.domain.evidence import is_enough, scored_statements, strength
from kyo_pipeline.domain.known_questions import LIKED, KnownQuestion, KnownQuestions
from kyo_pipeline.domain.rankings import ndcg_at_10, overlap_at_10, recall_at_10
from kyo_pipeline.domain.retrieval import Retrieval

#: With fewer, chance decides.
MIN_QUESTIONS = 20


@dataclass(frozen=True)
class Response:
    """What a set made of one question: the names of what it found, best first, and whether that is enough to answer.

    `milliseconds` are those from the question to the passages of an answer.
    """

    ranking: tuple[str, ...]
    answered: bool
    milliseconds: float


@dataclass(frozen=True)
class SideScores:
    """Means over the questions, None where there is none of that kind.

    nDCG and recall are 0 to 1, and so are the shares: `refused_wrongly` of the questions that have an answer,
    `answered_wrongly` of those that have none. Milliseconds are those of `Response`.
    """

    ndcg_at_10: float | None
    recall_at_10: float | None
    refused_wrongly: float | None
    answered_wrongly: float | None
    p50_ms: float | None
    p95_ms: float | None


@dataclass(frozen=True)
class Judgement:
    """What is kept of a comparison: figures alone, no question and no name of a document.

    `questions` have an answer, `unanswerable` have none; `sources` says where how many of the former come from.
    `left_out` were known as well, but none of their documents is here. `overlap` is the mean share of the ten best
    documents (or pages) of the active set that are among the candidate's ten; None without a question.
    """

    questions: int
    unanswerable: int
    left_out: int
    sources: dict[str, int]
    active: SideScores
    candidate: SideScores
    overlap: float | None
    margin: float
    verdict: Verdict
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Measure:
    """One of the figures that decide, and how it is said that it became worse."""

    name: str
    fell: str
    of: Callable[[SideScores], float | None]
    more_is_better: bool


MEASURES = (
    Measure("nDCG@10", "nDCG@10 fell", lambda side: side.ndcg_at_10, more_is_better=True),
    Measure("recall@10", "Recall@10 fell", lambda side: side.recall_at_10, more_is_better=True),
    Measure(
        "refused wrongly",
        "The share of questions that are refused although they have an answer rose",
        lambda side: side.refused_wrongly,
        more_is_better=False,
    ),
    Measure(
        "answered wrongly",
        "The share of questions that are answered although they have no answer rose",
        lambda side: side.answered_wrongly,
        more_is_better=False,
    ),
)

_TOO_FEW = (
    "{known} with a known answer, and {needed} are needed: set KYO_EVAL_DIR to a folder of labelled questions, or let "
    "people rate answers as helpful."
)


def would_answer(question: str, retrieval: Retrieval) -> bool:
    """Whether the evidence is enough to quote an answer from, as the extractive generator decides."""
    scored = scored_statements(question, retrieval, None)
    return bool(scored) and is_enough(strength(question, retrieval, scored), retrieval.similarity_threshold)


def judgement(known: KnownQuestions, pairs: Sequence[tuple[Response, Response]], margin: float) -> Judgement:
    """Compare what both sets, the active one first, made of the questions, in their order."""
    judged = sum(question.is_judged for question in known.questions)
    active = side_scores(known.questions, [one for one, _ in pairs])
    candidate = side_scores(known.questions, [other for _, other in pairs])
    verdict, reasons = decide(active, candidate, judged, margin)
    return Judgement(
        questions=judged,
        unanswerable=len(known.questions) - judged,
        left_out=known.left_out,
        sources=_sources(known.questions),
        active=active,
        candidate=candidate,
        overlap=_mean(overlap_at_10(one.ranking, other.ranking) for one, other in pairs if one.ranking),
        margin=margin,
        verdict=verdict,
        reasons=reasons,
    )


def side_scores(questions: Sequence[KnownQuestion], responses: Sequence[Response]) -> SideScores:
    """What one set scores on these questions, whose responses are in the same order."""
    asked = list(zip(questions, responses, strict=True))
    judged = [(question.grades, one) for question, one in asked if question.is_judged]
    times = [one.milliseconds for one in responses]
    return SideScores(
        ndcg_at_10=_mean(ndcg_at_10(one.ranking, grades) for grades, one in judged),
        recall_at_10=_mean(recall_at_10(one.ranking, grades) for grades, one in judged),
        refused_wrongly=_mean(not one.answered for _, one in judged),
        answered_wrongly=_mean(one.answered for question, one in asked if not question.is_judged),
        p50_ms=percentile(times, 0.5) if times else None,
        p95_ms=percentile(times, 0.95) if times else None,
    )


def decide(active: SideScores, candidate: SideScores, questions: int, margin: float) -> tuple[Verdict, tuple[str, ...]]:
    """The verdict, and the sentences for it. How long a search takes is shown, and decides nothing."""
    if questions < MIN_QUESTIONS:
        there = "There is 1 question" if questions == 1 else f"There are {questions or 'no'} questions"
        return Verdict.UNJUDGED, (_TOO_FEW.format(known=there, needed=MIN_QUESTIONS),)
    worse = tuple(
        f"{measure.fell} from {_apart(before, after)}, more than the margin of {margin:g} allows."
        for measure in MEASURES
        if (before := measure.of(active)) is not None
        and (after := measure.of(candidate)) is not None
        and _loss(measure, before, after) > margin
    )
    if worse:
        return Verdict.WORSE, worse
    return Verdict.NOT_WORSE, (f"No measure became worse by more than the margin of {margin:g}.",)


def favours_active(judgement: Judgement) -> bool:
    """Whether some answers are known because the active set found them, or one that was active before it."""
    return judgement.sources.get(LIKED, 0) > 0


def _loss(measure: Measure, before: float, after: float) -> float:
    """Rounded, so that what is exactly the margin is within it."""
    return round(before - after if measure.more_is_better else after - before, 9)


def _apart(before: float, after: float) -> str:
    """Two numbers with as many decimals, two at least, as show that they differ."""
    decimals = next((count for count in range(2, 9) if f"{before:.{count}f}" != f"{after:.{count}f}"), 9)
    return f"{before:.{decimals}f} to {after:.{decimals}f}"


def _sources(questions: Sequence[KnownQuestion]) -> dict[str, int]:
    found: dict[str, int] = {}
    for question in questions:
        if question.is_judged:
            found[question.source] = found.get(question.source, 0) + 1
    return found


def _mean(values: Iterable[float]) -> float | None:
    listed = list(values)
    return fmean(listed) if listed else None
