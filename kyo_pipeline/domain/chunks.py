"""A chunk: the piece of a document that is embedded, ranked and cited."""

from dataclasses import dataclass

# About 48 tokens, which `services/indexing.py` keeps free for it. Every chunk below a heading carries it.
_LONGEST_PLACE = 200
_SEPARATOR = " › "


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
    return f"{_place(title, heading_path)}\n{text}"


def _place(title: str, heading_path: tuple[str, ...]) -> str:
    """Title and headings in at most `_LONGEST_PLACE` characters: of the headings the inner ones say more."""
    if not heading_path:
        return _shortened(title, _LONGEST_PLACE)
    # More headings than characters cannot fit, so the others need not be tried.
    headings = [_shortened(heading, _LONGEST_PLACE * 2 // 3) for heading in heading_path[-_LONGEST_PLACE:]]
    title = _shortened(title, _LONGEST_PLACE)
    for left_out in range(len(headings)):
        place = _SEPARATOR.join((title, *(["…"] if left_out else []), *headings[left_out:]))
        if len(place) <= _LONGEST_PLACE:
            return place
    end = _SEPARATOR + (f"…{_SEPARATOR}" if len(headings) > 1 else "") + headings[-1]
    return _shortened(title, _LONGEST_PLACE - len(end)) + end


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"
