"""Whether the text that an answer quotes holds the answer that was wanted."""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

#: Up to so many tokens an answer is a name, a number, a date: it has to be there as it is.
SHORT = 10

# In scripts without spaces between words each letter is a token.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_TOKEN = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+")


def tokens(text: str) -> list[str]:
    """Words and numbers without case, punctuation and the variants that NFKC folds."""
    return _TOKEN.findall(unicodedata.normalize("NFKC", text).casefold())


def is_short(answers: Sequence[str]) -> bool:
    return all(len(tokens(answer)) <= SHORT for answer in answers)


def contains_answer(quoted: str, answers: Sequence[str]) -> bool:
    """Whether the tokens of one of the answers stand in the quoted text, in a row."""
    text = _padded(tokens(quoted))
    return any(wanted in text for wanted in map(_padded, map(tokens, answers)) if wanted.strip())


def token_f1(quoted: str, answers: Sequence[str]) -> float:
    """The F1 of the tokens shared with the nearest of the answers, 0 to 1 (Rajpurkar et al. 2016, SQuAD).

    Unlike there, articles count.
    """
    found = Counter(tokens(quoted))
    return max((_f1(found, Counter(tokens(answer))) for answer in answers), default=0.0)


def _f1(found: Counter[str], wanted: Counter[str]) -> float:
    shared = (found & wanted).total()
    return 2 * shared / (found.total() + wanted.total()) if shared else 0.0


def _padded(words: Sequence[str]) -> str:
    return f" {' '.join(words)} "
