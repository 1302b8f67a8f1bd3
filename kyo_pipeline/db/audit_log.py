"""What admins read of the audit log, page by page: each page begins where another ended, so that any is as fast."""

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


def page(tx: Connection, wanted: AuditFilter, cursor: Cursor | None, limit: int) -> AuditPage:
    """One page, the newest first; without a cursor the first one. Nothing for anybody but admins."""
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
    """For a `where`, with its parameters."""
    parameters = {name: value for name in _CONDITIONS if (value := getattr(wanted, name)) is not None}
    return " and ".join(["true", *(_CONDITIONS[name] for name in parameters)]), parameters


def _rows(tx: Connection, wanted: AuditFilter, cursor: Cursor | None, limit: int) -> list[AuditRecord]:
    where, parameters = conditions(wanted)
    direction = "asc" if cursor is not None and cursor.newer else "desc"
    if cursor is not None:
        where += f" and (at, id) {'>' if cursor.newer else '<'} (:cursor_at, :cursor_id)"
        parameters |= {"cursor_at": cursor.at, "cursor_id": cursor.id}
    rows = tx.execute(
        text(
            f"""
            select id, at, actor_id, actor_name, event, object_type, object_id, outcome, details, address, request_id,
              encode(previous_hash, 'hex'), encode(hash, 'hex')
            from audit_log
            where {where}
            order by at {direction}, id {direction}
            limit :limit
            """  # noqa: S608 — conditions of this module
        ),
        {**parameters, "limit": limit},
    )
    return [AuditRecord(*row) for row in rows]


def _is_older(tx: Connection, wanted: AuditFilter, last: AuditRecord) -> bool:
    return bool(_rows(tx, wanted, Cursor(last.at, last.id), 1))


def _count(tx: Connection, wanted: AuditFilter) -> int:
    where, parameters = conditions(wanted)
    statement = f"select count(*) from (select from audit_log where {where} limit :most) as found"  # noqa: S608 — conditions of this module
    return int(tx.scalar(text(statement), {**parameters, "most": MOST_COUNTED}) or 0)
