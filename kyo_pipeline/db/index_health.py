"""What should never be in the index, counted."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from kyo_pipeline.db.chunks import vector_table
from kyo_pipeline.db.engine import query


@dataclass(frozen=True)
class IndexHealth:
    """All zero in a sound index."""

    current_but_not_ready: int
    searchable_without_vector: int
    ready_without_chunks: int
    miscounted_chunks: int


def inspect(tx: Connection, embedding_set_id: int) -> IndexHealth:
    statement = query("index_health").format(vectors=vector_table(embedding_set_id))
    return IndexHealth(**tx.execute(text(statement)).one()._asdict())


def count_stuck(tx: Connection, since: datetime) -> int:
    """Versions that nobody has finished since they were uploaded, before `since`."""
    return int(
        tx.scalar(
            text(
                """
                select count(*)
                from document_versions
                where status not in ('ready', 'failed') and uploaded_at < :since
                """
            ),
            {"since": since},
        )
        or 0
    )
