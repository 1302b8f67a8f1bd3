"""What differs between the texts of two versions, in a form that people can read."""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from kyo_pipeline.domain.alignment import Matcher, blocks, readable
from kyo_pipeline.domain.parsed import Heading, ParsedDocument


class Change(str, Enum):
    SAME = "same"
    REMOVED = "removed"
    ADDED = "added"


@dataclass(frozen=True)
class Span:
    """A run of words that both texts have, or only one of them, with one space between two words."""

    change: Change
    text: str


@dataclass(frozen=True)
class Line:
    """A line or sentence with what changed in it; `SAME` alone is context. A space belongs between two spans."""

    spans: tuple[Span, ...]


@dataclass(frozen=True)
class Hunk:
    """Lines that belong together: what changed, with a line or two around it. Starts after `heading`, "" for none."""

    heading: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Diff:
    """All changes in the order of the new text; `left_out` counts hunks beyond the most that are shown."""

    hunks: tuple[Hunk, ...]
    removed_words: int
    added_words: int
    left_out: int


def diff(old: ParsedDocument, new: ParsedDocument, context: int = 1, limit: int = 200) -> Diff:
    """Compare line by line, then word by word within the lines that changed. White space alone is no change.

    `context` lines stand around each change; beyond `limit` hunks, the rest is only counted. How long it takes grows
    with the length of the texts, whatever is in them: where much differs, what is alike may be missed.
    """
    rows = list(_rows(_lines(old.text), _lines(new.text)))
    starts = [heading.start for heading in new.headings]
    hunks = [_hunk(rows[first:last], new.headings, starts) for first, last in _stretches(rows, context)]
    counts = {change: sum(row.words(change) for row in rows) for change in Change}
    return Diff(tuple(hunks[:limit]), counts[Change.REMOVED], counts[Change.ADDED], max(len(hunks) - limit, 0))


# Lines ----------------------------------------------------------------------------------------------------------------

#: A line with more characters is cut after each sentence, and one with more words anywhere, so that nobody has to look
#: for one word in a page of text.
_LONG = 400
_MOST_WORDS = 120
_SENTENCE_END = re.compile(r"(?<=[.!?;:])\s+")
#: A change with more lines than this is shown as several, so that the limit on their number means something.
_MOST_LINES = 40


@dataclass(frozen=True)
class _TextLine:
    """The words of a line that has any, and the character at which it starts."""

    start: int
    words: tuple[str, ...]


def _lines(text: str) -> list[_TextLine]:
    found = []
    start = 0
    for line in text.split("\n"):
        for begin, piece in _pieces(line):
            words = tuple(piece.split())
            first = start + begin + len(piece) - len(piece.lstrip())
            found += [_TextLine(first, words[i : i + _MOST_WORDS]) for i in range(0, len(words), _MOST_WORDS)]
        start += len(line) + 1
    return found


def _pieces(line: str) -> Iterator[tuple[int, str]]:
    """A line, in sentences when it is long, with where in it each begins."""
    begin = 0
    if len(line) > _LONG:
        for end in _SENTENCE_END.finditer(line):
            yield begin, line[begin : end.start()]
            begin = end.end()
    yield begin, line[begin:]


# Rows: the lines of both texts, as they are shown ---------------------------------------------------------------------


@dataclass(frozen=True)
class _Row:
    """A line to be shown, and the character of the new text at which it starts, or at which it stood."""

    start: int
    spans: tuple[tuple[Change, tuple[str, ...]], ...]

    @property
    def is_changed(self) -> bool:
        return any(change is not Change.SAME for change, _ in self.spans)

    def words(self, wanted: Change) -> int:
        return sum(len(words) for change, words in self.spans if change is wanted)


def _rows(old: Sequence[_TextLine], new: Sequence[_TextLine]) -> Iterator[_Row]:
    matcher = Matcher()
    same = matcher.matches([line.words for line in old], [line.words for line in new])
    i = j = 0
    for k, m in [*same, (len(old), len(new))]:
        if i < k or j < m:
            yield from _changed(matcher, old[i:k], new[j:m], new[m].start if m < len(new) else _end(new))
        if m < len(new):
            yield _Row(new[m].start, ((Change.SAME, new[m].words),))
        i, j = k + 1, m + 1


def _end(lines: Sequence[_TextLine]) -> int:
    return lines[-1].start + 1 if lines else 0


def _changed(matcher: Matcher, old: Sequence[_TextLine], new: Sequence[_TextLine], end: int) -> list[_Row]:
    """Lines that differ, whatever of their words is alike; `end` is where in the new text what follows them starts.

    Text that was wrapped anew is compared as a whole, rows of a table one with the other: whichever says less.
    """
    whole = _compared(matcher, old, new, end)
    if len(old) == len(new) > 1:
        by_line = [row for pair in zip(old, new, strict=True) for row in _compared(matcher, pair[:1], pair[1:], end)]
        if _changed_words(by_line) <= _changed_words(whole):
            return by_line
    return whole


def _changed_words(rows: Sequence[_Row]) -> int:
    return sum(row.words(Change.REMOVED) + row.words(Change.ADDED) for row in rows)


def _compared(matcher: Matcher, old: Sequence[_TextLine], new: Sequence[_TextLine], end: int) -> list[_Row]:
    before, after = _Words(old), _Words(new)
    layout = _Layout(before, after, end)
    for change, first, last in _edits(matcher.matches(before.all, after.all), before.all, after.all):
        if change is Change.REMOVED:
            layout.remove(first, last)
        else:
            layout.put(change, first, last)
    return layout.finished()


def _edits(
    matches: Sequence[tuple[int, int]], old: Sequence[str], new: Sequence[str]
) -> Iterator[tuple[Change, int, int]]:
    """Runs of words: of the old text those removed, of the new text those added or the same."""
    i = j = 0
    for k, m, size in [*readable(blocks(matches), len(old), len(new)), (len(old), len(new), 0)]:
        if k > i:
            yield Change.REMOVED, i, k
        if m > j:
            yield Change.ADDED, j, m
        if size:
            yield Change.SAME, m, m + size
        i, j = k + size, m + size


class _Words:
    """The words of some lines in one row, each with its line."""

    def __init__(self, lines: Sequence[_TextLine]) -> None:
        self.lines = lines
        self.all = [word for line in lines for word in line.words]
        self.line_of = [number for number, line in enumerate(lines) for _ in line.words]

    def by_line(self, first: int, last: int) -> Iterator[tuple[int, int, int]]:
        """Words first..last in pieces that lie in one line each: (line, first, last)."""
        while first < last:
            line = self.line_of[first]
            end = first
            while end < last and self.line_of[end] == line:
                end += 1
            yield line, first, end
            first = end

    def starts_line(self, position: int) -> bool:
        """Whether a line starts at this word, or with the end of the text."""
        return not 0 < position < len(self.all) or self.line_of[position - 1] != self.line_of[position]


class _Layout:
    """Puts words into the lines of the new text; lines that were removed as a whole stay lines of their own."""

    def __init__(self, old: _Words, new: _Words, end: int) -> None:
        self._old, self._new, self._end = old, new, end
        self._rows: list[_Row] = []
        self._spans: list[tuple[Change, tuple[str, ...]]] = []
        self._line: int | None = None  # of the new text, the one that is being filled
        self._position = 0

    def put(self, change: Change, first: int, last: int) -> None:
        """Words of the new text."""
        for line, start, end in self._new.by_line(first, last):
            if self._line not in (None, line):
                self._flush()
            self._line = line
            self._append(change, self._new.all[start:end])
        self._position = last

    def remove(self, first: int, last: int) -> None:
        """Words of the old text. Between two words of one new line, they stand there."""
        if not self._new.starts_line(self._position):
            self._append(Change.REMOVED, self._old.all[first:last])
            return
        for _, start, end in self._old.by_line(first, last):
            if self._old.starts_line(start):
                self._flush()
            self._append(Change.REMOVED, self._old.all[start:end])
            if self._old.starts_line(end):
                self._flush()

    def finished(self) -> list[_Row]:
        self._flush()
        return self._rows

    def _append(self, change: Change, words: Sequence[str]) -> None:
        if self._spans and self._spans[-1][0] is change:
            words = (*self._spans.pop()[1], *words)
        self._spans.append((change, tuple(words)))

    def _flush(self) -> None:
        if self._spans:
            line = self._line
            if line is None and self._position < len(self._new.all):
                line = self._new.line_of[self._position]
            self._rows.append(_Row(self._end if line is None else self._new.lines[line].start, tuple(self._spans)))
        self._spans, self._line = [], None


# Hunks ----------------------------------------------------------------------------------------------------------------


def _stretches(rows: Sequence[_Row], context: int) -> Iterator[tuple[int, int]]:
    """Rows first..last around each change: those that meet are one, and what is too long is several."""
    found: list[tuple[int, int]] = []
    for position, row in enumerate(rows):
        if not row.is_changed:
            continue
        first, last = max(position - context, 0), min(position + context + 1, len(rows))
        if found and first <= found[-1][1]:
            first = found.pop()[0]
        found.append((first, last))
    for first, last in found:
        while last - first > _MOST_LINES + context:
            yield first, first + _MOST_LINES
            first += _MOST_LINES
        yield first, last


def _hunk(rows: Sequence[_Row], headings: Sequence[Heading], starts: Sequence[int]) -> Hunk:
    first_change = next((row for row in rows if row.is_changed), rows[0])
    position = bisect_left(starts, first_change.start) - 1
    lines = (Line(tuple(Span(change, " ".join(words)) for change, words in row.spans)) for row in rows)
    return Hunk(headings[position].text if position >= 0 else "", tuple(lines))
