"""What is indexed for a chunk: the place must not outgrow the text."""

import pytest

from kyo_pipeline.domain.chunks import indexed_text


def test_title_and_headings_stand_before_the_text() -> None:
    assert indexed_text("Handbook", ("Leave", "Sick leave"), "Text.") == "Handbook › Leave › Sick leave\nText."
    assert indexed_text("Handbook", (), "Text.") == "Handbook\nText."


LONG = "word " * 60_000


@pytest.mark.parametrize(
    ("title", "path", "beginning", "end"),
    [
        (LONG, (), "word word", "…"),
        (LONG, ("Sick leave",), "word word", "… › Sick leave"),
        (LONG, (LONG, "Sick leave"), "word word", "… › … › Sick leave"),
        ("Handbook", (LONG, "Sick leave"), "Handbook › word", "… › Sick leave"),
        ("Handbook", ("A" * 120, "B" * 120, "Sick leave"), "Handbook › … › BBB", "BBB › Sick leave"),
        ("Handbook", ("Leave", LONG), "Handbook › Leave › word", "…"),
        ("Handbook", (LONG, LONG), "Handbook › … › word", "…"),
        (LONG, (LONG, LONG), "word word", "…"),
        ("x" * 190, ("Leave", "Sick"), "xxx", "x… › … › Sick"),
        ("Handbook", ("Part",) * 10_000, "Handbook › … › Part", "› Part"),
    ],
)
def test_a_long_place_is_cut(title: str, path: tuple[str, ...], beginning: str, end: str) -> None:
    place, text = indexed_text(title, path, "Text.").split("\n")
    assert place.startswith(beginning)
    assert place.endswith(end)
    assert 100 < len(place) <= 200
    assert text == "Text."
