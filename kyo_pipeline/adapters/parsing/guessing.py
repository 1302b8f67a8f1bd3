"""Tells in which of the older encodings a text was written, when its letters leave no doubt.

Every encoding makes something of every file, and a short text fits many of them: Slovenian č is French è. So another
reading must be clearly worse, and by more the fewer letters there are that could tell.
"""

import codecs
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

_SAMPLE = 16384
_FOREIGN = re.compile(rb"[\x80-\xff]")
_NO_LETTERS = re.compile(r"[\x80-\x9f\ue000-\uf8ff]")  # codes that mean nothing
_INSIDE_WORDS = "’‘·•–—…"
_STRANGERS = (("ą", "ľ"), ("ă", "ő"), ("ń", "á"), ("ń", "í"))  # letters that no language has both of
_ROMANIAN = re.compile("[șțȘȚ]")
# Found by trial on the table of docs/benchmarks.md: as many right as can be while none is wrong.
_FEWEST = 3  # characters that are not ASCII
_UNSURE = 0.1  # confidence, of 1
_AS_GOOD = 0.85  # of the best confidence
_MOST_ODD = 0.03  # of the characters that are not ASCII
_SEVERAL = 4  # letters that differ, for the confidence to tell which of two readings is right
_CLEAR = 2.0  # evidence against another reading: odd characters, and letters times confidence
# fmt: off
#: Encodings that office programs and editors have written: among all that there are, any text fits too many.
_COMMON = (
    "cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258", "cp874", "cp720", "cp862",
    "gb18030", "big5hkscs", "shift_jis_2004", "cp932", "euc_jis_2004", "euc_kr", "cp949", "koi8-r", "koi8-u",
    "iso8859-2", "iso8859-5", "iso8859-6", "iso8859-7", "iso8859-8", "iso8859-9", "iso8859-13", "iso8859-15",
    "iso8859-16", "mac-cyrillic", "mac-roman", "mac-latin2", "mac-greek", "mac-turkish", "cp437", "cp850", "cp852",
    "cp857", "cp866", "cp737",
)
# fmt: on


@dataclass(frozen=True)
class _Reading:
    """What one encoding makes of the sample. `table` has the letters of `used` bytes where each is a letter."""

    encoding: str
    confidence: float
    sample: str
    table: str | None

    @property
    def foreign(self) -> int:
        return sum(character > "\x7f" for character in self.sample)


def guess(content: bytes) -> str | None:
    """The text of `content`, which is not pure ASCII; None when it is in doubt."""
    first = _FOREIGN.search(content)
    start = max(0, first.start() - _SAMPLE // 16) if first else 0  # ASCII tells nothing
    used = Counter(content.translate(None, delete=bytes(range(128))))
    readings = list(_readings(content, content[start : start + _SAMPLE], bytes(used)))
    enough = max((reading.confidence for reading in readings), default=1.0) * _AS_GOOD
    odd = {reading.encoding: count_odd(reading.sample) for reading in readings}
    sensible = (one for one in readings if odd[one.encoding] <= one.foreign * _MOST_ODD)
    chosen = next((one for one in sensible if one.confidence >= max(enough, _UNSURE)), None)
    if chosen is None or used.total() < _FEWEST:
        return None
    for rival in readings:
        differing = _differing(chosen, rival, used)
        worse = 1 - rival.confidence / chosen.confidence
        letters = math.sqrt(differing * used.total()) if differing >= _SEVERAL else differing
        evidence = letters * worse + 2 * (odd[rival.encoding] - odd[chosen.encoding])
        if differing and evidence < _CLEAR:
            return None
    return content.decode(chosen.encoding)


def _readings(content: bytes, sample: bytes, used: bytes) -> Iterator[_Reading]:
    """The likeliest first; none that holds codes without a meaning."""
    # Imported here because nearly every file is UTF-8, and the import and its tables take as long as a hundred of them.
    import chardet

    for found in chardet.detect_all(sample, ignore_threshold=True, include_encodings=_COMMON):
        encoding = str(found["encoding"] or "ascii")
        table = _decoded(used, encoding)
        if table is not None and len(table) != len(used):
            table = None
        if table is None and _decoded(content, encoding) is None:
            continue
        text = codecs.getincrementaldecoder(encoding)(errors="replace").decode(sample)  # its end may be half a letter
        if encoding == "iso8859-16" and not _ROMANIAN.search(table or text):
            continue  # made for these letters, and hardly used even for them
        if not _NO_LETTERS.search(table or text):
            yield _Reading(encoding, found["confidence"], text, table)


def _decoded(content: bytes, encoding: str) -> str | None:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        return None


def _differing(one: _Reading, other: _Reading, used: Counter[int]) -> int:
    """How many letters the two read differently: of all, or where a letter has several bytes, of the sample."""
    if one.table is not None and other.table is not None:
        return sum(count for count, a, b in zip(used.values(), one.table, other.table, strict=True) if a != b)
    pairs = zip(one.sample, other.sample, strict=False)
    return sum(a != b for a, b in pairs) + abs(len(one.sample) - len(other.sample))


def count_odd(text: str) -> int:
    """How many characters that are not ASCII stand where such characters do not stand.

    In the wrong encoding letters become signs inside words (M³ller), capitals after small letters (MŸller), quotation
    marks that open behind a letter (caf‚) or are not closed, letters of two alphabets or mathematical signs in one
    word, accents in heaps, letters that no language has both of, lines of a frame that stand alone,
    and codes that mean nothing.
    """
    padded = f" {text} "
    odd = sum(
        _is_odd(before, character, after)
        for before, character, after in zip(padded, text, padded[2:], strict=False)
        if character > "\x7f"
    )
    strangers = sum(min(text.count(one), text.count(other)) for one, other in _STRANGERS)
    return odd + strangers + abs(text.count("«") - text.count("»"))


def _is_odd(before: str, character: str, after: str) -> bool:
    if character.isalpha():
        return (
            (before.islower() and character.isupper())
            or (after.isupper() and character.islower())
            or ("\u0370" <= character <= "\u06ff" and (_is_ascii_letter(before) or _is_ascii_letter(after)))
            or all("\xc0" <= one <= "\u024f" and one.isalpha() for one in (before, character, after))
        )
    if "\u2500" <= character <= "\u259f":
        return not any("\u2500" <= other <= "\u259f" for other in (before, after))
    if character in "–—" and before.isspace():
        return after.islower()
    if "\u2200" <= character <= "\u23ff":
        return any(one.isalpha() and not one.isascii() for one in (before, after))
    if character in "‚„ˆ˜†‡‰‹":
        return before.isalpha()
    if character in "«»":  # either may open
        return before.isalpha() and after.isalpha()
    kind = unicodedata.category(character)
    if kind in ("Cc", "Co", "Cn"):
        return True
    return (
        character not in _INSIDE_WORDS and kind[0] in "SNP" and after.islower() and (before.isalpha() or kind != "Pi")
    )


def _is_ascii_letter(character: str) -> bool:
    return character.isascii() and character.isalpha()
