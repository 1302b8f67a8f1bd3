"""What differs between the texts of two versions, in a form that people can read."""

from dataclasses import dataclass
from enum import Enum


class Change(str, Enum):
    SAME = "same"
    REMOVED = "removed"
    ADDED = "added"


@dataclass(frozen=True)
class Span:
    """A run of words that both texts have, or only one of them."""

    change: Change
    text: str


@dataclass(frozen=True)
class Line:
    """A line or paragraph with what changed in it; `SAME` alone is context."""

    spans: tuple[Span, ...]


@dataclass(frozen=True)
class Hunk:
    """Lines that belong together: what changed, with a line or two around it. Starts after `heading`, "" for none."""

    heading: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Diff:
    """All changes in the order of the new text; `left_out` counts hunks beyond the most that are shown."""

    hunks: tuple[Hunk, ...]
    removed_words: int
    added_words: int
    left_out: int
