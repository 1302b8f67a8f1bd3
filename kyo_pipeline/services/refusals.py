"""What somebody tried that they may not do: on record, though nothing came of it."""

from kyo_pipeline import on_record
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.audit import Event
from kyo_pipeline.kyo import Kyo


def record(kyo: Kyo, actor: Actor, what: str) -> None:
    """Write down that `what` was refused to the actor, the same thing once a minute."""
    on_record.refused(kyo, actor, Event.ACCESS_REFUSE, actor.id, {"what": what})
