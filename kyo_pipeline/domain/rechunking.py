"""Cuts the next version of a document where its last one was cut, so that what has not changed keeps its vectors."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from kyo_pipeline.domain.alignment import longest_rising
from kyo_pipeline.domain.chunking import Cutter, Layout, Piece, chunks_of
from kyo_pipeline.domain.chunks import Chunk, indexed_text
from kyo_pipeline.domain.cutting import Cutting
from kyo_pipeline.domain.parsed import HeadingPaths, ParsedDocument
from kyo_pipeline.domain.ports import Tokenizer

#: A chunk of a version, and the text of it that is embedded and searched.
Row = tuple[UUID, Chunk, str]

#: After many edits there are more chunks than there need be: at this many times as many, all is cut afresh.
_FRAGMENTED = 1.25
#: Old places are worth it only if they leave clearly less to embed than new ones would.
_WORTH_IT = 0.8
_LITTLE = 1  # chunks, which nobody saves
_KEY = 32  # characters by which a chunk is looked for
_PLACES = 1000  # at which such a key is looked at; texts of one letter have it everywhere
_MATCHES = 8  # places of one chunk that are considered


@dataclass(frozen=True)
class _Pin:
    """A chunk of the last version that stands in the new text. The first `shared` characters its neighbour had too."""

    start: int
    end: int
    tokens: int
    shared: int
    ordinal: int


def rechunk(
    document: ParsedDocument, previous: Sequence[Chunk], tokenizer: Tokenizer, size: int, overlap: int
) -> list[Chunk]:
    """Chunks as `chunk` makes them, with its promises, of which as many as possible are those of the last version.

    Those that stand in the text as before, under the same headings and in the same order, stay; what is between them
    is cut anew. `previous` was cut with the same size, overlap and tokenizer. All is cut afresh where that leaves about
    as little to embed, as it does where headings show the places again, or where there would be too many chunks.
    """
    if not 0 <= overlap < size:
        raise ValueError(f"overlap must be at least 0 and less than size, not {overlap} of {size}")
    layout = Layout.of(document, tokenizer)
    cutter = Cutter(layout, tokenizer, size, overlap)
    fresh = chunks_of(document, cutter.pieces())
    if not previous:
        return fresh
    known = {(piece.heading_path, piece.text) for piece in previous}
    cost = _unknown(fresh, known)
    if cost <= _LITTLE:
        return fresh
    pins = _without_scraps(layout, cutter.filled, _pins(document, layout, cutter.filled, previous))
    kept = chunks_of(document, _pieces(layout, cutter, pins))
    is_fragmented = len(kept) > _FRAGMENTED * len(fresh)
    return fresh if is_fragmented or _unknown(kept, known) > _WORTH_IT * cost else kept


def chunk_rows(
    version_id: UUID,
    title: str,
    document: ParsedDocument,
    previous: Sequence[Chunk],
    tokenizer: Tokenizer,
    cutting: Cutting,
) -> list[Row]:
    """The chunks of a version as they are stored, each with the text of it that is embedded and searched."""
    pieces = rechunk(document, previous, tokenizer, cutting.size, cutting.overlap)
    return [(version_id, piece, indexed_text(title, piece.heading_path, piece.text)) for piece in pieces]


def _unknown(chunks: Sequence[Chunk], known: set[tuple[tuple[str, ...], str]]) -> int:
    return sum((piece.heading_path, piece.text) not in known for piece in chunks)


def _pins(document: ParsedDocument, layout: Layout, filled: int, previous: Sequence[Chunk]) -> list[_Pin]:
    """The longest row of old chunks that stand in the text in their order."""
    pins: list[_Pin] = []
    last: Chunk | None = None
    for start, piece in _in_order(_found(document, layout, filled, previous)):
        shared = max(0, last.end - piece.start) if last else 0
        end = start + len(piece.text)
        if not pins or (start >= pins[-1].end - shared and end > pins[-1].end):
            before = previous[piece.ordinal - 1].end if piece.ordinal else 0
            pins.append(_Pin(start, end, piece.tokens, max(0, before - piece.start), piece.ordinal))
            last = piece
    return pins


def _found(
    document: ParsedDocument, layout: Layout, filled: int, previous: Sequence[Chunk]
) -> Iterator[tuple[Chunk, list[int]]]:
    """Each old chunk with the places where it stands as it stood: the same words under the same headings."""
    text, paths = document.text, HeadingPaths(document.headings)
    places: dict[str, list[int]] = {piece.text[:_KEY]: [] for piece in previous if len(piece.text) >= _KEY}
    for position in range(len(text) - _KEY + 1):
        found = places.get(text[position : position + _KEY])
        if found is not None and len(found) < _PLACES:
            found.append(position)
    for piece in previous:
        stands = (
            start
            for start in places.get(piece.text[:_KEY], ())
            if text.startswith(piece.text, start)
            and layout.trimmed(start, start + len(piece.text)) == (start, start + len(piece.text))
            and paths.at(start) == piece.heading_path
            # A heading that is new would end the chunk.
            and layout.headings.first(start, layout.tokens_before(start) + filled, start + len(piece.text) - 1) is None
        )
        yield piece, [start for start, _ in zip(stands, range(_MATCHES), strict=False)]


def _in_order(found: Iterable[tuple[Chunk, list[int]]]) -> list[tuple[int, Chunk]]:
    """The longest row of chunks at places that ascend."""
    pieces: list[Chunk] = []
    places: list[tuple[int, int]] = []
    for piece, starts in found:
        places += [(len(pieces), start) for start in reversed(starts)]  # a chunk must not follow itself
        pieces.append(piece)
    return [(start, pieces[number]) for number, start in longest_rising(places)]


def _without_scraps(layout: Layout, filled: int, pins: Sequence[_Pin]) -> list[_Pin]:
    """Without the pins beside which so little is new that it would be a scrap: that is cut together with them."""
    kept: list[_Pin] = []
    for pin in pins:
        while _is_scrap(layout, filled, kept[-1].end if kept else 0, pin.start):
            if not kept or _goes_with_next(layout, kept[-1], pin):
                break
            kept.pop()
        else:
            kept.append(pin)
    while kept and _is_scrap(layout, filled, kept[-1].end, len(layout.text)):
        kept.pop()
    return kept


def _is_scrap(layout: Layout, filled: int, start: int, end: int) -> bool:
    start, end = layout.trimmed(start, max(start, end))
    return start < end and layout.tokens_before(end) - layout.tokens_before(start) < filled


def _goes_with_next(layout: Layout, before: _Pin, after: _Pin) -> bool:
    """Which of its neighbours a scrap belongs to: that of its section, else the smaller one."""
    headings = layout.headings.offsets
    start = layout.trimmed(before.end, after.start)[0]
    if _is_in(headings, start):
        return True
    return not _is_in(headings, after.start) and after.tokens < before.tokens


def _is_in(offsets: Sequence[int], offset: int) -> bool:
    place = bisect_left(offsets, offset)
    return place < len(offsets) and offsets[place] == offset


def _pieces(layout: Layout, cutter: Cutter, pins: Sequence[_Pin]) -> Iterator[Piece]:
    """The pins, and between them what is cut anew: up to where the chunk before the next pin once ended."""
    done, previous = 0, -1  # all up to `done` is in a piece; the last one begins at `previous`
    end = len(layout.text)
    for pin in [*pins, _Pin(end, end, 0, 0, -1)]:
        start, stop = layout.trimmed(done, max(done, pin.start))
        if start < stop:
            begin = start if previous < 0 else cutter.overlap_before(start, previous)
            until = min(pin.start + pin.shared, end)
            # What begins with the pin is in the pin.
            yield from (piece for piece in cutter.pieces(begin, start, until) if piece[0] < pin.start)
        if pin.start < pin.end:
            yield pin.start, pin.end, pin.tokens
        done, previous = pin.end, pin.start
