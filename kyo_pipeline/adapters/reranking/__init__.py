"""Rerankers, one file a kind; `open_reranker` chooses."""

from kyo_pipeline.adapters.reranking.factory import open_reranker

__all__ = ["open_reranker"]
