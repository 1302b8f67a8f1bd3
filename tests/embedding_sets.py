"""Embedding sets for tests that need none of the pipeline's steps."""

from datetime import datetime

from sqlalchemy import Connection

from kyo_pipeline.db import embedding_sets
from kyo_pipeline.db.embedding_sets import EmbeddingSet
from kyo_pipeline.domain.cutting import Cutting
from kyo_pipeline.domain.embedding import EmbeddingSpec, ModelSource


def first_set(tx: Connection, spec: EmbeddingSpec, now: datetime) -> EmbeddingSet:
    """A set that answers from now on, with chunks of the usual size, by the model of the settings."""
    return embedding_sets.activate_first(tx, spec, Cutting.of(500, 50, spec), ModelSource("builtin"), now)
