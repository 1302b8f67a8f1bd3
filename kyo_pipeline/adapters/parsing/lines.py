"""Joins the lines of a printed page into paragraphs, without changing anything but white space."""

import re
from itertools import pairwise

from kyo_pipeline.domain.sentences import continues, is_item, is_wide

_SPACES = re.compile(r"[ \t\u00a0\u2000-\u200a\u202f\u3000]+")
_SOFT_HYPHEN = re.compile(r"\u00ad[ \t]*\n?[ \t]*")
_BLANK = re.compile(r"\n[ \t]*(?:\n[ \t]*)+")
_NARROWEST = 30


def join_lines(page: str) -> str:
    """One page as paragraphs ("\\n\\n" between them) of unwrapped lines.

    A line is joined to the next with a space when it is nearly as long as the long lines of its page and does not end
    a sentence; list items, headings and the rows of tables keep their line. Hyphens at line ends stay: whether they
    belong to the word cannot be told.
    """
    text = _SOFT_HYPHEN.sub("", page)
    blocks = [_lines(block) for block in _BLANK.split(text)]
    lengths = sorted(len(line) for block in blocks for line in block)
    full = max(_NARROWEST, int(lengths[len(lengths) * 9 // 10] * 0.6)) if lengths else _NARROWEST
    return "\n\n".join(_joined(block, full) for block in blocks if block)


def _lines(block: str) -> list[str]:
    return [line for line in (_SPACES.sub(" ", line).strip() for line in block.split("\n")) if line]


def _joined(lines: list[str], full: int) -> str:
    pieces = [lines[0]]
    for line, following in pairwise(lines):
        pieces += (_gap(line, following, full), following)
    return "".join(pieces)


def _gap(line: str, following: str, full: int) -> str:
    if continues(line, following, full):
        return "\n" if is_wide(line[-1]) and is_wide(following[0]) else " "
    if line[-1] in ".!?。！？" and not is_item(following):
        # A sentence may end exactly at the margin; a paragraph's last line is usually shorter, or a title follows.
        runs_on = len(line) >= full * 1.4 and (len(following) >= full or following[-1] in ".!?。！？")
        return " " if runs_on else "\n\n"
    return "\n"
