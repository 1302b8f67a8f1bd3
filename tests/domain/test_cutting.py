"""How texts are cut, by the settings and by what a model reads."""

from kyo_pipeline.domain.cutting import Cutting
from kyo_pipeline.domain.embedding import EmbeddingSpec


def spec(max_tokens: int | None, model: str = "small") -> EmbeddingSpec:
    return EmbeddingSpec("here", model, "1", 3, "mean", "", "", max_tokens, 0.5, 0.5)


def test_a_model_that_reads_little_gets_small_chunks() -> None:
    assert Cutting.of(400, 60, spec(None)) == Cutting(400, 60, "1/400/60/here/small")
    assert Cutting.of(400, 60, spec(512)) == Cutting(400, 60, "1/400/60/here/small")
    assert Cutting.of(400, 60, spec(256)).size == 208
    assert Cutting.of(400, 60, spec(64)) == Cutting(32, 8, "1/32/8/here/small")


def test_places_are_kept_for_the_same_settings_only() -> None:
    cuttings = (
        Cutting.of(400, 60, spec(None)),
        Cutting.of(401, 60, spec(None)),
        Cutting.of(400, 61, spec(None)),
        Cutting.of(400, 60, spec(None, "other")),
    )
    assert len({one.name for one in cuttings}) == 4
