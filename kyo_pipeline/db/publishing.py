"""The moment a version begins to answer questions: one place, for people and for the pipeline."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from kyo_pipeline.db import audit, corpus
from kyo_pipeline.db.versions import announce_work
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.audit import Event


def publish(tx: Connection, actor: Actor, version_ids: Sequence[UUID], now: datetime) -> tuple[UUID, ...]:
    """Make current those of these versions that are both ready and approved; returns which. All or none of each."""
    corpus.lock(tx)
    chosen = corpus.publishable(tx, version_ids)
    if chosen:
        corpus.make_current(tx, chosen, now)
        for version_id in chosen:
            audit.record(tx, actor, Event.DOCUMENT_PUBLISH, version_id, now)
        announce_drift(tx)
    return chosen


def put_back(tx: Connection, version_id: UUID, now: datetime) -> None:
    """Make a version current that was so before, whatever is newer: it has all that search needs."""
    corpus.lock(tx)
    corpus.make_current(tx, [version_id], now)
    announce_drift(tx)


def announce_drift(tx: Connection) -> None:
    """Have the pipeline compute the BM25 weights again when the corpus has changed too much."""
    if corpus.drifted_lengths(tx):
        announce_work(tx)
