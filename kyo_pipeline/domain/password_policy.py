"""Which passwords people may choose: long ones that are hard to guess (NIST SP 800-63B), made of whatever they like."""

import re
from collections.abc import Iterable
from threading import Lock
from typing import Any

from zxcvbn import zxcvbn  # type: ignore[import-untyped]  # ships no types

from kyo_pipeline.domain.typed_text import storable
from kyo_pipeline.errors import Invalid

MIN_LENGTH = 12
MAX_LENGTH = 1000

#: Of 0 to 4. Below it, fewer than 10^8 guesses find the password.
_GOOD_SCORE = 3
#: Judging costs more than the square of the length, and seconds for 72 characters that may all stand for letters. So a
#: longer password is judged piece by piece, until one is good; nor are all looked at of very many.
_PIECE = 20
_PIECES = 4
_OUR_WORDS = ("know", "your", "organisation", "organization", "kyo")

#: Shorter words occur in passwords by chance.
_TELLING = 3
_YEAR = "(?:19|20)[0-9]{2}"

_BLANKS = re.compile(r"[\W_]+")
_BETWEEN_WORDS = re.compile(r"[\s!-/:-@\[-`{-~]+")

#: zxcvbn keeps the words about a person in a global.
_judging = Lock()


def check(password: str, about: Iterable[str]) -> None:
    """Raise `Invalid` for a password that is too short or easy to guess. `about`: what is known of the person."""
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise Invalid(f"A password has {MIN_LENGTH} to {MAX_LENGTH} characters.")
    if storable(password) != password.strip():
        raise Invalid("A password must not contain characters that cannot be typed.")
    known = {word.lower() for text in about for word in (text, text.partition("@")[0], *_BLANKS.split(text))} - {""}
    # Twice: zxcvbn counts each word that is strung together, also those that come to everybody's mind first.
    judged = min(
        (_judged(text, [*sorted(known), *_OUR_WORDS]) for text in (password, _without(password, known))),
        key=lambda one: one["score"],
    )
    if judged["score"] < _GOOD_SCORE:
        reason = judged["feedback"]["warning"] or "This password is easy to guess."
        raise Invalid(f"{reason} Take several words that do not belong together, or let a password manager choose.")


def _without(password: str, known: Iterable[str]) -> str:
    """What is left, once each, without the words about person and product, years, and what stands between words."""
    taken = sorted((word for word in (*known, *_OUR_WORDS) if len(word) >= _TELLING), key=len, reverse=True)
    telling = re.compile("|".join([*map(re.escape, taken), _YEAR]), re.IGNORECASE)
    words = (word for word in _BETWEEN_WORDS.split(telling.sub(" ", password)) if word)
    return " ".join({word.lower(): word for word in words}.values())


def _judged(password: str, known: list[str]) -> dict[str, Any]:
    """What zxcvbn says of the first good piece, else of the best."""
    best: dict[str, Any] = {"score": -1, "feedback": {"warning": ""}}
    words = [word[:_PIECE] for word in known]
    for start in range(0, min(len(password), _PIECE * _PIECES), _PIECE):
        with _judging:
            judged = zxcvbn(password[start : start + _PIECE], user_inputs=words)
        best = max(best, judged, key=lambda one: one["score"])
        if best["score"] >= _GOOD_SCORE:
            break
    return best
