"""Questions that lean on the ones before them: told by their words, and made to stand alone with those of the topic.

The rules know English. They look for signs that something is missing, and keep their hands off everything else.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kyo_pipeline.domain.citations import neutral
from kyo_pipeline.domain.conversation import Turn
from kyo_pipeline.domain.stemming import STOP_WORDS, stems, weigh

_TOPIC_WORDS = 6
_LONG = 8  # words of its own; with so many a question says what it is about
_LONGEST_REWRITE = 300  # characters

_TOPIC = re.compile(r"\s*\([^()]*\)$")
_WORD = re.compile(r"[^\W_]+(?:[-'’.&/][^\W_]+)*")

#: Verbs that go with any topic. What has no other words is about nothing of its own.
_LIGHT = frozenset(
    """
    get gets got take takes make makes see find use uses need needs apply applies ask request submit send claim
    know tell happen happens happened go goes give gives mean means explain say says want like done try come
    comes let lets must may might could would shall cannot can't don't doesn't isn't aren't won't what's who's
    where's when's how's that's it's they're i'm i've i'd also please thanks ok okay actually maybe really
    exactly else yes long many much often far soon early late
    """.split()  # noqa: SIM905 — so many words are easier to read as a text
)

#: Nouns and the like that ask about some side of a topic, and do not say which topic.
_SIDES = frozenset(
    """
    deadline deadlines limit limits amount amounts cost costs price prices reason reasons exception exceptions
    rule rules process procedure form forms contact maximum minimum rate rates difference differences
    requirement requirements condition conditions step steps detail details period example examples option
    options alternative alternatives case cases day days week weeks month months year years hour hours minute
    minutes time times percent percentage possible allowed required necessary mandatory optional responsible
    eligible approve approves approved decide decides people person first second third next last another way
    ways part parts consequence consequences penalty information info link page source sources
    """.split()  # noqa: SIM905 — so many words are easier to read as a text
)

_AUXILIARY = r"(?:is|are|was|were|am|do|does|did|can|could|will|would|shall|should|may|might|must|has|have|had)"
_QUESTION_WORD = r"(?:how|when|why|where|who|whom|whose|which|what)"
_HAS_AUXILIARY = re.compile(rf"\b{_AUXILIARY}(?:n['’]t)?\b|['’](?:s|re|m|ll|d)\b", re.IGNORECASE)
_ASKS = re.compile(rf"^(?:(?:for|since|until|by|from|to|in|at|with|on)\s+)?{_QUESTION_WORD}\b", re.IGNORECASE)
_JOINT = re.compile(r"^(?:(?:and|but|or|so)\s+)?(?:(?:what|how) (?:about|if)\b\s*)?", re.IGNORECASE)
_JOINS_ON = re.compile(
    r"^(?:(?:and|but|or|so)\b(?!\s*/)|what about\b|how about\b|what if\b|even\b|only\b|also\b|except\b|including\b"
    r"|same\b|the same\b|not\b|then\b|otherwise\b)",
    re.IGNORECASE,
)
_ABOUT = re.compile(r"^(?:(?:and|but|or|so)\s+)?(?:what|how) (?:about|if)\b", re.IGNORECASE)
_FRAGMENT = re.compile(
    r"^(?:for|with|without|during|after|before|under|within|between|from|by|outside|inside|until|unless|if|in)\b",
    re.IGNORECASE,
)
_BARE = re.compile(
    rf"^{_AUXILIARY}\s+(?:(?:my|our|the|a|an|your)\s+)?[^\W\d_]+(?:\s+(?:too|also|either|as well))?$", re.IGNORECASE
)
_NUMBER_PHRASE = re.compile(r"^(?:how (?:many|much|long|often|far|soon)|when|who|where)\b", re.IGNORECASE)

_CLAUSE_ENDS = re.compile(
    r"[,;:.!?]|\s[-–—]\s|\b(?:and|or|but|if|when|while|once|because|so|after|before|until|unless|who|which|that|where)\b",
    re.IGNORECASE,
)
_OBJECT = re.compile(
    r"\b(?:it|them|him|he|she|they)\b|\b(?:the|which|that|another|a|an)\s+(?:[^\W_]+\s+)?ones?\b", re.I
)
_POSSESSIVE = re.compile(r"\b(?:its|their|theirs|his|her|hers)\b", re.IGNORECASE)
_IMPERSONAL = re.compile(
    rf"\b(?:{_AUXILIARY}\s+it|it['’]?s|it\s+{_AUXILIARY})\s+(?:[^\W_]+\s+){{1,3}}(?:to|that|if|for|when)\s+(?P<rest>.*)$",
    re.IGNORECASE,
)
_HERE_AND_NOW = (
    r"(?:year|week|month|quarter|time|day|days|morning|afternoon|evening|summer|winter|spring|season|company|organi[sz]ation"
    r"|office|team|handbook|country|app|site|tool|system|platform)"
)
_POINTING = re.compile(rf"\b(?:this|these|those)\b(?!\s+(?:{_HERE_AND_NOW}|who|with|of|in|working)\b)", re.IGNORECASE)
_POINTING_THAT = re.compile(
    rf"(?:^|\b(?:{_AUXILIARY}|about|for|of|with|on|in|to|like|after|before|than|how|why|do|does)\s+)that\b"
    r"|\bthat$",
    re.IGNORECASE,
)
_COMPARES = re.compile(
    r"\b(?:longer|shorter|earlier|later|cheaper|higher|lower|bigger|smaller|sooner|fewer|better|instead|too|as well"
    r"|either|neither|both|the rest|the same)$|\b(?:what|who|where|how|anything|anyone|something) else\b"
    r"|\bthe same (?:for|in|true|apply|applies)\b",
    re.IGNORECASE,
)
_ACRONYM = re.compile(r"\b(?:IT|US|THIS|WHO|HER|IN)\b")
_NAMED = "\u02e3"  # a letter that nobody types
_QUOTED = re.compile(r"“[^”]*”|\"[^\"]*\"")
_QUOTES = " \t\"'“”‘’`*"
_LABEL = re.compile(r"^(?:standalone |rewritten |new |search )?(?:question|query)\s*:\s*", re.IGNORECASE)


def standing_alone(question: str, turns: Sequence[Turn], weights: Mapping[str, float] | None = None) -> str | None:
    """The question with the words of its topic, or None when it is to stay as it is.

    `turns` are the ones before, oldest first; `weights` the inverse document frequencies of the topic's stems, to tell
    which of many words to take.
    """
    topic = topic_of(turns)
    if topic is None or not leans(question):
        return None
    words = _topic_words(question, topic, weights or {})
    return f"{question} ({words})" if words else None


def asked_now(question: str) -> str:
    """The question without the words of its topic, where rules have made it to stand alone."""
    return _TOPIC.sub("", question)


def topic_of(turns: Sequence[Turn]) -> str | None:
    """The question that a follow-up is about: the last one, unless that was a follow-up itself and led nowhere.

    A question that stood alone and found nothing began a topic all the same: to go back behind it would answer about
    something that the asker had left.
    """
    return next((turn.question for turn in reversed(turns) if not turn.led_nowhere), None)


def leans(question: str) -> bool:
    """Whether the question does not say by itself what it is about."""
    asked = _Asked.of(question)
    return bool(asked.words) and (
        _is_fragment(asked)
        or _is_about_nothing(asked)
        or (len(asked.own) <= _LONG and (_points_back(asked) or _compares(asked)))
    )


def checked_rewrite(rewritten: str, question: str, turns: Sequence[Turn]) -> str | None:
    """What a language model made of a follow-up, cleaned; None where it is no question on this, or nothing new.

    It has to keep the question's own words, and may bring few that neither the question nor the turns have: a model
    that answers, explains or obeys somebody writes others.
    """
    lines = [line.strip() for line in neutral(rewritten).splitlines() if line.strip()]
    text = _LABEL.sub("", " ".join(lines[:1]).strip(_QUOTES)).strip(_QUOTES)
    if not text or len(text) > _LONGEST_REWRITE or " ".join(text.split()) == question:
        return None
    before = {stem for turn in turns for stem in stems(turn.question)}
    kept, asked = set(stems(text)), {stem for word in _Asked.of(question).own for stem in stems(word)}
    new = kept - set(stems(question)) - before
    keeps_the_question = len(asked & kept) >= 0.5 * len(asked)
    return " ".join(text.split()) if kept and keeps_the_question and len(new) <= 0.34 * len(kept) else None


@dataclass(frozen=True)
class _Asked:
    """A question for the rules: without its last marks, all its words, and those that say what it is about.

    `own` has neither stop words nor verbs that go with anything; `topical` not even words like deadline or days.
    """

    text: str
    words: tuple[str, ...]
    own: tuple[str, ...]
    topical: tuple[str, ...]

    @classmethod
    def of(cls, question: str) -> "_Asked":
        text = _without_acronyms(question).strip(" \t?!.…")
        words = tuple(_WORD.findall(text))
        own = tuple(word for word in words if _is_own(word))
        return cls(text, words, own, tuple(word for word in own if word.lower() not in _SIDES and not word.isdigit()))


def _is_fragment(asked: _Asked) -> bool:
    """No whole sentence: "and in Berlin?", "what about interns?", "for how long?", "without a receipt?"."""
    few, has_verb = len(asked.own) <= 3, bool(_HAS_AUXILIARY.search(asked.text))
    if about := _ABOUT.match(asked.text):
        return few if about.group().lower().endswith("about") else len(asked.topical) <= 1
    if _JOINS_ON.match(asked.text):
        return few and (not has_verb or len(asked.topical) <= 1)
    if has_verb:
        return bool(_BARE.match(asked.text)) and len(asked.words) <= 4
    if _ASKS.match(asked.text):
        return len(asked.own) <= 1
    if _FRAGMENT.match(asked.text):
        return few and len(asked.words) <= (3 if asked.text.lower().startswith("in") else 6)
    return False


def _is_about_nothing(asked: _Asked) -> bool:
    """A sentence of words that go with every topic: "how do I apply?", "what is the deadline?"."""
    return not asked.topical and bool(_ASKS.match(asked.text) or _HAS_AUXILIARY.search(asked.text))


def _points_back(asked: _Asked) -> bool:
    """A pronoun for something that the question does not name."""
    text = _without_impersonal(_QUOTED.sub("", asked.text))
    return (
        any(not _names_something(_clauses_before(text, match.start())) for match in _OBJECT.finditer(text))
        or any(not _names_something(text[: match.start()]) for match in _POSSESSIVE.finditer(text))
        or any(not _names_something(_clauses_before(text, match.start())) for match in _POINTING.finditer(text))
        or any(not _names_something(_clauses_before(text, match.start())) for match in _POINTING_THAT.finditer(text))
    )


def _compares(asked: _Asked) -> bool:
    """With something that is not there: "who else?", "can it be longer?"."""
    return (
        bool(_COMPARES.search(asked.text)) and len(asked.topical) <= 2 and not re.search(r"\bthan\b", asked.text, re.I)
    )


def _clauses_before(text: str, position: int) -> str:
    """The text up to the clause that has this position: a pronoun's noun stands there, or is not in this question."""
    ends = [match.start() for match in _CLAUSE_ENDS.finditer(text, 0, position)]
    return text[: ends[-1]] if ends else ""


def _names_something(text: str) -> bool:
    return any(_is_own(word) and word.lower() not in _SIDES for word in _WORD.findall(text))


def _without_impersonal(text: str) -> str:
    """Without the "it" that stands for nothing: "is it possible to work abroad", "how long does it take to hire"."""
    match = _IMPERSONAL.search(text)
    if match is None or not _names_something(match["rest"]):
        return text
    return re.sub(r"\bit(?:['’]s)?\b", "", text[: match.start("rest")], count=1, flags=re.IGNORECASE) + match["rest"]


def _without_acronyms(question: str) -> str:
    """With IT and US as names: they are no pronouns where not everything is written in capitals."""
    if question.isupper():
        return question
    return _ACRONYM.sub(lambda match: match.group() + _NAMED, question)


def _is_own(word: str) -> bool:
    folded = word.lower().replace("’", "'")
    return folded not in STOP_WORDS and folded not in _LIGHT and len(folded) > 1


def _topic_words(question: str, topic: str, weights: Mapping[str, float]) -> str:
    """The words of the topic that the question does not have, in their order; the rarest where there are many.

    A fragment has lost its question as well, so it gets that back: "how many", and words like days.
    """
    asked, before = _Asked.of(question), _Asked.of(topic)
    is_fragment = _is_fragment(asked) and not _ASKS.match(_JOINT.sub("", asked.text))
    known = set(stems(question))
    candidates = (
        word.removesuffix(_NAMED) for word in (before.own if is_fragment or not before.topical else before.topical)
    )
    words = [word for word in dict.fromkeys(candidates) if not known & set(stems(word))]
    chosen = sorted(words, key=lambda word: -_weight(word, weights))[:_TOPIC_WORDS]
    phrase = _NUMBER_PHRASE.match(before.text) if is_fragment and not _NUMBER_PHRASE.match(asked.text) else None
    parts = [*([phrase.group().lower()] if phrase and chosen else []), *(word for word in words if word in chosen)]
    return " ".join(parts)


def _weight(word: str, weights: Mapping[str, float]) -> float:
    return max(weigh(word, weights).values(), default=0.0)
