"""What people are told of words that were taken for others."""

from uuid import UUID

import pytest

from kyo_pipeline.domain.corrections import corrections_shown
from kyo_pipeline.domain.retrieval import Passage, Retrieval

TEXT = "The garages are under the office. Each garage is free. Garages close at nine."
PASSAGE = Passage(1, UUID(int=1), UUID(int=2), 1, "Parking", "HR", TEXT, 0, len(TEXT), 1, 1, (), 1.0, 0.8, 5.0)


@pytest.mark.parametrize(
    ("question", "corrections", "shown"),
    [
        ("Where is the garrage?", {"garrag": "garag"}, (("garrage", "garages"),)),
        (
            "GARRAGES or parkking?",
            {"garrag": "garag", "parkk": "park"},
            (("GARRAGES", "garages"), ("parkking", "Parking")),
        ),
        ("Where is the kanteen?", {"kanteen": "canteen"}, ()),  # no passage has it
        ("Where is the garage?", {}, ()),
    ],
)
def test_it_is_said_in_whole_words(
    question: str, corrections: dict[str, str], shown: tuple[tuple[str, str], ...]
) -> None:
    assert corrections_shown(question, Retrieval((PASSAGE,), {}, 0.5, 1, corrections)) == tuple(shown)
