"""What should never be in the index: found, counted, and put right."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

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


@dataclass(frozen=True)
class Unsound:
    """A version that cannot answer questions as it should. `answers`: it is the one that does so now.

    `is_aside`: it is not the one that its document answers with, so it can be put right where it is.
    """

    id: UUID
    document_id: UUID
    title: str
    file_name: str
    number: int
    sha256: str
    answers: bool
    is_approved: bool
    is_aside: bool
    is_not_ready: bool
    lacks_chunks: bool
    without_vector: int
    without_weights: int


@dataclass(frozen=True)
class FileOf:
    """The newest version that has these bytes, of documents that are not deleted."""

    sha256: str
    document_id: UUID
    title: str
    file_name: str
    number: int


def inspect(tx: Connection, embedding_set_id: int) -> IndexHealth:
    statement = query("index_health").format(vectors=vector_table(embedding_set_id))
    return IndexHealth(**tx.execute(text(statement)).one()._asdict())


def unsound_versions(tx: Connection, embedding_set_id: int | None) -> tuple[Unsound, ...]:
    """All of them, those that answer questions first."""
    # Before anything was embedded there is no table, and every chunk lacks its vector.
    nothing = "(select cast(null as bigint) as chunk_id where false)"
    vectors = nothing if embedding_set_id is None else vector_table(embedding_set_id)
    rows = tx.execute(text(query("unsound_versions").format(vectors=vectors)))
    return tuple(
        Unsound(
            row.id,
            row.document_id,
            row.title,
            row.file_name,
            row.number,
            row.sha256,
            bool(row.answers),
            row.is_approved,
            row.is_aside,
            bool(row.is_not_ready),
            row.lacks_chunks,
            row.without_vector,
            row.without_weights,
        )
        for row in rows
    )


def count_looked_at(tx: Connection) -> tuple[int, int]:
    """How many versions `unsound_versions` looks at, and how many chunks of theirs."""
    row = tx.execute(
        text(
            """
            select count(*) as versions, coalesce(sum(n.chunks), 0) as chunks
            from document_versions v
            join documents d on d.id = v.document_id
            left join (select version_id, count(*) as chunks from chunks group by version_id) n on n.version_id = v.id
            where d.state <> 'deleted'
            """
        )
    ).one()
    return int(row.versions), int(row.chunks)


def files(tx: Connection) -> tuple[FileOf, ...]:
    """What must be in the file store."""
    rows = tx.execute(
        text(
            """
            select distinct on (v.sha256) v.sha256, v.document_id, d.title, v.file_name, v.number
            from document_versions v
            join documents d on d.id = v.document_id
            where d.state <> 'deleted'
            order by v.sha256, v.uploaded_at desc
            """
        )
    )
    return tuple(FileOf(row.sha256, row.document_id, row.title, row.file_name, row.number) for row in rows)


def stray_vectors(tx: Connection, embedding_set_id: int) -> int:
    """How many vectors have no chunk."""
    table = vector_table(embedding_set_id)
    statement = f"select count(*) from {table} e where not exists (select from chunks c where c.id = e.chunk_id)"  # noqa: S608 — the name is made from an integer
    return int(tx.scalar(text(statement)) or 0)


def delete_stray_vectors(tx: Connection, embedding_set_id: int) -> int:
    table = vector_table(embedding_set_id)
    statement = f"delete from {table} e where not exists (select from chunks c where c.id = e.chunk_id)"  # noqa: S608 — the name is made from an integer
    return int(tx.execute(text(statement)).rowcount)


def miscounted(tx: Connection) -> int:
    """By how many chunks and lexemes the totals of the corpus are wrong."""
    return int(
        tx.scalar(
            text(
                """
                select abs(corpus.chunk_count - n.chunks) + abs(corpus.lexeme_count - n.lexemes)
                from corpus
                cross join (
                  select count(*) as chunks, coalesce(sum(c.lexeme_count), 0) as lexemes
                  from documents d
                  join chunks c on c.version_id = d.current_version_id
                  where d.state = 'approved'
                ) n
                """
            )
        )
        or 0
    )


def recount(tx: Connection) -> int:
    """Make the statistics of the corpus those of what answers questions; returns how many were wrong.

    Needs the lock on the corpus.
    """
    lexemes = tx.execute(
        text(
            """
            update lexemes l
            set chunk_count = coalesce(n.chunks, 0)
            from lexemes m
            left join (
              select t.lexeme, count(*) as chunks
              from documents d
              join chunks c on c.version_id = d.current_version_id
              cross join lateral unnest(c.lexical) as t(lexeme, positions, weights)
              where d.state = 'approved'
              group by t.lexeme
            ) n on n.lexeme = m.lexeme
            where l.id = m.id and l.chunk_count <> coalesce(n.chunks, 0)
            """
        )
    )
    totals = tx.execute(
        text(
            """
            update corpus
            set chunk_count = n.chunks, lexeme_count = n.lexemes, revision = revision + 1
            from (
              select count(*) as chunks, coalesce(sum(c.lexeme_count), 0) as lexemes
              from documents d
              join chunks c on c.version_id = d.current_version_id
              where d.state = 'approved'
            ) n
            where (corpus.chunk_count, corpus.lexeme_count) is distinct from (n.chunks, n.lexemes)
            """
        )
    )
    return int(lexemes.rowcount + totals.rowcount)


def cut_again(tx: Connection, version_ids: Sequence[UUID]) -> None:
    """Have ready versions cut and embedded once more, from the text that they have: what was cited stays where it was.

    For those that their documents do not answer with: what answered questions once does not come back by itself.
    """
    tx.execute(
        text(
            """
            update document_versions v
            set status = case when exists (select from version_texts t where t.version_id = v.id)
                then 'parsed' else 'uploaded' end,
              attempts = 0, retry_at = null, claimed_by = null, claimed_until = null
            where v.id = any(cast(:ids as uuid[])) and v.status = 'ready'
            """
        ),
        {"ids": list(version_ids)},
    )


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
