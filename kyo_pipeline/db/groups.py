"""Groups of people."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, text

from kyo_pipeline.db.engine import lock_name
from kyo_pipeline.domain.access import Access, PersonName
from kyo_pipeline.domain.groups import Group

_DETAILS = """
    select g.id, g.name,
      (select count(*) from group_members m where m.group_id = g.id) as people,
      (select count(*) from collection_groups c where c.group_id = g.id) as collections,
      (select count(*) from document_reader_groups r where r.group_id = g.id) as documents
    from groups g
"""


def all_details(tx: Connection) -> tuple[Group, ...]:
    """All groups, by name. Needs an actor who may see all memberships."""
    return tuple(_to_group(row) for row in tx.execute(text(_DETAILS + "order by lower(g.name)")))


def details(tx: Connection, group_id: UUID) -> Group | None:
    row = tx.execute(text(_DETAILS + "where g.id = :id"), {"id": group_id}).one_or_none()
    return _to_group(row) if row else None


def details_by_name(tx: Connection, name: str) -> Group | None:
    """However the name is capitalised."""
    row = tx.execute(text(_DETAILS + "where lower(g.name) = lower(:name)"), {"name": name}).one_or_none()
    return _to_group(row) if row else None


def members(tx: Connection, group_id: UUID) -> tuple[PersonName, ...]:
    rows = tx.execute(
        text(
            """
            select p.id, p.username, p.name
            from group_members m
            join people p on p.id = m.user_id
            where m.group_id = :id
            order by lower(p.name), p.username
            """
        ),
        {"id": group_id},
    )
    return tuple(PersonName(row.id, row.username, row.name) for row in rows)


def access(tx: Connection, group_id: UUID) -> tuple[tuple[str, Access], ...]:
    """The collections that the group was given, with what it may do there."""
    rows = tx.execute(
        text(
            """
            select c.name, g.access
            from collection_groups g
            join collections c on c.id = g.collection_id
            where g.group_id = :id
            order by lower(c.name)
            """
        ),
        {"id": group_id},
    )
    return tuple((row.name, Access(row.access)) for row in rows)


def lock(tx: Connection, group_id: UUID) -> None:
    tx.execute(text("select from groups where id = :id for update"), {"id": group_id})


def lock_names(tx: Connection) -> None:
    """Whoever gives a group a name takes this lock: the table knows only names of the same capitals as equal."""
    lock_name(tx, "groups.name")


def add(tx: Connection, name: str, now: datetime) -> UUID:
    inserted = tx.scalar(
        text("insert into groups (name, created_at) values (:name, :now) returning id"), {"name": name, "now": now}
    )
    return UUID(str(inserted))


def rename(tx: Connection, group_id: UUID, name: str) -> None:
    tx.execute(text("update groups set name = :name where id = :id"), {"id": group_id, "name": name})


def delete(tx: Connection, group_id: UUID) -> None:
    tx.execute(text("delete from groups where id = :id"), {"id": group_id})


def add_member(tx: Connection, group_id: UUID, user_id: UUID) -> bool:
    """False when the person was in the group already."""
    added = tx.execute(
        text("insert into group_members (group_id, user_id) values (:group, :user) on conflict do nothing"),
        {"group": group_id, "user": user_id},
    )
    return added.rowcount > 0


def remove_member(tx: Connection, group_id: UUID, user_id: UUID) -> bool:
    """False when the person was not in the group."""
    removed = tx.execute(
        text("delete from group_members where group_id = :group and user_id = :user"),
        {"group": group_id, "user": user_id},
    )
    return removed.rowcount > 0


def _to_group(row: Row[Any]) -> Group:
    return Group(row.id, row.name, row.people, row.collections, row.documents)
