import pytest

from kyo_pipeline.domain.parsed import Heading, HeadingPaths, ParsedDocument, heading_path_at, page_at


@pytest.mark.parametrize(
    ("starts", "offset", "page"),
    [
        ((), 0, None),
        ((0,), 0, 1),
        ((0,), 10_000, 1),
        ((0, 10, 20), 9, 1),
        ((0, 10, 20), 10, 2),
        ((0, 10, 20), 25, 3),
        ((0, 10, 10, 20), 10, 3),
        ((5, 10), 2, 1),
    ],
    ids=["no pages", "first", "beyond", "end", "begin", "last", "after an empty page", "before the first"],
)
def test_the_page_of_a_character(starts: tuple[int, ...], offset: int, page: int | None) -> None:
    assert page_at(starts, offset) == page


HEADINGS = [
    Heading(0, 1, "Handbook"),
    Heading(10, 2, "Leave"),
    Heading(20, 3, "Sick leave"),
    Heading(30, 2, "Travel"),
    Heading(40, 1, "Appendix"),
    Heading(50, 3, "Deep"),
    Heading(60, 2, "Less deep"),
]


@pytest.mark.parametrize(
    ("offset", "path"),
    [
        (0, ("Handbook",)),
        (9, ("Handbook",)),
        (10, ("Handbook", "Leave")),
        (25, ("Handbook", "Leave", "Sick leave")),
        (35, ("Handbook", "Travel")),
        (45, ("Appendix",)),
        (55, ("Appendix", "Deep")),
        (65, ("Appendix", "Less deep")),
    ],
)
def test_the_headings_above_a_character(offset: int, path: tuple[str, ...]) -> None:
    assert heading_path_at(HEADINGS, offset) == path


def test_before_the_first_heading_and_without_any_there_is_no_path() -> None:
    assert heading_path_at([], 5) == ()
    assert heading_path_at([Heading(3, 1, "Late")], 2) == ()


def test_many_lookups_come_from_one_table() -> None:
    headings = [Heading(number * 4, number % 6 + 1, "x") for number in range(1000)]
    paths = HeadingPaths(headings)
    assert [len(paths.at(heading.start)) for heading in headings[:7]] == [1, 2, 3, 4, 5, 6, 1]
    assert all(paths.at(heading.start + 3) for heading in headings)


def test_a_document_without_pages_has_none_rather_than_zero() -> None:
    assert ParsedDocument("text").pages is None
    assert ParsedDocument("text", (0, 2)).pages == 2
