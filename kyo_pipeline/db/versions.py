"""Versions as people see them: uploaded, decided, published. The pipeline's side is in `claims.py`."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text

from kyo_pipeline.db.engine import lock_name
from kyo_pipeline.domain.documents import Review, VersionStatus

#: The channel on which the pipeline hears that there is work.
WORK_CHANNEL = "kyo_work"


@dataclass(frozen=True)
class VersionRow:
    """What services need in order to decide about a version."""

    id: UUID
    document_id: UUID
    number: int
    file_name: str
    uploaded_by: UUID
    status: VersionStatus
    review: Review


@dataclass(frozen=True)
class LatestVersion:
    id: UUID
    sha256: str
    review: Review

    def is_there(self, sha256: str) -> bool:
        """Whether an upload of these bytes would change nothing."""
        return self.sha256 == sha256 and self.review is not Review.REJECTED


def latest_of(tx: Connection, document_id: UUID) -> LatestVersion:
    row = tx.execute(
        text(
            """
            select id, sha256, review
            from document_versions
            where document_id = :id
            order by number desc
            limit 1
            """
        ),
        {"id": document_id},
    ).one()
    return LatestVersion(row.id, row.sha256, Review(row.review))


def add(
    tx: Connection,
    document_id: UUID,
    *,
    file_name: str,
    sha256: str,
    size_bytes: int,
    media_type: str,
    uploaded_by: UUID,
    now: datetime,
    review: Review = Review.PENDING,
) -> UUID:
    """Append the next version with status `uploaded`, and wake the pipeline when this transaction commits."""
    version_id = tx.scalar(
        text(
            """
            insert into document_versions
              (document_id, number, file_name, sha256, size_bytes, media_type, uploaded_by, uploaded_at, review)
            values (:document_id, next_version_number(:document_id), :file_name, :sha256, :size_bytes, :media_type,
              :uploaded_by, :now, :review)
            returning id
            """
        ),
        {
            "document_id": document_id,
            "file_name": file_name,
            "sha256": sha256,
            "size_bytes": size_bytes,
            "media_type": media_type,
            "uploaded_by": uploaded_by,
            "now": now,
            "review": review.value,
        },
    )
    announce_work(tx)
    return UUID(str(version_id))


def lock(tx: Connection, version_id: UUID) -> VersionRow | None:
    """The version, with its document locked first: every decision and every publication takes this lock."""
    row = tx.execute(
        text(
            """
            select v.id, v.document_id, v.number, v.file_name, v.uploaded_by, v.status, v.review
            from document_versions v
            join documents d on d.id = v.document_id
            where v.id = :id
            for no key update of d, v
            """
        ),
        {"id": version_id},
    ).one_or_none()
    if row is None:
        return None
    return VersionRow(
        row.id,
        row.document_id,
        row.number,
        row.file_name,
        row.uploaded_by,
        VersionStatus(row.status),
        Review(row.review),
    )


def lock_all(tx: Connection, document_id: UUID) -> None:
    """All versions of a document, which is locked already: no step of the pipeline writes to them meanwhile."""
    tx.execute(
        text("select from document_versions where document_id = :id order by id for no key update"),
        {"id": document_id},
    )


def lock_digest(tx: Connection, sha256: str) -> None:
    """Until the end of the transaction, whoever else stores or removes the file with these bytes waits.

    Who adds a version takes this lock after those of documents, and stores the bytes (again) after it.
    """
    lock_name(tx, f"files.{sha256}")


def digest_in_use(tx: Connection, sha256: str) -> bool:
    """Whether some version of a document that is not deleted has these bytes. Needs an actor who sees all documents."""
    return bool(
        tx.scalar(
            text(
                """
                select exists (
                  select
                  from document_versions v
                  join documents d on d.id = v.document_id
                  where v.sha256 = :sha256 and d.state <> 'deleted'
                )
                """
            ),
            {"sha256": sha256},
        )
    )


def has_newer_to_decide(tx: Connection, document_id: UUID, number: int) -> bool:
    """Whether a newer version than this one has been sent for review: what is still a draft does not count."""
    return bool(
        tx.scalar(
            text(
                """
                select exists (
                  select
                  from document_versions
                  where document_id = :id and number > :number and review <> 'draft'
                )
                """
            ),
            {"id": document_id, "number": number},
        )
    )


def uploader_of_current(tx: Connection, document_id: UUID) -> UUID | None:
    """Who uploaded what answers questions now."""
    uploader: UUID | None = tx.scalar(
        text(
            """
            select v.uploaded_by
            from documents d
            join document_versions v on v.id = d.current_version_id
            where d.id = :id
            """
        ),
        {"id": document_id},
    )
    return uploader


def approved_and_ready(tx: Connection, document_id: UUID) -> tuple[UUID, ...]:
    """The versions of a document that may answer questions."""
    return tuple(
        tx.scalars(
            text(
                """
                select id
                from document_versions
                where document_id = :id and review = 'approved' and status = 'ready'
                order by number
                """
            ),
            {"id": document_id},
        )
    )


def decide(tx: Connection, version_id: UUID, review: Review, reviewer: UUID, reason: str | None, now: datetime) -> None:
    tx.execute(
        text(
            """
            update document_versions
            set review = :review, review_reason = :reason, reviewed_by = :reviewer, reviewed_at = :now
            where id = :id
            """
        ),
        {"id": version_id, "review": review.value, "reason": reason, "reviewer": reviewer, "now": now},
    )


def has_approved(tx: Connection, document_id: UUID) -> bool:
    """Whether some version of the document answers questions, or will as soon as it is ready."""
    return bool(
        tx.scalar(
            text(
                """
                select exists (
                  select
                  from document_versions
                  where document_id = :id and review = 'approved' and status <> 'failed'
                )
                """
            ),
            {"id": document_id},
        )
    )


def start_again(tx: Connection, version_id: UUID) -> None:
    """Send a failed version through the pipeline from the beginning."""
    tx.execute(
        text(
            """
            update document_versions
            set status = 'uploaded', error = null, attempts = 0, retry_at = null, claimed_by = null,
              claimed_until = null, stage_seconds = '{}'
            where id = :id and status = 'failed'
            """
        ),
        {"id": version_id},
    )
    announce_work(tx)


def announce_work(tx: Connection) -> None:
    tx.execute(text(f"notify {WORK_CHANNEL}"))
