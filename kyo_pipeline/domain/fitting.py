"""Choosing a number on labelled data, with cross-validation, so that nobody takes the fit for the truth."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence

from kyo_pipeline.domain.evaluation import Fitted
from kyo_pipeline.domain.evidence import ENOUGH, Strength, is_enough

FOLDS = 5

WEIGHT, THRESHOLD, LIMIT = "dense weight", "similarity threshold", "refusal limit"

#: Shares of the dense leg that are tried.
WEIGHTS = tuple(step / 10 for step in range(11))
_THRESHOLDS = tuple(step / 100 for step in range(96))
_LIMITS = tuple(step / 100 for step in range(20, 151))
_RIGHT = "right to answer or to refuse"

#: What one value of the parameter scores on each question.
Outcomes = Mapping[str, float]


def choose(
    parameter: str, goal: str, outcomes: Mapping[float, Outcomes], kinds: Sequence[Sequence[str]], current: float
) -> Fitted:
    """The value with the best mean; of equals the one nearest to `current`, which is one of the values.

    `outcomes` maps each value to what it scores on each question. Each kind of question counts as much as any other,
    however many questions there are of it.
    """
    weights, folds = _balanced(kinds), _folds(kinds)
    chosen = [_best(outcomes, _without(weights, fold), current) for fold in folds]
    total = sum(weights.values())
    held_out = sum(
        weights[question] * outcomes[value][question]
        for value, fold in zip(chosen, folds, strict=True)
        for question in fold
    )
    fitted = _best(outcomes, weights, current)
    return Fitted(
        parameter=parameter,
        goal=goal,
        current=current,
        fitted=fitted,
        at_current=_mean(outcomes[current], weights),
        at_fitted=_mean(outcomes[fitted], weights),
        held_out=held_out / total,
        chosen_in_folds=tuple(chosen),
    )


def choose_weight(outcomes: Mapping[float, Outcomes], current: float) -> Fitted:
    """The share of the dense leg with the best mean nDCG@10; `outcomes` maps shares to questions to nDCG@10."""
    return choose(WEIGHT, "nDCG@10", outcomes, (tuple(outcomes[current]),), current)


def choose_refusal(
    answerable: Mapping[str, Strength], unanswerable: Mapping[str, Strength], threshold: float
) -> tuple[Fitted, Fitted]:
    """The similarity threshold with the product's limit, then the limit with that threshold.

    Half right is what a coin would reach, since both kinds count alike.
    """
    kinds = (tuple(answerable), tuple(unanswerable))

    def right(cosine: float, limit: float) -> dict[str, float]:
        answered = {question: float(is_enough(one, cosine, limit)) for question, one in answerable.items()}
        refused = {question: float(not is_enough(one, cosine, limit)) for question, one in unanswerable.items()}
        return answered | refused

    by_threshold = {cosine: right(cosine, ENOUGH) for cosine in sorted({*_THRESHOLDS, threshold})}
    fitted = choose(THRESHOLD, _RIGHT, by_threshold, kinds, threshold)
    by_limit = {limit: right(fitted.fitted, limit) for limit in sorted({*_LIMITS, ENOUGH})}
    return fitted, choose(LIMIT, _RIGHT, by_limit, kinds, ENOUGH)


def _balanced(kinds: Iterable[Sequence[str]]) -> dict[str, float]:
    return {question: 1 / len(kind) for kind in kinds for question in kind}


def _folds(kinds: Iterable[Sequence[str]]) -> list[list[str]]:
    """Each has its share of each kind. Dealt by a hash of the ids: the same each time."""
    ordered = [
        question
        for kind in kinds
        for question in sorted(kind, key=lambda question: hashlib.sha256(question.encode()).digest())
    ]
    return [fold for start in range(FOLDS) if (fold := ordered[start::FOLDS])]


def _without(weights: Mapping[str, float], fold: Sequence[str]) -> Mapping[str, float]:
    left_out = set(fold)
    return {question: weight for question, weight in weights.items() if question not in left_out} or weights


def _best(outcomes: Mapping[float, Outcomes], weights: Mapping[str, float], current: float) -> float:
    return max(outcomes, key=lambda value: (round(_mean(outcomes[value], weights), 9), -abs(value - current)))


def _mean(scores: Outcomes, weights: Mapping[str, float]) -> float:
    return sum(weight * scores[question] for question, weight in weights.items()) / sum(weights.values())
