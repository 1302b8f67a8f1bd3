"""What somebody tried that they may not do: on record, though nothing came of it."""

import hashlib

from kyo_pipeline.db import audit
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.audit import Event
from kyo_pipeline.kyo import Kyo

_SECONDS = 60


def record(kyo: Kyo, actor: Actor, what: str) -> None:
    """Write down that `what` was refused to the actor; the same thing once a minute, so that no loop fills the log."""
    digest = hashlib.sha256(f"{actor.id}:{what}".encode()).hexdigest()
    if kyo.cache.count(f"refused:{digest}", _SECONDS) > 1:
        return
    with kyo.db.transaction(actor) as tx:
        audit.record(tx, actor, Event.ACCESS_REFUSE, actor.id, kyo.now(), {"what": what}, outcome="refused")
