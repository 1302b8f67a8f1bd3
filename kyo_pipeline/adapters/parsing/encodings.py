"""Finds out in which encoding a text was written; refuses it rather than show wrong letters.

UTF-8 and what has a byte order mark is known, English of Windows by its surroundings (english.py); the rest is guessed
from its letters (guessing.py). Figures: docs/benchmarks.md.
"""

import re

from kyo_pipeline.adapters.parsing.english import english_of_windows
from kyo_pipeline.adapters.parsing.guessing import guess
from kyo_pipeline.adapters.parsing.refusal import Unreadable
from kyo_pipeline.domain.media_types import is_utf16

UNKNOWN = (
    "It cannot be told in which encoding this file is written, so its letters could come out wrong. Open it in a text "
    "editor, save it as UTF-8 and upload that."
)

# UTF-32 first: its little-endian mark begins with that of UTF-16.
_MARKS = (
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_HZ = re.compile(rb"~\{(?:[!-}][!-~])+~\}")
_ISO_2022_JP = re.compile(rb"\x1b\$[@B]")
_SAMPLE = 65536


def decode(content: bytes) -> str:
    """The text of `content`: by its byte order mark, as UTF-8 or UTF-16, else by its letters. Raises `Unreadable`."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content.decode(encoding, errors="replace")
    escaped = _escaped(content) or is_utf16(content[:_SAMPLE])
    if escaped:
        return content.decode(escaped, errors="replace")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        text = _surrogate_pairs(content) or _damaged_utf_8(content) or english_of_windows(content) or guess(content)
    if text is None:
        raise Unreadable(UNKNOWN)
    return text


def _escaped(content: bytes) -> str | None:
    """Encodings that hide behind pure ASCII, which UTF-8 would accept and garble."""
    if _HZ.search(content) and content.isascii():
        return "hz"
    return "iso2022_jp" if _ISO_2022_JP.search(content) and content.isascii() else None


def _surrogate_pairs(content: bytes) -> str | None:
    """The text of UTF-8 in which some characters are written as two surrogates (CESU-8), else None."""
    try:
        text = content.decode("utf-8", errors="surrogatepass")
    except UnicodeDecodeError:
        return None
    return text.encode("utf-16-le", errors="surrogatepass").decode("utf-16-le", errors="replace")


def _damaged_utf_8(content: bytes) -> str | None:
    """UTF-8 in which a few bytes are broken: those become U+FFFD; in any other encoding most bytes would be."""
    plain = len(content.translate(None, delete=bytes(range(128, 256))))
    kept = content.decode("utf-8", errors="ignore")
    broken = len(content) - len(kept.encode())
    return content.decode("utf-8", errors="replace") if len(kept) - plain > broken else None
