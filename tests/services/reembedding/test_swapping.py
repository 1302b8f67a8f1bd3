"""A set takes the place of another, is judged and kept."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from kyo_pipeline import progress
from kyo_pipeline.adapters.models import OpenedModel
from kyo_pipeline.db import chunks
from kyo_pipeline.domain.actor import OPERATOR, Actor
from kyo_pipeline.domain.embedding import ModelSource
from kyo_pipeline.domain.embedding_sets import Verdict
from kyo_pipeline.domain.judging import Judgement, SideScores
from kyo_pipeline.errors import Conflict
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.progress import Step
from kyo_pipeline.services import (
    asking,
    following,
    indexing,
    judging,
    library,
    reembedding,
    reviewing,
)
from kyo_pipeline.services import embedding_sets as sets
from tests.conftest import Clock
from tests.fakes import OtherEmbedder
from tests.services.reembedding.conftest import RUN, Sql, World, go_on, with_kept
from tests.soundness import unsound


def test_there_and_back_again(world: World, sql: Sql) -> None:
    old = world.active()
    [(small,)] = sql("select sum(chunk_count) from document_versions")
    new = world.activated()
    assert world.active() == new.id
    assert world.finds("zebra") == ["zebra"]
    assert world.other.queries  # asked by the new model
    [(large,)] = sql("select sum(chunk_count) from document_versions")
    assert large > small
    assert unsound(world.pipeline) == {}
    world.publish("heron.txt", "The heron waits.")
    with pytest.raises(Conflict, match="1 file is still to be embedded"):
        sets.roll_back(world.pipeline, OPERATOR)
    world.work()  # what is kept for the way back is kept up to date
    sets.roll_back(world.pipeline, OPERATOR, "it is a test")
    assert world.active() == old
    assert world.finds("heron") == ["heron"]
    assert world.finds("zebra") == ["zebra"]
    assert unsound(world.pipeline) == {}
    sets.roll_back(world.pipeline, OPERATOR, "and there once more")
    assert world.active() == new.id


def test_a_question_finishes_in_the_set_that_it_began_with(world: World, employee: Actor) -> None:
    old, made = world.active(), world.built()
    swapped = []

    class Swapping(OtherEmbedder):
        def embed_query(self, text: str) -> Any:
            if not swapped:
                swapped.append(sets.activate(world.pipeline, OPERATOR, made.id, "in between").id)
            return super().embed_query(text)

    model = world.kyo.using(ModelSource("builtin")).embedder
    during = Swapping(model, model.spec)
    world.kyo.models.give(ModelSource("builtin"), OpenedModel(during, world.kyo.generator))
    assert asking.search(world.kyo, employee, "zebra").embedding_set_id == old
    assert asking.search(world.kyo, employee, "zebra").embedding_set_id == made.id == swapped[0]


def test_what_was_embedded_for_the_set_before_is_embedded_again(world: World) -> None:
    made = world.built()
    document = library.upload(world.kyo, OPERATOR, "heron.txt", b"The heron waits.").document
    for step in (indexing.parse, indexing.cut, indexing.embed):
        step(world.pipeline, RUN)
    sets.activate(world.pipeline, OPERATOR, made.id, "it is a test")
    assert indexing.publish_ready(world.pipeline, RUN).done == 0
    world.ingest()
    reviewing.approve(world.kyo, OPERATOR, document.latest.id)
    assert world.finds("heron") == ["heron"]
    assert unsound(world.pipeline) == {}


def test_what_was_cut_for_the_set_before_is_cut_again(world: World) -> None:
    made = world.built()
    library.upload(world.kyo, OPERATOR, "heron.txt", b"The heron waits.")
    for step in (indexing.parse, indexing.cut):
        step(world.pipeline, RUN)
    sets.activate(world.pipeline, OPERATOR, made.id, "it is a test")
    assert indexing.embed(world.pipeline, RUN).done == 0
    world.ingest()
    assert unsound(world.pipeline) == {}


def test_thresholds_and_weights_travel_with_the_set(world: World, sql: Sql) -> None:
    before = asking.search(world.kyo, OPERATOR, "zebra").similarity_threshold
    made = world.built()
    sql("update embedding_sets set similarity_threshold = 0.11 where id = :id", id=made.id)
    sets.activate(world.pipeline, OPERATOR, made.id, "it is a test")
    assert asking.search(world.kyo, OPERATOR, "zebra").similarity_threshold == pytest.approx(0.11)
    sets.roll_back(world.pipeline, OPERATOR)
    assert asking.search(world.kyo, OPERATOR, "zebra").similarity_threshold == pytest.approx(before)


def judgement(verdict: Verdict) -> Judgement:
    side = SideScores(0.5, 0.6, 0.1, None, 5.0, 9.0)
    return Judgement(30, 0, 0, {"liked": 30}, side, side, 0.9, 0.02, verdict, ("Because.",))


@pytest.mark.parametrize(
    ("verdict", "manual", "answers"),
    [
        (Verdict.NOT_WORSE, "judged", True),
        (Verdict.NOT_WORSE, "manual", False),
        (Verdict.WORSE, "judged", False),
        (Verdict.UNJUDGED, "judged", False),
    ],
)
def test_only_what_is_not_worse_answers_by_itself(world: World, verdict: Verdict, manual: str, answers: bool) -> None:
    made = world.built()
    active = progress.serving(world.pipeline)
    judging.note_judgement(world.pipeline, made, active, judgement(verdict))
    kyo = replace(world.pipeline, settings=world.pipeline.settings.model_copy(update={"KYO_REEMBED_ACTIVATE": manual}))
    assert [one.id for one in progress.to_activate(kyo)] == ([made.id] if answers else [])
    assert progress.next_step(kyo) is (Step.ACTIVATE if answers else None)


def test_what_was_compared_with_another_set_is_judged_again(world: World) -> None:
    made = world.built()
    active = progress.serving(world.pipeline)
    judging.note_judgement(world.pipeline, made, replace(active, id=active.id + 100), judgement(Verdict.NOT_WORSE))
    assert progress.next_step(world.pipeline) is Step.JUDGE
    assert progress.to_activate(world.pipeline) == ()


@pytest.mark.parametrize("kept", [0, 1])
def test_sets_beyond_those_that_are_kept_are_dropped_with_their_chunks(
    world: World, sql: Sql, clock: Clock, kept: int
) -> None:
    old = progress.serving(world.pipeline)
    world.activated()
    assert reembedding.retain(with_kept(world, 0)) == ()  # somebody may still search there
    clock.advance(minutes=11)
    kyo = with_kept(world, kept)
    assert reembedding.retain(kyo) == (() if kept else (old.id,))
    deleted = reembedding.delete_unsearched_chunks(kyo)
    there = sql("select count(*) from chunks where cutting_id = :id", id=old.cutting_id)
    assert (deleted > 0, there[0][0] > 0) == (not kept, bool(kept))
    assert reembedding.retain(kyo) == ()
    assert reembedding.delete_unsearched_chunks(kyo) == 0
    assert world.finds("zebra") == ["zebra"]
    assert unsound(kyo) == {}


def test_chunks_that_old_answers_cite_may_go_and_the_answers_stay(world: World, sql: Sql, clock: Clock) -> None:
    answer = asking.ask(world.kyo, OPERATOR, "When is the zebra fed?")
    assert answer.citations
    world.activated()
    clock.advance(minutes=11)
    kyo = with_kept(world, 0)
    reembedding.retain(kyo)
    assert reembedding.delete_unsearched_chunks(kyo) > 0
    assert sql("select chunk_id from citations") == [(None,)] * len(answer.citations)
    assert asking.ask(world.kyo, OPERATOR, "When is the zebra fed?").text == answer.text


def test_half_as_many_bytes_find_the_same(
    pipeline: Kyo, kyo: Kyo, publish: Callable[[str, str], None], sql: Sql
) -> None:
    publish("zebra.txt", "The zebra is fed at nine.")
    publish("walrus.txt", "The walrus sleeps until noon.")
    found = asking.search(kyo, OPERATOR, "zebra").passages
    half = replace(pipeline, settings=pipeline.settings.model_copy(update={"KYO_VECTOR_STORAGE": "halfvec"}))
    made = following.follow_settings(half)
    assert made is not None
    reembedding.work(half, RUN, go_on)
    reembedding.finish(half, made.id, 64, 0)
    sets.activate(half, OPERATOR, made.id, "smaller")
    again = asking.search(kyo, OPERATOR, "zebra")
    assert again.embedding_set_id == made.id
    assert [one.title for one in again.passages] == [one.title for one in found]
    assert again.passages[0].similarity == pytest.approx(found[0].similarity, abs=1e-3)
    assert sql(f"select distinct cast(pg_typeof(embedding) as text) from {chunks.vector_table(made.id)}") == [  # noqa: S608 — an integer
        ("halfvec",)
    ]
