"""Collections, and who was given access to them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, TextClause, text

from kyo_pipeline.db.engine import lock_name
from kyo_pipeline.domain.access import Access, GroupName, PersonName, Recipient
from kyo_pipeline.domain.actor import Actor, Role
from kyo_pipeline.domain.collections import Collection, CollectionDetails, Member, MemberGroup


def accessible(tx: Connection, actor: Actor, access: Access) -> tuple[Collection, ...]:
    """The collections in which the actor has at least this access, by name."""
    rows = tx.execute(
        text(
            """
            select id, name, description, is_default, review_months
            from collections
            where id in (select accessible_collections(:actor, :access))
            order by lower(name), name
            """
        ),
        {"actor": actor.id, "access": access.value},
    )
    return tuple(Collection(row.id, row.name, row.description, row.is_default, row.review_months) for row in rows)


_DETAILS = """
    select c.id, c.name, c.description, c.is_default, c.everyone_access, c.review_months, c.downloadable,
      (select count(*) from documents d where d.collection_id = c.id and d.state <> 'deleted') as documents,
      (select count(*) from collection_members m where m.collection_id = c.id) as people,
      (select count(*) from collection_groups g where g.collection_id = c.id) as groups
    from collections c
"""


def all_details(tx: Connection) -> tuple[CollectionDetails, ...]:
    """All that the actor may see, the default one first, then by name."""
    rows = tx.execute(text(_DETAILS + "order by not c.is_default, lower(c.name), c.name"))
    return tuple(_to_details(row) for row in rows)


def details(tx: Connection, collection_id: UUID) -> CollectionDetails | None:
    row = tx.execute(text(_DETAILS + "where c.id = :id"), {"id": collection_id}).one_or_none()
    return _to_details(row) if row else None


def details_by_name(tx: Connection, name: str) -> CollectionDetails | None:
    """However the name is capitalised."""
    row = tx.execute(text(_DETAILS + "where lower(c.name) = lower(:name)"), {"name": name}).one_or_none()
    return _to_details(row) if row else None


def lock(tx: Connection, collection_id: UUID) -> None:
    """No document comes in, and nobody else changes the collection, until the transaction ends."""
    tx.execute(text("select from collections where id = :id for update"), {"id": collection_id})


def lock_names(tx: Connection) -> None:
    """Whoever gives a collection a name takes this lock: the table knows only names of the same capitals as equal."""
    lock_name(tx, "collections.name")


def add(
    tx: Connection,
    *,
    name: str,
    description: str,
    everyone: Access | None,
    review_months: int | None,
    downloadable: bool,
    now: datetime,
) -> UUID:
    return UUID(
        str(
            tx.scalar(
                text(
                    """
                    insert into collections
                      (name, description, everyone_access, review_months, downloadable, created_at)
                    values (:name, :description, :everyone, :review_months, :downloadable, :now)
                    returning id
                    """
                ),
                {
                    "name": name,
                    "description": description,
                    "everyone": everyone.value if everyone else None,
                    "review_months": review_months,
                    "downloadable": downloadable,
                    "now": now,
                },
            )
        )
    )


def change(
    tx: Connection, collection_id: UUID, *, name: str, description: str, review_months: int | None, downloadable: bool
) -> None:
    tx.execute(
        text(
            """
            update collections
            set name = :name, description = :description, review_months = :review_months, downloadable = :downloadable
            where id = :id
            """
        ),
        {
            "id": collection_id,
            "name": name,
            "description": description,
            "review_months": review_months,
            "downloadable": downloadable,
        },
    )


def review_months(tx: Connection, document_id: UUID) -> int | None:
    """How long an approval of this document holds, unless somebody says otherwise."""
    months: int | None = tx.scalar(
        text("select c.review_months from collections c join documents d on d.collection_id = c.id where d.id = :id"),
        {"id": document_id},
    )
    return months


def set_everyone(tx: Connection, collection_id: UUID, everyone: Access | None) -> None:
    tx.execute(
        text("update collections set everyone_access = :everyone where id = :id"),
        {"id": collection_id, "everyone": everyone.value if everyone else None},
    )


def delete(tx: Connection, collection_id: UUID) -> None:
    tx.execute(text("delete from collections where id = :id"), {"id": collection_id})


def members(tx: Connection, collection_id: UUID) -> tuple[Member, ...]:
    """The people who were given access by name. Needs an actor who may see all people."""
    rows = tx.execute(
        text(
            """
            select u.id, u.username, u.name, u.role, u.active, m.access
            from collection_members m
            join users u on u.id = m.user_id
            where m.collection_id = :id
            order by lower(u.name), u.username
            """
        ),
        {"id": collection_id},
    )
    return tuple(
        Member(PersonName(row.id, row.username, row.name), Role(row.role), row.active, Access(row.access))
        for row in rows
    )


def groups(tx: Connection, collection_id: UUID) -> tuple[MemberGroup, ...]:
    rows = tx.execute(
        text(
            """
            select g.id, g.name, c.access,
              (select count(*) from group_members m where m.group_id = g.id) as people
            from collection_groups c
            join groups g on g.id = c.group_id
            where c.collection_id = :id
            order by lower(g.name)
            """
        ),
        {"id": collection_id},
    )
    return tuple(MemberGroup(GroupName(row.id, row.name), row.people, Access(row.access)) for row in rows)


def access_of(tx: Connection, collection_id: UUID, recipient: Recipient) -> Access | None:
    """What this person or group was given by name."""
    access = tx.scalar(
        _about(recipient, "select access from {table} where collection_id = :collection and {column} = :recipient"),
        {"collection": collection_id, "recipient": recipient.id},
    )
    return Access(access) if access else None


def grant(tx: Connection, collection_id: UUID, recipient: Recipient, access: Access) -> None:
    """Give access, or change what was given."""
    tx.execute(
        _about(
            recipient,
            """
            insert into {table} (collection_id, {column}, access)
            values (:collection, :recipient, :access)
            on conflict (collection_id, {column}) do update set access = excluded.access
            """,
        ),
        {"collection": collection_id, "recipient": recipient.id, "access": access.value},
    )


def revoke(tx: Connection, collection_id: UUID, recipient: Recipient) -> None:
    tx.execute(
        _about(recipient, "delete from {table} where collection_id = :collection and {column} = :recipient"),
        {"collection": collection_id, "recipient": recipient.id},
    )


def _about(recipient: Recipient, statement: str) -> TextClause:
    """The same for people and for groups: each have a table of their own."""
    is_person = isinstance(recipient, PersonName)
    table, column = ("collection_members", "user_id") if is_person else ("collection_groups", "group_id")
    return text(statement.format(table=table, column=column))


def _to_details(row: Row[Any]) -> CollectionDetails:
    return CollectionDetails(
        id=row.id,
        name=row.name,
        description=row.description,
        is_default=row.is_default,
        everyone=Access(row.everyone_access) if row.everyone_access else None,
        documents=row.documents,
        people=row.people,
        groups=row.groups,
        review_months=row.review_months,
        downloadable=row.downloadable,
    )
