"""What was found about an answer when it was checked: beside its text, never inside it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class TextSpan:
    """Characters start..end of the answer's text."""

    start: int
    end: int


@dataclass(frozen=True)
class Conflict:
    """Two citations, by their markers, that say different things about the same.

    `newer` is of the version that was uploaded later; where `is_dated` is false, nobody knows which that is.
    """

    newer: int
    older: int
    is_dated: bool


@dataclass(frozen=True)
class Findings:
    """`unsupported`: sentences that the cited passages don't bear out. `emphasis`: the words that answer.

    `notice` is a sentence for the reader about how the answer came about, "" for none. `corrections` are words of the
    question, each with what was searched for in its place.
    """

    unsupported: tuple[TextSpan, ...] = ()
    emphasis: tuple[TextSpan, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    notice: str = ""
    corrections: tuple[tuple[str, str], ...] = ()


#: What the reader is told of an answer that nothing could be found out about.
UNCHECKED = "This answer could not be compared with its sources. Read them before you rely on it."

#: Of an answer that nothing is to be said about.
NOTHING = Findings()


def as_plain(findings: Findings) -> dict[str, Any]:
    """What JSON can hold; what there is nothing of is left out."""
    whole: dict[str, Any] = {
        "unsupported": [[span.start, span.end] for span in findings.unsupported],
        "emphasis": [[span.start, span.end] for span in findings.emphasis],
        "conflicts": [[one.newer, one.older, one.is_dated] for one in findings.conflicts],
        "notice": findings.notice,
        "corrections": [list(pair) for pair in findings.corrections],
    }
    return {name: value for name, value in whole.items() if value}


def from_plain(stored: Mapping[str, Any]) -> Findings:
    """The reverse of `as_plain`."""
    return Findings(
        unsupported=tuple(TextSpan(*span) for span in stored.get("unsupported", ())),
        emphasis=tuple(TextSpan(*span) for span in stored.get("emphasis", ())),
        conflicts=tuple(Conflict(*one) for one in stored.get("conflicts", ())),
        notice=str(stored.get("notice", "")),
        corrections=tuple((str(typed), str(meant)) for typed, meant in stored.get("corrections", ())),
    )
