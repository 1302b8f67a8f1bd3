"""How cosine and BM25 are weighed against each other."""

from dataclasses import replace

import pytest

from kyo_pipeline.domain.embedding import EmbeddingSpec
from kyo_pipeline.domain.fusion import Factors
from kyo_pipeline.domain.lexical import Analysis, Term

SPEC = EmbeddingSpec("test", "test", "1", 3, "mean", "", "", None, 0.5, 0.5, ("english",))
ASKED = Analysis((Term("leav", 1, 5, 4.0),), ("zebra",), 12.0, spoken="english")


def test_each_leg_alone_is_a_weight_of_nothing_or_one() -> None:
    assert Factors.of(replace(SPEC, dense_weight=0.0), ASKED).dense == 0
    assert Factors.of(replace(SPEC, dense_weight=1.0), ASKED).lexical == 0


def test_a_bm25_score_counts_by_the_root_of_what_the_question_weighs() -> None:
    assert Factors.of(SPEC, ASKED) == Factors(4.0, 0.5 / 4.0)
    assert Factors.of(SPEC, Analysis()) == Factors(4.0, 0.5)


@pytest.mark.parametrize(("spoken", "dense"), [("english", 4.0), ("german", 1.2), (None, 4.0)])
def test_a_model_has_little_say_in_languages_that_it_does_not_know(spoken: str | None, dense: float) -> None:
    assert Factors.of(SPEC, replace(ASKED, spoken=spoken)).dense == pytest.approx(dense)
    assert Factors.of(replace(SPEC, languages=None), replace(ASKED, spoken=spoken)).dense == 4.0
