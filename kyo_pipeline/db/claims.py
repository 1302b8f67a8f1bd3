"""Versions as the pipeline sees them: waiting for a step, claimed by a run, done or failed.

A claim is a run's mark on a row. It ends when the last step is done, when the run is known to be dead (`release_dead`),
or at `claimed_until`. Before it writes a result, a run asks for its claims again (`keep`): one that has lost them
changes nothing.
"""

import select
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from kyo_pipeline.db.engine import Database
from kyo_pipeline.db.versions import WORK_CHANNEL
from kyo_pipeline.domain.documents import VersionStatus

#: Claims of Dagster runs begin with this; only of those can be known that the run is dead.
RUN_PREFIX = "run:"


def is_watched(run: str) -> bool:
    """Whether it can be known that this run is dead."""
    return run.startswith(RUN_PREFIX)


@dataclass(frozen=True)
class Claimed:
    version_id: UUID
    document_id: UUID
    title: str
    file_name: str
    sha256: str
    media_type: str
    characters: int  # 0 before it has been read
    attempts: int


def claim(
    tx: Connection, status: VersionStatus, run: str, limit: int, now: datetime, until: datetime
) -> tuple[Claimed, ...]:
    """Take up to `limit` versions that wait with this status, oldest first: free ones, lost ones, and the run's own.

    `skip locked` lets runs side by side take different rows without waiting for each other. What has been interrupted
    before is taken in groups a quarter of the size for each time, in the end alone: a file that kills every process
    which touches it must not take its neighbours with it.
    """
    rows = tx.execute(
        text(
            """
            with calmest as (
              select coalesce(min(attempts), 0) as attempts
              from document_versions
              where status = :status
                and (claimed_by is null or claimed_by = :run or claimed_until < :now)
                and (retry_at is null or retry_at <= :now)
            ),
            waiting as (
              select id
              from document_versions
              where status = :status
                and (claimed_by is null or claimed_by = :run or claimed_until < :now)
                and (retry_at is null or retry_at <= :now)
                and attempts = (select attempts from calmest)
              order by claimed_by is not distinct from :run desc, uploaded_at, id
              limit (select greatest(:limit >> least(2 * attempts, 30), 1) from calmest)
              for update skip locked
            )
            update document_versions v
            set claimed_by = :run,
              claimed_until = :until,
              attempts = v.attempts + case when v.claimed_by is distinct from :run then 1 else 0 end
            from waiting, documents d
            where v.id = waiting.id and d.id = v.document_id
            returning v.id, v.document_id, d.title, v.file_name, v.sha256, v.media_type,
              coalesce(v.characters, 0) as characters, v.attempts
            """
        ),
        {"status": status.value, "run": run, "limit": limit, "now": now, "until": until},
    )
    return tuple(
        Claimed(
            row.id,
            row.document_id,
            row.title,
            row.file_name,
            row.sha256,
            row.media_type,
            row.characters,
            row.attempts,
        )
        for row in rows
    )


def keep(tx: Connection, version_ids: Sequence[UUID], run: str, status: VersionStatus) -> frozenset[UUID]:
    """Of these versions, those that the run still holds with this status, locked: only their results may be written."""
    return frozenset(
        tx.scalars(
            text(
                """
                select id
                from document_versions
                where id = any(cast(:ids as uuid[])) and claimed_by = :run and status = :status
                order by id
                for no key update
                """
            ),
            {"ids": list(version_ids), "run": run, "status": status.value},
        )
    )


def advance(
    tx: Connection,
    version_ids: Sequence[UUID],
    run: str,
    before: VersionStatus,
    after: VersionStatus,
    seconds: float,
) -> tuple[UUID, ...]:
    """Move versions that this run still holds to the next status; returns which. `seconds` is the share of each."""
    rows = tx.execute(
        text(
            """
            update document_versions
            set status = :after,
              stage_seconds = stage_seconds || jsonb_build_object(cast(:after as text), cast(:seconds as real)),
              attempts = 0
            where id = any(cast(:ids as uuid[])) and claimed_by = :run and status = :before
            returning id
            """
        ),
        {
            "ids": list(version_ids),
            "run": run,
            "before": before.value,
            "after": after.value,
            "seconds": round(seconds, 4),
        },
    )
    return tuple(row.id for row in rows)


def note_embedded(tx: Connection, version_ids: Sequence[UUID], embedding_set_id: int) -> None:
    """Of which set the vectors are that have been made."""
    tx.execute(
        text("update document_versions set embedded_in = :set where id = any(cast(:ids as uuid[]))"),
        {"set": embedding_set_id, "ids": list(version_ids)},
    )


def cut_for_another(
    tx: Connection, version_ids: Sequence[UUID], run: str, cut_as: str, cutting_id: int
) -> frozenset[UUID]:
    """Of these versions, send those back to be cut that are not cut as the active set has it; returns which."""
    condition = """
      cut_as is distinct from :cut_as
      or not exists (select from chunks c where c.version_id = document_versions.id and c.cutting_id = :cutting)
    """
    wanted: dict[str, str | int] = {"cut_as": cut_as, "cutting": cutting_id}
    return _cut_again(tx, version_ids, run, VersionStatus.CHUNKED, condition, wanted)


def embedded_for_another(tx: Connection, version_ids: Sequence[UUID], run: str, set_id: int) -> frozenset[UUID]:
    """Of these versions, send those back to be cut whose vectors are not of the active set; returns which."""
    condition = "embedded_in is distinct from :set"
    return _cut_again(tx, version_ids, run, VersionStatus.EMBEDDED, condition, {"set": set_id})


def _cut_again(
    tx: Connection,
    version_ids: Sequence[UUID],
    run: str,
    status: VersionStatus,
    condition: str,
    wanted: Mapping[str, str | int],
) -> frozenset[UUID]:
    return frozenset(
        tx.scalars(
            text(
                f"""
                update document_versions
                set status = 'parsed', claimed_by = null, claimed_until = null, attempts = 0
                where id = any(cast(:ids as uuid[])) and claimed_by = :run and status = :status and ({condition})
                returning id
                """  # noqa: S608 — one of the two conditions above
            ),
            {"ids": list(version_ids), "run": run, "status": status.value, **wanted},
        )
    )


def finish(tx: Connection, version_ids: Sequence[UUID], run: str, now: datetime) -> tuple[UUID, ...]:
    """Make embedded versions ready, those that this run still holds, and end their claims; returns which."""
    rows = tx.execute(
        text(
            """
            update document_versions
            set status = 'ready', ready_at = :now, claimed_by = null, claimed_until = null, attempts = 0
            where id = any(cast(:ids as uuid[])) and claimed_by = :run and status = 'embedded'
            returning id
            """
        ),
        {"ids": list(version_ids), "run": run, "now": now},
    )
    return tuple(row.id for row in rows)


def fail(tx: Connection, version_id: UUID, run: str, error: str) -> bool:
    """End a version as failed with a sentence for people; False when the run does not hold it any more."""
    result = tx.execute(
        text(
            """
            update document_versions
            set status = 'failed', error = :error, claimed_by = null, claimed_until = null
            where id = :id and claimed_by = :run
            """
        ),
        {"id": version_id, "run": run, "error": error},
    )
    return result.rowcount == 1


def put_back(
    tx: Connection, version_ids: Sequence[UUID], run: str, status: VersionStatus, retry_at: datetime | None
) -> None:
    """Give up claims, so that the step after `status` is tried again. It does not count as an attempt.

    Versions that still have this status wait until `retry_at`; those that came further are free at once.
    """
    tx.execute(
        text(
            """
            update document_versions
            set claimed_by = null, claimed_until = null, attempts = greatest(attempts - 1, 0),
              retry_at = case when status = :status then cast(:retry_at as timestamptz) end
            where id in (
              select id
              from document_versions
              where id = any(cast(:ids as uuid[])) and claimed_by = :run
              order by id
              for no key update
            )
            """
        ),
        {"ids": list(version_ids), "run": run, "status": status.value, "retry_at": retry_at},
    )


def renew(tx: Connection, run: str, until: datetime) -> None:
    """Hold on to what a run has claimed. What somebody else works on at this moment is passed over.

    This transaction has locked some of these rows, and not in one order with the others: whoever deletes a document
    locks all its versions, and the two would wait for each other.
    """
    tx.execute(
        text(
            """
            update document_versions
            set claimed_until = :until
            where id in (select id from document_versions where claimed_by = :run for no key update skip locked)
            """
        ),
        {"run": run, "until": until},
    )


def release_dead(tx: Connection, alive: Sequence[str]) -> int:
    """End the claims of Dagster runs that are not among those alive (claim names); returns how many rows are free."""
    result = tx.execute(
        text(
            """
            update document_versions
            set claimed_by = null, claimed_until = null
            where status not in ('ready', 'failed')
              and claimed_by like :prefix
              and claimed_by <> all(:alive)
            """
        ),
        {"prefix": f"{RUN_PREFIX}%", "alive": list(alive)},
    )
    return int(result.rowcount)


def count_waiting(tx: Connection, now: datetime) -> int:
    """How many versions some run should take up now."""
    return int(
        tx.scalar(
            text(
                """
                select count(*)
                from document_versions
                where status not in ('ready', 'failed')
                  and (claimed_by is null or claimed_until < :now)
                  and (retry_at is null or retry_at <= :now)
                """
            ),
            {"now": now},
        )
        or 0
    )


@contextmanager
def listening(db: Database) -> Iterator[Callable[[float], bool]]:
    """Hear of work from now on: the function waits up to so many seconds, and says whether somebody announced any.

    Look for work inside, not before: what is announced between looking and listening would not be heard.
    """
    with db.autocommit() as connection:
        connection.execute(text(f"listen {WORK_CHANNEL}"))
        raw: Any = connection.connection.dbapi_connection  # psycopg2's connection is waitable by its fileno()
        yield lambda seconds: bool(select.select([raw], [], [], seconds)[0])
        connection.execute(text("unlisten *"))  # the connection goes back to the pool
