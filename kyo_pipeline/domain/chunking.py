"""Cuts a document into chunks: at headings first, then paragraphs, then sentences, and between words if it must be."""

import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from kyo_pipeline.domain.chunks import Chunk
from kyo_pipeline.domain.parsed import Heading, HeadingPaths, ParsedDocument, page_at
from kyo_pipeline.domain.ports import Tokenizer
from kyo_pipeline.domain.sentences import is_item, sentence_spans

#: Start, end and tokens of a chunk.
Piece = tuple[int, int, int]

_PARAGRAPH = re.compile(r"\n[^\S\n]*\n\s*")
_UNDERLINE = re.compile(r"\s*(?:[=\-]{3,}[ \t]*(?=\n))?\s*")
_FILLED = 5  # a heading ends a chunk that is at least a fifth full; shorter sections stay with the next
_TITLE = 80  # characters: a longer line is text, whatever it ends with
_CLOSED = ".!?…,;|。！？"
_WINDOW = 200_000  # characters that are tokenized at a time: the spans take some 100 bytes a token
_NEAR = 4  # tokens of a piece and of the same piece in its text may differ: recount those that are 3/4 full


def chunk(document: ParsedDocument, tokenizer: Tokenizer, size: int, overlap: int) -> list[Chunk]:
    """Chunks of at most `size` tokens; neighbours in one section share about `overlap` tokens.

    In order, none empty, `text == document.text[start:end]` without outer white space, and every character that is
    not white space is in at least one of them. Raises ValueError unless 0 <= overlap < size.
    """
    if not 0 <= overlap < size:
        raise ValueError(f"overlap must be at least 0 and less than size, not {overlap} of {size}")
    return chunks_of(document, Cutter(Layout.of(document, tokenizer), tokenizer, size, overlap).pieces())


def chunks_of(document: ParsedDocument, pieces: Iterable[Piece]) -> list[Chunk]:
    """The pieces with what the document says about them: text, pages, headings."""
    paths = HeadingPaths(document.headings)
    return [
        Chunk(
            ordinal=ordinal,
            text=document.text[start:end],
            start=start,
            end=end,
            tokens=tokens,
            page_from=page_at(document.page_starts, start),
            page_to=page_at(document.page_starts, end - 1),
            heading_path=paths.at(start),
        )
        for ordinal, (start, end, tokens) in enumerate(pieces)
    ]


@dataclass(frozen=True)
class _Breaks:
    """Offsets at which a chunk may begin, ascending, and how many tokens begin before each."""

    offsets: list[int]
    tokens: list[int]

    @staticmethod
    def of(offsets: Iterable[int], starts: Sequence[int], banned: set[int]) -> "_Breaks":
        allowed = sorted(set(offsets) - banned)
        return _Breaks(allowed, [bisect_left(starts, offset) for offset in allowed])

    def first(self, after: int, tokens: int, end: int) -> int | None:
        """The first break behind `after` with at least `tokens` before it, not behind `end`."""
        position = max(bisect_right(self.offsets, after), bisect_left(self.tokens, tokens))
        return self.offsets[position] if position < len(self.offsets) and self.offsets[position] <= end else None

    def nearest(self, after: int, tokens: tuple[int, int, int], end: int) -> int | None:
        """The break in (after, end] whose tokens are within (least, wanted, most) and nearest to those wanted."""
        least, wanted, most = tokens
        low = max(bisect_right(self.offsets, after), bisect_left(self.tokens, least))
        high = min(bisect_right(self.offsets, end), bisect_right(self.tokens, most))
        if low >= high:
            return None
        above = min(max(bisect_left(self.tokens, wanted), low), high - 1)
        below = max(above - 1, low)
        nearer = min((above, below), key=lambda index: abs(self.tokens[index] - wanted))
        return self.offsets[nearer]


@dataclass(frozen=True)
class Layout:
    """The text, the offsets at which its tokens start, and where it may be cut."""

    text: str
    starts: Sequence[int]
    headings: _Breaks
    paragraphs: _Breaks
    sentences: _Breaks

    @staticmethod
    def of(document: ParsedDocument, tokenizer: Tokenizer) -> "Layout":
        text = document.text
        starts = _token_starts(text, tokenizer)
        sentences = sentence_spans(text)
        banned = {
            0,
            *(_after_heading(text, heading) for heading in document.headings),
            *_after_titles(text, sentences),
        }
        return Layout(
            text,
            starts,
            _Breaks.of((heading.start for heading in document.headings), starts, banned),
            _Breaks.of((match.end() for match in _PARAGRAPH.finditer(text)), starts, banned),
            _Breaks.of((start for start, _ in sentences), starts, banned),
        )

    def tokens_before(self, offset: int) -> int:
        return bisect_left(self.starts, offset)

    def offset_of(self, token: int) -> int:
        """Where the token begins; the end of the text behind the last one."""
        return self.starts[token] if token < len(self.starts) else len(self.text)

    def trimmed(self, start: int, end: int) -> tuple[int, int]:
        piece = self.text[start:end]
        return start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip())


class Cutter:
    """Walks through a text from cut to cut."""

    def __init__(self, layout: Layout, tokenizer: Tokenizer, size: int, overlap: int) -> None:
        self._layout = layout
        self._tokenizer = tokenizer
        self._size = size
        self._overlap = overlap
        self.filled = max(1, size // _FILLED)  # tokens

    def pieces(self, begin: int = 0, cut: int = 0, last: int | None = None) -> Iterator[Piece]:
        """The chunks of a stretch of the text: of what follows `cut` up to `last`, the first with what is before it.

        By default the whole text. `begin` is at most `cut`: from there on the first chunk repeats what another has.
        """
        length = len(self._layout.text) if last is None else last
        while cut < length:
            end = self._cut(begin, cut, length)
            start, stop, count = self._fitted(begin, end)
            if stop <= cut and start < cut:  # nothing new beyond the overlap: leave the overlap out
                begin = cut
                continue
            if start < stop:
                yield start, stop, count
            cut = end if stop == self._layout.trimmed(begin, end)[1] else stop
            begin = self.overlap_before(cut, start) if cut < length else cut

    def _cut(self, begin: int, done: int, last: int) -> int:
        """The offset at which the chunk that starts at `begin` ends; beyond `done`, at most `last`."""
        layout = self._layout
        first = layout.tokens_before(begin)
        limit = layout.offset_of(first + self._size)
        heading = layout.headings.first(done, first + self.filled, last)
        if heading is not None and heading <= limit:
            return heading
        if limit >= last:
            return last
        target = self._target(first, layout.tokens_before(heading or last))
        found = layout.paragraphs.nearest(done, _around(first, target, self._size, 0.6, 1.3), limit)
        found = found or layout.sentences.nearest(done, _around(first, target, self._size, 0.3, 2), limit)
        return found or self._between_words(max(done, begin), limit)

    def _target(self, first: int, last: int) -> int:
        """Tokens of each of the fewest equal parts of a section, so that its last chunk is not a scrap."""
        step = self._size - self._overlap
        parts = max(1, -(-(last - first - self._overlap) // step))
        return min(self._size, -(-(last - first - self._overlap) // parts) + self._overlap)

    def _between_words(self, after: int, limit: int) -> int:
        """The last white space in the second half up to `limit`, else `limit` itself."""
        text = self._layout.text
        for position in range(limit, after + (limit - after) // 2, -1):
            if text[position - 1].isspace():
                return position
        return max(limit, after + 1)

    def _fitted(self, begin: int, end: int) -> tuple[int, int, int]:
        """The trimmed piece and its tokens, made shorter where it has more than `size` when tokenized alone."""
        layout = self._layout
        start, stop = layout.trimmed(begin, end)
        count = layout.tokens_before(stop) - layout.tokens_before(start)
        if count * _NEAR < self._size * (_NEAR - 1) and layout.trimmed(end, end + 1) != (end, end + 1):
            return start, stop, count
        while start < stop:
            spans = self._tokenizer.token_spans(layout.text[start:stop])
            if len(spans) <= self._size or stop == start + 1:
                return start, stop, len(spans)
            last = start + spans[self._size - 1][1]
            stop = self._between_words(start, min(last, stop - 1))
            stop = layout.trimmed(start, stop)[1]
        return start, stop, 0

    def overlap_before(self, cut: int, previous: int) -> int:
        """Where the next chunk begins: behind `previous`, at a sentence before the cut, or at the last heading."""
        layout = self._layout
        headings = layout.headings.offsets
        above = bisect_right(headings, cut) - 1
        heading = headings[above] if above >= 0 else None
        if not self._overlap or heading == cut:
            return cut
        last = layout.tokens_before(cut)
        floor = max(previous, 0 if heading is None else heading - 1)
        bounds = (max(0, last - self._overlap * 3 // 2), last - self._overlap, last - 1)
        found = layout.sentences.nearest(floor, bounds, cut - 1)
        if found is not None:
            return found
        earliest = max(layout.offset_of(max(0, last - self._overlap)), floor + 1)
        position = earliest
        while position < cut and not layout.text[position - 1].isspace():
            position += 1
        return position if position < cut else min(earliest, cut)


def _token_starts(text: str, tokenizer: Tokenizer) -> Sequence[int]:
    starts, begin = array("Q"), 0
    while begin < len(text):
        end = begin + _WINDOW
        if end < len(text):
            space = text.rfind(" ", begin + _WINDOW // 2, end)
            end = space if space >= 0 else end
        starts.extend(begin + start for start, _ in tokenizer.token_spans(text[begin:end]))
        begin = end
    return starts


def _after_heading(text: str, heading: Heading) -> int:
    """Where what follows a heading begins: there it must not be cut, or the heading would stand alone."""
    line_end = text.find("\n", heading.start)
    if line_end < 0:
        return len(text)
    underline = _UNDERLINE.match(text, line_end)
    return underline.end() if underline else line_end


def _after_titles(text: str, sentences: list[tuple[int, int]]) -> Iterator[int]:
    """Where the text below a line begins that looks like a title, or that announces a list with a colon."""
    titles = [_is_title(text[start:end]) for start, end in sentences]
    for position in range(len(sentences) - 1):
        if titles[position] and not titles[position + 1]:
            yield sentences[position + 1][0]


def _is_title(sentence: str) -> bool:
    return len(sentence) <= _TITLE and sentence[-1] not in _CLOSED and "\t" not in sentence and not is_item(sentence)


def _around(first: int, target: int, most: int, low: float, high: float) -> tuple[int, int, int]:
    """Token numbers (least, wanted, most) for a chunk that begins with token `first`."""
    return first + max(1, int(target * low)), first + target, first + min(most, int(target * high))
