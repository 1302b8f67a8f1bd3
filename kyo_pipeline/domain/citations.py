"""Checks the citations in a text that a model wrote."""

import re
from collections.abc import Sequence

from kyo_pipeline.domain.answers import DraftCitation
from kyo_pipeline.domain.retrieval import Passage

# [1], [1, 2], [1-3], [^1], 【1】, 【1†source】, [Passage 1]; each form may stand in a row.
_GROUP = re.compile(
    r"[\[【]\s*\^?\s*(?:passages?|sources?|no\.?)?\s*"
    r"(\d{1,3}(?:\s*(?:[,;&–-]|and)\s*\^?\d{1,3})*)\s*(?:†[^\]】]{0,80})?[\]】]",
    re.IGNORECASE,
)
_RANGE = re.compile(r"(\d+)(?:\s*[–-]\s*(\d+))?")
_SPACE_BEFORE_END = re.compile(r"[ \t]+(?=[.,;:!?](?:\s|$))|[ \t]+(?=\n|$)")


def check(text: str, passages: Sequence[Passage]) -> tuple[str, tuple[DraftCitation, ...]]:
    """Keep the markers that name one of `passages` (1-based), renumbered 1..m as they appear, written [1][2].

    Returns the text and one citation a marker, of the whole passage. No citation means that nothing supports
    the text: whoever calls must not present it as an answer.
    """
    markers: dict[int, int] = {}

    def written(match: re.Match[str]) -> str:
        numbers = [number for number in _numbers(match.group(1)) if 1 <= number <= len(passages)]
        return "".join(f"[{markers.setdefault(number, len(markers) + 1)}]" for number in numbers)

    checked = _SPACE_BEFORE_END.sub("", _GROUP.sub(written, text)).strip()
    return checked, tuple(
        DraftCitation(marker, number - 1, passages[number - 1].start, passages[number - 1].end)
        for number, marker in markers.items()
    )


def _numbers(listing: str) -> list[int]:
    """The numbers of "1, 2" or "1-3", each once; a range that is longer than any retrieval is no range."""
    numbers: list[int] = []
    for match in _RANGE.finditer(listing):
        first, last = int(match.group(1)), int(match.group(2) or match.group(1))
        numbers.extend(range(first, last + 1) if last - first < 50 else ())
    return list(dict.fromkeys(numbers))
