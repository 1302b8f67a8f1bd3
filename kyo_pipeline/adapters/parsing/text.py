"""Plain text: its encoding, and the headings that Markdown marks in it."""

import re
from collections.abc import Iterator

from kyo_pipeline.adapters.parsing.characters import clean
from kyo_pipeline.adapters.parsing.refusal import Unreadable
from kyo_pipeline.domain.media_types import is_utf16, looks_binary
from kyo_pipeline.domain.parsed import LONGEST_HEADING, Heading, ParsedDocument

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
_VISIBLE = re.compile(r"[^\s\u200b\u2060\ufeff]")
_SAMPLE = 65536
# Encodings that are met in the wild; the guess is better among them than among all that Python has.
# fmt: off
_ENCODINGS = [
    "cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258", "cp874", "gb18030",
    "big5", "shift_jis", "euc_jp", "euc_kr", "koi8_r", "mac_cyrillic", "iso8859_5", "iso8859_7", "iso8859_2",
    "iso8859_9", "cp850", "cp866", "mac_roman",
]
# fmt: on
_HEADING = re.compile(r"(#{1,6})[ \t]+(\S.*)")
_UNDERLINE = re.compile(r"(={3,}|-{3,})[ \t]*")
_FENCE = re.compile(r"[ ]{0,3}(```|~~~)")
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n.*?\n---[ \t]*\n", re.DOTALL)


def parse_text(content: bytes) -> ParsedDocument:
    """Decode a text file of any encoding. Raises `Unreadable` when it is binary or holds no text."""
    if looks_binary(content):
        raise Unreadable("This is not a text file: it holds binary data. Upload it as PDF, DOCX or plain text.")
    text = clean(decode(content)).removeprefix("\ufeff")
    if not _VISIBLE.search(text):
        raise Unreadable("The file holds no text. Check it on your computer and upload it again.")
    return ParsedDocument(text=text, headings=tuple(find_headings(text)))


def decode(content: bytes) -> str:
    """The text of `content`: by its byte order mark, as UTF-8, as UTF-16, else by a guess over its letters."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content.decode(encoding, errors="replace")
    escaped = _escaped(content) or is_utf16(content[:_SAMPLE])
    if escaped:
        return content.decode(escaped, errors="replace")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return _surrogate_pairs(content) or _guess(content)


def find_headings(text: str) -> Iterator[Heading]:
    """Headings of Markdown, marked with # or underlined, outside code blocks and the front matter."""
    front = _FRONT_MATTER.match(text)
    position = front.end() if front else 0
    fenced, previous, previous_start, before = False, "", position, ""
    for line in text[position:].split("\n"):
        if _FENCE.match(line):
            fenced = not fenced
        marked = None if fenced or len(line) > LONGEST_HEADING else _HEADING.fullmatch(line)
        if marked:
            # Not by the expression: it would try every way to share out the white space.
            title = marked[2].rstrip(" \t").rstrip("#").rstrip(" \t")
            yield Heading(position, len(marked[1]), title or marked[2])
        elif not fenced and _UNDERLINE.fullmatch(line) and _may_be_underlined(previous, before):
            yield Heading(previous_start, 1 if line[0] == "=" else 2, previous.strip())
        before, previous, previous_start = previous, line, position
        position += len(line) + 1


def _may_be_underlined(line: str, before: str) -> bool:
    """Only a single line is a title; the last line of a paragraph above a rule, or a table's row, is not."""
    return bool(line.strip()) and not before.strip() and len(line) <= 120 and line.lstrip()[0] not in "#|-*>"


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


def _guess(content: bytes) -> str:
    # Imported here because nearly every file is UTF-8, and the import takes as long as a hundred of them.
    import charset_normalizer

    matches = charset_normalizer.from_bytes(content[:_SAMPLE], cp_isolation=_ENCODINGS)
    best = matches.best()
    western = next((match for match in matches if match.encoding == "cp1252"), None)
    # cp1250 and its kin are as good for Spanish by the common letters, and put ń in the place of ñ.
    if best and western and (western.chaos, -western.coherence) <= (best.chaos, -best.coherence):
        best = western
    return content.decode(best.encoding if best else "latin-1", errors="replace")
