"""The versions of a document, and what of each the actor may read and take away."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text

from kyo_pipeline.db.documents import to_version
from kyo_pipeline.db.engine import query
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.documents import Version, VersionStatus
from kyo_pipeline.domain.sources import Readable


@dataclass(frozen=True)
class SourceRow:
    """A version of which the actor may read something. `error` says why it has no text."""

    document_id: UUID
    title: str
    file_name: str
    sha256: str
    size_bytes: int
    media_type: str
    version_number: int
    is_current: bool
    current_number: int | None
    status: VersionStatus
    error: str | None
    readable: Readable
    may_download: bool


def find(tx: Connection, actor: Actor, version_id: UUID) -> SourceRow | None:
    """The version, if the actor may read anything of it.

    Whoever may read all of it may download it too; where its collection says no, only its uploader, the document's
    owner and those who may approve there.
    """
    row = tx.execute(
        text(
            """
            select d.id, d.title, v.file_name, v.sha256, v.size_bytes, v.media_type, v.number, v.status, v.error,
              coalesce(d.current_version_id = v.id and d.state = 'approved', false) as is_current,
              case when current.sha256 = v.sha256 then v.number else current.number end as current_number,
              (
                is_downloadable(d.id)
                or v.uploaded_by = :actor
                or d.owner_id = :actor
                or d.collection_id in (select accessible_collections(:actor, 'approve'))
              ) as may_download,
              r.whole, r.stretches
            from document_versions v
            join documents d on d.id = v.document_id
            left join document_versions current on current.id = d.current_version_id and d.state = 'approved'
            cross join lateral (
              select bool_or(s.last = whole_text()) as whole, json_agg(json_build_array(s.first, s.last)) as stretches
              from readable_stretches(v.id) s
              having count(*) > 0
            ) r
            where v.id = :id
            """
        ),
        {"id": version_id, "actor": actor.id},
    ).one_or_none()
    if row is None:
        return None
    return SourceRow(
        document_id=row.id,
        title=row.title,
        file_name=row.file_name,
        sha256=row.sha256,
        size_bytes=row.size_bytes,
        media_type=row.media_type,
        version_number=row.number,
        is_current=row.is_current,
        current_number=row.current_number,
        status=VersionStatus(row.status),
        error=row.error,
        readable=Readable(row.whole, tuple((first, last) for first, last in row.stretches)),
        may_download=row.whole and row.may_download,
    )


def history(tx: Connection, actor: Actor, document_id: UUID, now: datetime) -> tuple[Version, ...]:
    """The versions of a document that the actor may know of, newest first; none of a document that they may not."""
    return tuple(version for _, version in _versions(tx, actor, now, document_id=document_id))


def versions(
    tx: Connection, actor: Actor, version_ids: Sequence[UUID], now: datetime
) -> tuple[tuple[UUID, Version], ...]:
    """Of these versions those that the actor may know of, each with the id of its document."""
    return _versions(tx, actor, now, version_ids=version_ids)


def _versions(
    tx: Connection, actor: Actor, now: datetime, *, document_id: UUID | None = None, version_ids: Sequence[UUID] = ()
) -> tuple[tuple[UUID, Version], ...]:
    rows = tx.execute(
        text(query("list_versions")),
        {"actor": actor.id, "document_id": document_id, "version_ids": list(version_ids), "now": now},
    )
    return tuple((row.document_id, to_version(row)) for row in rows)
