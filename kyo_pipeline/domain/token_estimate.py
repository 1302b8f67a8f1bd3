"""How many tokens a text is for a language model whose tokenizer is not here: an estimate that errs upwards."""

import math
import re

_PER_TOKEN = 3.0  # letters of a word
_CAPITALS_PER_TOKEN = 1.8
_ACCENTED_PER_TOKEN = 2.0  # letters without accent in a word that has others: it is cut up around those
_LONGEST_WORD = 24  # letters; what is longer is no word, and mostly cut into pieces of one or two
_MARGIN = 2  # tokens that mark where a text begins

_PIECES = re.compile(r" ?[^\W\d_]+|.", re.DOTALL)  # a blank before a word is part of its first token
_WORD = re.compile(r"[A-Z]?[a-z]+")
_CAPITALS = re.compile(r"[A-Z]{2,}")

#: What the vocabularies of Llama and Mistral hold one by one: Latin, Greek, Cyrillic, Hebrew and Arabic letters.
_KNOWN = re.compile(
    r"[\x20-\x7e\xa1-\xff\u0391-\u03a1\u03b1-\u03c9\u0410-\u044f\u05d0-\u05ea\u0627-\u063a\u0641-\u064a]"
)


def estimated_tokens(text: str) -> int:
    """At least as many as a vocabulary of 32,000 with single bytes makes of a text in words.

    Words take a token for three letters, measured on European languages. Everything else takes the most that it can: a
    token for each sign, and one for each byte where the vocabulary may not have the sign at all.
    """
    return _MARGIN + math.ceil(sum(_tokens(match[0]) for match in _PIECES.finditer(text)))


def _tokens(piece: str) -> float:
    word = piece.lstrip(" ")
    if not word[:1].isalpha():
        return _sign(piece)
    if len(word) > _LONGEST_WORD:
        return sum(map(_sign, word))
    if _WORD.fullmatch(word):
        return max(1.0, len(word) / _PER_TOKEN)
    if _CAPITALS.fullmatch(word):
        return max(1.0, len(word) / _CAPITALS_PER_TOKEN)
    if word.isascii():
        return len(word)
    return 1 + sum(1 / _ACCENTED_PER_TOKEN if one.isascii() else _sign(one) for one in word)


def _sign(one: str) -> int:
    return 1 if _KNOWN.fullmatch(one) else len(one.encode("utf-8", "replace"))
