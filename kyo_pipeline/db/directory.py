"""Everybody, as administrators see them, and what somebody may do where."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, text

from kyo_pipeline.db import sign_in_failures
from kyo_pipeline.db.like import containing
from kyo_pipeline.db.sessions import LIVE
from kyo_pipeline.db.users import STATE
from kyo_pipeline.domain.access import Access
from kyo_pipeline.domain.actor import OPERATOR_ID, Role
from kyo_pipeline.domain.people import Grant, PeoplePage, Person, PersonState
from kyo_pipeline.domain.throttling import of_account

_LISTED = f"""
  with listed as (
    select u.id, u.username, u.name, u.email, u.role, u.created_at, u.last_seen_at, {STATE} as state
    from users u
    where u.id <> :operator
      and (cast(:id as uuid) is null or u.id = cast(:id as uuid))
      and (u.username ilike :pattern or u.name ilike :pattern or u.email ilike :pattern)
  )
"""  # noqa: S608 — a constant

_TOTAL = f"{_LISTED} select count(*) from listed where :state = '' or state = :state"  # noqa: S608 — a constant

_PAGE = f"""
  {_LISTED}
  , page as (
    select * from listed where :state = '' or state = :state order by username limit :limit offset :offset
  )
  select p.*,
    (
      select count(*)
      from sessions s
      join users u on u.id = s.user_id
      where s.user_id = p.id and {LIVE}
    ) as sessions
  from page p
  order by p.username
"""  # noqa: S608 — a constant


def people(
    tx: Connection,
    wanted: str,
    state: PersonState | None,
    now: datetime,
    idle: timedelta,
    *,
    limit: int,
    offset: int,
    user_id: UUID | None = None,
) -> PeoplePage:
    """A page of the people whose user name, name or e-mail address contains `wanted`, by user name; or one of them."""
    values = {
        "operator": OPERATOR_ID,
        "id": user_id,
        "pattern": containing(wanted),
        "state": state.value if state else "",
        "now": now,
        "idle_since": now - idle,
        "limit": limit,
        "offset": offset,
    }
    rows = tx.execute(text(_PAGE), values).all()
    blocked = sign_in_failures.blocked(tx, [of_account(row.username) for row in rows], now)
    page = tuple(
        Person(
            row.id,
            row.username,
            row.name,
            row.email,
            Role(row.role),
            PersonState(row.state),
            row.created_at,
            row.last_seen_at,
            row.sessions,
            blocked.get(of_account(row.username)),
        )
        for row in rows
    )
    return PeoplePage(page, int(tx.scalar(text(_TOTAL), values) or 0))


def person(tx: Connection, user_id: UUID, now: datetime, idle: timedelta) -> Person | None:
    found = people(tx, "", None, now, idle, limit=1, offset=0, user_id=user_id).people
    return found[0] if found else None


def accesses(tx: Connection, user_id: UUID) -> tuple[tuple[str, Access], ...]:
    """The collections that somebody may read, by name, with the most they may do there."""
    rows = tx.execute(
        text(
            """
            select c.name,
              case
                when c.id in (select accessible_collections(:id, 'approve')) then 'approve'
                when c.id in (select accessible_collections(:id, 'write')) then 'write'
                else 'read'
              end as access
            from collections c
            where c.id in (select accessible_collections(:id, 'read'))
            order by lower(c.name)
            """
        ),
        {"id": user_id},
    )
    return tuple((row.name, Access(row.access)) for row in rows)


def grants(tx: Connection, user_id: UUID) -> tuple[Grant, ...]:
    """Every way in which somebody came to what they may do; no more of it counts than their role allows."""
    rows = tx.execute(
        text(
            """
            with ways as (
              select c.id, c.everyone_access as access, 'everyone' as via
              from collections c
              where c.everyone_access is not null
              union all
              select m.collection_id, m.access, 'member'
              from collection_members m
              where m.user_id = :id
              union all
              select g.collection_id, g.access, 'group ' || n.name
              from collection_groups g
              join group_members p on p.group_id = g.group_id
              join groups n on n.id = g.group_id
              where p.user_id = :id
              union all
              select c.id, 'approve', 'admin'
              from collections c
              join users a on a.id = :id and a.role = 'admin'
            )
            select c.name, w.via,
              (array['read', 'write', 'approve'])[least(access_rank(w.access), role_rank(u.role))] as access
            from ways w
            join collections c on c.id = w.id
            join users u on u.id = :id and u.active
            order by lower(c.name), access_rank(w.access) desc, w.via
            """
        ),
        {"id": user_id},
    )
    return tuple(Grant(row.name, Access(row.access), row.via) for row in rows)
