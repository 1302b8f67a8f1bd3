"""Who may read a single document."""

from uuid import UUID

from sqlalchemy import Connection, text

from kyo_pipeline.domain.access import GroupName, PersonName
from kyo_pipeline.domain.sharing import Sharing


def read(tx: Connection, document_id: UUID) -> Sharing:
    """Of a document that the actor may see."""
    row = tx.execute(
        text("select restricted, current_version_id is not null as published from documents where id = :id"),
        {"id": document_id},
    ).one()
    return Sharing(row.restricted, row.published, _readers(tx, document_id), _reader_groups(tx, document_id))


def title_of(tx: Connection, document_id: UUID) -> str | None:
    title: str | None = tx.scalar(text("select title from documents where id = :id"), {"id": document_id})
    return title


def set_restricted(tx: Connection, document_id: UUID, restricted: bool) -> None:
    tx.execute(
        text("update documents set restricted = :restricted where id = :id"),
        {"id": document_id, "restricted": restricted},
    )


def add_reader(tx: Connection, document_id: UUID, user_id: UUID) -> bool:
    """False when the person was a reader already."""
    added = tx.execute(
        text("insert into document_readers (document_id, user_id) values (:document, :user) on conflict do nothing"),
        {"document": document_id, "user": user_id},
    )
    return added.rowcount > 0


def add_reader_group(tx: Connection, document_id: UUID, group_id: UUID) -> bool:
    added = tx.execute(
        text(
            """
            insert into document_reader_groups (document_id, group_id)
            values (:document, :group)
            on conflict do nothing
            """
        ),
        {"document": document_id, "group": group_id},
    )
    return added.rowcount > 0


def remove_reader(tx: Connection, document_id: UUID, user_id: UUID) -> bool:
    """False when the person was no reader."""
    removed = tx.execute(
        text("delete from document_readers where document_id = :document and user_id = :user"),
        {"document": document_id, "user": user_id},
    )
    return removed.rowcount > 0


def remove_reader_group(tx: Connection, document_id: UUID, group_id: UUID) -> bool:
    removed = tx.execute(
        text("delete from document_reader_groups where document_id = :document and group_id = :group"),
        {"document": document_id, "group": group_id},
    )
    return removed.rowcount > 0


def _readers(tx: Connection, document_id: UUID) -> tuple[PersonName, ...]:
    rows = tx.execute(
        text(
            """
            select p.id, p.username, p.name
            from document_readers r
            join people p on p.id = r.user_id
            where r.document_id = :id
            order by lower(p.name), p.username
            """
        ),
        {"id": document_id},
    )
    return tuple(PersonName(row.id, row.username, row.name) for row in rows)


def _reader_groups(tx: Connection, document_id: UUID) -> tuple[GroupName, ...]:
    rows = tx.execute(
        text(
            """
            select g.id, g.name
            from document_reader_groups r
            join groups g on g.id = r.group_id
            where r.document_id = :id
            order by lower(g.name)
            """
        ),
        {"id": document_id},
    )
    return tuple(GroupName(row.id, row.name) for row in rows)
