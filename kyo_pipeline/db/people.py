"""Everybody, as administrators see them."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, text

from kyo_pipeline.db import sign_in_failures
from kyo_pipeline.db.like import containing
from kyo_pipeline.db.sessions import LIVE
from kyo_pipeline.db.users import STATE
from kyo_pipeline.domain.actor import OPERATOR_ID, Role
from kyo_pipeline.domain.people import PeoplePage, Person, PersonState
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


def page(
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
    found = tuple(
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
    return PeoplePage(found, int(tx.scalar(text(_TOTAL), values) or 0))


def person(tx: Connection, user_id: UUID, now: datetime, idle: timedelta) -> Person | None:
    found = page(tx, "", None, now, idle, limit=1, offset=0, user_id=user_id).people
    return found[0] if found else None
