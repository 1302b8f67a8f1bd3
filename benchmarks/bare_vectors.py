"""What pgvector does by itself with the vectors of the product: nearest by index, and nearest exactly."""

from collections.abc import Sequence

from pgvector import Vector
from sqlalchemy import text

from kyo_pipeline.db.chunks import vector_table
from kyo_pipeline.db.embedding_sets import EmbeddingSet
from kyo_pipeline.db.engine import Transaction
from kyo_pipeline.domain.ports import Vectors

#: Two vectors may be equally near: whichever is found of them is right.
_TIE = 1e-6
_TRIED = (10, 20, 40, 60, 80, 100, 150, 200, 300, 400, 600, 800)


def written(vector: Vectors) -> str:
    return Vector(vector).to_text()


def set_effort(tx: Transaction, ef_search: int) -> None:
    tx.execute(text("select set_config('hnsw.ef_search', :effort, true)"), {"effort": str(ef_search)})


def nearest(tx: Transaction, table: str, vector: str, k: int, distance: str = "embedding <=> :vector") -> list[int]:
    """The statement that everybody writes: no permission, no approval, no words, no rows."""
    statement = f"select chunk_id from {table} order by {distance} limit :k"  # noqa: S608 — names of ours
    return list(tx.scalars(text(statement), {"vector": vector, "k": k}))


def exact(tx: Transaction, space: EmbeddingSet, vector: str, k: int, collections: Sequence[str] | None) -> list[float]:
    """Similarities of the nearest in these collections, or in all, none forgotten, best first."""
    in_these = """
      join chunks c on c.id = e.chunk_id
      join documents d on d.current_version_id = c.version_id
      join collections k on k.id = d.collection_id and k.name = any(:collections)
    """
    statement = f"""
      select 1 - (e.embedding <=> :vector)
      from {vector_table(space.id)} e
      {"" if collections is None else in_these}
      order by (e.embedding <=> :vector) + 0
      limit :k
    """  # noqa: S608 — the name is made from an integer; the sum cannot come from the index
    parameters: dict[str, object] = {"vector": vector, "k": k}
    if collections is not None:
        parameters["collections"] = list(collections)
    return [float(similarity) for similarity in tx.scalars(text(statement), parameters)]


def similarities(tx: Transaction, space: EmbeddingSet, vector: str, ids: Sequence[int]) -> list[float]:
    rows = tx.scalars(
        text(f"select 1 - (embedding <=> :vector) from {vector_table(space.id)} where chunk_id = any(:ids)"),  # noqa: S608 — as above
        {"vector": vector, "ids": list(ids)},
    )
    return [float(similarity) for similarity in rows]


def recall(found: Sequence[float], best: Sequence[float]) -> float:
    """The share of the best that were found, by their similarities."""
    return min(sum(similarity >= best[-1] - _TIE for similarity in found), len(best)) / len(best)


def effort_for(tx: Transaction, space: EmbeddingSet, vectors: list[str], best: list[list[float]], wanted: float) -> int:
    """The smallest `hnsw.ef_search` at which the bare statement finds that share, or the greatest that was tried."""
    table = vector_table(space.id)
    for effort in _TRIED:
        set_effort(tx, effort)
        if mean_recall(tx, space, vectors, best, table) >= wanted - 0.0005:
            break
    return effort


def mean_recall(
    tx: Transaction,
    space: EmbeddingSet,
    vectors: list[str],
    best: list[list[float]],
    table: str,
    distance: str = "embedding <=> :vector",
) -> float:
    each = [
        recall(similarities(tx, space, vector, nearest(tx, table, vector, len(ranked), distance)), ranked)
        for vector, ranked in zip(vectors, best, strict=True)
    ]
    return sum(each) / len(each)
