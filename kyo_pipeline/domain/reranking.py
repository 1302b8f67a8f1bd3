"""A better order for what a search has found."""

from collections.abc import Sequence
from dataclasses import replace

from kyo_pipeline.domain.retrieval import Passage

#: Passages of a search that are scored again. More cost time, and what stands further down is seldom the answer.
CANDIDATES = 30


def reordered(passages: Sequence[Passage], scores: Sequence[float]) -> tuple[Passage, ...]:
    """The passages by their new scores, highest first; equal ones stay in the order of the search.

    The scores of a reranker have no scale that others know. So the fused scores of the search are dealt out anew, the
    highest to the first: what weighs passages by them later follows the new order.
    """
    order = sorted(range(len(passages)), key=lambda index: -scores[index])
    fused = sorted((passage.score for passage in passages), reverse=True)
    return tuple(replace(passages[index], score=score) for index, score in zip(order, fused, strict=True))
