"""The searchable corpus: which versions are in it, and the statistics that BM25 needs."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text

from kyo_pipeline.db.engine import query

#: Share by which the average chunk length may drift before the stored BM25 weights are computed again.
DRIFT = 0.1


def lock(tx: Connection) -> None:
    """Whoever changes what can be found takes this lock, after those of the documents: it serialises publishing."""
    tx.execute(text("select from corpus for update"))


def publishable(tx: Connection, version_ids: Sequence[UUID]) -> tuple[UUID, ...]:
    """Of these versions, those that are ready and approved and have never answered questions, newer than what has.

    What answered questions once comes back only when somebody says so. None of a document that is archived or deleted.
    """
    return tuple(
        tx.scalars(
            text(
                """
                select distinct on (v.document_id) v.id
                from document_versions v
                join documents d on d.id = v.document_id
                where v.id = any(cast(:ids as uuid[]))
                  and v.status = 'ready'
                  and v.review = 'approved'
                  and v.published_at is null
                  and d.state not in ('archived', 'deleted')
                  and not exists (
                    select
                    from document_versions w
                    where w.document_id = v.document_id and w.number > v.number and w.published_at is not null
                  )
                order by v.document_id, v.number desc
                """
            ),
            {"ids": list(version_ids)},
        )
    )


def make_current(tx: Connection, version_ids: Sequence[UUID], now: datetime) -> None:
    """Swap these versions in for the ones that answer questions now. Needs `lock`."""
    ids = list(version_ids)
    replaced = tx.scalars(
        text(
            """
            select d.current_version_id
            from documents d
            join document_versions v on v.document_id = d.id
            where v.id = any(cast(:ids as uuid[])) and d.current_version_id is not null and d.state = 'approved'
            """
        ),
        {"ids": ids},
    ).all()
    _count(tx, list(replaced), -1)
    tx.execute(
        text(
            """
            update documents d
            set current_version_id = v.id, state = 'approved', updated_at = :now
            from document_versions v
            where v.document_id = d.id and v.id = any(cast(:ids as uuid[]))
            """
        ),
        {"ids": ids, "now": now},
    )
    tx.execute(
        text(
            """
            update document_versions
            set published_at = :now
            where id = any(cast(:ids as uuid[])) and published_at is null
            """
        ),
        {"ids": ids, "now": now},
    )
    _count(tx, ids, +1)


def withdraw(tx: Connection, version_ids: Sequence[UUID]) -> None:
    """Take versions out of the statistics; the caller changes the state of their documents. Needs `lock`."""
    _count(tx, list(version_ids), -1)


def readmit(tx: Connection, version_ids: Sequence[UUID]) -> None:
    """Take versions into the statistics that were withdrawn; the caller changes the state of their documents.

    Needs `lock`.
    """
    _count(tx, list(version_ids), +1)


def add_lexemes(tx: Connection, version_ids: Sequence[UUID]) -> None:
    """Give every lexeme of these versions an id."""
    # In order, so that two runs that meet the same new words wait for each other instead of deadlocking. One look into
    # the index for each word: as a join, in a table whose statistics are of when it was empty, it took minutes.
    tx.execute(
        text(
            """
            insert into lexemes (lexeme, shortenings)
            select n.lexeme, case when may_be_mistyped(n.lexeme) then shortenings(n.lexeme) end
            from (
              select distinct t.lexeme
              from chunks c
              cross join lateral unnest(c.lexical) as t(lexeme, positions, weights)
              where c.version_id = any(cast(:ids as uuid[]))
            ) n
            where (select l.id from lexemes l where l.lexeme = n.lexeme) is null
            order by n.lexeme
            on conflict (lexeme) do nothing
            """
        ),
        {"ids": list(version_ids)},
    )


def weigh(tx: Connection, version_ids: Sequence[UUID]) -> None:
    """Compute the BM25 weights of these versions' chunks with the average length that the others were computed with."""
    ids = list(version_ids)
    average = tx.scalar(text("select weighed_length from corpus"))
    if average is None:
        average = tx.scalar(text("select avg(lexeme_count) from chunks"))
    _weigh(tx, ids, float(average or 1))


def drifted_length(tx: Connection) -> float | None:
    """The average length of today, in lexemes, when the stored weights were computed with too different a one."""
    row = tx.execute(
        text(
            """
            select weighed_length, cast(lexeme_count as real) / nullif(chunk_count, 0) as average
            from corpus
            """
        )
    ).one()
    if row.average is None:
        return None
    average = max(float(row.average), 1.0)  # a corpus without a single word has an average as well
    is_near = row.weighed_length is not None and abs(average - row.weighed_length) <= DRIFT * row.weighed_length
    return None if is_near else average


def weigh_all(tx: Connection, average_length: float) -> int:
    """Compute all BM25 weights again. Needs `lock`. Returns how many chunks there are."""
    _weigh(tx, None, average_length)
    tx.execute(
        text("update corpus set weighed_length = :length, revision = revision + 1"),
        {"length": average_length},
    )
    return int(tx.scalar(text("select count(*) from chunks")) or 0)


def _weigh(tx: Connection, version_ids: list[UUID] | None, average_length: float) -> None:
    tx.execute(
        text(query("weigh_chunks")),
        {"version_ids": version_ids, "average_length": max(average_length, 1.0)},
    )


def _count(tx: Connection, version_ids: list[UUID], sign: int) -> None:
    """Add or subtract chunks from the document frequencies and totals."""
    tx.execute(
        text("select count_searchable(cast(:ids as uuid[]), :sign)"),
        {"ids": version_ids, "sign": sign},
    )
