"""Embedding models, one file a backend; `open_embedder` chooses."""

from kyo_pipeline.adapters.embedding.factory import open_embedder

__all__ = ["open_embedder"]
