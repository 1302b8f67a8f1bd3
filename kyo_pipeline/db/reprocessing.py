"""Documents that are to be read again."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text

from kyo_pipeline.db import audit
from kyo_pipeline.db.versions import announce_work
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.audit import Event


@dataclass(frozen=True)
class Requeued:
    """What waits for the pipeline now: a version made from the bytes of the current one, and those that start again.

    Neither where everything waits already, where there is nothing to read, and of archived documents.
    """

    again: UUID | None
    restarted: tuple[UUID, ...]


@dataclass(frozen=True)
class Candidate:
    """A document that may be read again. `digests` name the bytes of its current and of its newest version."""

    id: UUID
    title: str
    digests: tuple[str, ...]


def requeue(tx: Connection, actor: Actor, document_id: UUID, now: datetime, *, even_under_way: bool = True) -> Requeued:
    """Have a document read again, for somebody who may approve it; see `sql/functions/requeue_document.sql`.

    With `even_under_way`, what is being processed begins again: its text or its title has changed meanwhile.
    Needs no other lock, and takes those of the document and its versions.
    """
    rows = tx.execute(
        text("select version_id, is_new from requeue_document(:id, :now, :even_under_way)"),
        {"id": document_id, "now": now, "even_under_way": even_under_way},
    ).all()
    for row in rows:
        audit.record(tx, actor, Event.DOCUMENT_REPROCESS, row.version_id, now, {"new_version": row.is_new})
    if rows:
        announce_work(tx)
    again = next((row.version_id for row in rows if row.is_new), None)
    return Requeued(again, tuple(row.version_id for row in rows if not row.is_new))


def candidates(
    tx: Connection, *, document_id: UUID | None, collection: str | None, after: UUID | None, limit: int
) -> tuple[Candidate, ...]:
    """Documents that are neither archived nor deleted, by id, from the one after `after` on."""
    rows = tx.execute(
        text(
            """
            select d.id, d.title, array_remove(array_agg(distinct v.sha256), null) as digests
            from documents d
            join collections c on c.id = d.collection_id
            left join document_versions v
              on v.id = d.current_version_id
              or (
                v.document_id = d.id
                and v.review <> 'rejected'
                and v.number = (select max(w.number) from document_versions w where w.document_id = d.id)
              )
            where d.state not in ('archived', 'deleted')
              and (cast(:document_id as uuid) is null or d.id = :document_id)
              and (cast(:collection as text) is null or c.name = :collection)
              and (cast(:after as uuid) is null or d.id > :after)
            group by d.id
            order by d.id
            limit :limit
            """
        ),
        {"document_id": document_id, "collection": collection, "after": after, "limit": limit},
    )
    return tuple(Candidate(row.id, row.title, tuple(sorted(row.digests))) for row in rows)
