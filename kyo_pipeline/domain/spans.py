"""The words that answer: the date, the amount, the name or the place in a sentence, by what the question asks for.

Rules, no model: where two candidates are as good as each other, none is taken. Question words of a few languages; dates
with months in English, numbers in every script.
"""

import re
from enum import Enum

from kyo_pipeline.domain.figures import words_beside_figures
from kyo_pipeline.domain.stemming import STOP_WORDS, stems


class Kind(str, Enum):
    WHEN = "when"
    HOW_MANY = "how many"
    WHO = "who"
    WHERE = "where"


_KINDS = {
    Kind.HOW_MANY: re.compile(
        r"\bhow (?:many|much|long|often|old|far|large|big|tall|high|deep|wide|fast)\b"
        r"|\b(?:what|which) (?:percentage|percent|fraction|proportion|number|amount|share)\b"
        r"|\bwhat (?:is|was|are|were) the (?:\w+ ){0,2}"
        r"(?:number|amount|limit|maximum|minimum|population|price|cost|rate|length|salary|fee|budget|percentage)\b"
        r"|\bwie (?:viele?|lange|hoch|oft|alt|gro[sß])\b|\bcombien\b|\bcu[aá]nt[oa]s?\b|多少|多久|几|كم",
        re.IGNORECASE,
    ),
    Kind.WHEN: re.compile(
        r"^\W*(?:\w+\W+){0,3}when\b|\b(?:(?:what|which|in what|in which) (?:year|date|day|month|decade|century|time)"
        r"|what (?:was|is) the (?:date|year|deadline)|wann|in welchem jahr|quand|cu[aá]ndo)\b"
        r"|什么时候|何时|哪一?年|متى",
        re.IGNORECASE,
    ),
    Kind.WHO: re.compile(
        r"^\W*(?:\w+ )?\b(?:who|whom|whose|wer|wem|wen|qui)\b|\bby whom\b|\bwho (?:is|was|did)\b", re.IGNORECASE
    ),
    Kind.WHERE: re.compile(
        r"\bwhere\b|\b(?:what|which) (?:city|country|state|place|town|building|room|location|continent)\b"
        r"|^\W*(?:wo|où)\b",
        re.IGNORECASE,
    ),
}

_MONTH = (
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December"
    r"|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\b\.?"
)
_YEAR = r"(?:1\d{3}|20\d{2})"
_DATES = re.compile(
    rf"""\b\d{{1,2}}(?:st|nd|rd|th)?\s+(?:of\s+)?{_MONTH}(?:,?\s+{_YEAR})?
      | \b{_MONTH}\s+\d{{1,2}}(?:st|nd|rd|th)?\b(?!\s*[%$])(?:\s*,?\s+{_YEAR}\b)?
      | \b(?:early|mid|late)?[-\s]?{_MONTH}\s+(?:of\s+)?{_YEAR}\b
      | \b{_YEAR}-\d{{2}}-\d{{2}}\b | \b\d{{1,2}}[./]\d{{1,2}}[./](?:\d{{4}}|\d{{2}})\b
      | \b\d{{1,2}}(?:[:.]\d{{2}})?\s*(?:a\.?m\.?|p\.?m\.?)(?!\w) | \b\d{{1,2}}:\d{{2}}\b
      | \b(?:the\s+)?(?:early\s+|mid[-\s]|late\s+)?(?:\d{{1,2}}(?:st|nd|rd|th)|[a-z]+teenth|twentieth)[-\s]century\b
      | \b{_YEAR}s\b | \b{_YEAR}(?:\s?[–-]\s?\d{{2,4}}\b)?(?![\w%]|,\d) | \b\d{{1,4}}\s?(?:BC|AD|BCE|CE)\b
      | \b(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)days?\b
      | (?<=\bin\s){_MONTH} | (?<=\bby\s){_MONTH}
      | \d{{3,4}}\s?年(?:\s?\d{{1,2}}\s?月)?(?:\s?\d{{1,2}}\s?日)?
    """,
    re.VERBOSE,
)
_NUMBER_WORD = (
    r"(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen"
    r"|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|dozen|half|twice|once)"
)
_UNIT = (
    r"(?:%|per\s?cent|percent(?:age\s+points)?|°\s?[CF]?|thousand|million|billion|trillion|hundred"
    r"|(?:calendar\s+|working\s+|business\s+)?(?:seconds?|minutes?|hours?|days?|weeks?|months?|years?|decades?)"
    r"|km|kilomet(?:re|er)s?|met(?:re|er)s?|miles?|feet|ft|inch(?:es)?|kg|tons?|tonnes?|lbs?|acres?|square\s+miles"
    r"|dollars?|euros?|pounds?|Euro|Prozent|Tage|Wochen|Monate|Jahre|Stunden|元|人|天|年|米)"
)
_AMOUNTS = re.compile(
    rf"""(?:(?:US|CA|A)?[$€£¥]\s?)?(?<![A-Za-z\d.,])\d+(?:[.,\u00a0\u202f']\d+)*(?![\d])
         (?:\s?[–-]\s?\d+(?:[.,]\d+)*)?
         (?:[\s-]?{_UNIT}(?![A-Za-z]))*(?:\s?[€])?
      | \b{_NUMBER_WORD}(?:[-\s]{_NUMBER_WORD})*\b(?:[\s-]{_UNIT}(?!\w))*
    """,
    re.VERBOSE | re.IGNORECASE,
)
_NAMES = re.compile(
    r"""\b(?:(?:Mr|Mrs|Ms|Dr|Prof|Sir|St)\.?\s+)?
        (?:[^\W\d_a-z][\w'’.-]*\w|[A-Z]\.)
        (?:\s+(?:(?:of|the|de|van|von|der|la|du|and|for)\s+){0,2}(?:[^\W\d_a-z][\w'’.-]*\w|[A-Z]\.))*""",
    re.VERBOSE,
)
_PLACE_BEFORE = re.compile(r"\b(?:in|at|on|from|near|to|into|across|inside|outside|around)\s+(?:the\s+)?$")
_AGENT_BEFORE = re.compile(r"\b(?:by|to|from|with|contact|ask|tell|inform)\s+(?:the\s+|your\s+)?$", re.IGNORECASE)
_COUNTED = re.compile(r"\bhow (?:many|much)\s+(?:more\s+|of\s+(?:the\s+)?)?(\w+)(?:\s+(\w+))?", re.IGNORECASE)
_WORD = re.compile(r"\w+")
_AHEAD = 45  # characters behind a number within which stands what is counted
#: How many times as good as the next one the best candidate must be. Chosen on xquad/en, see `benchmarks/answers.py`.
_SURE = {Kind.WHEN: 1.1, Kind.HOW_MANY: 1.5, Kind.WHO: 2.0, Kind.WHERE: 1.5}
#: And which share of the question's words its sentence must have.
_COVERED = {Kind.WHEN: 0.5, Kind.HOW_MANY: 0.5, Kind.WHO: 0.5, Kind.WHERE: 0.7}


def kind_of(question: str) -> Kind | None:
    """What the question asks for, None where it asks for more than a few words."""
    return next((kind for kind, pattern in _KINDS.items() if pattern.search(question)), None)


def answering_span(question: str, statement: str) -> tuple[int, int] | None:
    """Offsets (start, end) into the statement of the words that answer, None when that is not clear."""
    kind = kind_of(question)
    if kind is None or _covered(_KINDS[kind].sub(" ", question), statement) < _COVERED[kind]:
        return None
    asked = frozenset(stems(question))
    candidates = _candidates(kind, question, statement, asked)
    ranked = sorted(((_worth(kind, question, statement, one, asked), one) for one in candidates), reverse=True)
    if not ranked or ranked[0][0] <= 0:
        return None
    if len(ranked) > 1 and ranked[0][0] < _SURE[kind] * ranked[1][0]:
        return None
    return ranked[0][1]


def _covered(question: str, statement: str) -> float:
    wanted = words_beside_figures(question)
    return len(wanted & words_beside_figures(statement)) / len(wanted) if wanted else 1.0


def _candidates(kind: Kind, question: str, statement: str, asked: frozenset[str]) -> list[tuple[int, int]]:
    if kind is Kind.WHEN:
        return _matches(_DATES, statement)
    if kind is Kind.HOW_MANY:
        return _amounts(question, statement)
    return [span for name in _matches(_NAMES, statement) if (span := _named(statement, name, asked)) is not None]


def _matches(pattern: re.Pattern[str], text: str) -> list[tuple[int, int]]:
    return [_stripped(text, *match.span()) for match in pattern.finditer(text) if match.group().strip()]


def _amounts(question: str, statement: str) -> list[tuple[int, int]]:
    """Numbers that are no part of a date, nor of the question."""
    dates = [] if re.search(r"\byear\b", question, re.IGNORECASE) else _matches(_DATES, statement)
    known = set(_WORD.findall(question.lower()))
    return [
        (start, end)
        for start, end in _matches(_AMOUNTS, statement)
        if not any(start < last and first < end for first, last in dates)
        and not set(_WORD.findall(statement[start:end].lower())) <= known
    ]


def _named(statement: str, name: tuple[int, int], asked: frozenset[str]) -> tuple[int, int] | None:
    """A name that the question does not have already, without the word that only begins the sentence."""
    start, end = name
    words = list(_WORD.finditer(statement, start, end))
    while words and (words[0].group().lower() in STOP_WORDS or words[0].group().lower() in ("a", "an", "as")):
        words.pop(0)
    if not words or all(set(stems(word.group())) <= asked for word in words):
        return None
    start = words[0].start()
    lone_beginning = not statement[:start].strip(" “\"'([") and len(words) == 1
    return None if lone_beginning and statement[start:end].lower() in _COMMON else (start, end)


_COMMON = frozenset("there employees staff people many most some several since although while however".split())  # noqa: SIM905


def _worth(kind: Kind, question: str, statement: str, span: tuple[int, int], asked: frozenset[str]) -> float:
    """Nearness to the words of the question, and what speaks for this kind besides. No unit."""
    start, end = span
    worth = _nearness(statement, span, asked)
    if kind is Kind.HOW_MANY:
        worth += _counts(question, statement[end : end + _AHEAD], statement[start:end])
    if kind is Kind.HOW_MANY and (statement[start:end].lower() == "one" or statement[:start].endswith("(")):
        worth *= 0.5  # a pronoun, or the same amount in another unit
    if kind is Kind.WHO and _AGENT_BEFORE.search(statement[:start]):
        worth *= 1.5
    if kind is Kind.WHERE:
        worth *= 1.0 if _PLACE_BEFORE.search(statement[:start]) else 0.0
    if kind in (Kind.WHO, Kind.WHERE) and all(set(stems(w)) & asked for w in _WORD.findall(statement[start:end])[:1]):
        worth *= 0.7
    return worth


def _counts(question: str, after: str, number: str) -> float:
    """Whether what is counted stands behind the number, or inside it as its unit."""
    counted = _COUNTED.search(question)
    if counted is None:
        return 0.0
    wanted = {stem for group in counted.groups() if group for stem in stems(group)}
    behind = stems(after)
    if wanted & set(stems(number)) or wanted & set(behind[:2]):
        return 2.0
    return 1.0 if wanted & set(behind) else 0.0


def _nearness(statement: str, span: tuple[int, int], asked: frozenset[str]) -> float:
    """The sum of how near each word of the question in the statement is: 1 beside the span, 1/2 some words off."""
    start, end = span
    gone: set[str] = set()
    total = 0.0
    for match in sorted(_WORD.finditer(statement), key=lambda one: _distance(one.span(), span)):
        if start <= match.start() < end:
            continue
        found = (set(stems(match.group())) & asked) - gone
        if found:
            gone |= found
            total += 1 / (1 + _distance(match.span(), span) / 30)
    return total or 0.01


def _distance(one: tuple[int, int], other: tuple[int, int]) -> int:
    """Characters between two spans."""
    return max(one[0] - other[1], other[0] - one[1], 0)


def _stripped(text: str, start: int, end: int) -> tuple[int, int]:
    found = text[start:end]
    return start + len(found) - len(found.lstrip()), end - len(found) + len(found.rstrip(" ,;"))
