"""The citation markers in a text: checked where a model wrote them, taken away where nobody has checked them."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kyo_pipeline.domain.answers import DraftCitation

# [1], [1, 2], [1-3], [^1], 【1】, 【1†source】, [Passage 1]; each form may stand in a row. No two parts that may be
# empty accept the same character: documents go through this too, and must not make it slow.
_GROUP = re.compile(
    r"[\[【]\s*(?:\^\s*)?(?:(?:passages?|sources?|no\.?)\s*)?"
    r"(\d{1,3}(?:\s*(?:[,;&–-]|and)\s*\^?\d{1,3})*)\s*(?:†[^\]】\n]{0,80})?[\]】]",
    re.IGNORECASE,
)
_BEGUN = re.compile(r"[\[【][^\[\]【】\n]{0,100}\Z")
_RANGE = re.compile(r"(\d+)(?:\s*[–-]\s*(\d+))?")
_SPACE_BEFORE_END = re.compile(r"[ \t]+(?=[.,;:!?](?:\s|$))|[ \t]+(?=\n|$)")
_ROUND = str.maketrans("[]【】", "()()")
_JOINERS = "\u200c\u200d"  # Persian words and emoji are made with them


@dataclass(frozen=True)
class Source:
    """What a number stands for: characters start..end of the version's text, out of passages[index]."""

    index: int
    start: int
    end: int


def check(text: str, sources: Sequence[Source]) -> tuple[str, tuple[DraftCitation, ...]]:
    """Keep the markers that name one of `sources` (1-based), renumbered 1..m as they appear, written [1][2].

    Returns the text and one citation a marker. No citation means that nothing supports the text: whoever calls
    must not present it as an answer.
    """
    markers: dict[int, int] = {}

    def known(match: re.Match[str]) -> list[int]:
        return [number for number in _numbers(match.group(1)) if 1 <= number <= len(sources)]

    def written(match: re.Match[str]) -> str:
        return "".join(f"[{markers.setdefault(number, len(markers) + 1)}]" for number in known(match))

    kept = _repeatedly(lambda match: match.group() if known(match) else "", visible(text))
    checked = _GROUP.sub(written, kept)
    return _tidy(checked), tuple(
        DraftCitation(marker, sources[number - 1].index, sources[number - 1].start, sources[number - 1].end)
        for number, marker in markers.items()
    )


def without_markers(text: str) -> str:
    """The text of a model without its markers, nor one that it had only begun."""
    return _tidy(_BEGUN.sub("", _repeatedly(lambda _: "", visible(text))))


def neutral(text: str) -> str:
    """The text of a document with its own markers in round brackets: only we number passages."""
    return _GROUP.sub(lambda match: match.group().translate(_ROUND), visible(text))


def visible(text: str) -> str:
    """The text without control and format characters: where they are not shown, they would hide a marker from us."""
    return "".join(character for character in text if _is_visible(character))


def _is_visible(character: str) -> bool:
    if character.isprintable() or character.isspace() or character in _JOINERS:
        return True
    return unicodedata.category(character) not in ("Cc", "Cf", "Cs")


def _repeatedly(replacement: Callable[[re.Match[str]], str], text: str) -> str:
    """Substitute until nothing changes: taking [9] out of [[9]1] leaves a marker."""
    while (shorter := _GROUP.sub(replacement, text)) != text:
        text = shorter
    return text


def _tidy(text: str) -> str:
    return _SPACE_BEFORE_END.sub("", text).strip()


def _numbers(listing: str) -> list[int]:
    """The numbers of "1, 2" or "1-3", each once; a range that is longer than any retrieval is no range."""
    numbers: list[int] = []
    for match in _RANGE.finditer(listing):
        first, last = int(match.group(1)), int(match.group(2) or match.group(1))
        numbers.extend(range(first, last + 1) if last - first < 50 else ())
    return list(dict.fromkeys(numbers))
