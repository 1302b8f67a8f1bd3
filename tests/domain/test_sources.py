"""Which part of a text is shown at once, and who may see it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyo_pipeline.domain.parsed import ParsedDocument
from kyo_pipeline.domain.sources import STRETCH, Readable, holds, lead_in, part_at, parts


@given(st.text(alphabet=" \nab.", max_size=60).map(lambda text: text * 800), st.integers(0, 60_000))
def test_every_character_is_in_one_part(text: str, offset: int) -> None:
    found = parts(ParsedDocument(text))
    assert "".join(text[part.start : part.end] for part in found) == text
    assert all(0 < part.end - part.start <= STRETCH for part in found) or not text
    if text:
        part = part_at(found, min(offset, len(text) - 1))
        assert part.start <= min(offset, len(text) - 1) < part.end


@pytest.mark.parametrize(
    ("text", "starts"),
    [
        ("", [0]),
        ("a" * STRETCH, [0]),
        ("a" * 20_000, [0, 8000, 16_000]),  # no place to break at
        ("a" * 5000 + "\n\n" + "a" * 2000 + "\n" + "a" * 5000, [0, 5002]),  # rather a paragraph than a later line
        ("a" * 5000 + "\n" + "a" * 2000 + " " + "a" * 5000, [0, 5001]),  # rather a line than a later word
        ("a" * 100 + "\n\n" + "a" * 5000 + " " + "a" * 5000, [0, 5103]),  # a paragraph that is not too far back
    ],
)
def test_a_stretch_begins_where_something_begins(text: str, starts: list[int]) -> None:
    assert [part.start for part in parts(ParsedDocument(text))] == starts


@pytest.mark.parametrize(
    ("text", "place", "start"),
    [
        ("word " * 1000, 0, 0),
        ("word " * 1000, 800, 0),  # near enough to the top
        ("word " * 1000, -5, 0),  # the passage begins before this part
        ("word " * 1000, 3000, 2600),
        ("x" * 5000, 3000, 2600),
        ("x" * 2300 + "\n\n" + "y " * 1000, 3000, 2302),
        ("x" * 2300 + "\n" + "y " * 1000, 3000, 2301),
        ("x" * 2000 + "\n\n" + "y" * 3000, 3000, 2600),  # too far up
    ],
)
def test_a_text_begins_a_little_before_what_is_to_be_seen(text: str, place: int, start: int) -> None:
    assert lead_in(text, place) == start


def test_a_page_is_a_part_even_when_it_is_empty() -> None:
    found = parts(ParsedDocument("onetwo", (0, 3, 3)))
    assert [(part.page, part.start, part.end) for part in found] == [(1, 0, 3), (2, 3, 3), (3, 3, 6)]
    assert [part_at(found, offset).page for offset in (0, 2, 3, 5, 6, 99)] == [1, 1, 3, 3, 3, 3]


@pytest.mark.parametrize(
    ("start", "end", "touched"), [(0, 10, False), (0, 11, True), (10, 20, True), (12, 13, True), (20, 30, False)]
)
def test_what_was_quoted_opens_the_part_that_it_stands_in(start: int, end: int, touched: bool) -> None:
    assert Readable(False, ((10, 20), (40, 50))).touches(start, end) == touched
    assert Readable(True, ()).touches(start, end)


def test_what_may_be_read_begins_with_the_first_quote() -> None:
    assert Readable(False, ((40, 50), (10, 20))).first == 10
    assert Readable(True, ((10, 20),)).first == 0


@pytest.mark.parametrize(
    ("text", "quote", "expected"),
    [
        ("Thirty days of leave.", "days of", True),
        ("Thirty\ndays  of\tleave.", "Thirty days of\nleave.", True),
        ("Twenty days.", "Thirty days.", False),
        ("", "Thirty days.", False),
        ("Thirty days.", " \n", None),
        (None, "Thirty days.", None),
    ],
)
def test_a_text_holds_a_quote_however_it_is_broken_into_lines(
    text: str | None, quote: str, expected: bool | None
) -> None:
    assert holds(text, quote) is expected
