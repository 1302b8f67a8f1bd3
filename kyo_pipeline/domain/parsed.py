"""What a parser makes of a file: one text, and where its pages and headings are in it."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

#: A longer line is text, whatever marks it as a heading.
LONGEST_HEADING = 200


@dataclass(frozen=True)
class Heading:
    """A heading at character `start` of the text; level 1 is the topmost."""

    start: int
    level: int
    text: str


@dataclass(frozen=True)
class ParsedDocument:
    """The text of a file.

    `page_starts[i]` is the character offset at which page i + 1 begins; empty for formats without pages. `headings` are
    in order of `start`. `empty_pages` are the 1-based pages on which no text was found, `ocr_pages` those whose text
    was read from a picture. The text has no U+0000.
    """

    text: str
    page_starts: tuple[int, ...] = ()
    headings: tuple[Heading, ...] = ()
    empty_pages: tuple[int, ...] = ()
    ocr_pages: tuple[int, ...] = ()

    @property
    def pages(self) -> int | None:
        return len(self.page_starts) or None


def page_at(page_starts: Sequence[int], offset: int) -> int | None:
    """The 1-based page on which the character at `offset` stands; None for formats without pages."""
    return max(bisect_right(page_starts, offset), 1) if page_starts else None


def heading_path_at(headings: Sequence[Heading], offset: int) -> tuple[str, ...]:
    """The headings under which the character at `offset` stands, outermost first."""
    return HeadingPaths(headings).at(offset)


class HeadingPaths:
    """`heading_path_at` for many offsets of one document: reads all headings once."""

    def __init__(self, headings: Sequence[Heading]) -> None:
        """`headings` are in order of `start`."""
        self._headings = headings
        self._starts = [heading.start for heading in headings]
        self._outer = list(_outer(headings))

    def at(self, offset: int) -> tuple[str, ...]:
        path: list[str] = []
        position = bisect_right(self._starts, offset) - 1
        while position >= 0:
            path.append(self._headings[position].text)
            position = self._outer[position]
        return tuple(reversed(path))


def _outer(headings: Sequence[Heading]) -> Iterator[int]:
    """For each heading the position of the one that it stands under, -1 for none."""
    open_: list[int] = []
    for position, heading in enumerate(headings):
        while open_ and headings[open_[-1]].level >= heading.level:
            open_.pop()
        yield open_[-1] if open_ else -1
        open_.append(position)
