"""How good one ranking is, by trec_eval's definitions: its program has no wheels for some machines that KYO runs on."""

import math
from collections.abc import Iterable, Mapping, Sequence

CUT = 10

#: Names to grades; above 0 is relevant.
Grades = Mapping[str, int]


def ndcg_at_10(ranking: Sequence[str], grades: Grades) -> float:
    """`ndcg_cut_10`: the grade is the gain, the discount log2(rank + 1), the best order that of all grades; 0 to 1.

    `ranking` has each name once, best first.
    """
    ideal = _gain(sorted(grades.values(), reverse=True))
    return _gain(grades.get(name, 0) for name in ranking[:CUT]) / ideal if ideal else 0.0


def recall_at_10(ranking: Sequence[str], grades: Grades) -> float:
    """`recall_10`: the share of all that is relevant that is among the first ten; 0 to 1."""
    relevant = {name for name, grade in grades.items() if grade > 0}
    return len(relevant & set(ranking[:CUT])) / len(relevant) if relevant else 0.0


def reciprocal_rank_at_10(ranking: Sequence[str], grades: Grades) -> float:
    """`recip_rank` of the first ten: 1 over the rank of the first that is relevant, 0 where none is."""
    return next((1 / rank for rank, name in enumerate(ranking[:CUT], start=1) if grades.get(name, 0) > 0), 0.0)


def overlap_at_10(ranking: Sequence[str], other: Sequence[str]) -> float:
    """The share of the first ten of `ranking`, which is not empty, that are among the first ten of `other`; 0 to 1."""
    best = set(ranking[:CUT])
    return len(best & set(other[:CUT])) / len(best)


def _gain(grades: Iterable[int]) -> float:
    """Of the first ten."""
    return sum(max(grade, 0) / math.log2(rank + 1) for rank, grade in zip(range(1, CUT + 1), grades, strict=False))
