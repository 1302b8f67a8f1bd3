"""Plain text, and the headings that Markdown marks in it."""

import re
from collections.abc import Iterator

from kyo_pipeline.adapters.parsing.characters import clean
from kyo_pipeline.adapters.parsing.encodings import decode
from kyo_pipeline.adapters.parsing.refusal import Unreadable
from kyo_pipeline.domain.media_types import looks_binary
from kyo_pipeline.domain.parsed import LONGEST_HEADING, Heading, ParsedDocument

_VISIBLE = re.compile(r"[^\s\u200b\u2060\ufeff]")
_HEADING = re.compile(r"(#{1,6})[ \t]+(\S.*)")
_UNDERLINE = re.compile(r"(={3,}|-{3,})[ \t]*")
_FENCE = re.compile(r"[ ]{0,3}(```|~~~)")
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n.*?\n---[ \t]*\n", re.DOTALL)


def parse_text(content: bytes) -> ParsedDocument:
    """Decode a text file. Raises `Unreadable` when it is binary, holds no text, or nobody can tell its encoding."""
    if looks_binary(content):
        raise Unreadable("This is not a text file: it holds binary data. Upload it as PDF, DOCX or plain text.")
    text = clean(decode(content))
    if not _VISIBLE.search(text):
        raise Unreadable("The file holds no text. Check it on your computer and upload it again.")
    return ParsedDocument(text=text, headings=tuple(find_headings(text)))


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
