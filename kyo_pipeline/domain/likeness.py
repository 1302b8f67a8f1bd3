"""How alike two texts are, by MinHash of their words: near-duplicates are found without comparing every pair.

Considered: datasketch brings scipy with it, rensa is young and compiled; what is needed of either stands below.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

#: From here on a text is pointed out as like another.
ALIKE = 0.5
#: Shorter texts are not compared: a line that two notes have in common says nothing.
LEAST_WORDS = 30

_VALUES = 128  # the estimate is within 0.09 of the truth nineteen times in twenty
_ROWS = 3  # 42 bands of three values: of texts that are alike by half, 996 in 1000 share one; by a tenth, 41
_BANDS = _VALUES // _ROWS
_GRAM = 5
_WINDOW = 1_000_000  # characters at a time: a list of the words of a long text takes ten times its size

# Words; in scripts that do not put spaces between them, letters.
_UNSPACED = (
    "\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
)
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+")

_Hashes = NDArray[np.uint64]


def _hash(word: str) -> int:
    # Not Python's own hash: that is another in each process.
    return int.from_bytes(hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def _factors(name: str, count: int) -> _Hashes:
    """So many odd numbers, always the same."""
    return np.array([_hash(f"{name} {number}") | 1 for number in range(count)], dtype=np.uint64)


_GRAM_FACTORS = _factors("gram", _GRAM)
_VALUE_FACTORS = _factors("value", _VALUES)
_BAND_FACTORS = _factors("band", _ROWS + 1)


@dataclass(frozen=True)
class SimilarDocument:
    """Another document with a version that is much like a text. `likeness`: estimated share of word groups, 0 to 1."""

    document_id: UUID
    title: str
    collection: str
    version_number: int
    likeness: float


@dataclass(frozen=True)
class Signature:
    """What is left of a text to compare it by, in integers of four bytes; empty if the text is too short.

    `values` agree in the share of places in which the texts agree; `bands` are what an index finds those by that may be
    alike: such texts have one in common.
    """

    values: tuple[int, ...] = ()
    bands: tuple[int, ...] = ()

    @staticmethod
    def of(text: str) -> "Signature":
        least: _Hashes | None = None
        words = 0
        for hashes in _windows(text):
            words += len(hashes)
            found = _least(hashes)
            least = found if least is None else np.minimum(least, found)
        if least is None or words < LEAST_WORDS:
            return Signature()
        return Signature(_int4(least), _int4(_bands(least)))


def likeness(one: Signature, other: Signature) -> float:
    """The estimated share of the groups of words of both texts together that are in each; 0 if one is too short."""
    if not one.values or not other.values:
        return 0.0
    return sum(a == b for a, b in zip(one.values, other.values, strict=True)) / _VALUES


def words_of(text: str) -> list[str]:
    """The words in order, in one form of letters; in scripts without spaces the letters."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def _windows(text: str) -> Iterator[_Hashes]:
    """The hashes of the words, a stretch of the text at a time; stretches of fewer words than a group have none."""
    known: dict[str, int] = {}
    for start in range(0, len(text), _WINDOW):
        words = words_of(text[start : start + _WINDOW])
        for word in set(words) - known.keys():
            known[word] = _hash(word)
        if len(words) >= _GRAM:
            yield np.fromiter((known[word] for word in words), dtype=np.uint64, count=len(words))


def _least(words: _Hashes) -> _Hashes:
    """For each of the values the least hash of a group of words. All arithmetic is modulo 2^64."""
    count = len(words) - _GRAM + 1
    groups = np.zeros(count, dtype=np.uint64)
    for place in range(_GRAM):
        groups += words[place : place + count] * _GRAM_FACTORS[place]
    groups = _mixed(groups)
    product = np.empty_like(groups)
    least = np.empty(_VALUES, dtype=np.uint64)
    for place, factor in enumerate(_VALUE_FACTORS):
        least[place] = np.multiply(groups, factor, out=product).min()
    return least


def _mixed(hashes: _Hashes) -> _Hashes:
    """Spreads each bit over all (the finisher of SplitMix64)."""
    hashes = (hashes ^ (hashes >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    hashes = (hashes ^ (hashes >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return hashes ^ (hashes >> np.uint64(31))


def _bands(least: _Hashes) -> _Hashes:
    """One number for each group of values, which is another for the same values in another place."""
    rows = least[: _BANDS * _ROWS].reshape(_BANDS, _ROWS)
    places = np.arange(_BANDS, dtype=np.uint64) * _BAND_FACTORS[_ROWS]
    return _mixed((rows * _BAND_FACTORS[:_ROWS]).sum(axis=1, dtype=np.uint64) + places)


def _int4(hashes: _Hashes) -> tuple[int, ...]:
    """The upper half of each, as the database has integers: with a sign."""
    return tuple((hashes >> np.uint64(32)).astype(np.uint32).view(np.int32).tolist())
