"""Text that others wrote, made inert for Streamlit's markdown, and the little markup of our own around it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from kyo_pipeline.domain.answer_findings import TextSpan
from kyo_pipeline.domain.diffs import Change, Line, Span

_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f"  # control characters
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # they would turn the direction of our own words as well
    "\ufeff\U000e0000-\U000e007f]"  # byte order mark and tags
)
_SURROGATE = re.compile("[\ud800-\udfff]")
#: One character each, so that offsets into the text stay valid.
_BREAKS = str.maketrans(dict.fromkeys("\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029", "\n") | {"\t": " "})
_ONE_LINE = dict.fromkeys([*_BREAKS, *map(ord, "\r\n")], " ")
_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")

# Streamlit rewrites finished text too, when escapes are gone: addresses become links, `:name:` emoji or icons, `->`
# an arrow. An invisible word joiner inside each of these keeps the text as it was written.
_WORD_JOINER = "\u2060"
_REWRITTEN = re.compile(
    r"""
      https?:(?=//)
    | www(?=\.)
    | (?<=[-.\w+])@(?=[-\w])
    | :(?=[\w+-]+:)
    | [<>~-](?=[>=-])
    """,
    re.IGNORECASE | re.VERBOSE,
)

MARKER_COLOR = "green"

#: Stands behind a sentence that its sources do not bear out, in words: a colour alone says nothing to some readers.
UNSUPPORTED = "not in the sources"
UNSUPPORTED_COLOR = "orange"

_SENTENCE_END = (".", ":", ";", "!", "?", "…")
_BULLET = re.compile(r"^\s*[-*•‣▪]\s+(?=\S)")
_NUMBER = re.compile(r"^\s*(\d{1,3})[.)]\s+(?=\S)")
_HEADING = re.compile(r"^\s*#{1,6}\s+(?=\S)")
_OURS = re.compile(r"\*\*(?P<bold>[^*\n]+)\*\*|\[(?P<markers>\d{1,3}(?:\s*,\s*\d{1,3})*)\]")


def inert(text: str) -> str:
    """Markdown that shows `text` as it was written: lines and paragraphs stay, the rest is only characters."""
    return _joined([_escaped(line) for line in _lines(text)])


def inert_line(text: str, limit: int = 300) -> str:
    """As `inert`, on one line, cut with an ellipsis at `limit` characters: for labels and titles."""
    words = " ".join(text.translate(_BREAKS).split())
    return _escaped(words if len(words) <= limit else words[: limit - 1].rstrip() + "…")


def highlighted(before: str, quote: str, after: str) -> str:
    """Markdown of a passage in its context, the quoted part marked."""
    text = _unwrapped((before + quote + after).translate(_BREAKS))
    start, end = len(before), len(before) + len(quote)
    lines, offset = [], 0
    for line in text.split("\n"):
        left, right = (min(max(edge - offset, 0), len(line)) for edge in (start, end))
        lines.append(_escaped(line[:left]) + _marked(line[left:right]) + _escaped(line[right:]))
        offset += len(line) + 1
    return _joined(lines)


def answer_markdown(text: str, bold: Sequence[TextSpan] = (), unsupported: Sequence[TextSpan] = ()) -> str:
    """An answer: lists, bold words and citation badges are kept, whatever else the text contains is inert.

    The characters of `bold` are shown so; those of `unsupported` get a background, and words behind them that say why.
    """
    lines, offset = [], 0
    for line in _lines_of_same_length(text):
        ends = tuple(span.end - offset for span in unsupported if 0 < span.end - offset <= len(line))
        ours = _Ours(line, _within(bold, offset, len(line)), _within(unsupported, offset, len(line)), ends)
        if bullet := _BULLET.match(line):
            lines.append("- " + ours.markdown(bullet.end()))
        elif number := _NUMBER.match(line):
            lines.append(f"{int(number[1])}. " + ours.markdown(number.end()))
        elif heading := _HEADING.match(line):
            lines.append(f"**{_escaped(line[heading.end() :].strip())}**{ours.said(0, len(line))}")
        else:
            lines.append(ours.markdown(0))
        offset += len(line) + 1
    return _joined(lines)


def changed(line: Line) -> str:
    """Markdown of a line of a comparison: what was taken out is struck through, what was put in is bold."""
    return "".join(_changed(span) for span in line.spans).strip()


def badge(label: str, color: str) -> str:
    """A badge inside markdown. `label` is ours or has been through `inert_line`."""
    return f":{color}-badge[{label}]"


@dataclass(frozen=True)
class _Ours:
    """A line of an answer with the ranges of its characters that get a mark, and where unsupported sentences end."""

    line: str
    bold: tuple[range, ...]
    unsupported: tuple[range, ...]
    ends: tuple[int, ...]

    def markdown(self, start: int) -> str:
        """The line from `start` on, with bold words, badges in the place of citations, and marks."""
        parts, position = [], -1
        for end, piece in self._pieces(start):
            parts += [piece, self.said(position, end)]
            position = end
        return "".join(parts)

    def said(self, start: int, end: int) -> str:
        """What is said of each unsupported sentence that ends behind `start`, and at or before `end`."""
        return f" {badge(UNSUPPORTED, UNSUPPORTED_COLOR)} " * sum(start < one <= end for one in self.ends)

    def _pieces(self, start: int) -> Iterator[tuple[int, str]]:
        """Markdown of one stretch after the other, each with the offset where it ends."""
        for match in _OURS.finditer(self.line, start):
            yield from self._text(start, match.start())
            if match["bold"]:
                yield from self._text(*match.span("bold"), is_bold=True)
                yield match.end(), ""
            else:
                badges = (badge(marker.strip(), MARKER_COLOR) for marker in match["markers"].split(","))
                yield match.end(), "".join(badges)
            start = match.end()
        yield from self._text(start, len(self.line))

    def _text(self, start: int, end: int, *, is_bold: bool = False) -> Iterator[tuple[int, str]]:
        marks = (*self.bold, *self.unsupported)
        edges = {start, end, *self.ends, *(edge for one in marks for edge in (one.start, one.stop))}
        for left, right in pairwise(sorted(edge for edge in edges if start <= edge <= end)):
            yield right, self._piece(left, right, is_bold)

    def _piece(self, start: int, end: int, is_bold: bool) -> str:
        """Characters between two edges, all of them with the same marks. Blanks stay outside the marks."""
        text = self.line[start:end]
        bare = _escaped(text.strip())
        is_bold = is_bold or any(start in one for one in self.bold)
        is_unsupported = any(start in one for one in self.unsupported)
        if not bare or not (is_bold or is_unsupported):
            return _escaped(text)
        marked = _bold(text.strip(), bare) if is_bold else bare
        if is_unsupported:
            marked = f":{UNSUPPORTED_COLOR}-background[{marked}]"
        left, right = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]
        before = _apart(left or self.line[max(start - 1, 0) : start])
        after = _apart(right or self.line[end : end + 1])
        return f"{_escaped(left)}{before}{marked}{after}{_escaped(right)}"


def _bold(text: str, escaped: str) -> str:
    """Beside punctuation, asterisks would count for nothing: an invisible joiner keeps it off them."""
    before, after = ("" if edge.isalnum() else _WORD_JOINER for edge in (text[0], text[-1]))
    return f"**{before}{escaped}{after}**"


def _apart(beside: str) -> str:
    """What stands between a mark and the characters beside it: nothing where those are blank, or there are none."""
    return _WORD_JOINER if beside.strip(" ") else ""


def _within(spans: Sequence[TextSpan], offset: int, length: int) -> tuple[range, ...]:
    """The part of each span that is on a line which begins at `offset`."""
    parts = (range(max(span.start - offset, 0), min(span.end - offset, length)) for span in spans)
    return tuple(part for part in parts if part)


def _marked(text: str) -> str:
    # A colon before the directive would be read as part of it.
    return f"{_WORD_JOINER}:yellow-background[{_escaped(text)}]" if text.strip() else _escaped(text)


def _changed(span: Span) -> str:
    words = span.text.translate(_ONE_LINE)
    bare = _escaped(words.strip())
    if span.change is Change.SAME or not bare:
        return _escaped(words)
    # Blanks stay outside: with one next to them, the marks would count for nothing.
    left, right = (" " if blank else "" for blank in (words[0].isspace(), words[-1].isspace()))
    mark, color = ("~~", "red") if span.change is Change.REMOVED else ("**", "green")
    return f"{left}{_WORD_JOINER}:{color}-background[{mark}{bare}{mark}]{right}"


def _escaped(text: str) -> str:
    text = _SURROGATE.sub("\ufffd", _INVISIBLE.sub("", text))
    return _PUNCTUATION.sub(r"\\\1", _REWRITTEN.sub(lambda match: match[0] + _WORD_JOINER, text))


def _lines(text: str) -> list[str]:
    return text.replace("\r\n", "\n").replace("\r", "\n").translate(_BREAKS).split("\n")


def _lines_of_same_length(text: str) -> list[str]:
    """As `_lines`, with a blank for each character that is left out: offsets into the text stay valid."""
    return text.replace("\r\n", " \n").replace("\r", "\n").translate(_BREAKS).split("\n")


def _joined(lines: list[str]) -> str:
    """Hard breaks between lines; any number of empty lines makes one new paragraph."""
    text = "  \n".join(_indented(line.rstrip()) for line in lines)
    return re.sub(r"(?:  \n){2,}", "\n\n", text).strip()


def _indented(line: str) -> str:
    """Leading blanks would make a code block; no-break spaces do not."""
    bare = line.lstrip(" ")
    return "\u00a0" * min(len(line) - len(bare), 8) + bare


def _unwrapped(text: str) -> str:
    """Lines that a page's margin broke become one again. A break becomes a blank, so offsets stay valid."""
    text = text.replace("\r\n", " \n").replace("\r", "\n")
    lines = text.split("\n")
    joined = [lines[0]]
    for before, line in pairwise(lines):
        joined += [" " if _continues(before.rstrip(), line) else "\n", line]
    return "".join(joined)


def _continues(before: str, line: str) -> bool:
    wrapped = len(before) >= 50 and not before.endswith(_SENTENCE_END)
    return wrapped and line[:1].isalnum() and not _NUMBER.match(line)
