"""The extractive answer: the sentences that answer the question, word for word, with citations."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from kyo_pipeline.domain.answer_findings import Findings, TextSpan
from kyo_pipeline.domain.answers import NOT_FOUND_TEXT, Draft, DraftCitation, Outcome
from kyo_pipeline.domain.citations import neutral
from kyo_pipeline.domain.conflicts import Said, conflicts_among, differs, is_conflict
from kyo_pipeline.domain.evidence import Scored, Similarity, is_enough, scored_statements, strength
from kyo_pipeline.domain.follow_up import asked_now
from kyo_pipeline.domain.retrieval import Retrieval
from kyo_pipeline.domain.spans import answering_span
from kyo_pipeline.domain.statements import Statement, trimmed_end

_STATEMENTS = 3
_PASSAGES = 3
_CHARACTERS = 700
_WORTH = 0.75
_SAME = 0.7
_CONTRADICTING = 0.5  # of the best score; what contradicts a quote is shown though it answers less well
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
    picked = _with_contradiction(_picked(scored, retrieval), scored, retrieval)
    quotes = _quotes(picked, retrieval)
    text = "\n".join(f"“{_shown(quote, retrieval)}” [{marker}]" for marker, quote in enumerate(quotes, start=1))
    findings = Findings(
        emphasis=_emphasis(question, _emphasised(picked, retrieval), quotes, text, retrieval),
        conflicts=conflicts_among(_said_in(quotes, picked, retrieval)),
    )
    return Draft(text, Outcome.ANSWERED, _citations(quotes, retrieval), findings=findings)


def _picked(scored: Sequence[Scored], retrieval: Retrieval) -> list[Scored]:
    """The best statement and those that come near it, without repetitions, from few passages."""
    picked: list[Scored] = []
    for candidate in scored:
        if len(picked) == _STATEMENTS or candidate.score < _WORTH * scored[0].score:
            break
        passages = {one.statement.index for one in picked} | {candidate.statement.index}
        if len(passages) <= _PASSAGES and not any(_is_same(candidate, one, retrieval) for one in picked):
            picked.append(candidate)
    return picked


def _with_contradiction(picked: list[Scored], scored: Sequence[Scored], retrieval: Retrieval) -> list[Scored]:
    """Beside the best statement, the best of those that contradict it, unless one is picked already."""
    if not picked:
        return picked
    best = _said(picked[0].statement, retrieval)
    for candidate in scored:
        if candidate.score < _CONTRADICTING * scored[0].score:
            break
        if _may_contradict(picked[0], candidate) and is_conflict(best, _said(candidate.statement, retrieval)):
            return picked if candidate in picked else [*picked[: _STATEMENTS - 1], candidate]
    return picked


def _may_contradict(one: Scored, other: Scored) -> bool:
    """Whether they share enough words to look closer: quicker than looking closer."""
    a, b = one.statement.stems, other.statement.stems
    return 2 * len(a & b) >= min(len(a), len(b)) and a != b


def _said(statement: Statement, retrieval: Retrieval) -> Said:
    return Said.of(retrieval.passages[statement.index], statement.text, statement.context)


def _said_in(quotes: Sequence[_Quote], picked: Sequence[Scored], retrieval: Retrieval) -> list[tuple[int, Said]]:
    """What is said in each quote, by its marker."""
    return [
        (marker, _said(one.statement, retrieval))
        for marker, quote in enumerate(quotes, start=1)
        for one in picked
        if one.statement.index == quote.index and quote.start <= one.statement.start < quote.end
    ]


def _is_same(one: Scored, other: Scored, retrieval: Retrieval) -> bool:
    """Whether two statements say nearly the same, figures included: Jaccard of their stems."""
    a, b = one.statement.stems, other.statement.stems
    if len(a & b) > _SAME * len(a | b):
        return not differs(_said(one.statement, retrieval), _said(other.statement, retrieval))
    return _overlaps(one, other)


def _overlaps(one: Scored, other: Scored) -> bool:
    a, b = one.statement, other.statement
    return a.index == b.index and a.start < b.end and b.start < a.end


def _quotes(picked: Sequence[Scored], retrieval: Retrieval) -> list[_Quote]:
    """Passages by the best statement that each gave; in a passage reading order, neighbours in one quote."""
    order = _order(picked, retrieval)
    ranked = sorted(picked, key=lambda one: (order.index(one.statement.index), one.statement.start))
    quotes: list[_Quote] = []
    for one in ranked:
        quote = _trimmed(one, retrieval)
        if quotes and _adjoins(quotes[-1], quote, retrieval):
            quotes[-1] = _Quote(quote.index, quotes[-1].start, quote.end)
        else:
            quotes.append(quote)
    return quotes


def _order(picked: Sequence[Scored], retrieval: Retrieval) -> list[int]:
    """The passages in the order of their best statements; of two that contradict each other the newer first."""
    order = list(dict.fromkeys(one.statement.index for one in picked))
    said = [(one.statement.index, _said(one.statement, retrieval)) for one in picked]
    for conflict in conflicts_among(said):
        newer, older = order.index(conflict.newer), order.index(conflict.older)
        if newer > older:
            order[newer], order[older] = order[older], order[newer]
    return order


def _emphasised(picked: Sequence[Scored], retrieval: Retrieval) -> list[Scored]:
    """The best statement, and what contradicts it."""
    best = _said(picked[0].statement, retrieval)
    return [one for one in picked if one is picked[0] or is_conflict(best, _said(one.statement, retrieval))]


def _emphasis(
    question: str, statements: Sequence[Scored], quotes: Sequence[_Quote], text: str, retrieval: Retrieval
) -> tuple[TextSpan, ...]:
    """The words of these statements that answer, as characters of the whole text; none where that is not clear."""
    found = []
    for one in statements:
        shown = _shown(_trimmed(one, retrieval), retrieval)
        span = answering_span(asked_now(question), shown)
        at = text.find(shown, _line_of(one, quotes, text))
        if span is not None and at >= 0:
            found.append(TextSpan(at + span[0], at + span[1]))
    return tuple(sorted(found, key=lambda span: span.start))


def _line_of(one: Scored, quotes: Sequence[_Quote], text: str) -> int:
    """Where the line begins that quotes this statement: each quote has a line of its own."""
    index, start = one.statement.index, one.statement.start
    before = next(n for n, quote in enumerate(quotes) if quote.index == index and quote.start <= start < quote.end)
    return sum(len(line) + 1 for line in text.split("\n")[:before])


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
