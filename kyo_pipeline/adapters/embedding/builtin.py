"""WordLlama: a static model with its weights in its package: search by meaning without network or key."""

import importlib.metadata
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from kyo_pipeline.adapters.embedding.tokenizer import FastTokenizer
from kyo_pipeline.adapters.embedding.vectors import by_length, unit_rows
from kyo_pipeline.domain.embedding import EmbeddingSpec
from kyo_pipeline.domain.languages import ENGLISH
from kyo_pipeline.domain.ports import Vectors

_BATCH = 64
# Measured on questions with and without an answer in the corpus, see `domain/evidence.py`; the weight by `kyo eval`.
_SIMILARITY_THRESHOLD = 0.35
_DENSE_WEIGHT = 0.43


class BuiltinEmbedder:
    """Implements the port `Embedder`. Making one loads 16 MB of weights, in about half a second."""

    calls = 0

    def __init__(self) -> None:
        with _untouched_root_logger():
            # Late, because importing it configures logging.
            import wordllama  # type: ignore[import-untyped]  # it ships no type information
        self._model = wordllama.WordLlama.load(cache_dir=Path(wordllama.__file__).parent, disable_download=True)
        self.tokenizer = FastTokenizer(self._model.tokenizer.to_str())
        self.spec = EmbeddingSpec(
            backend="builtin",
            model="wordllama/l2_supercat",
            revision=importlib.metadata.version("wordllama"),
            dimensions=int(self._model.embedding.shape[1]),
            pooling="mean",
            query_prefix="",
            passage_prefix="",
            max_tokens=None,
            similarity_threshold=_SIMILARITY_THRESHOLD,
            dense_weight=_DENSE_WEIGHT,
            languages=(ENGLISH,),
        )

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.empty((0, self.spec.dimensions), dtype=np.float32)
        order = by_length(list(texts))
        vectors = np.empty((len(texts), self.spec.dimensions), dtype=np.float32)
        vectors[order] = self._model.embed([texts[position] for position in order], batch_size=_BATCH)
        return unit_rows(vectors)

    def embed_query(self, text: str) -> Vectors:
        vector: Vectors = self.embed_passages([text])[0]
        return vector


@contextmanager
def _untouched_root_logger() -> Iterator[None]:
    """Undo what wordllama does to the root logger when it is imported (`logging.basicConfig(level=INFO)`)."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
