"""Words to stems, as PostgreSQL's `to_tsvector(language, …)` makes them, to compare with its terms."""

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

import Stemmer  # type: ignore[import-not-found]  # PyStemmer ships no type information

from kyo_pipeline.domain.languages import ENGLISH
from kyo_pipeline.domain.lexical import segmented

# PostgreSQL's english.stop, which is Snowball's list.
STOP_WORDS = frozenset(
    """
    i me my myself we our ours ourselves you your yours yourself yourselves he him his himself she her
    hers herself it its itself they them their theirs themselves what which who whom this that these
    those am is are was were be been being have has had having do does did doing a an the and but if or
    because as until while of at by for with about against between into through during before after
    above below to from up down in out on off over under again further then once here there when where
    why how all any both each few more most other some such no nor not only own same so than too very s
    t can will just don should now
    """.split()  # noqa: SIM905 — so many words are easier to read as a text
)

_STEMMED = frozenset(Stemmer.algorithms())

# First what PostgreSQL's parser keeps whole (e-mail addresses, host names, abbreviations, numbers with
# points), then compounds, then words.
_TOKEN = re.compile(
    r"""(?P<whole>[a-z0-9][\w.+-]*@[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}
        | [a-z0-9][a-z0-9-]*(?:\.[a-z0-9-]+)*\.[a-z]{2,}(?![\w-])
        | (?<!\w)[a-z](?:\.[a-z])+(?!\w)
        | \d+(?:\.\d+)+(?!\w))
      | (?P<compound>[^\W\d_][^\W_]*(?:-[^\W\d_][^\W_]*)+)
      | (?P<word>[^\W_]+)""",
    re.VERBOSE,
)


def stems(text: str, language: str = ENGLISH) -> list[str]:
    """The stems of `text` in order, without stop words; a compound gives itself and its parts.

    `language` is a configuration of `domain/languages.py`. Of other languages than English stop words stay: PostgreSQL
    gives them no weight.
    """
    return [stem for match in _TOKEN.finditer(segmented(text)) for stem in _of_token(match, language)]


def weigh(
    question: str,
    term_weights: Mapping[str, float],
    language: str = ENGLISH,
    corrections: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, float]:
    """The weight of each stem of the question, out of PostgreSQL's (`Retrieval.term_weights`).

    A stem that was mistyped counts as the one that was meant.
    Snowball 3 cuts some words less than the version inside PostgreSQL 18 and before (organiz for organ,
    emergenc for emerg): a stem that is not a key takes the weight of a key that begins it, or that it begins.
    """
    asked = (corrections.get(stem, stem) for stem in stems(question, language))
    weights = ((stem, _weight(stem, term_weights)) for stem in asked)
    return {stem: weight for stem, weight in weights if weight > 0}


def _weight(stem: str, term_weights: Mapping[str, float]) -> float:
    if stem in term_weights:
        return term_weights[stem]
    kin = (key for key in term_weights if min(len(key), len(stem)) >= 4 and _is_kin(key, stem))
    return max((term_weights[key] for key in kin), default=0.0)


def _is_kin(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


def _of_token(match: re.Match[str], language: str) -> list[str]:
    token = match.group()
    if match.lastgroup == "whole":
        return [token]
    words = [token, *token.split("-")] if match.lastgroup == "compound" else [token]
    return [_stem(word, language) for word in words if language != ENGLISH or word not in STOP_WORDS]


# A Stemmer object is not thread-safe, and making one takes a microsecond: one for each word that is new.
@lru_cache(maxsize=50_000)
def _stem(word: str, language: str) -> str:
    return str(Stemmer.Stemmer(language).stemWord(word)) if language in _STEMMED else word
