"""What two texts must agree on before they say the same: numbers, months, weekdays, and whether something is denied."""

import re
import unicodedata
from dataclasses import dataclass

from kyo_pipeline.domain.likeness import words_of
from kyo_pipeline.domain.stemming import stems

_UNITS = (  # noqa: SIM905 — easier to read as a text
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()  # noqa: SIM905 — easier to read as a text
_WORDS = {word: value for value, word in enumerate(_UNITS)} | {
    word: 10 * value for value, word in enumerate(_TENS, start=2)
}
_MONTHS = "january february march april may june july august september october november december".split()  # noqa: SIM905
_DAYS = "monday tuesday wednesday thursday friday saturday sunday".split()  # noqa: SIM905

#: A number with its separators: 1,000.50 and 1.000,50; of 3/4, 9:30 and 2024-05-01 each part by itself.
_DIGITS = re.compile(r"(?<![^\W_])\d+(?:[.,'’]\d+)*")
_GROUPS = re.compile(r"[.,'’](?=\d{3}(?!\d))")
_GAPS = re.compile(r"(?<=\d)[\u00a0\u202f](?=\d{3}(?!\d))")  # no-break spaces between thousands
_WORD_NUMBER = re.compile(
    rf"\b(?:(?P<tens>{'|'.join(_TENS)})(?:[-\s](?P<rest>{'|'.join(_UNITS[1:10])}))?|(?P<unit>{'|'.join(_UNITS[2:])}))\b",
    re.IGNORECASE,
)
# "One" is mostly a pronoun: it counts before what is counted.
_ONE = re.compile(
    r"\bone(?=\s+(?:(?:full|whole|working|business|calendar|single|additional)\s+)?"
    r"(?:day|week|month|year|hour|minute|per\s?cent|time|person|copy)s?\b)",
    re.IGNORECASE,
)
_MONTH = re.compile(rf"\b({'|'.join(name.title() for name in _MONTHS)}|{'|'.join(name.upper() for name in _MONTHS)})\b")
_DAY = re.compile(rf"\b({'|'.join(name.title() for name in _DAYS)})s?\b")
_VERB_TOO = ("may", "march")
_DATED = re.compile(
    r"\d|\b(?:in|of|by|until|till|since|from|to|before|after|each|every|early|late|mid|and|or|end)\b", re.I
)
_NEGATION = re.compile(
    r"\b(?:not|never|no|none|nobody|nothing|neither|nor|without|cannot|prohibited|forbidden"
    r"|nicht|kein(?:e[rmns]?)?|nie(?:mals)?|ohne)\b|n['’]t\b",
    re.IGNORECASE,
)
_NO_NEGATION = re.compile(
    r"\b(?:not only|no later than|not later than|no more than|no less than|no\.\s*\d)", re.IGNORECASE
)


#: Stems of words that are numbers, or parts of dates.
_FIGURE_WORDS = frozenset(stems(" ".join([*_WORDS, *_MONTHS, *_DAYS])))


@dataclass(frozen=True)
class Figures:
    """The numbers and dates of a text in one form, and whether it denies something."""

    values: frozenset[str]
    denies: bool


def figures_of(text: str) -> Figures:
    """What a text says that another one must say too: "thirty" and 30 are the same, 1,000 and 1000 as well."""
    folded = unicodedata.normalize("NFKC", text)
    return Figures(values_of(text), bool(_NEGATION.search(_NO_NEGATION.sub("", folded))))


def words_beside_figures(text: str) -> frozenset[str]:
    """The stems of a text that are no numbers and no parts of dates; in scripts without spaces the letters."""
    found = stems(" ".join(words_of(text)))
    return frozenset(stem for stem in found if not any(map(str.isdigit, stem))) - _FIGURE_WORDS


def values_of(text: str) -> frozenset[str]:
    """The numbers, months and weekdays of a text. Digits count in every script, words in English."""
    folded = unicodedata.normalize("NFKC", _GAPS.sub("", text))
    found = {_plain(match.group()) for match in _DIGITS.finditer(folded)}
    found |= {_spelt(match) for match in _WORD_NUMBER.finditer(folded)}
    found |= {"1" for _ in _ONE.finditer(folded)}
    found |= {match.group(1).lower() for match in _MONTH.finditer(folded) if _is_month(match)}
    return frozenset(found | {match.group(1).lower() for match in _DAY.finditer(folded)})


def _plain(number: str) -> str:
    """Without what separates thousands; a fraction after a full stop, without zeros that say nothing."""
    whole = _GROUPS.sub("", number)
    whole = re.sub(r"['’]", "", whole).replace(",", ".")
    head, dot, fraction = whole.rpartition(".")
    fraction = fraction.rstrip("0")
    whole = f"{head}.{fraction}" if dot and fraction else head or whole
    return "".join(str(unicodedata.digit(one, 0)) if one.isdigit() else one for one in whole).lstrip("0") or "0"


def _spelt(match: re.Match[str]) -> str:
    if match["unit"]:
        return str(_WORDS[match["unit"].lower()])
    return str(_WORDS[match["tens"].lower()] + (_WORDS[match["rest"].lower()] if match["rest"] else 0))


def _is_month(match: re.Match[str]) -> bool:
    """May and March are verbs as well: they count beside a number or a word that stands before dates."""
    if match.group(1).lower() not in _VERB_TOO:
        return True
    text, (start, end) = match.string, match.span()
    before, after = text[:start].rstrip().rsplit(None, 1)[-1:], text[end:].split(None, 1)[:1]
    return any(_DATED.fullmatch(word.strip(",.;()")) or word.strip(",.;()").isdigit() for word in before) or any(
        word[:1].isdigit() for word in after
    )
