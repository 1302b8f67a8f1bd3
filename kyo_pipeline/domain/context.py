"""Puts together the passages of an answer: neighbours joined, repetitions left out, several documents."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from kyo_pipeline.domain.figures import figures_of
from kyo_pipeline.domain.likeness import words_of
from kyo_pipeline.domain.retrieval import Passage

#: How many times as many passages to search for as are wanted.
SPARE = 3

_LARGEST_GAP = 3  # characters: between neighbouring chunks stands white space only; a wider gap may hide a whole one
_GRAM = 5
_NEW = 0.15
_WITHIN_REACH = 0.8
_LEAST_PLACES = 3  # with fewer, the best are the best


@dataclass(frozen=True)
class Room:
    """How many passages there may be, and how many tokens in one and in all of them, by `rough_tokens`."""

    passages: int
    tokens_each: int
    tokens: int

    @staticmethod
    def of(passages: int, chunk_size: int) -> "Room":
        """The count of tokens errs upwards by a third and more: in Latin letters, two or three chunks make one."""
        return Room(passages, 4 * chunk_size, 3 * chunk_size * passages)


def rough_tokens(text: str) -> int:
    """One for three bytes, which errs upwards. To count them better takes longer than the search."""
    return len(text.encode("utf-8", "replace")) // 3 + 1


def assemble(found: Sequence[Passage], room: Room) -> tuple[Passage, ...]:
    """The best passages out of `found`, which are the best first and more than there is room for.

    Neighbouring chunks of a version become one passage, with the better one's score and heading. What another document
    says in nearly the same words and with the same numbers is left out. Where all are of one document, the last place
    goes to another that scores within reach. Of joined passages too `text == document[start:end]`, but for white space
    between chunks, of which only the length is known. Doing it twice changes nothing.
    """
    once, before = _assembled(found, room), tuple(found)
    while once != before[: len(once)]:  # what was joined or put in may be a neighbour of, or repeat, the rest
        once, before = _assembled(once, room), once
    return once


def _assembled(found: Sequence[Passage], room: Room) -> tuple[Passage, ...]:
    kept: list[Passage] = []
    left: list[Passage] = []
    for passage in found:
        if (joined := _joined_with_any(kept, passage, room)) is not None:
            kept = joined
        elif len(kept) == room.passages:
            left.append(passage)
        elif not any(_repeats(passage, one) for one in kept):
            kept.append(passage)
    return _within_budget(_several_documents(kept, left), room.tokens)


def _joined_with_any(kept: Sequence[Passage], passage: Passage, room: Room) -> list[Passage] | None:
    """What is kept with the passage joined to its neighbours, in the place of the best of them; None without any."""
    place: int | None = None
    rest: list[Passage] = []
    for one in kept:
        if (union := _union(one, passage, room.tokens_each)) is None:
            rest.append(one)
        else:
            place, passage = len(rest) if place is None else place, union
    return None if place is None else [*rest[:place], passage, *rest[place:]]


def _union(better: Passage, other: Passage, most_tokens: int) -> Passage | None:
    """Two neighbours of one version as one passage; None where they are none, or too long together."""
    if better.version_id != other.version_id:
        return None
    first, second = sorted((better, other), key=lambda one: (one.start, one.end))
    if second.start - first.end > _LARGEST_GAP:
        return None
    text = _text_of_both(first, second)
    if rough_tokens(text) > most_tokens and len(text) > max(len(first.text), len(second.text)):
        return None
    if other.score > better.score:
        better, other = other, better
    return replace(
        better,
        text=text,
        start=first.start,
        end=first.start + len(text),
        page_from=min((one.page_from for one in (first, second) if one.page_from is not None), default=None),
        page_to=max((one.page_to for one in (first, second) if one.page_to is not None), default=None),
        similarity=max(first.similarity, second.similarity),
        lexical=max(first.lexical, second.lexical),
    )


def _text_of_both(first: Passage, second: Passage) -> str:
    """What stands in a gap of the one may be known to the other: a chunk that overlaps both, and came later."""
    gap = "\n" * max(second.start - first.end, 0)
    at = second.start - first.start
    pairs = zip(first.text[at:], second.text, strict=False)
    shared = "".join(theirs if ours == "\n" else ours for ours, theirs in pairs)
    return first.text[:at] + gap + shared + first.text[at + len(shared) :] + second.text[len(shared) :]


def _repeats(passage: Passage, kept: Passage) -> bool:
    """Whether nearly all of its groups of words stand in what is kept of another document, and all with a figure.

    Where numbers differ both stay: that is no repetition, but a conflict.
    """
    if passage.document_id == kept.document_id or _has_many_words_of_its_own(passage.text, kept.text):
        return False
    grams = _grams(passage.text)
    fresh = grams - _grams(kept.text)
    if len(fresh) > _NEW * len(grams):
        return False
    said = figures_of(" … ".join(" ".join(gram).title() for gram in fresh))
    return not said.values and not said.denies and figures_of(passage.text).denies == figures_of(kept.text).denies


def _has_many_words_of_its_own(text: str, kept: str) -> bool:
    """More than can be in so few groups: all but the last four words of its own begin a group that is new.

    Most passages are told apart by this, in a fraction of the time.
    """
    own = len(_word_set(text) - _word_set(kept))
    return own - (_GRAM - 1) > _NEW * max(len(_words(text)) - _GRAM + 1, 1)


# One question compares each passage with several.


@lru_cache(maxsize=64)
def _words(text: str) -> tuple[str, ...]:
    return tuple(words_of(text))


@lru_cache(maxsize=64)
def _word_set(text: str) -> frozenset[str]:
    return frozenset(_words(text))


@lru_cache(maxsize=64)
def _grams(text: str) -> frozenset[tuple[str, ...]]:
    words = _words(text)
    return frozenset(tuple(words[n : n + _GRAM]) for n in range(max(len(words) - _GRAM + 1, 1)))


def _several_documents(kept: list[Passage], left: Sequence[Passage]) -> list[Passage]:
    if len(kept) < _LEAST_PLACES or len({one.document_id for one in kept}) > 1:
        return kept
    others = (one for one in left if one.document_id != kept[0].document_id)
    best = next((one for one in others if not any(_repeats(one, known) for known in kept)), None)
    if best is None or best.score < _WITHIN_REACH * kept[-1].score:
        return kept
    return [*kept[:-1], best]


def _within_budget(kept: Sequence[Passage], tokens: int) -> tuple[Passage, ...]:
    """As many of the first as the budget allows, and one in any case."""
    within: list[Passage] = []
    for passage in kept:
        tokens -= rough_tokens(passage.text)
        if tokens < 0 and within:
            break
        within.append(passage)
    return tuple(within)
