"""Chunks and their vectors."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from pgvector import Vector
from sqlalchemy import Connection, text

from kyo_pipeline.domain.chunks import Chunk
from kyo_pipeline.domain.ports import Vectors

_STAGED_COLUMNS = (
    "version_id, ordinal, text, start_offset, end_offset, tokens, page_from, page_to, heading_path, indexed_text"
)


@dataclass(frozen=True)
class ChunkText:
    """A chunk that waits for its vector."""

    id: int
    version_id: UUID
    title: str
    heading_path: tuple[str, ...]
    text: str


def replace(tx: Connection, rows: Sequence[tuple[UUID, Chunk, str]]) -> None:
    """Store the chunks of whole versions in place of any that were there. Rows are (version, chunk, indexed text)."""
    versions = sorted({version_id for version_id, _, _ in rows})
    tx.execute(text("delete from chunks where version_id = any(cast(:ids as uuid[]))"), {"ids": versions})
    tx.execute(
        text(
            """
            create temporary table staged_chunks (
              version_id uuid, ordinal integer, text text, start_offset integer, end_offset integer,
              tokens integer, page_from integer, page_to integer, heading_path text[], indexed_text text
            ) on commit drop
            """
        )
    )
    _copy(tx, f"staged_chunks ({_STAGED_COLUMNS})", (_staged(*row) for row in rows))
    tx.execute(
        text(
            """
            with analysed as (
              select s.*, to_tsvector('english', s.indexed_text) as lexical from staged_chunks s
            )
            insert into chunks
              (version_id, ordinal, text, start_offset, end_offset, tokens, page_from, page_to, heading_path,
               lexical, lexeme_count)
            select version_id, ordinal, text, start_offset, end_offset, tokens, page_from, page_to, heading_path,
              lexical,
              (select coalesce(sum(cardinality(positions)), 0) from unnest(lexical) as t(lexeme, positions, weights))
            from analysed
            order by version_id, ordinal
            """
        )
    )
    tx.execute(text("drop table staged_chunks"))
    tx.execute(
        text(
            """
            update document_versions v
            set chunk_count = n.chunks, tokens = n.tokens
            from (
              select version_id, count(*) as chunks, sum(tokens) as tokens
              from chunks
              where version_id = any(cast(:ids as uuid[]))
              group by version_id
            ) n
            where v.id = n.version_id
            """
        ),
        {"ids": versions},
    )


def texts_of(tx: Connection, version_ids: Sequence[UUID]) -> tuple[ChunkText, ...]:
    """The chunks of these versions in order."""
    rows = tx.execute(
        text(
            """
            select c.id, c.version_id, d.title, c.heading_path, c.text
            from chunks c
            join document_versions v on v.id = c.version_id
            join documents d on d.id = v.document_id
            where c.version_id = any(cast(:ids as uuid[]))
            order by c.version_id, c.ordinal
            """
        ),
        {"ids": list(version_ids)},
    )
    return tuple(ChunkText(row.id, row.version_id, row.title, tuple(row.heading_path), row.text) for row in rows)


def counts(tx: Connection, version_ids: Sequence[UUID]) -> dict[UUID, int]:
    """How many chunks each of these versions has."""
    rows = tx.execute(
        text(
            """
            select id, coalesce(chunk_count, 0) as chunks
            from document_versions
            where id = any(cast(:ids as uuid[]))
            """
        ),
        {"ids": list(version_ids)},
    )
    return {row.id: row.chunks for row in rows}


def replace_vectors(tx: Connection, embedding_set_id: int, chunk_ids: Sequence[int], vectors: Vectors) -> None:
    """Store one vector a chunk. `vectors` has the shape (len(chunk_ids), dimensions)."""
    table = vector_table(embedding_set_id)
    tx.execute(text(f"delete from {table} where chunk_id = any(:ids)"), {"ids": list(chunk_ids)})  # noqa: S608 — the name is made from an integer
    rows = ((chunk_id, Vector(vector).to_text()) for chunk_id, vector in zip(chunk_ids, vectors, strict=True))
    _copy(tx, f"{table} (chunk_id, embedding)", rows)


def vector_table(embedding_set_id: int) -> str:
    return f"chunk_embeddings_{int(embedding_set_id)}"


def _staged(version_id: UUID, chunk: Chunk, indexed_text: str) -> tuple[object, ...]:
    return (
        version_id,
        chunk.ordinal,
        chunk.text,
        chunk.start,
        chunk.end,
        chunk.tokens,
        chunk.page_from,
        chunk.page_to,
        _array(chunk.heading_path),
        indexed_text,
    )


def _array(values: Sequence[str]) -> str:
    quoted = ('"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in values)
    return "{" + ",".join(quoted) + "}"


def _copy(tx: Connection, target: str, rows: Iterable[tuple[object, ...]]) -> None:
    buffer = io.StringIO()
    # Before Python 3.13 only characters of the line's end are quoted; COPY does not take a bare \r or \n.
    csv.writer(buffer, lineterminator="\r\n").writerows(rows)
    buffer.seek(0)
    cursor = tx.connection.cursor()
    try:
        cursor.copy_expert(f"copy {target} from stdin with (format csv)", buffer)
    finally:
        cursor.close()
