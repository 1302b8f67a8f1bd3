"""What lies in Redis can be read and changed by nobody who has not the secret."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyo_pipeline.adapters.sealing import opened, sealed


@given(st.binary(max_size=300), st.binary(max_size=40), st.text(max_size=40).filter(lambda text: text.isprintable()))
def test_what_is_sealed_comes_back(value: bytes, secret: bytes, name: str) -> None:
    assert opened(sealed(value, secret, name), secret, name) == value


def test_it_says_nothing_and_is_never_the_same() -> None:
    one, other = sealed(b"thirty days", b"secret", "a"), sealed(b"thirty days", b"secret", "a")
    assert one != other
    assert b"thirty" not in one


@pytest.mark.parametrize("position", range(0, 39, 3))
def test_what_was_changed_is_nothing(position: int) -> None:
    value = bytearray(sealed(b"thirty days", b"secret", "a"))
    value[position] ^= 1
    assert opened(bytes(value), b"secret", "a") is None


@pytest.mark.parametrize("value", [b"", b"short", b"x" * 12, b"x" * 28, b"thirty days"])
def test_what_was_never_sealed_is_nothing(value: bytes) -> None:
    assert opened(value, b"secret", "a") is None


def test_with_another_secret_or_under_another_name_it_is_nothing() -> None:
    value = sealed(b"thirty days", b"secret", "a")
    assert opened(value, b"another", "a") is None
    assert opened(value, b"secret", "b") is None
