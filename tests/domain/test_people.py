"""Names and e-mail addresses of people."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyo_pipeline.domain.people import (
    email_of,
    is_username,
    name_of,
    shown_name,
    typed_username,
    username_from,
    username_of,
)
from kyo_pipeline.errors import Invalid

HOSTILE = ["x" * 1_000_000, "a\x00b", "\ud800", "a\nb", "\u202eanna", "a\u200bb"]


@pytest.mark.parametrize("typed", ["anna", " Anna ", "a", "9", "a.b-c_d", "x" * 64])
def test_user_names(typed: str) -> None:
    assert username_of(typed) == typed.strip().lower()
    assert typed_username(typed) == typed.strip().lower()


@pytest.mark.parametrize("typed", ["", "-a", ".a", "two words", "ünal", "😀", "x" * 65, "a'--", "<b>", *HOSTILE])
def test_what_is_no_user_name(typed: str) -> None:
    assert typed_username(typed) is None
    with pytest.raises(Invalid, match="A user name has"):
        username_of(typed)


@pytest.mark.parametrize("typed", ["Anna", "  Anna  Lee ", "O'Neil; drop table users", "<b>Ünal</b> 😀", "x" * 200])
def test_names(typed: str) -> None:
    assert name_of(typed) == typed.strip()


@pytest.mark.parametrize("typed", ["", "  ", "x" * 201, *HOSTILE])
def test_what_is_no_name(typed: str) -> None:
    with pytest.raises(Invalid, match="A name has"):
        name_of(typed)


@pytest.mark.parametrize(
    ("typed", "email"),
    [
        ("", None),
        ("  ", None),
        (" a@b ", "a@b"),
        ("Anna+x@exämple.org", "Anna+x@exämple.org"),
        ("o'n@x.org", "o'n@x.org"),
    ],
)
def test_addresses(typed: str, email: str | None) -> None:
    assert email_of(typed) == email


@pytest.mark.parametrize(
    "typed", ["anna", "@", "a@", "@b", "a@b@c", "a b@c", "a@b\xa0c", f"{'x' * 250}@b.cd", "a@\x00", *HOSTILE]
)
def test_what_is_no_address(typed: str) -> None:
    with pytest.raises(Invalid, match="An e-mail address has"):
        email_of(typed)


@pytest.mark.parametrize(
    ("email", "name", "username"),
    [
        ("Anna.Lee@example.org", "x", "anna.lee"),
        ("anna+kyo@example.org", "x", "anna-kyo"),
        (None, "Anna Lee", "anna-lee"),
        ("ünal@example.org", "x", "nal"),
        ("雨@example.org", "Rain Cloud", "rain-cloud"),
        (None, "雨", "person"),
        ("--@x", "", "person"),
    ],
)
def test_user_names_are_made_from_what_the_provider_says(email: str | None, name: str, username: str) -> None:
    assert username_from(email, name) == username


@given(st.none() | st.text(), st.text())
def test_whatever_the_provider_says_the_names_are_good(email: str | None, name: str) -> None:
    username = username_from(email, name)
    assert is_username(username)
    assert name_of(shown_name(name, username)) == shown_name(name, username)
