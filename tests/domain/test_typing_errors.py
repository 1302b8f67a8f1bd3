"""Words that are nowhere, and those that were meant."""

import pytest

from kyo_pipeline.domain.typing_errors import nearest


@pytest.mark.parametrize(
    ("typed", "known", "meant"),
    [
        ("northwnd", ["northwind", "north"], "northwind"),
        ("northwidn", ["northwind"], "northwind"),  # two that changed places are one error
        ("nothwid", ["northwind"], None),  # two errors in a short word make another word
        ("contsoo", ["contoso"], "contoso"),
        ("helth", ["health", "helm"], "health"),
        ("gendr", ["gender", "render"], "gender"),
        ("kubernets", ["kubernetes"], "kubernetes"),
        ("kubrnets", ["kubernetes"], "kubernetes"),  # two in a long one
        ("leave", ["leave"], None),  # nothing was mistyped
        ("zebra", ["leav", "sick"], None),
        ("zebra", [], None),
    ],
)
def test_the_nearest_word_is_meant(typed: str, known: list[str], meant: str | None) -> None:
    assert nearest(typed, [(word, 1) for word in known]) == meant


def test_the_first_letter_is_seldom_wrong_and_frequent_words_are_meant_more_often() -> None:
    assert nearest("cable", [("table", 90), ("cabel", 1)]) == "cabel"
    assert nearest("form", [("farm", 1), ("firm", 9)]) == "firm"
