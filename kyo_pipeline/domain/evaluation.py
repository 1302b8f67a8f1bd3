"""What an evaluation found: how well the legs rank, how fast, what is refused and how good the answers are."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from kyo_pipeline.domain.embedding import EmbeddingSpec


class Leg(str, Enum):
    """A way to rank. `RERANKED` is there where a reranker is configured."""

    LEXICAL = "lexical"
    DENSE = "dense"
    FUSED = "fused"
    RERANKED = "reranked"


@dataclass(frozen=True)
class Scores:
    """Means over the judged questions, 0 to 1, as trec_eval computes them. nDCG takes grades as gains."""

    ndcg_at_10: float
    recall_at_10: float
    recall_at_100: float
    mrr_at_10: float


@dataclass(frozen=True)
class LegScores:
    leg: Leg
    scores: Scores


@dataclass(frozen=True)
class Latency:
    """Milliseconds from question to passages: embedding and search, without a cache and without other users."""

    p50: float
    p95: float


@dataclass(frozen=True)
class Refusal:
    """How often the generator errs about whether there is an answer. `foreign`: another set's questions are in it."""

    unanswerable: int
    answered_although_unanswerable: int
    answerable: int
    refused_although_answerable: int
    foreign: bool = False


@dataclass(frozen=True)
class AnswerAccuracy:
    """`measure` names how. Means over the questions that were answered, and over all: a refused one counts 0."""

    measure: str
    questions: int
    answered: int
    among_answered: float
    overall: float


@dataclass(frozen=True)
class Fitted:
    """One value chosen on labelled data.

    `at_current` and `at_fitted` are the goal's means over all questions; `held_out` is what a value scored that was
    chosen without the question it is scored on, so it is the one to believe. `chosen_in_folds`: those values.
    """

    parameter: str
    goal: str
    current: float
    fitted: float
    at_current: float
    at_fitted: float
    held_out: float
    chosen_in_folds: tuple[float, ...]


@dataclass(frozen=True)
class Evaluation:
    """`judged_by` is `passage`, `document` or `page`; `failed` names originals that could not be read, and why.

    `similarity_threshold` is the one in use: SIMILARITY_THRESHOLD where that is set, else the model's.
    """

    name: str
    judged_by: str
    passages: int
    chunks: int
    questions: int
    embedding: EmbeddingSpec
    similarity_threshold: float
    generator: str
    legs: tuple[LegScores, ...]
    latency: Latency
    refusal: Refusal | None = None
    accuracy: tuple[AnswerAccuracy, ...] = ()
    fitted: tuple[Fitted, ...] = ()
    failed: tuple[tuple[str, str], ...] = ()


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of them does not exceed (nearest rank). `values` is not empty."""
    ordered = sorted(values)
    return ordered[max(math.ceil(share * len(ordered)), 1) - 1]
