"""How well the organisation's own questions are answered, night after night, and when that has become worse."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import fmean, median, stdev

from kyo_pipeline.domain.evaluation import percentile
from kyo_pipeline.domain.judging import MIN_QUESTIONS, Response
from kyo_pipeline.domain.known_questions import KnownQuestion
from kyo_pipeline.domain.rankings import ndcg_at_10, recall_at_10, reciprocal_rank_at_10

#: A night is compared with so many before it, and with none that is older than this.
NIGHTS = 7
WINDOW = timedelta(days=30)

#: Of a measure that fewer questions say something about, chance decides.
MIN_SHARED = 5

#: How many standard errors a loss must exceed: by chance alone, one in twenty would.
_STANDARD_ERRORS = 1.645

#: The share of tonight's questions that another night must have asked too, to be comparable.
_COMPARABLE = 0.5


@dataclass(frozen=True)
class Conditions:
    """What the figures depend on. `similarity_threshold` is the one in use; `reranker` is its model, or off."""

    embedding_set: int
    model: str
    dense_weight: float
    similarity_threshold: float
    cutting: str
    storage: str
    passages: int
    reranker: str
    corpus_revision: int
    chunks: int


@dataclass(frozen=True)
class Score:
    """What was made of one question. The first three are None where it has no answer; 0 to 1 each."""

    question: bytes
    origin: str
    ndcg: float | None
    recall: float | None
    reciprocal_rank: float | None
    answered: bool
    milliseconds: float

    @property
    def is_judged(self) -> bool:
        return self.ndcg is not None


@dataclass(frozen=True)
class Figures:
    """Means over `questions`, which have an answer, and over `unanswerable` ones; None where there is none of a kind.

    0 to 1 each: `refused_wrongly` is a share of the questions with an answer, `answered_wrongly` of those without.
    """

    questions: int
    unanswerable: int
    ndcg_at_10: float | None
    recall_at_10: float | None
    mrr_at_10: float | None
    refused_wrongly: float | None
    answered_wrongly: float | None
    p50_ms: float | None
    p95_ms: float | None


@dataclass(frozen=True)
class Drop:
    """One measure that became worse, on `questions` that were asked before too, and since when."""

    measure: str
    before: float
    after: float
    questions: int
    since: datetime
    sentence: str


@dataclass(frozen=True)
class QualityRun:
    """One night. `nights` is how many before it was compared with, on `shared` questions; 0: none was comparable."""

    id: int
    at: datetime
    conditions: Conditions
    figures: Figures
    origins: Mapping[str, Figures]
    left_out: int
    nights: int
    shared: int
    drops: tuple[Drop, ...]
    accepted_at: datetime | None = None

    @property
    def has_dropped(self) -> bool:
        """Whether it is worse, and nobody has said that this is what is normal now."""
        return bool(self.drops) and self.accepted_at is None


@dataclass(frozen=True)
class Measure:
    """One of the figures that decide, what it is of one question, and how it is said that it became worse."""

    name: str
    fell: str
    of: Callable[[Score], float | None]
    sign: int  # 1: more is better


MEASURES = (
    Measure("nDCG@10", "nDCG@10 fell", lambda score: score.ndcg, 1),
    Measure("recall@10", "Recall@10 fell", lambda score: score.recall, 1),
    Measure("MRR@10", "MRR@10 fell", lambda score: score.reciprocal_rank, 1),
    Measure(
        "refused wrongly",
        "The share of questions that are refused although they have an answer rose",
        lambda score: float(not score.answered) if score.is_judged else None,
        -1,
    ),
    Measure(
        "answered wrongly",
        "The share of questions that are answered although they have no answer rose",
        lambda score: None if score.is_judged else float(score.answered),
        -1,
    ),
)

#: By the digest of a question.
Scores = Mapping[bytes, Score]

_NOT_MEASURED = (
    "Not measured: {known} of at least {needed} questions are known. Confirm answers, let people rate answers as "
    "helpful, or set KYO_EVAL_DIR."
)
_CONDITIONS = {
    "embedding_set": "embedding set",
    "model": "model",
    "dense_weight": "dense weight",
    "similarity_threshold": "similarity threshold",
    "cutting": "how texts are cut",
    "storage": "vector storage",
    "passages": "TOP_K_RESULTS",
    "reranker": "reranker",
    "corpus_revision": "corpus revision",
    "chunks": "passages in all",
}


def not_measured(questions: int) -> str | None:
    """Why so few questions with a known answer measure nothing; None where they are enough."""
    return None if questions >= MIN_QUESTIONS else _NOT_MEASURED.format(known=questions, needed=MIN_QUESTIONS)


def score_of(key: bytes, question: KnownQuestion, response: Response) -> Score:
    grades, ranking = question.grades, response.ranking
    judged = question.is_judged
    return Score(
        question=key,
        origin=question.source,
        ndcg=ndcg_at_10(ranking, grades) if judged else None,
        recall=recall_at_10(ranking, grades) if judged else None,
        reciprocal_rank=reciprocal_rank_at_10(ranking, grades) if judged else None,
        answered=response.answered,
        milliseconds=response.milliseconds,
    )


def figures_of(scores: Sequence[Score]) -> Figures:
    judged = [score for score in scores if score.is_judged]
    times = [score.milliseconds for score in scores]
    ndcg, recall, mrr, refused, answered = (_mean(map(measure.of, scores)) for measure in MEASURES)
    return Figures(
        questions=len(judged),
        unanswerable=len(scores) - len(judged),
        ndcg_at_10=ndcg,
        recall_at_10=recall,
        mrr_at_10=mrr,
        refused_wrongly=refused,
        answered_wrongly=answered,
        p50_ms=percentile(times, 0.5) if times else None,
        p95_ms=percentile(times, 0.95) if times else None,
    )


def by_origin(scores: Iterable[Score]) -> dict[str, Figures]:
    """Kept apart: answers that people liked were found by what answered then, which those figures favour."""
    parts: dict[str, list[Score]] = {}
    for score in scores:
        parts.setdefault(score.origin, []).append(score)
    return {origin: figures_of(parts[origin]) for origin in sorted(parts)}


def normal(runs: Sequence[QualityRun], now: datetime) -> list[QualityRun]:
    """Those of the runs, the newest first, by which tonight is judged; as many as may turn out to be comparable.

    Nights that were worse themselves are none: else what has become bad would be the norm after a few days. Where
    somebody has accepted a night, nothing before it counts.
    """
    found = []
    for run in runs:
        if now - run.at > WINDOW:
            break
        if not run.has_dropped:
            found.append(run)
        if run.accepted_at is not None:
            break
    return found


@dataclass(frozen=True)
class Compared:
    nights: int
    shared: int
    drops: tuple[Drop, ...]


def compare(
    tonight: Scores,
    now: datetime,
    conditions: Conditions,
    runs: Sequence[QualityRun],
    scores: Mapping[int, Scores],
    margin: float,
) -> Compared:
    """Tonight beside the nights before it, question by question; `runs` are the newest first, with their `scores`.

    Each question is compared with the median of what it scored in the last `NIGHTS` comparable nights. A measure has
    dropped when its mean loss exceeds the margin, and chance as well: `_STANDARD_ERRORS` of the losses' own.
    """
    comparable = [run for run in normal(runs, now) if _is_comparable(tonight, scores.get(run.id, {}))][:NIGHTS]
    before = [scores[run.id] for run in comparable]
    shared = tonight.keys() & {key for night in before for key in night}
    since = _since(runs, now)
    changes = _changes(runs, conditions)
    drops = tuple(
        drop
        for measure in MEASURES
        if (drop := _drop(measure, tonight, before, margin, since, changes, len(comparable))) is not None
    )
    return Compared(len(comparable), len(shared), drops)


def _is_comparable(tonight: Scores, other: Scores) -> bool:
    judged = {key for key, score in tonight.items() if score.is_judged}
    return len(judged & other.keys()) >= max(MIN_QUESTIONS, _COMPARABLE * len(judged))


def _drop(
    measure: Measure,
    tonight: Scores,
    before: Sequence[Scores],
    margin: float,
    since: datetime,
    changes: str,
    nights: int,
) -> Drop | None:
    pairs = []
    for key, score in tonight.items():
        values = [value for night in before if key in night and (value := measure.of(night[key])) is not None]
        if values and (after := measure.of(score)) is not None:
            pairs.append((median(values), after))
    if len(pairs) < MIN_SHARED or not _is_loss([measure.sign * (was - now) for was, now in pairs], margin):
        return None
    was, now = fmean(was for was, _ in pairs), fmean(now for _, now in pairs)
    sentence = (
        f"{measure.fell} from {was:.3f} to {now:.3f} on {len(pairs)} questions, beside the median of "
        f"{'the night' if nights == 1 else f'{nights} nights'} before; since {since:%Y-%m-%d}. {changes}"
    )
    return Drop(measure.name, was, now, len(pairs), since, sentence)


def _is_loss(losses: Sequence[float], margin: float) -> bool:
    """Rounded, so that what is exactly the margin is within it."""
    mean = fmean(losses)
    return round(mean - margin, 9) > 0 and mean > _STANDARD_ERRORS * stdev(losses) / math.sqrt(len(losses))


def _since(runs: Sequence[QualityRun], now: datetime) -> datetime:
    """The first of the nights in a row, up to this one, that were worse."""
    since = now
    for run in runs:
        if not run.has_dropped:
            break
        since = run.at
    return since


def _changes(runs: Sequence[QualityRun], conditions: Conditions) -> str:
    """What is not as in the last night that was not worse."""
    good = next((run for run in runs if not run.has_dropped), None)
    if good is None:
        return ""
    changed = [
        f"{name} {getattr(good.conditions, field)} → {getattr(conditions, field)}"
        for field, name in _CONDITIONS.items()
        if getattr(good.conditions, field) != getattr(conditions, field)
    ]
    return f"Changed since the last good night: {', '.join(changed)}." if changed else "Nothing known has changed."


def _mean(values: Iterable[float | None]) -> float | None:
    listed = [value for value in values if value is not None]
    return fmean(listed) if listed else None
