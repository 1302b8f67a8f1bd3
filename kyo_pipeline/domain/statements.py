"""Cuts passages into the statements that an answer may quote, and leaves out what states nothing."""

import re
from dataclasses import dataclass

from kyo_pipeline.domain.languages import ENGLISH
from kyo_pipeline.domain.retrieval import Passage
from kyo_pipeline.domain.sentences import is_item, sentence_spans
from kyo_pipeline.domain.stemming import stems

_LONGEST_LIST = 8
_LONGEST_STATEMENT = 600
_LETTERS = re.compile(r"[^\W\d_]")
_WORD = re.compile(r"\w+")
_BOILERPLATE = re.compile(
    r"""\.{4,}|(?:\.\s){4,}                                        # leaders of a table of contents
      | ^\W*(?:page\s+)?\d+(?:\s*(?:of|/)\s*\d+)?\W*$             # page numbers
      | ^\W*(?:https?://|www\.)\S+\W*$                             # a bare address
      | \ball\ rights\ reserved\b|^©
      | ^\W*(?:back\ to\ top|table\ of\ contents|skip\ to\ (?:main\ )?content|click\ here)\b""",
    re.VERBOSE | re.IGNORECASE,
)
_CLAUSE = re.compile(r"[;:,—–](?=\s)")


@dataclass(frozen=True)
class Statement:
    """Characters start..end of passages[index].text. `context` holds the stems of its headings and title."""

    index: int
    start: int
    end: int
    text: str
    stems: frozenset[str]
    context: frozenset[str]
    follows: frozenset[str]


def statements_of(index: int, passage: Passage, language: str = ENGLISH) -> list[Statement]:
    """The statements of passages[index] in reading order; a sentence that ends in a colon takes its list."""
    found: list[Statement] = []
    place = frozenset(stems(" ".join((passage.title, *passage.heading_path)), language))
    heading: frozenset[str] = frozenset()
    before: frozenset[str] = frozenset()
    for start, end in _with_lists(passage.text, sentence_spans(passage.text)):
        text = passage.text[start:end]
        words = frozenset(stems(text, language))
        if _is_heading(text):
            heading = words
        elif not _is_boilerplate(text):
            found.append(Statement(index, start, end, text, words, place | heading, before))
        before = words
    return found


def trimmed_end(text: str, limit: int) -> int:
    """Where to end a statement that is longer than `limit`: at a clause border, else at a space."""
    if len(text) <= limit:
        return len(text)
    borders = [match.start() for match in _CLAUSE.finditer(text, limit // 2, limit)]
    if borders:
        return borders[-1]
    space = text.rfind(" ", limit // 2, limit)
    return space if space > 0 else limit


def _with_lists(text: str, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join each span that ends in a colon with the list items after it, as far as the limits allow."""
    joined, position = [], 0
    while position < len(spans):
        start, end = spans[position]
        position += 1
        if text[end - 1] == ":":
            taken = _items_after(text, spans, position, start)
            position += taken
            end = spans[position - 1][1] if taken else end
        joined.append((start, end))
    return joined


def _items_after(text: str, spans: list[tuple[int, int]], position: int, start: int) -> int:
    """How many of the spans from `position` are items of the list that the span at `start` opens."""
    taken = 0
    for first, last in spans[position : position + _LONGEST_LIST]:
        if not is_item(text[first:last]) or last - start > _LONGEST_STATEMENT:
            break
        taken += 1
    return taken


def _is_heading(text: str) -> bool:
    """A short line without a full stop, or a Markdown heading: it says what follows, and states nothing."""
    if text.startswith("#"):
        return True
    return len(_WORD.findall(text)) < 8 and text.rstrip("*_`")[-1:] not in ".!;。！" and not is_item(text)


def _is_boilerplate(text: str) -> bool:
    letters = len(_LETTERS.findall(text))
    return letters < 12 or letters < 0.4 * len(text) or bool(_BOILERPLATE.search(text))
