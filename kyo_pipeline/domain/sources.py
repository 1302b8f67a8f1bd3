"""What a reader gets to see of a document itself: its pages, its text, its file."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from kyo_pipeline.domain.parsed import Heading, ParsedDocument

#: About how many characters are shown at once of a text without pages.
STRETCH = 8000
#: At least so many characters are shown before a passage that is to be seen at once, and at most twice as many.
_LEAD = 400


@dataclass(frozen=True)
class Readable:
    """What somebody may read of a text: the whole of it, or the places (first, last) that were quoted to them."""

    whole: bool
    places: tuple[tuple[int, int], ...]

    def touches(self, start: int, end: int) -> bool:
        return self.whole or any(first < end and last > start for first, last in self.places)

    @property
    def first(self) -> int:
        """The first character that may be read."""
        return 0 if self.whole else min(first for first, _ in self.places)


@dataclass(frozen=True)
class Part:
    """What is shown at once of a text: characters start..end, a page, or a stretch of a text that has none."""

    start: int
    end: int
    page: int | None


def parts(document: ParsedDocument) -> tuple[Part, ...]:
    """A text in parts, always the same: who may see one of them cannot move it along to see more. At least one."""
    text = document.text
    if document.page_starts:
        ends = (*document.page_starts[1:], len(text))
        pages = enumerate(zip(document.page_starts, ends, strict=True), start=1)
        return tuple(Part(start, end, page) for page, (start, end) in pages)
    starts = tuple(_stretch_starts(text))
    return tuple(Part(start, end, None) for start, end in zip(starts, (*starts[1:], len(text)), strict=True))


def part_at(found: tuple[Part, ...], offset: int) -> Part:
    """The part in which this character stands: the last one for those beyond the end."""
    position = bisect_right([part.start for part in found], offset) - 1
    return found[max(position, 0)]


def lead_in(text: str, place: int) -> int:
    """Where to begin to show a text for this place to be seen without scrolling: a little before it."""
    return _break_before(text, place - 2 * _LEAD, place - _LEAD) if place > 2 * _LEAD else 0


def holds(text: str | None, quote: str) -> bool | None:
    """Whether the words of a quote stand in a text, however broken into lines; None where that says nothing."""
    words = " ".join(quote.split())
    return words in " ".join(text.split()) if words and text is not None else None


def _stretch_starts(text: str) -> Iterator[int]:
    """Where stretches begin: with a paragraph, a line, or a word, whichever is to be had after a while."""
    start = 0
    while True:
        yield start
        if start + STRETCH >= len(text):
            return
        start = _break_before(text, start + STRETCH // 2, start + STRETCH)


def _break_before(text: str, first: int, last: int) -> int:
    for mark in ("\n\n", "\n", " "):
        found = text.rfind(mark, first, last)
        if found >= 0:
            return found + len(mark)
    return last


@dataclass(frozen=True)
class SourceText:
    """A stretch of one version's text, characters `start` to `start + len(text)` of `characters`, as it was read.

    `page` is the 1-based page that the stretch is, None for formats without pages; `pages` is how many there are.
    `current_number` is the version that answers questions now, None when there is none, `version_number` where that one
    is made from the same file. `may_download`: whether the reader may take the file itself away.
    """

    document_id: UUID
    version_id: UUID
    title: str
    file_name: str
    media_type: str
    version_number: int
    is_current: bool
    current_number: int | None
    page: int | None
    pages: int | None
    text: str
    start: int
    characters: int
    headings: tuple[Heading, ...]
    from_ocr: bool
    may_download: bool


@dataclass(frozen=True)
class SourceFile:
    """The file of one version: where its bytes are on this machine, and what to call it."""

    path: Path
    file_name: str
    media_type: str
    size_bytes: int


@dataclass(frozen=True)
class PageImage:
    """A page as a picture (PNG), with `marked` places of the quote highlighted in it; 0 when it was not found there."""

    png: bytes
    width: int
    height: int
    marked: int
