"""Vector spaces: one row and one table each, so that vectors of two models never mix."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from kyo_pipeline.db.chunks import vector_table
from kyo_pipeline.domain.embedding import EmbeddingSpec


@dataclass(frozen=True)
class EmbeddingSet:
    id: int
    spec: EmbeddingSpec


def active(tx: Connection) -> EmbeddingSet | None:
    """The set that answers questions now."""
    row = tx.execute(
        text(
            """
            select id, backend, model, revision, dimensions, pooling, query_prefix, passage_prefix, max_tokens,
              similarity_threshold, dense_weight, languages
            from embedding_sets
            where state = 'active'
            """
        )
    ).one_or_none()
    if row is None:
        return None
    spec = EmbeddingSpec(
        backend=row.backend,
        model=row.model,
        revision=row.revision,
        dimensions=row.dimensions,
        pooling=row.pooling,
        query_prefix=row.query_prefix,
        passage_prefix=row.passage_prefix,
        max_tokens=row.max_tokens,
        similarity_threshold=row.similarity_threshold,
        dense_weight=row.dense_weight,
        languages=None if row.languages is None else tuple(row.languages),
    )
    return EmbeddingSet(row.id, spec)


def activate_new(tx: Connection, spec: EmbeddingSpec, now: datetime) -> EmbeddingSet:
    """Create a set with its vector table and HNSW index, and make it the active one; the one before is retired."""
    tx.execute(text("update embedding_sets set state = 'retired' where state = 'active'"))
    set_id = tx.scalar(
        text(
            """
            insert into embedding_sets
              (backend, model, revision, dimensions, pooling, query_prefix, passage_prefix, max_tokens,
               similarity_threshold, dense_weight, languages, state, created_at, activated_at)
            values
              (:backend, :model, :revision, :dimensions, :pooling, :query_prefix, :passage_prefix, :max_tokens,
               :similarity_threshold, :dense_weight, :languages, 'active', :now, :now)
            returning id
            """
        ),
        {**vars(spec), "languages": None if spec.languages is None else list(spec.languages), "now": now},
    )
    embedding_set = EmbeddingSet(int(str(set_id)), spec)
    tx.execute(text("select create_vector_table(:id)"), {"id": embedding_set.id})
    return embedding_set


def tune(tx: Connection, embedding_set_id: int, dense_weight: float, similarity_threshold: float) -> None:
    """Change what is not part of the vector space: the next question is answered by it."""
    tx.execute(
        text(
            """
            update embedding_sets
            set dense_weight = :dense_weight, similarity_threshold = :similarity_threshold
            where id = :id
            """
        ),
        {"id": embedding_set_id, "dense_weight": dense_weight, "similarity_threshold": similarity_threshold},
    )


def is_empty(tx: Connection, embedding_set_id: int) -> bool:
    table = vector_table(embedding_set_id)
    return not tx.scalar(text(f"select exists (select from {table})"))  # noqa: S608 — the name is made from an integer


def lock(tx: Connection) -> None:
    """Two processes that start at the same time must not both make the first set."""
    tx.execute(text("lock table embedding_sets in share row exclusive mode"))
