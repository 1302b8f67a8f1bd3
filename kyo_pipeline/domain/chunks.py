"""A chunk: the piece of a document that is embedded, ranked and cited."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Chunk:
    """`text == document_text[start:end]`; pages are 1-based and inclusive, None for formats without pages."""

    ordinal: int
    text: str
    start: int
    end: int
    tokens: int
    page_from: int | None
    page_to: int | None
    heading_path: tuple[str, ...]


def indexed_text(title: str, heading_path: tuple[str, ...], text: str) -> str:
    """What is embedded and searched for a chunk: its place in the document, then its text."""
    place = " › ".join((title, *heading_path))
    return f"{place}\n{text}"
