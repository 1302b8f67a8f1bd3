"""Answers without a language model: quotes from the passages."""

from collections.abc import Generator as PyGenerator
from collections.abc import Sequence

from kyo_pipeline.domain.answers import Draft
from kyo_pipeline.domain.conversation import Turn
from kyo_pipeline.domain.extraction import extract
from kyo_pipeline.domain.ports import Embedder
from kyo_pipeline.domain.retrieval import Retrieval


class ExtractiveGenerator:
    """Implements the port `AnswerGenerator`. `embedder` must be cheap: it embeds 24 sentences a question."""

    name = "extractive"
    model = "quotes"

    def __init__(self, embedder: Embedder | None) -> None:
        self._embedder = embedder

    def generate(self, question: str, retrieval: Retrieval) -> PyGenerator[str, None, Draft]:
        draft = extract(question, retrieval, self._similarity if self._embedder else None)
        yield draft.text
        return draft

    def rewrite(self, question: str, turns: Sequence[Turn]) -> str | None:  # noqa: ARG002 — the port's signature
        return None

    def _similarity(self, question: str, sentences: Sequence[str]) -> Sequence[float]:
        assert self._embedder is not None  # noqa: S101 — for the type checker: `generate` has looked
        if not sentences:
            return []
        cosines = self._embedder.embed_passages(sentences) @ self._embedder.embed_query(question)
        return [float(cosine) for cosine in cosines]
