"""Chunks and their vectors."""

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO
from uuid import UUID

import numpy as np
from sqlalchemy import Connection, text

from kyo_pipeline.domain.chunks import Chunk, indexed_text
from kyo_pipeline.domain.lexical import identifiers, segmented
from kyo_pipeline.domain.ports import Vectors

_STAGED_COLUMNS = (
    "version_id, ordinal, text, start_offset, end_offset, tokens, page_from, page_to, heading_path, words, "
    "identifiers, digest"
)
#: The binary format of COPY: its signature with neither flags nor extension, and its end.
_BINARY_HEAD = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_BINARY_END = b"\xff\xff"
#: The numbers of a vector on the wire, by how a set stores them (`Storage`).
_NUMBERS = {"vector": ">f4", "halfvec": ">f2"}


@dataclass(frozen=True)
class ChunkText:
    """A chunk that waits for its vector."""

    id: int
    version_id: UUID
    indexed_text: str
    tokens: int
    digest: bytes | None


def replace(
    tx: Connection,
    rows: Sequence[tuple[UUID, Chunk, str]],
    cutting_id: int,
    cut_as: str,
    languages: Mapping[UUID, str],
) -> None:
    """Store the chunks of whole versions in place of all that were there. Rows are (version, chunk, indexed text).

    `cutting_id` and `cut_as` name the rules by which they were cut; `languages` the text search configuration of each
    version. Chunks of other cuttings go too: their text may be another one.
    """
    versions = sorted({version_id for version_id, _, _ in rows})
    _set_languages(tx, languages)
    tx.execute(text("delete from chunks where version_id = any(cast(:ids as uuid[]))"), {"ids": versions})
    _insert(tx, rows, cutting_id)
    tx.execute(
        text(
            """
            update document_versions v
            set chunk_count = n.chunks, tokens = n.tokens, cut_as = :cut_as, kept_vectors = null
            from (
              select version_id, count(*) as chunks, sum(tokens) as tokens
              from chunks
              where version_id = any(cast(:ids as uuid[]))
              group by version_id
            ) n
            where v.id = n.version_id
            """
        ),
        {"ids": versions, "cut_as": cut_as},
    )


def add(tx: Connection, rows: Sequence[tuple[UUID, Chunk, str]], cutting_id: int) -> None:
    """Store the chunks of whole versions in one more cutting, beside those of others."""
    versions = sorted({version_id for version_id, _, _ in rows})
    tx.execute(
        text("delete from chunks where cutting_id = :cutting and version_id = any(cast(:ids as uuid[]))"),
        {"cutting": cutting_id, "ids": versions},
    )
    _insert(tx, rows, cutting_id)


def uncut(tx: Connection, version_ids: Sequence[UUID], cutting_id: int) -> tuple[UUID, ...]:
    """Of these versions, those that have no chunks of this cutting."""
    return tuple(
        tx.scalars(
            text(
                """
                select v.id
                from unnest(cast(:ids as uuid[])) as v(id)
                where not exists (select from chunks c where c.version_id = v.id and c.cutting_id = :cutting)
                order by v.id
                """
            ),
            {"ids": list(version_ids), "cutting": cutting_id},
        )
    )


def count_of(tx: Connection, version_ids: Sequence[UUID], cutting_id: int) -> dict[UUID, int]:
    """How many chunks of a cutting those of these versions have that have any."""
    rows = tx.execute(
        text(
            """
            select version_id, count(*) as chunks
            from chunks
            where version_id = any(cast(:ids as uuid[])) and cutting_id = :cutting
            group by version_id
            """
        ),
        {"ids": list(version_ids), "cutting": cutting_id},
    )
    return {row.version_id: row.chunks for row in rows}


def _insert(tx: Connection, rows: Sequence[tuple[UUID, Chunk, str]], cutting_id: int) -> None:
    tx.execute(
        text(
            """
            create temporary table staged_chunks (
              version_id uuid, ordinal integer, text text, start_offset integer, end_offset integer,
              tokens integer, page_from integer, page_to integer, heading_path text[], words text,
              identifiers text[], digest bytea
            ) on commit drop
            """
        )
    )
    _copy(tx, f"staged_chunks ({_STAGED_COLUMNS})", (_staged(*row) for row in rows))
    tx.execute(
        text(
            """
            with analysed as (
              select s.*,
                to_tsvector(cast(v.language as regconfig), s.words) || array_to_tsvector(s.identifiers) as lexical
              from staged_chunks s
              join document_versions v on v.id = s.version_id
            )
            insert into chunks
              (version_id, cutting_id, ordinal, text, start_offset, end_offset, tokens, page_from, page_to,
               heading_path, digest, lexical, lexeme_count)
            select version_id, :cutting, ordinal, text, start_offset, end_offset, tokens, page_from, page_to,
              heading_path, digest, lexical,
              (select coalesce(sum(cardinality(positions)), 0) from unnest(lexical) as t(lexeme, positions, weights))
            from analysed
            order by version_id, ordinal
            """
        ),
        {"cutting": cutting_id},
    )
    tx.execute(text("drop table staged_chunks"))


def _set_languages(tx: Connection, languages: Mapping[UUID, str]) -> None:
    tx.execute(
        text(
            """
            update document_versions v
            set language = n.language
            from unnest(cast(:ids as uuid[]), cast(:languages as text[])) as n(id, language)
            where v.id = n.id and v.language <> n.language
            """
        ),
        {"ids": list(languages), "languages": list(languages.values())},
    )


def previous(tx: Connection, version_id: UUID, cutting_id: int) -> tuple[Chunk, ...]:
    """The chunks of the newest version before this one that was cut by the same rules, in order; none if there is none.

    None either for a version that is read once more: whoever asks for that wants it cut as if it were new.
    """
    rows = tx.execute(
        text(
            """
            select c.ordinal, c.text, c.start_offset, c.end_offset, c.tokens, c.page_from, c.page_to, c.heading_path
            from chunks c
            where c.version_id = (
              select before.id
              from document_versions v
              join document_versions before on before.document_id = v.document_id and before.number < v.number
              where v.id = :id
                and v.reprocess_of is null
                and exists (select from chunks x where x.version_id = before.id and x.cutting_id = :cutting)
              order by before.number desc
              limit 1
            )
            and c.cutting_id = :cutting
            order by c.ordinal
            """
        ),
        {"id": version_id, "cutting": cutting_id},
    )
    return tuple(
        Chunk(
            row.ordinal,
            row.text,
            row.start_offset,
            row.end_offset,
            row.tokens,
            row.page_from,
            row.page_to,
            tuple(row.heading_path),
        )
        for row in rows
    )


def waiting(tx: Connection, set_id: int, cutting_id: int, version_ids: Sequence[UUID]) -> tuple[ChunkText, ...]:
    """The chunks of these versions, in a set's cutting, that have no vector in it yet, in order."""
    rows = tx.execute(
        text(
            f"""
            select c.id, c.version_id, d.title, c.heading_path, c.text, c.tokens, c.digest
            from chunks c
            join document_versions v on v.id = c.version_id
            join documents d on d.id = v.document_id
            where c.version_id = any(cast(:ids as uuid[]))
              and c.cutting_id = :cutting
              and not exists (select from {vector_table(set_id)} e where e.chunk_id = c.id)
            order by c.version_id, c.ordinal
            """  # noqa: S608 — the name is made from an integer
        ),
        {"ids": list(version_ids), "cutting": cutting_id},
    )
    return tuple(
        ChunkText(
            row.id,
            row.version_id,
            indexed_text(row.title, tuple(row.heading_path), row.text),
            row.tokens,
            bytes(row.digest) if row.digest else None,
        )
        for row in rows
    )


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


def keep_vectors(tx: Connection, set_id: int, cutting_id: int, version_ids: Sequence[UUID]) -> None:
    """Give chunks without a vector that of a chunk of another version of their document with the same indexed text."""
    table = vector_table(set_id)
    tx.execute(
        text(
            f"""
            insert into {table} (chunk_id, embedding)
            select distinct on (c.id) c.id, e.embedding
            from chunks c
            join document_versions v on v.id = c.version_id
            join document_versions other on other.document_id = v.document_id and other.id <> v.id
            join chunks twin on twin.version_id = other.id and twin.digest = c.digest
            join {table} e on e.chunk_id = twin.id
            where c.version_id = any(cast(:ids as uuid[])) and c.cutting_id = :cutting
            order by c.id, other.number desc
            on conflict (chunk_id) do nothing
            """  # noqa: S608 — the name is made from an integer
        ),
        {"ids": list(version_ids), "cutting": cutting_id},
    )


def replace_vectors(tx: Connection, embedding_set_id: int, chunk_ids: Sequence[int], vectors: Vectors) -> None:
    """Store one vector a chunk. `vectors` has the shape (len(chunk_ids), dimensions)."""
    table = vector_table(embedding_set_id)
    tx.execute(text(f"delete from {table} where chunk_id = any(:ids)"), {"ids": list(chunk_ids)})  # noqa: S608 — the name is made from an integer
    if not chunk_ids:
        return
    storage = tx.scalar(text("select storage from embedding_sets where id = :id"), {"id": embedding_set_id})
    rows = _vector_rows(chunk_ids, vectors, _NUMBERS[str(storage)])
    _copy_expert(tx, f"copy {table} (chunk_id, embedding) from stdin with (format binary)", io.BytesIO(rows))


def _vector_rows(chunk_ids: Sequence[int], vectors: Vectors, number: str) -> bytes:
    """What COPY takes in its binary format: to write numbers as text, and to read them, takes much longer.

    A field has its length before it; a vector is its dimensions, two bytes of nothing, and its numbers.
    """
    count, dimensions = vectors.shape
    header = [("fields", ">i2"), ("id_length", ">i4"), ("id", ">i8"), ("length", ">i4"), ("dimensions", ">i2")]
    row = np.dtype([*header, ("unused", ">i2"), ("numbers", number, (dimensions,))])
    rows = np.zeros(count, row)
    rows["fields"], rows["id_length"], rows["id"] = 2, 8, chunk_ids
    rows["length"], rows["dimensions"], rows["numbers"] = row["numbers"].itemsize + 4, dimensions, vectors
    return _BINARY_HEAD + rows.tobytes() + _BINARY_END


def correct_digests(tx: Connection, embedded: Sequence[ChunkText]) -> None:
    """Where the title was changed after they were cut: a digest is that of what was embedded."""
    for chunk in embedded:
        digest = _digest(chunk.indexed_text)
        if chunk.digest != digest:
            tx.execute(text("update chunks set digest = :digest where id = :id"), {"id": chunk.id, "digest": digest})


def count_kept(tx: Connection, version_ids: Sequence[UUID], embedded: Sequence[ChunkText]) -> int:
    """Note on each version how many of its chunks did not have to be embedded; returns how many in all."""
    by_version = Counter(chunk.version_id for chunk in embedded)
    return sum(
        tx.scalars(
            text(
                """
                update document_versions v
                set kept_vectors = coalesce(v.chunk_count, 0) - n.embedded
                from unnest(cast(:ids as uuid[]), cast(:embedded as integer[])) as n(id, embedded)
                where v.id = n.id
                returning v.kept_vectors
                """
            ),
            {"ids": list(version_ids), "embedded": [by_version[version_id] for version_id in version_ids]},
        )
    )


def vector_table(embedding_set_id: int) -> str:
    return f"chunk_embeddings_{int(embedding_set_id)}"


def _staged(version_id: UUID, chunk: Chunk, indexed: str) -> tuple[object, ...]:
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
        segmented(indexed),
        _array(identifiers(indexed)),
        f"\\x{_digest(indexed).hex()}",
    )


def _digest(indexed: str) -> bytes:
    return hashlib.sha256(indexed.encode()).digest()


def _array(values: Sequence[str]) -> str:
    quoted = ('"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in values)
    return "{" + ",".join(quoted) + "}"


def _copy(tx: Connection, target: str, rows: Iterable[tuple[object, ...]]) -> None:
    buffer = io.StringIO()
    # Before Python 3.13 only characters of the line's end are quoted; COPY does not take a bare \r or \n.
    csv.writer(buffer, lineterminator="\r\n").writerows(rows)
    buffer.seek(0)
    _copy_expert(tx, f"copy {target} from stdin with (format csv)", buffer)


def _copy_expert(tx: Connection, statement: str, content: IO[str] | IO[bytes]) -> None:
    cursor = tx.connection.cursor()
    try:
        cursor.copy_expert(statement, content)
    finally:
        cursor.close()
