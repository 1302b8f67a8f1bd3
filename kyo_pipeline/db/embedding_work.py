"""What is still to be done for embedding sets that do not answer questions: one row a set and version.

A claim is as in `db/claims.py`: a run that has lost its claims writes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text

from kyo_pipeline.db.claims import RUN_PREFIX

#: Sets that are to have whatever is ready: those that are to answer one day, and those kept for the way back.
_LIVE = "(s.state in ('building', 'ready') or s.state = 'retired' and s.is_kept)"

#: Work `w` of a version `v` that a run may take up: nobody's, somebody's who has lost it, or its own.
_IS_FREE = """
  w.embedding_set_id = :set
  and w.state = 'waiting'
  and v.status = 'ready'
  and (w.claimed_by is null or w.claimed_by = :run or w.claimed_until < :now)
  and (w.retry_at is null or w.retry_at <= :now)
"""


@dataclass(frozen=True)
class Work:
    """A version that a set lacks. `chunks` is about how many it has, as they are cut now."""

    version_id: UUID
    title: str
    file_name: str
    chunks: int
    attempts: int


def add_all(tx: Connection, set_id: int) -> int:
    """Have a set take in every version that is ready; what is in it already is passed over when its turn comes."""
    result = tx.execute(
        text(
            """
            insert into embedding_work (embedding_set_id, version_id)
            select :id, v.id from document_versions v where v.status = 'ready'
            on conflict (embedding_set_id, version_id) do update
            set state = 'waiting', error = null, claimed_by = null, claimed_until = null, attempts = 0, retry_at = null
            """
        ),
        {"id": set_id},
    )
    return int(result.rowcount)


def add_missing(tx: Connection, set_id: int) -> None:
    """Have a set take in what is ready and was never noted for it."""
    tx.execute(
        text(
            """
            insert into embedding_work (embedding_set_id, version_id)
            select :id, v.id from document_versions v where v.status = 'ready'
            on conflict (embedding_set_id, version_id) do nothing
            """
        ),
        {"id": set_id},
    )


def add_ready(tx: Connection, version_ids: Sequence[UUID]) -> None:
    """Have all live sets take in versions that have become ready, those too that were in before: texts may differ."""
    tx.execute(
        text(
            f"""
            insert into embedding_work (embedding_set_id, version_id)
            select s.id, v.id
            from embedding_sets s
            cross join unnest(cast(:ids as uuid[])) as v(id)
            where {_LIVE}
            order by s.id, v.id
            on conflict (embedding_set_id, version_id) do update
            set state = 'waiting', error = null, claimed_by = null, claimed_until = null, attempts = 0, retry_at = null
            """  # noqa: S608 — a condition of this module
        ),
        {"ids": list(version_ids)},
    )


def claim(tx: Connection, set_id: int, run: str, limit: int, now: datetime, until: datetime) -> tuple[Work, ...]:
    """Take up to `limit` versions that wait, what answers questions first: free ones, lost ones, and the run's own.

    What was interrupted before is taken in ever smaller groups, as in `claims.claim`.
    """
    rows = tx.execute(
        text(
            f"""
            with calmest as (
              select coalesce(min(w.attempts), 0) as attempts
              from embedding_work w
              join document_versions v on v.id = w.version_id
              where {_IS_FREE}
            ),
            taken as (
              select w.version_id
              from embedding_work w
              join document_versions v on v.id = w.version_id
              join documents d on d.id = v.document_id
              where {_IS_FREE} and w.attempts = (select attempts from calmest)
              order by w.claimed_by is not distinct from :run desc,
                (d.current_version_id = v.id and d.state = 'approved') desc nulls last, v.uploaded_at, v.id
              limit (select greatest(:limit >> least(2 * attempts, 30), 1) from calmest)
              for update of w skip locked
            )
            update embedding_work w
            set claimed_by = :run,
              claimed_until = :until,
              attempts = w.attempts + case when w.claimed_by is distinct from :run then 1 else 0 end
            from taken, document_versions v, documents d
            where w.embedding_set_id = :set and w.version_id = taken.version_id
              and v.id = w.version_id and d.id = v.document_id
            returning w.version_id, d.title, v.file_name, coalesce(v.chunk_count, 0) as chunks, w.attempts
            """  # noqa: S608 — a condition of this module
        ),
        {"set": set_id, "run": run, "limit": limit, "now": now, "until": until},
    )
    return tuple(Work(row.version_id, row.title, row.file_name, row.chunks, row.attempts) for row in rows)


def keep(tx: Connection, set_id: int, version_ids: Sequence[UUID], run: str) -> frozenset[UUID]:
    """Of these versions, those that the run still holds and that are as they were; locked."""
    return frozenset(
        tx.scalars(
            text(
                """
                select v.id
                from embedding_work w
                join document_versions v on v.id = w.version_id
                where w.embedding_set_id = :set
                  and w.version_id = any(cast(:ids as uuid[]))
                  and w.claimed_by = :run
                  and w.state = 'waiting'
                  and v.status = 'ready'
                order by v.id
                for no key update of w, v
                """
            ),
            {"set": set_id, "ids": list(version_ids), "run": run},
        )
    )


def finish(tx: Connection, set_id: int, chunk_counts: Mapping[UUID, int], run: str) -> None:
    """These are in the set now, each with so many chunks, as far as the run still holds them."""
    tx.execute(
        text(
            """
            update embedding_work w
            set state = 'done', chunk_count = n.chunks, claimed_by = null, claimed_until = null, attempts = 0,
              retry_at = null
            from unnest(cast(:ids as uuid[]), cast(:chunks as integer[])) as n(id, chunks)
            where w.embedding_set_id = :set and w.version_id = n.id and w.claimed_by = :run and w.state = 'waiting'
            """
        ),
        {"set": set_id, "ids": list(chunk_counts), "chunks": list(chunk_counts.values()), "run": run},
    )


def fail(tx: Connection, set_id: int, version_id: UUID, run: str, error: str) -> bool:
    """It cannot be taken in, for a reason that another try would not change."""
    result = tx.execute(
        text(
            """
            update embedding_work
            set state = 'failed', error = :error, claimed_by = null, claimed_until = null
            where embedding_set_id = :set and version_id = :version and claimed_by = :run and state = 'waiting'
            """
        ),
        {"set": set_id, "version": version_id, "run": run, "error": error},
    )
    return result.rowcount == 1


def put_back(tx: Connection, set_id: int, run: str, retry_at: datetime | None) -> None:
    """Give up the claims of a run, which does not count as an attempt; the work waits until `retry_at`."""
    tx.execute(
        text(
            """
            update embedding_work
            set claimed_by = null, claimed_until = null, attempts = greatest(attempts - 1, 0), retry_at = :retry_at
            where embedding_set_id = :set and claimed_by = :run and state = 'waiting'
            """
        ),
        {"set": set_id, "run": run, "retry_at": retry_at},
    )


def renew(tx: Connection, set_id: int, run: str, until: datetime) -> None:
    tx.execute(
        text("update embedding_work set claimed_until = :until where embedding_set_id = :set and claimed_by = :run"),
        {"set": set_id, "run": run, "until": until},
    )


def release_dead(tx: Connection, alive: Sequence[str]) -> int:
    """End the claims of Dagster runs that are not among those alive; returns how many."""
    result = tx.execute(
        text(
            """
            update embedding_work
            set claimed_by = null, claimed_until = null
            where state = 'waiting' and claimed_by like :prefix and claimed_by <> all(:alive)
            """
        ),
        {"prefix": f"{RUN_PREFIX}%", "alive": list(alive)},
    )
    return int(result.rowcount)


def sets_with_work(tx: Connection, now: datetime) -> tuple[int, ...]:
    """The live sets of which a run could take up something now: those being built first, then the newest."""
    return tuple(
        tx.scalars(
            text(
                f"""
                select s.id
                from embedding_sets s
                where {_LIVE}
                  and exists (
                    select
                    from embedding_work w
                    join document_versions v on v.id = w.version_id
                    where w.embedding_set_id = s.id
                      and w.state = 'waiting'
                      and v.status = 'ready'
                      and (w.claimed_by is null or w.claimed_until < :now)
                      and (w.retry_at is null or w.retry_at <= :now)
                  )
                order by s.state = 'building' desc, s.id desc
                """  # noqa: S608 — a condition of this module
            ),
            {"now": now},
        )
    )


def is_waiting(tx: Connection, set_id: int) -> bool:
    """Whether anything waits for this set, also what somebody works on or has put off."""
    return bool(
        tx.scalar(
            text(
                """
                select exists (
                  select
                  from embedding_work w
                  join document_versions v on v.id = w.version_id
                  where w.embedding_set_id = :set and w.state = 'waiting' and v.status = 'ready'
                )
                """
            ),
            {"set": set_id},
        )
    )


def count_missing(tx: Connection, set_id: int) -> int:
    """How many versions that are ready are not in the set."""
    return int(
        tx.scalar(
            text(
                """
                select count(*)
                from document_versions v
                left join embedding_work w on w.embedding_set_id = :set and w.version_id = v.id
                where v.status = 'ready' and w.state is distinct from 'done'
                """
            ),
            {"set": set_id},
        )
        or 0
    )


def failures(tx: Connection, set_id: int, limit: int) -> tuple[tuple[str, str], ...]:
    """File names and reasons of what could not be taken in, the first few."""
    rows = tx.execute(
        text(
            """
            select v.file_name, w.error
            from embedding_work w
            join document_versions v on v.id = w.version_id
            where w.embedding_set_id = :set and w.state = 'failed' and v.status = 'ready'
            order by v.file_name, v.id
            limit :limit
            """
        ),
        {"set": set_id, "limit": limit},
    )
    return tuple((row.file_name, row.error) for row in rows)
