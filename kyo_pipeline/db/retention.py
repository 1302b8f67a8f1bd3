"""What is deleted because its time is over; by functions of the owner, for the operator alone."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text

from kyo_pipeline.domain.retention import ExpiredVersion, Forgotten


def delete_expired(tx: Connection, now: datetime) -> Forgotten:
    """Sessions and tickets that are over, and failed sign-ins that no longer count."""
    row = tx.execute(
        text("select sessions_over, tickets_unused, failures_forgotten from delete_expired(:now)"), {"now": now}
    ).one()
    return Forgotten(row.sessions_over, row.tickets_unused, row.failures_forgotten)


def expirable_versions(tx: Connection, before: datetime) -> tuple[UUID, ...]:
    """Versions that have not answered questions since `before`, and that nobody needs."""
    return tuple(tx.scalars(text("select expirable_versions(:before)"), {"before": before}))


def expire_version(tx: Connection, version_id: UUID, before: datetime) -> ExpiredVersion | None:
    """Delete one of them with all that was made of it but its file; None where that may not be, or not now."""
    row = tx.execute(
        text(
            """
            select document_id, title, number, file_name, sha256, uploaded_at, chunks
            from expire_version(:id, :before)
            """
        ),
        {"id": version_id, "before": before},
    ).one_or_none()
    return ExpiredVersion(version_id, **row._asdict()) if row else None
