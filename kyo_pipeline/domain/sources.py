"""What a reader gets to see of a document itself: its pages, its text, its file."""

from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from kyo_pipeline.domain.parsed import Heading


@dataclass(frozen=True)
class SourceText:
    """A stretch of one version's text, characters `start` to `start + len(text)` of `characters`, as it was read.

    `page` is the 1-based page that the stretch is, None for formats without pages; `pages` is how many there are.
    `may_download`: whether the reader may take the file itself away.
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
