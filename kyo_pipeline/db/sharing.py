"""Who may read a single document."""

from uuid import UUID

from sqlalchemy import Connection, TextClause, text

from kyo_pipeline.domain.access import GroupName, PersonName, Recipient
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


def add_reader(tx: Connection, document_id: UUID, reader: Recipient) -> bool:
    """False when they were a reader already."""
    added = tx.execute(
        _about(
            reader,
            """
            insert into {table} (document_id, {column})
            values (:document, :reader)
            on conflict do nothing
            """,
        ),
        {"document": document_id, "reader": reader.id},
    )
    return added.rowcount > 0


def remove_reader(tx: Connection, document_id: UUID, reader: Recipient) -> bool:
    """False when they were no reader."""
    removed = tx.execute(
        _about(reader, "delete from {table} where document_id = :document and {column} = :reader"),
        {"document": document_id, "reader": reader.id},
    )
    return removed.rowcount > 0


def _about(reader: Recipient, statement: str) -> TextClause:
    """The same for people and for groups: each have a table of their own."""
    is_person = isinstance(reader, PersonName)
    table, column = ("document_readers", "user_id") if is_person else ("document_reader_groups", "group_id")
    return text(statement.format(table=table, column=column))


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
