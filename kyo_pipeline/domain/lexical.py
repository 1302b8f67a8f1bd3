"""What lexical search makes of a text, before PostgreSQL takes it to lexemes, and of a question."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

#: Scripts that put no space between words: Han, Kana, Thai, Lao, Khmer, Myanmar.
_UNSPACED = re.compile(
    r"[\u0e00-\u0e7f\u0e80-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    r"\uf900-\ufaff\U00020000-\U0003ffff]+"
)
_SIGNS = re.compile(r"[^\w\s\x00-\x7f]")
#: Letters and digits that stand together, or are joined by signs that PostgreSQL's parser takes apart.
_JOINED = re.compile(r"(?<![\w.])\w+(?:[-./#:_]\w+)*")
_SEPARATORS = re.compile(r"[-./#:_]")
_QUOTED = re.compile(r"\"([^\"]{0,200})\"|“([^“”\"]{0,200})[”\"]|„([^„“”]{0,200})[“”]|«([^«»]{0,200})»")
_LONGEST_IDENTIFIER = 60
_MOST_PHRASES = 5

#: Chunks that the words of a question may propose. More would cost time, and say little: see `narrowing`.
BUDGET = 600


@dataclass(frozen=True)
class Term:
    """A lexeme of a question that can be found: in so many chunks, with its inverse document frequency."""

    lexeme: str
    id: int
    chunk_count: int
    idf: float


@dataclass(frozen=True)
class Analysis:
    """What the words of a question say to the search.

    `terms` can be found; `unknown` are lexemes that are nowhere, and weigh `unknown_idf` each. `corrections` maps a
    lexeme that was mistyped to the one that was meant. `phrase` is a tsquery, None where nothing stood between
    quotation marks. `spoken` is the configuration of the question's language, None where it may be in several.
    """

    terms: tuple[Term, ...] = ()
    unknown: tuple[str, ...] = ()
    unknown_idf: float = 0.0
    corrections: Mapping[str, str] = field(default_factory=dict)
    phrase: str | None = None
    spoken: str | None = None

    @property
    def weights(self) -> dict[str, float]:
        """The inverse document frequency of each lexeme; unknown ones count as rarer than any known one."""
        return {term.lexeme: term.idf for term in self.terms} | dict.fromkeys(self.unknown, self.unknown_idf)


def segmented(text: str) -> str:
    """The text in lower case and compatibility form (NFKC); where no spaces part words, each pair of letters is one.

    Typographic signs become spaces: in a database of locale C, PostgreSQL takes whatever is not ASCII for a letter.
    """
    plain = unicodedata.normalize("NFKC", text).lower().replace("\u2019", "'")
    return _UNSPACED.sub(_pairs, _SIGNS.sub(_blank, plain))


def identifiers(text: str) -> tuple[str, ...]:
    """Part numbers, versions, names of variables and the like, as lexemes of their own that begin with #.

    PostgreSQL takes them apart, and so would find AB-1234 wherever AB and 1234 are. AB-1234 and AB1234 are the same.
    """
    found = (match.group() for match in _JOINED.finditer(unicodedata.normalize("NFKC", text).lower()))
    return tuple(dict.fromkeys(f"#{_compact(one)}" for one in found if _is_identifier(one)))


def phrases(question: str) -> tuple[str, ...]:
    """What stands between quotation marks, a few at most."""
    found = ("".join(filter(None, match.groups())).strip() for match in _QUOTED.finditer(question))
    return tuple(dict.fromkeys(one for one in found if one))[:_MOST_PHRASES]


def narrowing(terms: Iterable[Term], budget: int = BUDGET) -> list[Term]:
    """The rarest terms that are in `budget` chunks in all, and at least one: what has none of them is not looked at.

    Chunks with only the most frequent words of a question are many and rank low. Their BM25 scores still count where
    the other leg finds them.
    """
    chosen: list[Term] = []
    for term in sorted(terms, key=lambda one: (one.chunk_count, one.lexeme)):
        if chosen and term.chunk_count > budget:
            break
        chosen.append(term)
        budget -= term.chunk_count
    return chosen


def any_of(lexemes: Iterable[str]) -> str:
    """A tsquery that one of these lexemes is enough for; "" for none."""
    return " | ".join("'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'" for lexeme in lexemes)


def sparse(terms: Sequence[Term]) -> str:
    """Their weights as the text of a sparsevec over the numbers of the lexemes."""
    weights = ",".join(f"{term.id}:{term.idf:.6g}" for term in sorted(terms, key=lambda one: one.id))
    return f"{{{weights}}}/1000000000"


def _pairs(match: re.Match[str]) -> str:
    run = match.group()
    return f" {' '.join(run[at : at + 2] for at in range(max(len(run) - 1, 1)))} "


def _blank(match: re.Match[str]) -> str:
    """A space for punctuation and symbols; marks that belong to the letter before them stay."""
    sign = match.group()
    return sign if unicodedata.category(sign)[0] in "MC" else " "


def _is_identifier(word: str) -> bool:
    if word.isalpha():  # as most are: looking at each letter takes time
        return False
    has_digit, has_letter = any(map(str.isdigit, word)), any(map(str.isalpha, word))
    if len(word) > _LONGEST_IDENTIFIER or _UNSPACED.search(word):
        return False
    return "_" in word.strip("_") or (has_digit and (has_letter or len(_SEPARATORS.findall(word)) > 1))


def _compact(word: str) -> str:
    """Without separators where letters keep it apart from other numbers: 1.23 is not 12.3."""
    return _SEPARATORS.sub("", word) if any(map(str.isalpha, word)) else word
