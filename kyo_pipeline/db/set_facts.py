"""Embedding sets with all that is known of each."""

from typing import Any

from sqlalchemy import Connection, text

from kyo_pipeline.db.embedding_sets import spec_of
from kyo_pipeline.domain.embedding_sets import SetFacts, SetState, Storage, Verdict


def read(tx: Connection) -> tuple[SetFacts, ...]:
    """All sets that there have been, the newest first, with what is known of each."""
    rows = tx.execute(
        text(
            """
            select s.*, k.size, k.overlap, u.name as creator,
              coalesce(n.waiting, 0) as waiting, coalesce(n.done, a.versions, 0) as done,
              coalesce(n.failed, 0) as failed, coalesce(n.left, 0) as left, coalesce(n.chunks, a.chunks, 0) as chunks
            from embedding_sets s
            join cuttings k on k.id = s.cutting_id
            left join users u on u.id = s.created_by
            left join lateral (
              select count(*) filter (where w.state = 'waiting') as waiting,
                count(*) filter (where w.state = 'done') as done,
                count(*) filter (where w.state = 'failed') as failed,
                -- As many as they have now, times how many more or fewer there were of what is done.
                round(
                  sum(v.chunk_count) filter (where w.state = 'waiting')
                  * coalesce(
                    cast(sum(w.chunk_count) filter (where w.state = 'done') as double precision)
                    / nullif(sum(v.chunk_count) filter (where w.state = 'done'), 0),
                    1
                  )
                ) as left,
                sum(w.chunk_count) filter (where w.state = 'done') as chunks
              from embedding_work w
              join document_versions v on v.id = w.version_id
              where w.embedding_set_id = s.id and v.status = 'ready'
            ) n on s.state in ('building', 'ready', 'retired')
            left join lateral (
              select count(*) as versions, sum(v.chunk_count) as chunks
              from document_versions v
              where v.status = 'ready'
            ) a on s.state = 'active'
            order by s.id desc
            """
        )
    )
    return tuple(_facts(row) for row in rows)


def _facts(row: Any) -> SetFacts:
    return SetFacts(
        id=row.id,
        spec=spec_of(row),
        state=SetState(row.state),
        storage=Storage(row.storage),
        chunk_size=row.size,
        chunk_overlap=row.overlap,
        reason=row.reason,
        created_by=row.creator,
        created_at=row.created_at,
        indexed_at=row.indexed_at,
        judged_at=row.judged_at,
        activated_at=row.activated_at,
        retired_at=row.retired_at,
        dropped_at=row.dropped_at,
        is_kept=row.is_kept,
        verdict=Verdict(row.verdict) if row.verdict else None,
        judgement=row.judgement,
        waiting=row.waiting,
        done=row.done,
        failed=row.failed,
        chunks=int(row.chunks),
        chunks_left=int(row.left),
        embedded=row.embedded,
        tokens=row.tokens,
        calls=row.calls,
        work_seconds=row.work_seconds,
        problem=row.problem,
    )
