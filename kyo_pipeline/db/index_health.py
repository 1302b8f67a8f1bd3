"""What should never be in the index: found, counted, and put right."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text

from kyo_pipeline.db.chunks import vector_table
from kyo_pipeline.db.embedding_sets import EmbeddingSet
from kyo_pipeline.db.engine import query

#: What can be found of the cutting `k`.
_TOTALS = """
  select count(*) as chunks, coalesce(sum(c.lexeme_count), 0) as lexemes
  from documents d
  join chunks c on c.version_id = d.current_version_id and c.cutting_id = k.id
  where d.state = 'approved'
"""


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


def unsound_versions(tx: Connection, embedding_set: EmbeddingSet | None) -> tuple[Unsound, ...]:
    """All of them as the active set has them, those that answer questions first."""
    # Before anything was embedded there is no table, and every chunk lacks its vector.
    nothing = "(select cast(null as bigint) as chunk_id where false)"
    vectors = nothing if embedding_set is None else vector_table(embedding_set.id)
    cutting = None if embedding_set is None else embedding_set.cutting_id
    cut_as = None if embedding_set is None else embedding_set.cutting.name
    rows = tx.execute(text(query("unsound_versions").format(vectors=vectors)), {"cutting": cutting, "cut_as": cut_as})
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


def count_looked_at(tx: Connection, cutting_id: int | None) -> tuple[int, int]:
    """How many versions `unsound_versions` looks at, and how many chunks of theirs."""
    row = tx.execute(
        text(
            """
            select count(*) as versions, coalesce(sum(n.chunks), 0) as chunks
            from document_versions v
            join documents d on d.id = v.document_id
            left join (
              select version_id, count(*) as chunks
              from chunks
              where cast(:cutting as integer) is null or cutting_id = :cutting
              group by version_id
            ) n on n.version_id = v.id
            where d.state <> 'deleted'
            """
        ),
        {"cutting": cutting_id},
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
    """By how many chunks and lexemes the totals of what can be found are wrong, in all cuttings that are counted."""
    return int(
        tx.scalar(
            text(
                f"""
                select coalesce(sum(abs(k.chunk_count - n.chunks) + abs(k.lexeme_count - n.lexemes)), 0)
                from cuttings k
                cross join lateral ({_TOTALS}) n
                where k.is_counted
                """  # noqa: S608 — a text of this module
            )
        )
        or 0
    )


def recount(tx: Connection) -> int:
    """Count anew what answers questions, for all cuttings that are counted; returns how many figures were wrong.

    Needs the lock on the corpus.
    """
    counted = tx.scalars(text("select id from cuttings where is_counted order by id")).all()
    return sum(_recount(tx, cutting_id) for cutting_id in counted)


def count_cutting(tx: Connection, cutting_id: int) -> None:
    """Count the chunks of a cutting that is complete now, and keep the figures from here on.

    Needs the lock on the corpus.
    """
    statement = "update cuttings set is_counted = true where id = :id and not is_counted"
    if tx.execute(text(statement), {"id": cutting_id}).rowcount:
        _recount(tx, cutting_id)


def _recount(tx: Connection, cutting_id: int) -> int:
    wrong = _recount_lexemes(tx, cutting_id)
    totals = tx.execute(
        text(
            f"""
            update cuttings w
            set chunk_count = n.chunks, lexeme_count = n.lexemes
            from cuttings k
            cross join lateral ({_TOTALS}) n
            where w.id = k.id
              and k.id = :id
              and (k.chunk_count, k.lexeme_count) is distinct from (n.chunks, n.lexemes)
            """  # noqa: S608 — a text of this module
        ),
        {"id": cutting_id},
    )
    wrong += totals.rowcount
    if wrong:
        tx.execute(text("update corpus set revision = revision + 1"))
    return int(wrong)


def _recount_lexemes(tx: Connection, cutting_id: int) -> int:
    return int(
        tx.execute(
            text(
                """
                with truth as (
                  select x.id, count(*) as chunks
                  from documents d
                  join chunks c on c.version_id = d.current_version_id and c.cutting_id = :cutting
                  cross join lateral unnest(c.lexical) as t(lexeme, positions, weights)
                  cross join lateral (select y.id from lexemes y where y.lexeme = t.lexeme offset 0) x
                  where d.state = 'approved'
                  group by x.id
                ),
                gone as (
                  update lexeme_counts n
                  set chunk_count = 0
                  where n.cutting_id = :cutting and n.chunk_count <> 0
                    and not exists (select from truth where truth.id = n.lexeme_id)
                  returning 1
                ),
                put as (
                  insert into lexeme_counts as n (cutting_id, lexeme_id, chunk_count)
                  select :cutting, truth.id, truth.chunks
                  from truth
                  order by truth.id
                  on conflict (cutting_id, lexeme_id) do update set chunk_count = excluded.chunk_count
                  where n.chunk_count <> excluded.chunk_count
                  returning 1
                )
                select (select count(*) from gone) + (select count(*) from put)
                """
            ),
            {"cutting": cutting_id},
        ).scalar_one()
    )


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
