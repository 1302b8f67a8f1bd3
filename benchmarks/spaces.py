"""The embedding set that a benchmark fills by itself, without the pipeline's steps."""

from datetime import datetime

from kyo_pipeline.db import chunks, embedding_sets
from kyo_pipeline.db.embedding_sets import EmbeddingSet
from kyo_pipeline.db.engine import Transaction
from kyo_pipeline.domain.cutting import Cutting
from kyo_pipeline.domain.embedding import EmbeddingSpec, ModelSource
from kyo_pipeline.domain.languages import ENGLISH
from kyo_pipeline.domain.rechunking import Row


def first_set(tx: Transaction, spec: EmbeddingSpec, now: datetime) -> EmbeddingSet:
    """One that answers from now on, with chunks of the usual size, by the model of the settings."""
    return embedding_sets.activate_first(tx, spec, Cutting.of(500, 50, spec), ModelSource(spec.backend), now)


def store(tx: Transaction, space: EmbeddingSet, rows: list[Row]) -> None:
    """Store the chunks of whole versions, in English, in the cutting of this set."""
    versions = {version for version, _, _ in rows}
    chunks.replace(tx, rows, space.cutting_id, space.cutting.name, dict.fromkeys(versions, ENGLISH))
