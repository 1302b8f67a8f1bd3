"""Chooses the embedding model that the settings ask for."""

import importlib.metadata
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from kyo_pipeline.adapters.embedding.profiles import GRAPHS
from kyo_pipeline.domain.embedding import EmbeddingSpec, ModelSource
from kyo_pipeline.domain.ports import Embedder, Tokenizer, Vectors
from kyo_pipeline.settings import Settings

Backend = Literal["builtin", "huggingface", "local"]


def chosen_backend(settings: Settings) -> Backend:
    """What `auto` means: Hugging Face when a key or an endpoint is set, else built-in."""
    if settings.KYO_EMBEDDING_BACKEND != "auto":
        return settings.KYO_EMBEDDING_BACKEND
    is_remote = settings.HF_EMBEDDING_API_KEY or settings.KYO_EMBEDDING_ENDPOINT
    return "huggingface" if is_remote else "builtin"


def configured_source(settings: Settings) -> ModelSource:
    """What the settings say of the model."""
    backend = chosen_backend(settings)
    if backend == "builtin":
        return ModelSource(backend)
    if backend == "local":
        return ModelSource(backend, settings.KYO_EMBEDDING_MODEL)
    tokenizer = settings.KYO_EMBEDDING_TOKENIZER
    return ModelSource(
        backend,
        settings.KYO_EMBEDDING_MODEL,
        _without_credentials(settings.KYO_EMBEDDING_ENDPOINT),
        str(tokenizer) if tokenizer else None,
    )


def _without_credentials(address: str | None) -> str | None:
    """Names, passwords and what follows a question mark may be secrets, and this goes into the database."""
    if address is None:
        return None
    parts = urlsplit(address)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def fingerprint(settings: Settings) -> str:
    """Another one when the settings name another model, or the one that they name has changed. Loads nothing."""
    source = configured_source(settings)
    if source.backend == "builtin":
        return repr((source, importlib.metadata.version("wordllama")))
    if source.backend == "local":
        graphs = (Path(source.model) / name for name in GRAPHS)
        return repr((source, [(one.stat().st_size, one.stat().st_mtime_ns) for one in graphs if one.exists()]))
    return repr(source)


def open_embedder(settings: Settings, source: ModelSource | None = None) -> Embedder:
    """The embedder of this installation, or the one of `source`. Nothing is loaded or called before its first use.

    Keys, time limits and the folder of downloads are those of the settings in any case.
    """
    source = source or configured_source(settings)
    loaders: dict[str, Callable[[], Embedder]] = {
        "builtin": _builtin,
        "huggingface": partial(_huggingface, settings, source),
        "local": partial(_local, settings, source),
    }
    return LazyEmbedder(loaders[source.backend])


# Each is imported only where it is chosen: a Hugging Face client costs every run of the pipeline 0.3 s.


def _builtin() -> Embedder:
    from kyo_pipeline.adapters.embedding.builtin import BuiltinEmbedder

    return BuiltinEmbedder()


def _local(settings: Settings, source: ModelSource) -> Embedder:
    from kyo_pipeline.adapters.embedding.local import LocalEmbedder

    return LocalEmbedder(source.model, settings.KYO_HOME / "models")


def _huggingface(settings: Settings, source: ModelSource) -> Embedder:
    from kyo_pipeline.adapters.embedding.huggingface import HuggingFaceEmbedder

    # The key belongs to where the settings send it, and goes nowhere else.
    is_trusted = source.endpoint == _without_credentials(settings.KYO_EMBEDDING_ENDPOINT)
    return HuggingFaceEmbedder(
        model=source.model,
        endpoint=settings.KYO_EMBEDDING_ENDPOINT if is_trusted else source.endpoint,
        key=settings.HF_EMBEDDING_API_KEY if is_trusted else None,
        timeout=settings.KYO_REMOTE_TIMEOUT_SECONDS,
        tokenizer_file=Path(source.tokenizer_file) if source.tokenizer_file else None,
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

    @property
    def calls(self) -> int:
        return self._loaded.calls if self._loaded is not None else 0

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        return self._embedder().embed_passages(texts)

    def embed_query(self, text: str) -> Vectors:
        return self._embedder().embed_query(text)

    def _embedder(self) -> Embedder:
        with self._loading:
            if self._loaded is None:
                self._loaded = self._load()
            return self._loaded
