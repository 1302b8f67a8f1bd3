"""What is known beforehand of some embedding models, which neither an endpoint nor an ONNX graph tells."""

from dataclasses import dataclass, replace

from kyo_pipeline.domain.embedding import EmbeddingSpec
from kyo_pipeline.domain.languages import ENGLISH

#: Where the ONNX graph of a model may lie in its folder.
GRAPHS = ("model.onnx", "onnx/model.onnx")

BGE_QUERY_PREFIX = "Represent this sentence for searching relevant passages: "


@dataclass(frozen=True)
class Profile:
    """How a model is used. `dimensions` None: ask the model once."""

    dimensions: int | None
    pooling: str
    query_prefix: str
    max_tokens: int
    similarity_threshold: float
    dense_weight: float
    languages: tuple[str, ...] | None = (ENGLISH,)

    def spec(self, backend: str, model: str, revision: str, dimensions: int, max_tokens: int) -> EmbeddingSpec:
        return EmbeddingSpec(
            backend=backend,
            model=model,
            revision=revision,
            dimensions=dimensions,
            pooling=self.pooling,
            query_prefix=self.query_prefix,
            passage_prefix="",
            max_tokens=max_tokens,
            similarity_threshold=self.similarity_threshold,
            dense_weight=self.dense_weight,
            languages=self.languages,
        )


_BGE = Profile(768, "cls", BGE_QUERY_PREFIX, 512, similarity_threshold=0.7, dense_weight=0.6)
# Thresholds of MiniLM were measured on questions with and without an answer, those of bge are the seed's.
_MINILM = Profile(384, "mean", "", 256, similarity_threshold=0.45, dense_weight=0.55)
_UNKNOWN = Profile(None, "mean", "", 512, similarity_threshold=0.5, dense_weight=0.6, languages=None)

_KNOWN = {
    "bge-base-en-v1.5": _BGE,
    "bge-small-en-v1.5": replace(_BGE, dimensions=384),
    "bge-large-en-v1.5": replace(_BGE, dimensions=1024),
    "all-minilm-l6-v2": _MINILM,
}


def profile_of(model: str) -> Profile:
    """The profile of a model by its name, or by the name of the folder that it lies in."""
    name = model.rstrip("/").rsplit("/", 1)[-1].lower()
    return next((profile for known, profile in _KNOWN.items() if name.startswith(known)), _UNKNOWN)
