"""Hybrid search over the chunks that the actor may read."""

from sqlalchemy import Connection, text

from kyo_pipeline.db.embedding_sets import EmbeddingSet
from kyo_pipeline.db.engine import query
from kyo_pipeline.domain.ports import Vectors
from kyo_pipeline.domain.retrieval import Passage

#: How many chunks each leg proposes.
CANDIDATES = 100

#: How many vectors the dense leg looks at before it gives up on finding enough that the actor may read.
MAX_SCAN_TUPLES = 200_000


def passages(
    tx: Connection, embedding_set: EmbeddingSet, question: str, vector: Vectors, limit: int
) -> tuple[Passage, ...]:
    """The best `limit` passages that the actor of `tx` may read, best first.

    `vector` is the question's, of shape (dimensions,).
    """
    # Without iterative scan a selective permission filter behind HNSW would return fewer rows than there are.
    tx.execute(text("set local hnsw.iterative_scan = relaxed_order"))
    tx.execute(text(f"set local hnsw.ef_search = {CANDIDATES}"))
    tx.execute(text(f"set local hnsw.max_scan_tuples = {MAX_SCAN_TUPLES}"))
    rows = tx.execute(
        text(query("search_chunks")),
        {
            "question": question,
            "embedding_set": embedding_set.id,
            "vector": "[" + ",".join(f"{value:.7g}" for value in vector.tolist()) + "]",
            "candidates": CANDIDATES,
            "dense_weight": embedding_set.spec.dense_weight,
            "limit": limit,
        },
    )
    return tuple(
        Passage(
            chunk_id=row.chunk_id,
            document_id=row.document_id,
            version_id=row.version_id,
            version_number=row.version_number,
            title=row.title,
            collection=row.collection,
            text=row.text,
            start=row.start_offset,
            end=row.end_offset,
            page_from=row.page_from,
            page_to=row.page_to,
            heading_path=tuple(row.heading_path),
            score=float(row.score),
            similarity=float(row.similarity),
            lexical=float(row.lexical),
            owner=row.owner,
            dated=row.dated,
        )
        for row in rows
    )


def term_weights(tx: Connection, question: str) -> dict[str, float]:
    """Inverse document frequency of each lexeme of the question; unknown lexemes count as rarer than any known one."""
    rows = tx.execute(text("select lexeme, idf from term_weights(:question)"), {"question": question})
    return {row.lexeme: float(row.idf) for row in rows}
