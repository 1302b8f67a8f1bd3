"""Statements about the same thing that say something else: another number, another date, or the opposite."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from kyo_pipeline.domain.answer_findings import Conflict
from kyo_pipeline.domain.answers import DraftCitation
from kyo_pipeline.domain.evidence import Scored
from kyo_pipeline.domain.figures import figures_of, words_beside_figures
from kyo_pipeline.domain.retrieval import Passage, Retrieval
from kyo_pipeline.domain.stemming import stems

_ALIKE = 0.5  # Jaccard of the stems without numbers
_NEARLY_SAME = 0.8  # in one document, and where only one of the two denies
_LEAST_WORDS = 3
_COMPARED = 3  # statements of a passage
_WORTH = 0.75  # of the best score: what answers less well is not what the answer is about
_DENYING = frozenset(stems("never none nobody nothing neither without cannot prohibited forbidden"))


@dataclass(frozen=True)
class Said:
    """A statement of a passage, as it is compared. `section` tells one part of a document from another."""

    passage: Passage
    words: frozenset[str]
    values: frozenset[str]
    denies: bool
    section: frozenset[str]

    @staticmethod
    def of(passage: Passage, text: str, section: frozenset[str] = frozenset()) -> "Said":
        figures = figures_of(text)
        words = words_beside_figures(text) - _DENYING
        return Said(passage, words, figures.values, figures.denies, section)


def is_conflict(one: Said, other: Said) -> bool:
    """Whether the two contradict each other.

    They must be of different documents, or sections, share most of their words, and each must have a number or date
    that the other lacks; or be nearly the same, and one deny what the other says. Only one having a number is no
    conflict: it says more.
    """
    same_document = one.passage.document_id == other.passage.document_id
    if same_document and one.section == other.section:
        return False
    likeness = _likeness(one.words, other.words)
    if likeness < (_NEARLY_SAME if same_document else _ALIKE):
        return False
    if one.values - other.values and other.values - one.values:
        return True
    return likeness >= _NEARLY_SAME and one.denies != other.denies and one.values == other.values


def differs(one: Said, other: Said) -> bool:
    """Whether two statements that are alike must both be shown: their figures, or what they deny, are not the same."""
    return one.values != other.values or one.denies != other.denies


def conflicts_among(said: Sequence[tuple[int, Said]]) -> tuple[Conflict, ...]:
    """The pairs of markers whose statements contradict each other, each pair once, in the order of the markers."""
    return tuple(dict.fromkeys(_pairs(said)))


def conflicts_of(
    citations: Sequence[DraftCitation], scored: Sequence[Scored], retrieval: Retrieval
) -> tuple[Conflict, ...]:
    """The contradictions among the statements of the cited passages that answer best. `scored` are the best first."""
    said = []
    for citation in citations:
        passage = retrieval.passages[citation.index]
        inside = [
            one
            for one in scored
            if one.statement.index == citation.index
            and citation.start <= passage.start + one.statement.start < citation.end
            and one.score >= _WORTH * scored[0].score
        ]
        said += [
            (citation.marker, Said.of(passage, one.statement.text, one.statement.context)) for one in inside[:_COMPARED]
        ]
    return conflicts_among(said)


def newer_first(one: Passage, other: Passage) -> bool:
    """Whether `one` is to be shown before `other`: not when that is known to be newer."""
    return one.dated is None or other.dated is None or one.dated >= other.dated


def _pairs(said: Sequence[tuple[int, Said]]) -> Iterator[Conflict]:
    for (marker, one), (other_marker, other) in combinations(said, 2):
        if marker != other_marker and is_conflict(one, other):
            dates = (one.passage.dated, other.passage.dated)
            is_dated = None not in dates and dates[0] != dates[1]
            pair = (marker, other_marker) if newer_first(one.passage, other.passage) else (other_marker, marker)
            yield Conflict(*pair, is_dated)


def _likeness(one: frozenset[str], other: frozenset[str]) -> float:
    if min(len(one), len(other)) < _LEAST_WORDS:
        return 0.0
    return len(one & other) / len(one | other)
