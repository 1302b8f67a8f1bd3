from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyo_pipeline.domain.answers import DraftCitation
from kyo_pipeline.domain.citations import check
from kyo_pipeline.domain.retrieval import Passage

PASSAGE = Passage(1, UUID(int=1), UUID(int=2), 1, "Leave", "HR", "text", 100, 104, None, None, (), 1.0, 0.8, 5.0)
PASSAGES = [replace(PASSAGE, start=100 * n, end=100 * n + 4) for n in range(1, 4)]


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
        ("In the year [2024] too.", "In the year [2024] too."),
    ],
)
def test_markers_are_normalised_checked_and_renumbered(written: str, checked: str) -> None:
    assert check(written, PASSAGES)[0] == checked


def test_citations_name_passages_and_offsets() -> None:
    _, citations = check("A [3]. B [1].", PASSAGES)
    assert citations == (DraftCitation(1, 2, 300, 304), DraftCitation(2, 0, 100, 104))


def test_a_text_without_valid_markers_has_no_citations() -> None:
    assert check("Thirty days [9], says 【4】.", PASSAGES)[1] == ()


@given(st.text(alphabet="[]【】^0123456789,;-– a", max_size=60))
def test_whatever_a_model_writes_markers_run_from_one(text: str) -> None:
    checked, citations = check(text, PASSAGES)
    assert [citation.marker for citation in citations] == list(range(1, len(citations) + 1))
    assert all(f"[{citation.marker}]" in checked for citation in citations)
    assert all(0 <= citation.index < 3 for citation in citations)
