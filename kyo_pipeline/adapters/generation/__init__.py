"""Generators of answers, one file a kind; `open_generator` chooses."""

from kyo_pipeline.adapters.generation.factory import open_generator

__all__ = ["open_generator"]
