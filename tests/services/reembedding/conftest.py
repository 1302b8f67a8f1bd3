"""A set of embeddings that serves, and one that is to follow it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from kyo_pipeline import progress
from kyo_pipeline.adapters.models import OpenedModel
from kyo_pipeline.db.embedding_sets import EmbeddingSet
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.documents import Document
from kyo_pipeline.domain.embedding import ModelSource
from kyo_pipeline.errors import Unavailable
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import (
    asking,
    following,
    indexing,
    library,
    reembedding,
    reviewing,
    upkeep,
)
from kyo_pipeline.services import embedding_sets as sets
from kyo_pipeline.services.reembedding import WorkReport
from tests.fakes import OtherEmbedder

Sql = Callable[..., list[Any]]


RUN = indexing.claim_name("reembed")


AWAY = Unavailable("The model does not answer.")


LONG = " ".join(f"Paragraph {number} of the rules tells of leave and pay." for number in range(60))


ZEBRA = f"The zebra is fed at nine. {LONG}"


WALRUS = "The walrus sleeps until noon."


def go_on(_report: WorkReport) -> bool:
    return True


@dataclass
class World:
    """An installation whose settings have come to name another model, with smaller chunks."""

    kyo: Kyo  # as the app has it
    pipeline: Kyo  # as a run has it
    other: OtherEmbedder
    run_pipeline: Callable[[], None]
    number: int = 0

    def publish(self, name: str, content: str) -> Document:
        document = library.upload(self.kyo, OPERATOR, name, content.encode()).document
        self.ingest()
        return reviewing.approve(self.kyo, OPERATOR, document.latest.id)

    def ingest(self) -> None:
        claim = indexing.claim_name(f"ingest-{self.number}")
        self.number += 1
        for _ in range(3):  # what was embedded for another set begins again
            for step in (indexing.parse, indexing.cut, indexing.embed, indexing.publish_ready):
                step(self.pipeline, claim)
        upkeep.refresh_weights(self.pipeline)

    def work(self) -> tuple[WorkReport, ...]:
        return reembedding.work(self.pipeline, RUN, go_on)

    def built(self) -> EmbeddingSet:
        """A set for the settings, ready to be judged."""
        begun = following.follow_settings(self.pipeline)
        assert begun is not None
        self.work()
        assert reembedding.finish(self.pipeline, begun.id, None, None) is not None
        return begun

    def activated(self) -> EmbeddingSet:
        made = self.built()
        sets.activate(self.pipeline, OPERATOR, made.id, "it is a test")
        return made

    def finds(self, word: str) -> list[str]:
        found = asking.search(self.kyo, OPERATOR, word)
        return sorted({passage.title for passage in found.passages if word in passage.text})

    def active(self) -> int:
        return progress.serving(self.pipeline).id


@pytest.fixture
def world(kyo: Kyo, pipeline: Kyo, run_pipeline: Callable[[], None]) -> World:
    """Two documents are there; then somebody has changed the settings."""
    spec = replace(kyo.embedder.spec, backend="local", model="another model")
    before = World(kyo, pipeline, OtherEmbedder(kyo.embedder, spec), run_pipeline)
    before.publish("zebra.txt", ZEBRA)
    before.publish("walrus.txt", WALRUS)
    kyo.models.give(ModelSource("builtin"), OpenedModel(kyo.embedder, kyo.generator))
    changed = kyo.settings.model_copy(
        update={"KYO_EMBEDDING_BACKEND": "local", "KYO_EMBEDDING_MODEL": "/models/other", "CHUNK_SIZE": 120}
    )
    app = replace(kyo, settings=changed, embedder=before.other)
    return replace(before, kyo=app, pipeline=replace(pipeline, settings=changed, embedder=before.other))


def with_kept(world: World, kept: int) -> Kyo:
    changed = world.pipeline.settings.model_copy(update={"KYO_RETAIN_EMBEDDING_SETS": kept})
    return replace(world.pipeline, settings=changed)
