"""What admins read of the audit log, page by page: each page begins where another ended, so that any is as fast.

For what can be asked for together there is an index, which begins with those columns and goes on with `at` and `id`.
To PostgreSQL it looks as good to read the newest rows until enough of them have been done by somebody, which takes long
where that is somebody who left a year ago. So the columns are compared as one row and stand in the order as well, and
nothing may be sorted: only that index can give them so.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, text

from kyo_pipeline.domain.access import PersonName
from kyo_pipeline.domain.audit_log import MOST_COUNTED, AuditFilter, AuditPage, AuditRecord, Cursor

_CONDITIONS = {
    "actor_id": "actor_id = :actor_id",
    "event": "event = :event",
    "object_type": "object_type = :object_type",
    "object_id": "object_id = :object_id",
    "outcome": "outcome = :outcome",
    "request_id": "request_id = :request_id",
    "since": "at >= :since",
    "until": "at < :until",
}

_NO_SORTING = (
    "select set_config(name, 'off', true) from unnest(array['enable_sort', 'enable_incremental_sort']) as name"
)

#: What indexes begin with, see sql/migrations/0009_audit_chain.sql; the first counts whose columns are all asked for.
_KEYS: tuple[tuple[str, ...], ...] = (
    ("request_id",),
    ("object_id",),
    ("actor_id", "event"),
    ("actor_id", "object_type"),
    ("actor_id",),
    ("event",),
    ("object_type",),
    (),
)


def page(tx: Connection, wanted: AuditFilter, cursor: Cursor | None, limit: int) -> AuditPage:
    """One page, the newest first; without a cursor the first one. Nothing for anybody but admins."""
    tx.execute(text(_NO_SORTING))
    newer = cursor is not None and cursor.newer
    found = _rows(tx, wanted, cursor, limit + 1)
    more, records = len(found) > limit, found[:limit]
    if newer:
        records = records[::-1]
    first, last = (records[0], records[-1]) if records else (None, None)
    return AuditPage(
        tuple(records),
        _count(tx, wanted),
        newer=Cursor(first.at, first.id, newer=True) if first and (more if newer else cursor is not None) else None,
        older=Cursor(last.at, last.id) if last and (_is_older(tx, wanted, last) if newer else more) else None,
    )


def place_of(tx: Connection, row: int) -> Cursor | None:
    """Where a page begins that goes on after this row; None: there is no such row."""
    at = tx.scalar(text("select at from audit_log where id = :row"), {"row": row})
    return None if at is None else Cursor(at, row)


def events(tx: Connection) -> tuple[str, ...]:
    """Those that occur, in order; one look into the index for each, however many rows there are."""
    return tuple(
        tx.scalars(
            text(
                """
                with recursive found (event) as (
                  (select event from audit_log order by event limit 1)
                  union all
                  select (select a.event from audit_log a where a.event > f.event order by a.event limit 1)
                  from found f
                  where f.event is not null
                )
                select event from found where event is not null
                """
            )
        )
    )


def people(tx: Connection) -> tuple[PersonName, ...]:
    """Everybody there is, by name."""
    rows = tx.execute(text("select id, username, name from users order by lower(name), username"))
    return tuple(PersonName(*row) for row in rows)


def conditions(wanted: AuditFilter) -> tuple[str, dict[str, Any]]:
    """For a `where` whose order does not matter, with its parameters."""
    parameters = _parameters(wanted)
    return " and ".join(["true", *(_CONDITIONS[name] for name in parameters)]), parameters


def _rows(tx: Connection, wanted: AuditFilter, cursor: Cursor | None, limit: int) -> list[AuditRecord]:
    where, order, parameters = _in_order(wanted, cursor)
    rows = tx.execute(
        text(
            f"""
            select id, at, actor_id, actor_name, event, object_type, object_id, outcome,
              case when jsonb_typeof(details) = 'object' then details else jsonb_build_object('details', details) end,
              address, request_id, encode(previous_hash, 'hex'), encode(hash, 'hex')
            from audit_log
            where {where}
            order by {order}
            limit :limit
            """  # noqa: S608 — parts of this module
        ),
        {**parameters, "limit": limit},
    )
    return [AuditRecord(*row) for row in rows]


def _is_older(tx: Connection, wanted: AuditFilter, last: AuditRecord) -> bool:
    return bool(_rows(tx, wanted, Cursor(last.at, last.id), 1))


def _count(tx: Connection, wanted: AuditFilter) -> int:
    where, order, parameters = _in_order(wanted, None)
    statement = f"""
        select count(*)
        from (select from audit_log where {where} order by {order} limit :most) as found
    """  # noqa: S608 — parts of this module
    return int(tx.scalar(text(statement), {**parameters, "most": MOST_COUNTED}) or 0)


def _in_order(wanted: AuditFilter, cursor: Cursor | None) -> tuple[str, str, dict[str, Any]]:
    """Conditions, order and parameters of what lies in one stretch of an index, apart from what the key leaves out."""
    parameters = _parameters(wanted)
    key = next(key for key in _KEYS if parameters.keys() >= set(key))
    others = [_CONDITIONS[name] for name in parameters if name not in {*key, "since", "until"}]
    where = " and ".join(["true", *_bounds(key, wanted, cursor), *others])
    direction = "asc" if cursor is not None and cursor.newer else "desc"
    order = ", ".join(f"{column} {direction}" for column in (*key, "at", "id"))
    if cursor is not None:
        parameters |= {"cursor_at": cursor.at, "cursor_id": cursor.id}
    return where, order, parameters


def _bounds(key: tuple[str, ...], wanted: AuditFilter, cursor: Cursor | None) -> list[str]:
    """One for each end, the narrower: of two, PostgreSQL may begin at the wider and read up to the other."""
    since, until = wanted.since, wanted.until
    if cursor is not None and cursor.newer and (since is None or since <= cursor.at):
        lower = _compared(key, {"at": "cursor_at", "id": "cursor_id"}, ">")
    else:
        lower = _compared(key, {"at": "since"} if since is not None else {}, ">=")
    if cursor is not None and not cursor.newer and (until is None or cursor.at < until):
        upper = _compared(key, {"at": "cursor_at", "id": "cursor_id"}, "<")
    else:
        upper = _compared(key, {"at": "until"}, "<") if until is not None else _compared(key, {}, "<=")
    return [bound for bound in (lower, upper) if bound]


def _compared(key: tuple[str, ...], more: Mapping[str, str], operator: str) -> str:
    """The key and more columns as one row, with their parameters as another; nothing where there are no columns."""
    columns = {**{name: name for name in key}, **more}
    if not columns:
        return ""
    return f"({', '.join(columns)}) {operator} ({', '.join(f':{name}' for name in columns.values())})"


def _parameters(wanted: AuditFilter) -> dict[str, Any]:
    return {name: value for name in _CONDITIONS if (value := getattr(wanted, name)) is not None}
