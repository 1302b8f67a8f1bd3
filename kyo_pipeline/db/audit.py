"""The audit log: a row in the same transaction as the deed."""

import json
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, text

from kyo_pipeline.db import audit_chain
from kyo_pipeline.db.engine import lock_name
from kyo_pipeline.domain import request
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.audit import Event
from kyo_pipeline.domain.audit_chain import Entry
from kyo_pipeline.domain.limits import Window


def record(
    tx: Connection,
    actor: Actor,
    event: Event,
    object_id: object,
    at: datetime,
    details: Mapping[str, object] | None = None,
    *,
    outcome: str = "done",
    address: str | None = None,
) -> None:
    """Append one row, at the end of the transaction: see `db/audit_chain.py`. The object type is the event's resource.

    `address`: where it came from, where the caller knows better than the request. It never belongs in the details:
    those are hashed, and could not be forgotten. With an API key its name is one of them.
    """
    asked = request.current()
    entry = Entry(
        at,
        actor.id,
        actor.username,
        event.value,
        str(object_id),
        outcome,
        {**(details or {}), **({"api_key": actor.key} if actor.key else {})},
        address or asked.address,
        asked.id,
    )
    audit_chain.await_commit(tx, entry)


def lock(tx: Connection, actor: Actor, event: Event) -> None:
    """Until the end of the transaction, whoever else looks for such a row of this actor waits.

    A statement of its own: one that looked as well would see what there was before it had to wait.
    """
    lock_name(tx, f"audit:{event.value}:{actor.id}")


def has_row(tx: Connection, actor: Actor, event: Event, within: Window, details: Mapping[str, object]) -> bool:
    """Whether a row of these has all these details, where `object_id` counts as one."""
    return bool(
        tx.scalar(
            text(
                """
                select exists (
                  select
                  from audit_log
                  where
                    at >= :start and at < :end and actor_id = :actor and event = :event
                    and details || jsonb_build_object('object_id', object_id) @> cast(:details as jsonb)
                )
                """
            ),
            {
                "start": within.start,
                "end": within.end,
                "actor": actor.id,
                "event": event.value,
                "details": _as_json(details),
            },
        )
    )


def _as_json(details: Mapping[str, object]) -> str:
    return json.dumps(dict(details), default=str)
