"""The audit log: a row in the same transaction as the deed."""

import json
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, text

from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.audit import Event


def record(
    tx: Connection,
    actor: Actor,
    event: Event,
    object_id: object,
    at: datetime,
    details: Mapping[str, object] | None = None,
    *,
    outcome: str = "done",
) -> None:
    """Append one row. The object type is the resource of the event."""
    tx.execute(
        text(
            """
            insert into audit_log (at, actor_id, actor_name, event, object_type, object_id, outcome, details)
            values (:at, :actor_id, :actor_name, :event, :type, :id, :outcome, cast(:details as jsonb))
            """
        ),
        {
            "at": at,
            "actor_id": actor.id,
            "actor_name": actor.username,
            "event": event.value,
            "type": event.value.partition(":")[0],
            "id": str(object_id),
            "outcome": outcome,
            "details": json.dumps(dict(details or {}), default=str),
        },
    )
