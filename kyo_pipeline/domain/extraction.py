"""The extractive answer: the sentences that answer the question, word for word, with citations."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from kyo_pipeline.domain.answers import NOT_FOUND_TEXT, Draft, DraftCitation, Outcome
from kyo_pipeline.domain.citations import neutral
from kyo_pipeline.domain.evidence import Scored, Similarity, is_enough, scored_statements, strength
from kyo_pipeline.domain.retrieval import Retrieval
from kyo_pipeline.domain.statements import trimmed_end

_STATEMENTS = 3
_PASSAGES = 3
_CHARACTERS = 700
_WORTH = 0.75
_SAME = 0.7
_QUOTATION_MARKS = re.compile(r"[“”\"]")


@dataclass(frozen=True)
class _Quote:
    """Characters start..end of passages[index].text."""

    index: int
    start: int
    end: int


def extract(question: str, retrieval: Retrieval, similarity: Similarity | None = None) -> Draft:
    """Quote one to three statements in reading order, or say that nothing was found.

    `similarity` gives the cosines of a question with sentences; without it the words alone decide.
    """
    scored = scored_statements(question, retrieval, similarity)
    if not scored or not is_enough(strength(question, retrieval, scored), retrieval.similarity_threshold):
        return Draft(NOT_FOUND_TEXT, Outcome.NOT_FOUND)
    quotes = _quotes(_picked(scored), retrieval)
    lines = [f"“{_shown(quote, retrieval)}” [{marker}]" for marker, quote in enumerate(quotes, start=1)]
    return Draft("\n".join(lines), Outcome.ANSWERED, _citations(quotes, retrieval))


def _picked(scored: Sequence[Scored]) -> list[Scored]:
    """The best statement and those that come near it, without repetitions, from few passages."""
    picked: list[Scored] = []
    for candidate in scored:
        if len(picked) == _STATEMENTS or candidate.score < _WORTH * scored[0].score:
            break
        passages = {one.statement.index for one in picked} | {candidate.statement.index}
        if len(passages) <= _PASSAGES and not any(_is_same(candidate, one) for one in picked):
            picked.append(candidate)
    return picked


def _is_same(one: Scored, other: Scored) -> bool:
    """Whether two statements say nearly the same, as in an old and a new version: Jaccard of their stems."""
    a, b = one.statement.stems, other.statement.stems
    return len(a & b) > _SAME * len(a | b) or _overlaps(one, other)


def _overlaps(one: Scored, other: Scored) -> bool:
    a, b = one.statement, other.statement
    return a.index == b.index and a.start < b.end and b.start < a.end


def _quotes(picked: Sequence[Scored], retrieval: Retrieval) -> list[_Quote]:
    """Passages by the best statement that each gave; in a passage reading order, neighbours in one quote."""
    order = list(dict.fromkeys(one.statement.index for one in picked))
    ranked = sorted(picked, key=lambda one: (order.index(one.statement.index), one.statement.start))
    quotes: list[_Quote] = []
    for one in ranked:
        quote = _trimmed(one, retrieval)
        if quotes and _adjoins(quotes[-1], quote, retrieval):
            quotes[-1] = _Quote(quote.index, quotes[-1].start, quote.end)
        else:
            quotes.append(quote)
    return quotes


def _trimmed(one: Scored, retrieval: Retrieval) -> _Quote:
    statement = one.statement
    text = retrieval.passages[statement.index].text[statement.start : statement.end]
    return _Quote(statement.index, statement.start, statement.start + trimmed_end(text, _CHARACTERS))


def _adjoins(first: _Quote, second: _Quote, retrieval: Retrieval) -> bool:
    between = retrieval.passages[first.index].text[first.end : second.start]
    return first.index == second.index and not between.strip()


def _shown(quote: _Quote, retrieval: Retrieval) -> str:
    """The quoted characters on one line, with single quotation marks inside, and no markers but ours."""
    text = retrieval.passages[quote.index].text[quote.start : quote.end]
    return " ".join(_QUOTATION_MARKS.sub("'", neutral(text)).split())


def _citations(quotes: Sequence[_Quote], retrieval: Retrieval) -> tuple[DraftCitation, ...]:
    starts = [retrieval.passages[quote.index].start for quote in quotes]
    return tuple(
        DraftCitation(marker, quote.index, start + quote.start, start + quote.end)
        for marker, (quote, start) in enumerate(zip(quotes, starts, strict=True), start=1)
    )
