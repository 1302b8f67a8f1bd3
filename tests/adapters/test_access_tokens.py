"""Tokens: ours are read back, and nobody else's are taken."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import jwt
import pytest

from kyo_pipeline.adapters import access_tokens
from kyo_pipeline.adapters.access_tokens import Claims, TokenType
from kyo_pipeline.errors import NotSignedIn
from kyo_pipeline.kyo import Kyo

CLAIMS = Claims(uuid4(), uuid4())


def _issued(kyo: Kyo, kind: TokenType) -> str:
    return access_tokens.issue(kyo.settings, kind, CLAIMS, kyo.now(), kyo.now() + timedelta(minutes=5))


@pytest.mark.parametrize("kind", TokenType)
def test_a_token_is_read_as_what_it_is_and_as_nothing_else(kyo: Kyo, kind: TokenType) -> None:
    token = _issued(kyo, kind)
    assert access_tokens.read(kyo.settings, kind, token, kyo.now()) == CLAIMS
    (other,) = set(TokenType) - {kind}
    with pytest.raises(NotSignedIn):
        access_tokens.read(kyo.settings, other, token, kyo.now())


@pytest.mark.parametrize(
    ("change", "algorithm"),
    [({}, "none"), ({"aud": "other"}, "HS256"), ({"iss": "other"}, "HS256"), ({"sid": None}, "HS256")],
)
def test_forged_tokens_are_refused(kyo: Kyo, change: dict[str, Any], algorithm: str) -> None:
    token = _issued(kyo, TokenType.ACCESS)
    payload = jwt.decode(token, options={"verify_signature": False}) | change
    key = None if algorithm == "none" else access_tokens._key(kyo.settings)
    forged = jwt.encode({k: v for k, v in payload.items() if v is not None}, key, algorithm)
    with pytest.raises(NotSignedIn):
        access_tokens.read(kyo.settings, TokenType.ACCESS, forged, kyo.now())


@pytest.mark.parametrize("token", ["", "a.b.c", "\ud800", "x" * 10_000])
def test_odd_tokens_are_refused(kyo: Kyo, token: str) -> None:
    with pytest.raises(NotSignedIn):
        access_tokens.read(kyo.settings, TokenType.ACCESS, token, kyo.now())


def test_the_end_is_that_of_our_clock(kyo: Kyo) -> None:
    token, end = _issued(kyo, TokenType.ACCESS), kyo.now() + timedelta(minutes=5)
    with pytest.raises(NotSignedIn, match="expired"):
        access_tokens.read(kyo.settings, TokenType.ACCESS, token, end)
