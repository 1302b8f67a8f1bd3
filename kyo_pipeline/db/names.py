"""Names of people and groups: what anybody who is signed in may know of others."""

from uuid import UUID

from sqlalchemy import Connection, text

from kyo_pipeline.domain.access import GroupName, PersonName
from kyo_pipeline.domain.actor import OPERATOR_ID


def of_people(tx: Connection) -> tuple[PersonName, ...]:
    """Everybody who is active, by name."""
    rows = tx.execute(
        text(
            """
            select id, username, name
            from people
            where active and id <> :operator
            order by lower(name), username
            """
        ),
        {"operator": OPERATOR_ID},
    )
    return tuple(PersonName(row.id, row.username, row.name) for row in rows)


def of_active_person(tx: Connection, user_id: UUID) -> PersonName | None:
    """One of them; None for somebody who is not active, or does not exist."""
    row = tx.execute(
        text("select id, username, name from people where id = :id and active and id <> :operator"),
        {"id": user_id, "operator": OPERATOR_ID},
    ).one_or_none()
    return PersonName(row.id, row.username, row.name) if row else None


def of_person(tx: Connection, user_id: UUID) -> PersonName | None:
    """Whoever it is, active or not."""
    row = tx.execute(text("select id, username, name from people where id = :id"), {"id": user_id}).one_or_none()
    return PersonName(row.id, row.username, row.name) if row else None


def username_of(tx: Connection, user_id: UUID) -> str | None:
    """Whoever it is, active or not."""
    username: str | None = tx.scalar(text("select username from people where id = :id"), {"id": user_id})
    return username


def of_groups(tx: Connection) -> tuple[GroupName, ...]:
    rows = tx.execute(text("select id, name from groups order by lower(name)"))
    return tuple(GroupName(row.id, row.name) for row in rows)


def of_group(tx: Connection, group_id: UUID) -> GroupName | None:
    row = tx.execute(text("select id, name from groups where id = :id"), {"id": group_id}).one_or_none()
    return GroupName(row.id, row.name) if row else None
