"""Weighs the evidence: which statements answer a question, and whether any does."""

import re
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from uuid import UUID

from kyo_pipeline.domain.retrieval import Passage, Retrieval
from kyo_pipeline.domain.sentences import sentence_spans
from kyo_pipeline.domain.statements import Statement, statements_of, trimmed_end
from kyo_pipeline.domain.stemming import stems, weigh

Similarity = Callable[[str, Sequence[str]], Sequence[float]]
"""Cosines of a question with each of some texts."""

_EMBEDDED = 24
_OWN, _CONTEXT, _BEFORE = 1.0, 0.5, 0.25
_SIMILARITY, _PASSAGE, _KIND = 0.4, 0.3, 0.15
#: What `is_enough` asks for unless it is told otherwise; no unit.
ENOUGH = 0.65
_LEAST_ROOM = 0.05
_RELEVANT_WORDS = 0.5
_NEAR_WORDS = 0.25
_LOWEST_SIMILARITY = -0.3  # so that a text with every word of the question is found, however the model sees it
_ASKS_NUMBER = re.compile(r"\b(?:how (?:many|much|long|often|old|far|large|big)|when|what (?:year|date|time))\b", re.I)
_NUMBER = re.compile(
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|hundred|thousand|million|half|quarter"
    r"|once|twice|daily|weekly|monthly|yearly|annually)\b",
    re.I,
)


@dataclass(frozen=True)
class Scored:
    """A statement, the share of the question's weight that its own words cover, and its score (no unit)."""

    statement: Statement
    coverage: float
    score: float


@dataclass(frozen=True)
class Strength:
    """How well the best evidence covers the question, 0 to 1 each; `similarity` is a cosine."""

    passage: float
    statement: float
    similarity: float


def scored_statements(question: str, retrieval: Retrieval, similarity: Similarity | None) -> list[Scored]:
    """Every statement of the passages with its score, best first."""
    weights = _weights(question, retrieval)
    top = max((passage.score for passage in retrieval.passages), default=0.0) or 1.0
    asks_number = bool(_ASKS_NUMBER.search(question))
    scored = [
        _score(statement, weights, passage.score / top, asks_number)
        for index, passage in enumerate(retrieval.passages)
        for statement in statements_of(index, passage, retrieval.language)
    ]
    scored.sort(key=lambda one: -one.score)
    return _with_similarity(question, scored, similarity) if similarity else scored


def strength(question: str, retrieval: Retrieval, scored: Sequence[Scored]) -> Strength:
    weights = _weights(question, retrieval)
    return Strength(
        passage=max(
            (_share(_words_of(passage, retrieval.language), weights) for passage in retrieval.passages), default=0.0
        ),
        statement=max((one.coverage for one in scored), default=0.0),
        similarity=max((passage.similarity for passage in retrieval.passages), default=-1.0),
    )


def is_enough(strength: Strength, similarity_threshold: float, enough: float = ENOUGH) -> bool:
    """Whether to answer at all.

    The rule adds the mean share of the question's words in the best passage and the best statement to how far
    the cosine is above the model's threshold, in units of the room above it. Measured with WordLlama and
    MiniLM on questions with and without an answer in the corpus (clapnq, xquad, handbooks, foreign ones).
    """
    room = max(1.0 - similarity_threshold, _LEAST_ROOM)
    similarity = max((strength.similarity - similarity_threshold) / room, _LOWEST_SIMILARITY)
    return (strength.passage + strength.statement) / 2 + similarity >= enough


def relevant(question: str, retrieval: Retrieval) -> tuple[int, ...]:
    """The positions of the passages that a language model may read, best first.

    A passage counts as evidence when its cosine reaches the threshold, or when it has half of the question's words
    (by weight). This is milder than `is_enough`, and never refuses what that accepts: a model that reads knows
    paraphrases, and says itself when the answer is missing.
    """
    weights = _weights(question, retrieval)
    return tuple(
        index
        for index, passage in enumerate(retrieval.passages)
        if passage.similarity >= retrieval.similarity_threshold
        or _share(_words_of(passage, retrieval.language), weights) >= _RELEVANT_WORDS
    )


def nearest(question: str, retrieval: Retrieval, limit: int = 3) -> tuple[Passage, ...]:
    """The best passage of each of the documents that come nearest to the question, where any comes near at all.

    That is when its cosine reaches the threshold, or a quarter of the question's words (by weight) stand in it.
    """
    weights = _weights(question, retrieval)
    near: dict[UUID, Passage] = {}
    for passage in retrieval.passages:
        if (
            passage.similarity >= retrieval.similarity_threshold
            or _share(_words_of(passage, retrieval.language), weights) >= _NEAR_WORDS
        ):
            near.setdefault(passage.document_id, passage)
    return tuple(near.values())[:limit]


def stretch(passage: Passage, scored: Sequence[Scored], limit: int) -> tuple[int, int]:
    """Offsets (start, end) into the passage's text: whole sentences around its best statement.

    `scored` are the statements of this passage, best first. The stretch has `limit` characters at most.
    """
    if len(passage.text) <= limit:
        return 0, len(passage.text)
    if not scored:
        return 0, trimmed_end(passage.text, limit)
    best = scored[0].statement
    if best.end - best.start > limit:
        return best.start, best.start + trimmed_end(best.text, limit)
    windows = _windows(best, sentence_spans(passage.text), limit)
    return max(windows, key=lambda window: (_coverage_within(window, scored), _context(window, best)))


def _windows(best: Statement, spans: Sequence[tuple[int, int]], limit: int) -> list[tuple[int, int]]:
    """From each sentence before `best` as far behind it as the limit allows."""
    starts = [start for start, _ in spans if best.end - limit <= start <= best.start]
    ends = [end for _, end in spans if end >= best.end]
    return [(start, max(end for end in ends if end - start <= limit)) for start in starts]


def _coverage_within(window: tuple[int, int], scored: Sequence[Scored]) -> float:
    start, end = window
    inside = (one.coverage for one in scored if start <= one.statement.start and one.statement.end <= end)
    return round(sum(inside), 6)  # so that equal sums are equal, in whichever order they were added


def _context(window: tuple[int, int], best: Statement) -> tuple[int, int]:
    """How much stands on both sides of a statement, which explain it alike; then, how much at all."""
    start, end = window
    return min(best.start - start, end - best.end), end - start


def _score(statement: Statement, weights: Mapping[str, float], passage: float, asks_number: bool) -> Scored:
    own = _share(statement.stems, weights)
    context = _share(statement.context - statement.stems, weights)
    before = _share(statement.follows - statement.context - statement.stems, weights)
    kind = _KIND if asks_number and _NUMBER.search(statement.text) else 0.0
    coverage = _OWN * own + _CONTEXT * context
    return Scored(statement, coverage, coverage + _BEFORE * before + _PASSAGE * passage + kind)


def _with_similarity(question: str, scored: list[Scored], similarity: Similarity) -> list[Scored]:
    """Add the cosine to the scores of the first few: embedding all would make a slow model too slow."""
    head = scored[:_EMBEDDED]
    cosines = similarity(question, [one.statement.text for one in head])
    better = [
        Scored(one.statement, one.coverage, one.score + _SIMILARITY * max(0.0, float(cosine)))
        for one, cosine in zip(head, cosines, strict=True)
    ]
    return sorted(better, key=lambda one: -one.score)


def _weights(question: str, retrieval: Retrieval) -> dict[str, float]:
    return weigh(question, retrieval.term_weights, retrieval.language, retrieval.corrections)


def _words_of(passage: Passage, language: str) -> Set[str]:
    return frozenset(stems(" ".join((passage.title, *passage.heading_path, passage.text)), language))


def _share(words: Set[str], weights: Mapping[str, float]) -> float:
    """The idf-weighted share of the question's stems that `words` cover."""
    total = sum(weights.values())
    return sum(weight for stem, weight in weights.items() if stem in words) / total if total else 0.0
