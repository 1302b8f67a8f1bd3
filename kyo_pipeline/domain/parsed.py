"""What a parser makes of a file: one text, and where its pages and headings are in it."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass


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
    in order of `start`. `empty_pages` are the 1-based pages on which no text was found. The text has no U+0000.
    """

    text: str
    page_starts: tuple[int, ...] = ()
    headings: tuple[Heading, ...] = ()
    empty_pages: tuple[int, ...] = ()
    title: str | None = None

    @property
    def pages(self) -> int | None:
        return len(self.page_starts) or None


def page_at(page_starts: Sequence[int], offset: int) -> int | None:
    """The 1-based page on which the character at `offset` stands; None for formats without pages."""
    return max(bisect_right(page_starts, offset), 1) if page_starts else None


def heading_path_at(headings: Sequence[Heading], offset: int) -> tuple[str, ...]:
    """The headings under which the character at `offset` stands, outermost first."""
    path: list[Heading] = []
    for heading in headings:
        if heading.start > offset:
            break
        path = [outer for outer in path if outer.level < heading.level]
        path.append(heading)
    return tuple(heading.text for heading in path)
