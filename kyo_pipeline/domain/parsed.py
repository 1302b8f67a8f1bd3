"""What a parser makes of a file: one text, and where its pages and headings are in it."""

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
