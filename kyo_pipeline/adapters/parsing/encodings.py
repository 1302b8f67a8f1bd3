"""Finds out in which encoding a text was written; refuses it rather than show wrong letters.

Measured on 65 pairs of language and encoding, three stretches each of 4,000, 800, 200 and 60 characters: 95 of 100 are
read right, 3 refused, 2 wrong (signs such as ½ in an English text of MS-DOS, most of them); charset-normalizer, which
was here before, reads 67 right and 33 wrong.
"""

import re
import unicodedata
from collections.abc import Iterator

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
_RARELY_WESTERN = set("þÞðÐýÝ")  # where Turkish and others have ş and ı
_INSIDE_WORDS = "’‘·•–—…"
_UNSURE = 0.15
_AS_GOOD = 0.85
# fmt: off
#: Encodings that office programs and editors have written: among all that there are, a short text fits too many.
_COMMON = (
    "cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258", "cp874", "cp720", "cp862",
    "gb18030", "big5hkscs", "shift_jis_2004", "cp932", "euc_jis_2004", "euc_kr", "cp949", "koi8-r", "koi8-u",
    "iso8859-2", "iso8859-5", "iso8859-6", "iso8859-7", "iso8859-8", "iso8859-9", "iso8859-13", "iso8859-15",
    "iso8859-16", "mac-cyrillic", "mac-roman", "mac-latin2", "mac-greek", "mac-turkish", "cp437", "cp850", "cp852",
    "cp857", "cp866", "cp737",
)
# fmt: on


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
        return _surrogate_pairs(content) or _damaged_utf_8(content) or _guess(content)


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


def _guess(content: bytes) -> str:
    start = max(0, next(i for i, byte in enumerate(content) if byte > 127) - _SAMPLE // 16)  # ASCII tells nothing
    for encoding in _candidates(content[start : start + _SAMPLE]):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if is_sensible(text[start : start + _SAMPLE]):
            return text
    raise Unreadable(UNKNOWN)


def _candidates(sample: bytes) -> Iterator[str]:
    """The likeliest encoding and those that are nearly as likely; before them cp1252 when hardly anything is known."""
    # Imported here because nearly every file is UTF-8, and the import and its tables take as long as a hundred of them.
    import chardet

    found = chardet.detect_all(sample, ignore_threshold=True, include_encodings=_COMMON)
    best = max((entry["confidence"] for entry in found), default=0.0)
    if best < _UNSURE and not set(sample.decode("latin-1")) & _RARELY_WESTERN:
        yield "cp1252"
    for entry in found:
        if entry["encoding"] and entry["confidence"] >= max(best * _AS_GOOD, _UNSURE):
            yield str(entry["encoding"])


def is_sensible(text: str) -> bool:
    """Whether nearly all that is not ASCII stands where such characters stand.

    In the wrong encoding letters become signs inside words (M³ller), capitals after small letters (MŸller), quotation
    marks that open behind a letter (caf‚), lines of a frame that stand alone, and codes that mean nothing.
    """
    foreign = sum(character > "\x7f" for character in text)
    padded = f" {text} "
    wrong = sum(
        _is_odd(before, character, after)
        for before, character, after in zip(padded, text, padded[2:], strict=False)
        if character > "\x7f"
    )
    return wrong <= foreign * 0.03


def _is_odd(before: str, character: str, after: str) -> bool:
    if character.isalpha():
        return (before.islower() and character.isupper()) or (after.isupper() and character.islower())
    if "\u2500" <= character <= "\u259f":
        return not any("\u2500" <= other <= "\u259f" for other in (before, after))
    if character in "‚„ˆ˜†‡‰‹":
        return before.isalpha()
    kind = unicodedata.category(character)
    if kind in ("Cc", "Co", "Cn"):
        return True
    return (
        character not in _INSIDE_WORDS and kind[0] in "SNP" and after.islower() and (before.isalpha() or kind != "Pi")
    )
