"""When a new set is wanted."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from kyo_pipeline import candidates, progress
from kyo_pipeline.adapters.models import OpenedModel
from kyo_pipeline.domain.actor import OPERATOR, Actor
from kyo_pipeline.domain.embedding import ModelSource
from kyo_pipeline.domain.embedding_sets import SetState
from kyo_pipeline.errors import Conflict, Unavailable
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.progress import Step
from kyo_pipeline.services import (
    curating,
    following,
    library,
    reembedding,
)
from kyo_pipeline.services import embedding_sets as sets
from tests.conftest import Clock
from tests.fakes import OtherEmbedder
from tests.services.reembedding.conftest import AWAY, RUN, World, go_on


def test_what_the_settings_name_is_built_once(world: World) -> None:
    assert progress.next_step(world.pipeline) is Step.EMBED
    begun = following.follow_settings(world.pipeline)
    assert begun is not None
    assert (begun.state, begun.spec.model, begun.cutting.size) == (SetState.BUILDING, "another model", 120)
    assert following.follow_settings(world.pipeline) is None
    assert candidates.is_followed(world.pipeline)


def test_settings_that_name_what_answers_begin_nothing(pipeline: Kyo, publish: Callable[[str, str], None]) -> None:
    publish("a.txt", "Some text.")
    assert following.follow_settings(pipeline) is None
    assert progress.next_step(pipeline) is None


def test_nothing_begins_before_there_are_documents_or_when_it_is_switched_off(pipeline: Kyo, world: World) -> None:
    off = replace(pipeline, settings=world.pipeline.settings.model_copy(update={"KYO_REEMBED_ON_CHANGE": False}))
    assert candidates.is_followed(off)
    assert following.follow_settings(off) is None


@pytest.mark.parametrize(
    "change",
    [{"CHUNK_SIZE": 77}, {"CHUNK_OVERLAP": 7}, {"KYO_VECTOR_STORAGE": "halfvec"}],
    ids=lambda one: next(iter(one)),
)
def test_chunks_and_storage_are_followed_as_models_are(
    pipeline: Kyo, publish: Callable[[str, str], None], change: dict[str, object]
) -> None:
    publish("a.txt", "Some text.")
    changed = replace(pipeline, settings=pipeline.settings.model_copy(update=change))
    assert following.follow_settings(changed) is not None


def test_other_settings_again_take_the_place_of_what_is_under_way(
    world: World, audited: Callable[[], list[str]]
) -> None:
    first = following.follow_settings(world.pipeline)
    again = replace(world.pipeline, settings=world.pipeline.settings.model_copy(update={"CHUNK_SIZE": 90}))
    second = following.follow_settings(again)
    assert first is not None
    assert second is not None
    assert {one: facts.state.value for one, facts in progress.known(again).items()} == {
        world.active(): "active",
        first.id: "retired",
        second.id: "building",
    }
    assert audited()[-3:] == ["embedding_set:build", "embedding_set:retire", "embedding_set:build"]


@pytest.mark.parametrize("end", [sets.retire, sets.drop], ids=["given up", "dropped"])
def test_what_somebody_does_not_want_comes_back_when_the_settings_change_again(
    world: World, end: Callable[[Kyo, Actor, int], object]
) -> None:
    begun = following.follow_settings(world.pipeline)
    assert begun is not None
    end(world.pipeline, OPERATOR, begun.id)
    assert following.follow_settings(world.pipeline) is None
    changed = replace(world.pipeline, settings=world.pipeline.settings.model_copy(update={"CHUNK_SIZE": 90}))
    assert following.follow_settings(changed) is not None
    again = following.follow_settings(world.pipeline)
    assert again is not None
    assert again.id > begun.id
    assert sum(facts.is_under_way for facts in progress.known(world.pipeline).values()) == 1


def test_settings_that_are_set_back_end_what_is_under_way(world: World, pipeline: Kyo) -> None:
    begun = following.follow_settings(world.pipeline)
    assert begun is not None
    assert following.follow_settings(pipeline) is None
    assert progress.known(pipeline)[begun.id].state is SetState.RETIRED
    assert progress.next_step(pipeline) is None


def test_when_everything_is_deleted_nothing_is_to_be_followed(world: World) -> None:
    for document in library.list_documents(world.kyo, OPERATOR).documents:
        curating.delete(world.kyo, OPERATOR, document.id)
    assert progress.next_step(world.pipeline) is None


def test_a_model_of_before_that_is_away_does_not_hold_up_the_next_one(world: World, clock: Clock) -> None:
    world.activated()
    world.publish("heron.txt", "The heron waits.")  # for the set that is kept for the way back
    away = OtherEmbedder(world.kyo.embedder, world.kyo.using(ModelSource("builtin")).embedder.spec, broken=AWAY)
    world.kyo.models.give(ModelSource("builtin"), OpenedModel(away, world.kyo.generator))
    smaller = replace(world.pipeline, settings=world.pipeline.settings.model_copy(update={"CHUNK_SIZE": 90}))
    next_one = following.follow_settings(smaller)
    assert next_one is not None
    assert [report.set_id for report in reembedding.work(smaller, RUN, go_on) if report.versions] == [next_one.id]
    clock.advance(seconds=reembedding.RETRY.total_seconds() + 1)
    assert progress.next_step(smaller) is Step.INDEX
    with pytest.raises(Unavailable):
        reembedding.work(smaller, RUN, go_on)


def test_a_schedule_begins_a_set_of_the_same_model(pipeline: Kyo, publish: Callable[[str, str], None]) -> None:
    publish("a.txt", "Some text.")
    begun = following.begin_anew(pipeline, "Every Sunday.")
    assert begun.cutting_id == progress.serving(pipeline).cutting_id
    with pytest.raises(Conflict, match="retire"):
        following.begin_anew(pipeline, "Every Sunday.")


def test_a_request_of_the_app_is_taken_once(world: World, admin: Actor, audited: Callable[[], list[str]]) -> None:
    sets.request(world.kyo, admin)
    assert progress.next_step(world.pipeline) is Step.EMBED
    begun = following.take_request(world.pipeline)
    assert begun is not None
    assert progress.known(world.pipeline)[begun.id].reason == "Asked for in the app."
    assert following.take_request(world.pipeline) is None
    assert audited()[-2:] == ["embedding_set:request", "embedding_set:build"]
