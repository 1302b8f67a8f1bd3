import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyo_pipeline.domain.answers import DraftCitation
from kyo_pipeline.domain.citations import Source, check, neutral, without_markers

SOURCES = [Source(n - 1, 100 * n, 100 * n + 4) for n in range(1, 4)]
BADGE = re.compile(r"\[\d{1,3}(?:\s*,\s*\d{1,3})*\]")  # what the page makes a badge of
MARKUP = st.lists(st.sampled_from([*"[]【】^†0129,;-– a\n\u200e\x00", "[1", "]]", "Passage ", "and"]), max_size=40).map(
    "".join
)


@pytest.mark.parametrize(
    ("written", "checked"),
    [
        ("Thirty days [1].", "Thirty days [1]."),
        ("Thirty days [1, 3].", "Thirty days [1][2]."),
        ("Thirty days [2][1].", "Thirty days [1][2]."),
        ("Thirty days 【3†source】.", "Thirty days [1]."),
        ("Thirty days [^2].", "Thirty days [1]."),
        ("Thirty days [Passage 2].", "Thirty days [1]."),
        ("Thirty days [1-3].", "Thirty days [1][2][3]."),
        ("Thirty days [2] and [2].", "Thirty days [1] and [1]."),
        ("Thirty days [2], not [7].", "Thirty days [1], not."),
        ("Thirty days [0].", "Thirty days."),
        ("Thirty days [[9]1].", "Thirty days [1]."),
        ("Thirty days [[9]9].", "Thirty days."),
        ("Thirty days [\u200e9].", "Thirty days."),
        ("In the year [2024] too.", "In the year [2024] too."),
    ],
)
def test_markers_are_normalised_checked_and_renumbered(written: str, checked: str) -> None:
    assert check(written, SOURCES)[0] == checked


def test_citations_name_passages_and_offsets() -> None:
    _, citations = check("A [3]. B [1].", SOURCES)
    assert citations == (DraftCitation(1, 2, 300, 304), DraftCitation(2, 0, 100, 104))


def test_a_text_without_valid_markers_has_no_citations() -> None:
    assert check("Thirty days [9], says 【4】.", SOURCES)[1] == ()


@given(MARKUP)
def test_whatever_a_model_writes_markers_run_from_one(text: str) -> None:
    checked, citations = check(text, SOURCES)
    assert [citation.marker for citation in citations] == list(range(1, len(citations) + 1))
    assert all(f"[{citation.marker}]" in checked for citation in citations)
    assert all(0 <= citation.index < 3 for citation in citations)
    assert set(BADGE.findall(checked)) == {f"[{citation.marker}]" for citation in citations}


@pytest.mark.parametrize(
    ("written", "left"),
    [
        ("Invented [4].", "Invented."),
        ("Invented [Passage 1, 2]【3†a】, and", "Invented, and"),
        ("Invented [[4]4]", "Invented"),
        ("Invented [\x004]", "Invented"),
        ("Invented. [1", "Invented."),
        ("Invented. 【1†sou", "Invented."),
        ("In [2024] it [says] so", "In [2024] it [says] so"),
    ],
)
def test_without_markers_nothing_looks_checked(written: str, left: str) -> None:
    assert without_markers(written) == left


@given(MARKUP)
def test_no_form_of_a_marker_survives(text: str) -> None:
    for cleaned in (without_markers(text), neutral(text)):
        assert check(cleaned, [Source(0, 0, 1)] * 999)[1] == ()
        assert not BADGE.search(cleaned)
