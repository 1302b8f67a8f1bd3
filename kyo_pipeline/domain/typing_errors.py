"""Which known word somebody meant who typed one that is nowhere."""

from collections.abc import Iterable

from rapidfuzz.distance import OSA

_LONG = 8  # letters; two errors in a shorter word make another one of it


def nearest(typed: str, known: Iterable[tuple[str, int]]) -> str | None:
    """Of (word, number of occurrences) the word that is `typed` but for one error, two in a long one; None if none is.

    An error is a letter too many, too few, another one, or two that changed places. Of several that are as near, that
    which keeps the first letter, then the one that occurs most.
    """
    most = 2 if len(typed) >= _LONG else 1
    near = [
        (distance, word[:1] != typed[:1], -count, word)
        for word, count in known
        if 0 < (distance := OSA.distance(typed, word, score_cutoff=most)) <= most
    ]
    return min(near)[-1] if near else None
