"""Pointing out what is there already: documents that are much like another one."""

from uuid import UUID

from kyo_pipeline.db import likenesses
from kyo_pipeline.domain.actor import Actor, Permission
from kyo_pipeline.domain.likeness import SimilarDocument
from kyo_pipeline.kyo import Kyo


def similar(kyo: Kyo, actor: Actor, version_id: UUID, limit: int = 3) -> tuple[SimilarDocument, ...]:
    """Other documents that the actor may see and whose text is at least half the same, most alike first.

    None before the version's text has been read, and none for a text of a few words.
    """
    actor.require(Permission.DOCUMENT_READ)
    with kyo.db.transaction(actor) as tx:
        return likenesses.similar(tx, version_id, limit)
