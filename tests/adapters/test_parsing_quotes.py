"""A quote is found among the characters of a page, however the two were written down."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyo_pipeline.adapters.parsing.quotes import find_quote

PAGE = "Every employee who has worked here for a year gets twenty-\nfive days of leave in each calendar year."


def found(quote: str, page: str) -> list[str]:
    return [page[start:end] for start, end in find_quote(quote, page)]


@pytest.mark.parametrize(
    ("quote", "page", "expected"),
    [
        ("a year gets twenty- five days", PAGE, ["a year gets twenty-\nfive days"]),  # lines were joined
        ("gets twentyfive days", PAGE, ["gets twenty-\nfive days"]),  # the hyphen was dropped
        ("EACH  Calendar\tyear", PAGE, ["each calendar year"]),
        ("“days of leave”", PAGE, ["days of leave"]),
        ("ﬁnancial oﬃce", "The financial office.", ["financial office"]),
        ("financial office", "The ﬁnancial oﬃce.", ["ﬁnancial oﬃce"]),
        ("Zürich café", "Zu\u0308rich cafe\u0301", ["Zu\u0308rich cafe"]),
        ("Grüße aus der Straße", "GRÜSSE AUS DER STRASSE", ["GRÜSSE AUS DER STRASSE"]),
        ("漢字の本文", "前書き 漢字の\n本文 後書き", ["漢字の\n本文"]),
        ("leave", "Sick leave, and other leave.", ["leave", "leave"]),  # each place is shown
        ("not on this page", PAGE, []),
        ("", PAGE, []),
        ("– · …", PAGE, []),
        ("Every employee", "", []),
    ],
)
def test_the_whole_quote(quote: str, page: str, expected: list[str]) -> None:
    assert found(quote, page) == expected


def test_the_part_that_is_on_this_page() -> None:
    quote = "The paragraph began on the page before this one. Every employee who has worked here for a year gets"
    assert found(quote, PAGE) == ["Every employee who has worked here for a year gets"]


def test_parts_in_another_order() -> None:
    first, second = "The left column of the table says this.", "The right column says something else."
    assert found(f"{first} {second}", f"{second}\n{first}") == [second[:-1], first[:-1]]


def test_a_few_common_words_are_not_the_quote() -> None:
    quote = "In each calendar year there are public holidays which the company observes in all of its offices."
    assert found(quote, PAGE) == []


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=60))
def test_what_is_there_is_found(before: str, quote: str, after: str) -> None:
    page = before + quote + after
    spans = find_quote(quote, page)
    assert all(0 <= start < end <= len(page) for start, end in spans)
    assert bool(spans) >= any(character.isalnum() and character.isascii() for character in quote)


@pytest.mark.parametrize("quote", ["a" * 50_000, "a" * 19_999 + "b", "ab" * 9_000 + "c", ("a" * 30 + "b") * 600])
def test_repetition_comes_to_an_end(quote: str) -> None:
    assert len(find_quote(quote, "a" * 200_000)) <= 20
