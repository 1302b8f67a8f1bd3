"""Whether two questions ask the same in other words. A wrong yes shows a wrong answer as verified, so in doubt no.

How near their vectors are cannot tell: "in the first year" and "in the second", "enable" and "disable" lie closer
together than most paraphrases. So words decide. The lists know English; of other languages each word counts, and only
questions of the same words are the same.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from kyo_pipeline.domain.figures import Figures, figures_of
from kyo_pipeline.domain.lexical import segmented
from kyo_pipeline.domain.stemming import STOP_WORDS, stems

#: Part of each key. Another one when the lists below have changed: `kyo migrate` makes the keys anew then.
FORMAT = "1"

#: What is asked for; these words say nothing else.
_KINDS = {
    kind: re.compile(pattern)
    for kind, pattern in {
        "count": r"\bhow (?:many|much)\b|\b(?:number|amount) of\b",
        "often": r"\bhow often\b",
        "duration": r"\bhow long\b|\b(?:length|duration) of\b",
        "time": r"\b(?:what|which) (?:day|date|time)\b|\bdeadline (?:for|of|to)\b"
        r"|\bwhen (?:is|are|was|were|do|does|did|will|can|may|must|should|shall)\b",
        "place": r"\bwhere\b",
        "person": r"\b(?:who|whom|whose)\b",
        "reason": r"\bwhy\b|\breasons? (?:for|why)\b",
        "manner": r"\bhow\b|\b(?:process|procedure|steps|(?:best )?way) (?:for|to|of)\b",
        "open": r"\b(?:what|which)\b|^(?:is|are) there\b",
    }.items()
}
_CONDITION = re.compile(r"\bwhen (?=(?:i|my|we|our|you|your|somebody|someone|employees|staff|the|a|an)\b)")

#: Other words for the same, whatever the question is about.
_SAME = tuple(
    (re.compile(rf"\b(?:{words})\b"), f" {meant} ")
    for words, meant in (
        (r"(?<=what)'s|(?<=when)'s|(?<=where)'s|(?<=who)'s|(?<=how)'s", "is"),
        (r"where (?:can|could|do|does) (?:i|we|you|one) find", "where is"),
        (r"^do we have (?=an?\b)", "is there"),
        (r"(?:do|does) (?:i|we|you|employees) (?:have|need) to", "must"),
        (r"(?:am|are) (?:i|we|you|employees) (?:required|obliged) to", "must"),
        (r"annual (?:leave|vacation)|paid time off|pto", "vacation"),
        (r"vacation days?|days?(?: of)? vacation", "vacation"),
        (r"probation(?:ary)? (?:period|time)", "probation"),
        (r"(?:work(?:ing)? )?remote(?:ly)?(?: work(?:ing)?)?|wfh|telework(?:ing)?|home office", "work from home"),
        (r"expense (?:reports?|claims?)", "expenses"),
        (r"hand(?:ing)? in|turn(?:ing)? in", "submit"),
        (r"ask(?:ing)? for", "request"),
        (r"reserv(?:e|ing)", "book"),
        (r"frequently", "often"),
        (r"highest|max", "maximum"),
        (r"lowest|min", "minimum"),
        (r"lost", "lose"),
        (r"paid", "pay"),
        (r"sent", "send"),
        (r"spent", "spend"),
        (r"kept|retain(?:s|ed|ing)?", "keep"),
        (r"bought|purchased?", "buy"),
        (r"bikes?|bicycles?", "bicycle"),
        (r"e-mails?", "email"),
        (r"telephones?", "phone"),
        (r"includ(?:e|es|ed|ing)", "cover"),
        (r"(?:is|are) (?:it|we|i|you|employees|staff) (?:allowed|permitted) to|am i (?:allowed|permitted) to", "can"),
        (r"permitted|permissible", "allowed"),
        (r"staff|workers?|colleagues?", "employees"),
        (r"organi[sz]ation", "company"),
    )
)

#: Words that go with any question.
_LIGHT = frozenset(
    stems(
        "allowed available hello hi thanks please tell know there mean means held exactly currently generally actually"
        " happen happens happened may must shall could would"
    )
)
#: What somebody gets is often not said; and whoever asks for themselves asks as an employee.
_GETS = frozenset(stems("get gets got receive receives received entitled entitlement"))
_EMPLOYEE = frozenset(stems("employee employees"))
_MYSELF = frozenset({"i", "my", "me", "myself"})

#: Words that search leaves out, and that turn a question into another one.
_DECISIVE = frozenset(
    """
    after again against all before below between both during each few into more most off only other out over own same
    than through under until up down above while too very once further he she they his her hers their theirs them
    """.split()  # noqa: SIM905 — so many words are easier to read as a text
)
_PERMITS = re.compile(r"\b(?:can|may|could|allowed|able)\b")
_OBLIGES = re.compile(r"\b(?:must|ha(?:ve|s|d) to|needs? to|required|obliged|mandatory|obligatory|shall)\b")
_ASKS_WHETHER = re.compile(
    r"^(?:can|may|could|is|are|am|was|were|do|does|did|must|should|shall|will|would|has|have|had)\b"
)
#: Who does something to whom, where both are in the question.
_PERSONS = dict.fromkeys(("i", "me", "my", "we", "us", "our"), 1) | dict.fromkeys(("you", "your"), 2)
#: Kinds for which "can" says nothing.
_UNMODAL = frozenset({"manner", "place", "person", "reason"})
_PAST = frozenset({"did", "was", "were", "had"})
_AUXILIARY = frozenset(
    """
    is are am be been being do does have has can could may might must shall should will would get gets
    """.split()  # noqa: SIM905 — so many words are easier to read as a text
)
_PREPOSITIONS = frozenset({"about", "at", "by", "for", "from", "in", "on", "to", "with"})
_WORD = re.compile(r"[^\W_]+")
_NUMBER = re.compile(r"\d+")
_INFLECTED = {"are": "is", "am": "is", "was": "is", "were": "is", "does": "do", "did": "do", "has": "have"}
_SMALL = frozenset({"the", "a", "an", "my", "our", "your", "i", "we", "you", "me", "us"})
_LONGEST_KEY = 500  # characters; a longer one is cut, and more questions have it


@dataclass(frozen=True)
class _Asked:
    """A question taken apart. `content` are the stems of the words that it is about, in their order.

    `asks_as`: whether it is about employees, and whether about whoever asks.
    """

    kinds: frozenset[str]
    content: tuple[str, ...]
    function: Counter[str]
    decisive: frozenset[str]
    numbers: tuple[str, ...]
    modality: str
    is_past: bool
    asks_as: tuple[bool, bool]
    persons: tuple[int, ...]
    figures: Figures

    @classmethod
    def of(cls, question: str) -> "_Asked":
        text = " ".join(segmented(question).split())
        for other, meant in _SAME:
            text = " ".join(other.sub(meant, text).split())
        is_past = _is_past(_WORD.findall(text))
        kinds, text = _kinds_of(_CONDITION.sub("if ", text))
        words, found = _WORD.findall(text), stems(text)
        return cls(
            kinds=kinds,
            content=tuple(stem for stem in found if stem not in _LIGHT | _GETS | _EMPLOYEE),
            function=Counter(_INFLECTED.get(word, word) for word in words if word in STOP_WORDS - _SMALL),
            decisive=frozenset(words) & _DECISIVE,
            numbers=tuple(_NUMBER.findall(text)),
            modality=_modality(text),
            is_past=is_past,
            asks_as=(not _EMPLOYEE.isdisjoint(found), not _MYSELF.isdisjoint(words)),
            persons=tuple(_PERSONS[word] for word in words if word in _PERSONS),
            figures=figures_of(question),
        )

    @property
    def key(self) -> str:
        parts = (sorted(self.kinds), sorted(set(self.content)), sorted(self.decisive), self.numbers)
        return f"{FORMAT}|{'|'.join(' '.join(part) for part in parts)}"[:_LONGEST_KEY]


def folded(question: str) -> str:
    """The same for questions that differ in capitals, blanks and the marks at their end alone."""
    return " ".join(segmented(question).split()).rstrip(" ?!.")


def key_of(question: str) -> str:
    """What to look it up by: whatever is the same question has the same key. Not the other way round."""
    asked = _Asked.of(question)
    return asked.key if asked.content else f"{FORMAT}|={folded(question)}"[:_LONGEST_KEY]


def same_question(one: str, other: str) -> bool:
    """Whether an answer to the one answers the other: only where no word of either says otherwise."""
    if folded(one) == folded(other):
        return bool(folded(one))
    left, right = _Asked.of(one), _Asked.of(other)
    return (
        bool(left.content)
        and set(left.content) == set(right.content)
        and left.kinds == right.kinds
        and left.figures == right.figures
        and (left.persons == right.persons or not len(set(left.persons)) == len(set(right.persons)) == 2)
        and left.numbers == right.numbers
        and left.decisive == right.decisive
        and left.is_past == right.is_past
        and _is_as_binding(left, right)
        and not _leads_elsewhere(left, right)
        and (left.asks_as[0] == right.asks_as[0] or left.asks_as[1] != right.asks_as[1])
        and not _is_turned_round(left, right)
    )


def _kinds_of(text: str) -> tuple[frozenset[str], str]:
    """What is asked for, and the text without the words that say so."""
    found = {"whether"} if _ASKS_WHETHER.match(text) and not _KINDS["open"].match(text) else set()
    for kind, pattern in _KINDS.items():
        text, count = pattern.subn(" ", text)
        found |= {kind} if count else set()
    # What the number is, is how many.
    return frozenset(found - {"open"} or found or {"whether"}), " ".join(text.split())


def _is_as_binding(one: _Asked, other: _Asked) -> bool:
    """How one can do something is how one does it, but not how one must; elsewhere it matters whether one can."""
    if one.kinds <= _UNMODAL:
        return not one.modality or not other.modality or one.modality == other.modality
    return one.modality == other.modality


def _leads_elsewhere(one: _Asked, other: _Asked) -> bool:
    """Where one has "to", the other has "from"."""
    left, right = (one.function.keys() & _PREPOSITIONS, other.function.keys() & _PREPOSITIONS)
    return bool(left - right) and bool(right - left)


def _is_past(words: Sequence[str]) -> bool:
    """Who decided, who did decide; but not what is decided."""
    if not _PAST.isdisjoint(words):
        return True
    return _AUXILIARY.isdisjoint(words) and any(word.endswith("ed") and not word.endswith("eed") for word in words)


def _modality(text: str) -> str:
    """Whether it is about what one must do, or may do; "" for neither."""
    return "must" if _OBLIGES.search(text) else "may" if _PERMITS.search(text) else ""


def _is_turned_round(one: _Asked, other: _Asked) -> bool:
    """The same words in another order ask something else, unless the small words show that the sentence is another."""
    if one.content == other.content:
        return False
    small = (one.function - other.function) + (other.function - one.function)
    return not small.keys() - (_PREPOSITIONS - {"by"})
