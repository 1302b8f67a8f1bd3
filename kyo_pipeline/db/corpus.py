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


def lock_counted(tx: Connection, cutting_id: int) -> bool:
    """Whether the chunks of a cutting are counted. If so this takes the lock, after those of the versions."""
    counted = bool(tx.scalar(text("select is_counted from cuttings where id = :id"), {"id": cutting_id}))
    if counted:
        lock(tx)
    return counted


def count_cut(tx: Connection, version_ids: Sequence[UUID], cutting_id: int) -> None:
    """Count the chunks of versions that have been cut once more, as far as they answer questions. Needs `lock`."""
    tx.execute(
        text(
            """
            select count_searchable(
              array(
                select d.current_version_id
                from documents d
                where d.current_version_id = any(cast(:ids as uuid[])) and d.state = 'approved'
              ), 1, :cutting)
            """
        ),
        {"ids": list(version_ids), "cutting": cutting_id},
    )


def weigh(tx: Connection, version_ids: Sequence[UUID], cutting_id: int) -> None:
    """Compute the BM25 weights of these versions' chunks with the average length that the others were computed with."""
    average = tx.scalar(text("select weighed_length from cuttings where id = :id"), {"id": cutting_id})
    if average is None:
        average = tx.scalar(text("select avg(lexeme_count) from chunks where cutting_id = :id"), {"id": cutting_id})
        # While a cutting is made, what comes first is a sample of the whole: most of it need not be computed twice.
        tx.execute(
            text("update cuttings set weighed_length = greatest(:average, 1) where id = :id and not is_counted"),
            {"average": average, "id": cutting_id},
        )
    _weigh(tx, list(version_ids), cutting_id, float(average or 1))


def drifted_lengths(tx: Connection) -> dict[int, float]:
    """For each cutting whose weights were computed with too different an average length: that of today, in lexemes."""
    rows = tx.execute(
        text(
            """
            select id, weighed_length, cast(lexeme_count as real) / chunk_count as average
            from cuttings
            where is_counted and chunk_count > 0
            """
        )
    )
    # A corpus without a single word has an average as well.
    lengths = {row.id: (row.weighed_length, max(float(row.average), 1.0)) for row in rows}
    return {cutting: average for cutting, (weighed, average) in lengths.items() if _has_drifted(weighed, average)}


def weigh_uncounted(tx: Connection, cutting_id: int) -> None:
    """Compute the weights of a cutting that is complete by its own average length, if the first of it were no sample.

    Nothing is searched in it yet, so nobody waits for this.
    """
    row = tx.execute(
        text(
            """
            select k.weighed_length, avg(c.lexeme_count) as average
            from cuttings k
            join chunks c on c.cutting_id = k.id
            where k.id = :id and not k.is_counted
            group by k.weighed_length
            """
        ),
        {"id": cutting_id},
    ).one_or_none()
    if row is not None and _has_drifted(row.weighed_length, average := max(float(row.average), 1.0)):
        _weigh(tx, None, cutting_id, average)
        tx.execute(
            text("update cuttings set weighed_length = :length where id = :id"), {"length": average, "id": cutting_id}
        )


def weigh_all(tx: Connection, cutting_id: int, average_length: float) -> int:
    """Compute all BM25 weights of a cutting again. Needs `lock`. Returns how many chunks there are."""
    _weigh(tx, None, cutting_id, average_length)
    tx.execute(
        text("update cuttings set weighed_length = :length where id = :id"),
        {"length": average_length, "id": cutting_id},
    )
    tx.execute(text("update corpus set revision = revision + 1"))
    return int(tx.scalar(text("select count(*) from chunks where cutting_id = :id"), {"id": cutting_id}) or 0)


def _has_drifted(weighed: float | None, average: float) -> bool:
    return weighed is None or abs(average - weighed) > DRIFT * weighed


def _weigh(tx: Connection, version_ids: list[UUID] | None, cutting_id: int, average_length: float) -> None:
    tx.execute(
        text(query("weigh_chunks")),
        {"version_ids": version_ids, "cutting": cutting_id, "average_length": max(average_length, 1.0)},
    )


def _count(tx: Connection, version_ids: list[UUID], sign: int) -> None:
    """Add or subtract chunks from the document frequencies and totals."""
    tx.execute(
        text("select count_searchable(cast(:ids as uuid[]), :sign)"),
        {"ids": version_ids, "sign": sign},
    )
