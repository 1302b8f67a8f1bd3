"""Finds a quote among the characters of a page, although the quote's lines were joined and its spaces folded.

Only letters and digits are compared, without case and accents: spaces, hyphens at the ends of lines, and the way in
which a letter is written (ligatures, composed or not) are where two programs that read the same page differ.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

_LONGEST = 20_000
_MOST_PLACES = 20
_SEED = 12
_SHORTEST_RUN = 24
_CANDIDATES = 40


def find_quote(quote: str, characters: Sequence[str]) -> list[tuple[int, int]]:
    """Where the quote stands, as (start, end) in `characters`: every place of all of it, else its longest parts."""
    wanted, _ = _squeeze(quote[:_LONGEST])
    found, places = _squeeze(characters)
    if not wanted:
        return []
    spans = list(_whole(wanted, found)) or sorted(_parts(wanted, found))
    return [(places[start], places[end - 1] + 1) for start, end in spans[:_MOST_PLACES]]


def _squeeze(characters: Iterable[str]) -> tuple[str, list[int]]:
    """The letters and digits, and for each the position that it came from."""
    kept: list[str] = []
    places: list[int] = []
    for place, character in enumerate(characters):
        for part in character if character.isascii() else unicodedata.normalize("NFKD", character):
            if part.isalnum():
                folded = part.casefold()
                kept.append(folded)
                places += [place] * len(folded)
    return "".join(kept), places


def _whole(wanted: str, found: str) -> Iterator[tuple[int, int]]:
    start = found.find(wanted)
    while start >= 0:
        yield start, start + len(wanted)
        start = found.find(wanted, start + len(wanted))


def _parts(wanted: str, found: str) -> Iterator[tuple[int, int]]:
    """From left to right the longest runs of the quote that are on the page, in whatever order they are there."""
    index: dict[str, list[int]] = defaultdict(list)
    for start in range(len(found) - _SEED + 1):
        places = index[found[start : start + _SEED]]
        if len(places) < _CANDIDATES:
            places.append(start)
    shortest = min(_SHORTEST_RUN, max(_SEED, len(wanted) // 3))
    position = 0
    while position <= len(wanted) - shortest:
        starts = index.get(wanted[position : position + _SEED], ())
        length, start = max(((_common(wanted, position, found, start), start) for start in starts), default=(0, 0))
        if length >= shortest:
            yield start, start + length
        position += length if length >= shortest else 1


def _common(wanted: str, position: int, found: str, start: int) -> int:
    """How many characters are the same from there on."""
    length = 0
    most = min(len(wanted) - position, len(found) - start)
    while length < most and wanted[position + length] == found[start + length]:
        length += 1
    return length
