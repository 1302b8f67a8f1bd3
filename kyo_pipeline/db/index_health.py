"""What should never be in the index, counted."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from kyo_pipeline.db.chunks import vector_table
from kyo_pipeline.db.engine import query


@dataclass(frozen=True)
class IndexHealth:
    """All zero in a sound index; `stuck` counts versions that have waited for too long."""

    current_but_not_ready: int
    searchable_without_vector: int
    ready_without_chunks: int
    miscounted_chunks: int
    stuck: int


def inspect(tx: Connection, embedding_set_id: int, stuck_since: datetime) -> IndexHealth:
    statement = query("index_health").format(vectors=vector_table(embedding_set_id))
    row = tx.execute(text(statement), {"stuck_since": stuck_since}).one()
    return IndexHealth(**row._asdict())


def failures(tx: Connection, limit: int) -> list[tuple[str, str]]:
    """File name and reason of the newest failed versions."""
    rows = tx.execute(
        text(
            """
            select file_name, error
            from document_versions
            where status = 'failed'
            order by uploaded_at desc, id
            limit :limit
            """
        ),
        {"limit": limit},
    )
    return [(row.file_name, row.error) for row in rows]
