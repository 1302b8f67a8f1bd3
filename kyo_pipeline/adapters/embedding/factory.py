"""Chooses the embedding model that the settings ask for."""

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

from kyo_pipeline.domain.embedding import EmbeddingSpec
from kyo_pipeline.domain.ports import Embedder, Tokenizer, Vectors
from kyo_pipeline.settings import Settings

Backend = Literal["builtin", "huggingface", "local"]


def chosen_backend(settings: Settings) -> Backend:
    """What `auto` means: Hugging Face when a key or an endpoint is set, else built-in."""
    if settings.KYO_EMBEDDING_BACKEND != "auto":
        return settings.KYO_EMBEDDING_BACKEND
    is_remote = settings.HF_EMBEDDING_API_KEY or settings.KYO_EMBEDDING_ENDPOINT
    return "huggingface" if is_remote else "builtin"


def open_embedder(settings: Settings) -> Embedder:
    """The embedder of this installation. Nothing is loaded or called before it is used for the first time."""
    loaders: dict[Backend, Callable[[], Embedder]] = {
        "builtin": _builtin,
        "huggingface": partial(_huggingface, settings),
        "local": partial(_local, settings),
    }
    return LazyEmbedder(loaders[chosen_backend(settings)])


# Each is imported only where it is chosen: a Hugging Face client costs every run of the pipeline 0.3 s.


def _builtin() -> Embedder:
    from kyo_pipeline.adapters.embedding.builtin import BuiltinEmbedder

    return BuiltinEmbedder()


def _local(settings: Settings) -> Embedder:
    from kyo_pipeline.adapters.embedding.local import LocalEmbedder

    return LocalEmbedder(settings.KYO_EMBEDDING_MODEL, settings.KYO_HOME / "models")


def _huggingface(settings: Settings) -> Embedder:
    from kyo_pipeline.adapters.embedding.huggingface import HuggingFaceEmbedder

    return HuggingFaceEmbedder(
        model=settings.KYO_EMBEDDING_MODEL,
        endpoint=settings.KYO_EMBEDDING_ENDPOINT,
        key=settings.HF_EMBEDDING_API_KEY,
        timeout=settings.KYO_REMOTE_TIMEOUT_SECONDS,
        tokenizer_file=settings.KYO_EMBEDDING_TOKENIZER,
    )


class LazyEmbedder:
    """Implements the port `Embedder` by one that is made at first use, once, whichever thread comes first.

    A load that failed is tried again later.
    """

    def __init__(self, load: Callable[[], Embedder]) -> None:
        self._load = load
        self._loading = threading.Lock()
        self._loaded: Embedder | None = None

    @property
    def spec(self) -> EmbeddingSpec:
        return self._embedder().spec

    @property
    def tokenizer(self) -> Tokenizer:
        return self._embedder().tokenizer

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        return self._embedder().embed_passages(texts)

    def embed_query(self, text: str) -> Vectors:
        return self._embedder().embed_query(text)

    def _embedder(self) -> Embedder:
        with self._loading:
            if self._loaded is None:
                self._loaded = self._load()
            return self._loaded
