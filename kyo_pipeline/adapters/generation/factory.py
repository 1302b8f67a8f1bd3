"""Chooses the generator of answers that the settings ask for."""

from typing import Literal

from kyo_pipeline.adapters.embedding.factory import configured_source
from kyo_pipeline.adapters.generation.extractive import ExtractiveGenerator
from kyo_pipeline.adapters.generation.fallback import FallbackGenerator
from kyo_pipeline.domain.embedding import ModelSource
from kyo_pipeline.domain.ports import AnswerGenerator, Embedder
from kyo_pipeline.settings import Settings


def chosen_backend(settings: Settings) -> Literal["extractive", "huggingface"]:
    """What `auto` means: Hugging Face when a key or an endpoint is set, else extractive."""
    if settings.KYO_LLM_BACKEND != "auto":
        return settings.KYO_LLM_BACKEND
    return "huggingface" if settings.HF_LLM_API_KEY or settings.KYO_LLM_ENDPOINT else "extractive"


def open_generator(settings: Settings, embedder: Embedder, source: ModelSource | None = None) -> AnswerGenerator:
    """The generator of this installation. Nothing is loaded or called before it is used.

    `source` is that of the embedder, where it is not the one that the settings name.
    """
    # Sentences are not sent to a remote model: that would cost a call, and money, for each question.
    is_remote = (source or configured_source(settings)).backend == "huggingface"
    quotes = ExtractiveGenerator(None if is_remote else embedder)
    if chosen_backend(settings) == "extractive":
        return quotes
    # Late: the client takes 0.3 s to import, and memory, where nothing else needs it.
    from kyo_pipeline.adapters.generation.huggingface import HuggingFaceGenerator

    written = HuggingFaceGenerator(
        model=settings.KYO_LLM_MODEL,
        endpoint=settings.KYO_LLM_ENDPOINT,
        key=settings.HF_LLM_API_KEY,
        max_tokens=settings.MAX_TOKENS_PER_QUERY,
        timeout=settings.KYO_REMOTE_TIMEOUT_SECONDS,
    )
    return FallbackGenerator(written, quotes) if settings.KYO_LLM_FALLBACK else written
