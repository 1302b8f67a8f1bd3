"""English as Windows writes it (cp1252): mostly ASCII, with a quotation mark or a borrowed word now and then.

So few signs tell a general guess nothing, and there are more such files than of any other old kind. They are told by
their surroundings instead: a sign must stand where English has it, and a letter must be one that the other Latin
encodings of Windows and ISO write with the same byte.
"""

import re

_WORD = re.compile(r"[A-Za-z]+")
_COMMON = re.compile(
    r"\b(?:the|of|and|to|in|is|are|be|for|on|that|with|as|at|by|from|this|it|or|not|have|has|was|were|will|may|must|if)\b",
    re.IGNORECASE,
)
_FEWEST_COMMON = 5
_SHARE_OF_COMMON = 0.12
_MOST_FOREIGN = 0.03  # of the characters
#: Each of them with what stands around it; the last is a letter within a small word, or at its end.
_AT_HOME = re.compile(
    r"""
      (?<=[A-Za-z])’(?=(?:s|t|re|ve|ll|d|m)\b)  |  (?<=s)’(?=[\s.,;:!?)])
    | (?:(?<=[\s(\[“])|^)[‘“](?=[\w(])
    | (?<=[\w.,;:!?)%])[”](?=[\s.,;:!?)\]’]|$)  |  (?<=[.,;:!?)])’(?=[\s.,;:)\]”]|$)
    | (?<=\s)[–—](?=\s)  |  (?<=\d)–(?=\d)  |  (?<=[a-z])[–—](?=[A-Z])
    | (?<=[\w\s.])…
    | ^\s*•(?=\s)
    | [£€](?=\s?\d)  |  (?<=\d)\s?[€]  |  (?<=\d)[°½¼¾]  |  §(?=\s?\d)
    | ©(?=\s|\d)  |  (?<=\w)[®™]
    | \xa0
    | (?<![^\W\d_])[éóöüäß](?=[a-z])  |  (?<=[A-Za-z])[éóöüäß](?![A-Z])
    """,
    re.VERBOSE | re.MULTILINE,
)


def english_of_windows(content: bytes) -> str | None:
    """The text of `content` if it is English in cp1252 beyond doubt, else None."""
    try:
        text = content.decode("cp1252")
    except UnicodeDecodeError:
        return None
    foreign = sum(character > "\x7f" for character in text)
    return text if _is_english(text, foreign) and _at_home(text) == foreign else None


def _is_english(text: str, foreign: int) -> bool:
    words, common = len(_WORD.findall(text)), len(_COMMON.findall(text))
    return common >= _FEWEST_COMMON and common >= _SHARE_OF_COMMON * words and foreign <= _MOST_FOREIGN * len(text)


def _at_home(text: str) -> int:
    return sum(sum(character > "\x7f" for character in match.group()) for match in _AT_HOME.finditer(text))
