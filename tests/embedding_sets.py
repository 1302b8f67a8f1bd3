"""Embedding sets for tests, made without Dagster."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from kyo_pipeline import progress
from kyo_pipeline.db import embedding_sets
from kyo_pipeline.db.embedding_sets import EmbeddingSet
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.cutting import Cutting
from kyo_pipeline.domain.embedding import EmbeddingSpec, ModelSource
from kyo_pipeline.domain.embedding_sets import Verdict
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import following, reembedding


def first_set(tx: Connection, spec: EmbeddingSpec, now: datetime) -> EmbeddingSet:
    """A set that answers from now on, with chunks of the usual size, by the model of the settings."""
    return embedding_sets.activate_first(tx, spec, Cutting.of(500, 50, spec), ModelSource(spec.backend), now)


def build(kyo: Kyo, verdict: Verdict | None = None, judgement: Mapping[str, Any] | None = None) -> int:
    """Another set by the settings of this `kyo`, which has the pipeline's rights, built to its end; returns its id."""
    begun = following.begin_anew(kyo, "A test wants it.")
    finish(kyo)
    if verdict is not None:
        judge(kyo, begun.id, verdict, judgement)
    return begun.id


def finish(kyo: Kyo) -> None:
    """All that the pipeline does for the sets that are under way, except that it judges nothing."""
    reembedding.work(kyo, "run:sets", lambda _: True)
    for one in progress.complete(kyo):
        reembedding.finish(kyo, one.id, None, None)


def judge(kyo: Kyo, set_id: int, verdict: Verdict, judgement: Mapping[str, Any] | None = None) -> None:
    with kyo.db.transaction(OPERATOR) as tx:
        embedding_sets.note_judgement(tx, set_id, verdict, dict(judgement or {}), kyo.now())
