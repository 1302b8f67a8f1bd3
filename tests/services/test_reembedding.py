"""Another embedding set is built beside the one that answers, whatever happens meanwhile, and swapped in."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kyo_pipeline import candidates, progress
from kyo_pipeline.adapters.models import OpenedModel
from kyo_pipeline.db import chunks
from kyo_pipeline.db.embedding_sets import EmbeddingSet
from kyo_pipeline.domain.actor import OPERATOR, Actor
from kyo_pipeline.domain.documents import Document
from kyo_pipeline.domain.embedding import ModelSource
from kyo_pipeline.domain.embedding_sets import SetState, Verdict
from kyo_pipeline.domain.judging import Judgement, SideScores
from kyo_pipeline.errors import Conflict, Unavailable
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.progress import Step
from kyo_pipeline.services import (
    asking,
    curating,
    following,
    indexing,
    judging,
    library,
    reembedding,
    reviewing,
    upkeep,
)
from kyo_pipeline.services import embedding_sets as sets
from kyo_pipeline.services.reembedding import WorkReport
from tests.conftest import Clock
from tests.fakes import OtherEmbedder, RollbackDatabase
from tests.soundness import unsound

Sql = Callable[..., list[Any]]
RUN = indexing.claim_name("reembed")
AWAY = Unavailable("The model does not answer.")
LONG = " ".join(f"Paragraph {number} of the rules tells of leave and pay." for number in range(60))

ZEBRA = f"The zebra is fed at nine. {LONG}"
WALRUS = "The walrus sleeps until noon."


def go_on(_report: WorkReport) -> bool:
    return True


class Killed(BaseException):
    """As a process that is gone: nothing of it catches this."""


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


# Noticing -------------------------------------------------------------------------------------------------------------


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


# Building -------------------------------------------------------------------------------------------------------------


def test_it_is_built_beside_what_answers(world: World, sql: Sql) -> None:
    active = world.active()
    begun = following.follow_settings(world.pipeline)
    assert begun is not None
    [report] = world.work()
    assert (report.set_id, report.versions, report.failures) == (begun.id, 2, [])
    assert world.active() == active
    assert world.finds("zebra") == ["zebra"]
    assert progress.next_step(world.pipeline) is Step.INDEX
    assert reembedding.finish(world.pipeline, begun.id, None, None) is not None
    assert reembedding.finish(world.pipeline, begun.id, None, None) is None
    assert progress.next_step(world.pipeline) is Step.JUDGE
    assert_complete(sql, begun)


def test_its_work_is_counted(world: World) -> None:
    world.other.calls = 3  # before anything was asked of it here
    begun = following.follow_settings(world.pipeline)
    assert begun is not None
    world.work()
    facts = progress.known(world.pipeline)[begun.id]
    assert (facts.done, facts.waiting, facts.failed, facts.calls) == (2, 0, 0, 0)
    assert facts.embedded > 5
    assert facts.tokens > 500
    assert facts.share_done == 1
    assert facts.seconds_left == 0
    assert facts.cost(2.0) == facts.tokens * 2.0 / 1e6


def test_when_the_chunks_are_the_same_only_vectors_are_made(world: World, sql: Sql) -> None:
    """A model that reads as much, by the same tokens: nothing is cut again."""
    kyo = world.pipeline
    active = progress.serving(kyo)
    same = replace(kyo, settings=kyo.settings.model_copy(update={"CHUNK_SIZE": active.cutting.size}))
    begun = following.follow_settings(replace(same, embedder=OtherEmbedder(kyo.embedder, active.spec)))
    assert begun is None  # it is the same space in fact
    again = following.begin_anew(replace(same, embedder=OtherEmbedder(kyo.embedder, active.spec)), "anew")
    before = sql("select count(*) from chunks")
    reembedding.work(replace(same, embedder=OtherEmbedder(kyo.embedder, active.spec)), RUN, go_on)
    assert sql("select count(*) from chunks") == before
    assert again.cutting_id == active.cutting_id


def test_what_happens_meanwhile_reaches_both(world: World, sql: Sql) -> None:
    begun = following.follow_settings(world.pipeline)
    assert begun is not None
    first = world.publish("otter.txt", "The otter swims.")
    stop_after_one = iter([True, False, *[False] * 9])
    reembedding.work(world.pipeline, RUN, lambda _: next(stop_after_one))
    world.publish("lynx.txt", "The lynx hides.")
    world.publish("walrus.txt", "The walrus sleeps until one.")
    curating.delete(world.kyo, OPERATOR, first.id)
    world.work()
    reembedding.finish(world.pipeline, begun.id, None, None)
    world.publish("heron.txt", "The heron waits.")  # while it waits to be judged
    assert progress.next_step(world.pipeline) is Step.EMBED
    world.work()
    assert_complete(sql, begun)
    sets.activate(world.pipeline, OPERATOR, begun.id, "it is a test")
    assert {word: world.finds(word) for word in ("zebra", "otter", "lynx", "one", "heron")} == {
        "zebra": ["zebra"],
        "otter": [],
        "lynx": ["lynx"],
        "one": ["walrus"],
        "heron": ["heron"],
    }
    assert unsound(world.pipeline) == {}


def test_a_killed_run_resumes_and_loses_one_batch(world: World, sql: Sql, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reembedding, "CHUNKS_A_TRANSACTION", 1)
    for number in range(4):
        world.publish(f"{number}.txt", f"Number {number} of the files.")
    begun = following.follow_settings(world.pipeline)
    assert begun is not None
    world.other.broken, world.other.calls_left = Killed(), 3  # type: ignore[assignment]  # no Exception
    for attempt in range(2):
        with pytest.raises(Killed):
            reembedding.work(world.pipeline, indexing.claim_name(f"killed-{attempt}"), go_on)
        assert reembedding.release_dead(world.pipeline, []) > 0
        world.other.calls_left = 1
    done = progress.known(world.pipeline)[begun.id].done
    assert 3 <= done < 6
    world.other.broken = None
    [report] = world.work()
    assert report.versions == 6 - done
    assert_complete(sql, begun)


def test_without_anybody_watching_a_claim_ends_by_time(world: World, clock: Clock) -> None:
    following.follow_settings(world.pipeline)
    world.other.broken = Killed()  # type: ignore[assignment]  # no Exception
    with pytest.raises(Killed):
        reembedding.work(world.pipeline, "local:1", go_on)
    world.other.broken = None
    assert world.work() == ()
    clock.advance(seconds=reembedding.LOCAL_LEASE.total_seconds() + 1)
    assert world.work()[0].versions == 2


def test_a_model_that_is_away_is_waited_for_and_the_set_says_so(world: World, clock: Clock) -> None:
    begun = following.follow_settings(world.pipeline)
    assert begun is not None
    world.other.broken = AWAY
    with pytest.raises(Unavailable):
        world.work()
    facts = progress.known(world.pipeline)[begun.id]
    assert (facts.problem, facts.waiting) == (AWAY.message, 2)
    world.other.broken = None
    assert world.work() == ()
    clock.advance(seconds=reembedding.RETRY.total_seconds() + 1)
    world.work()
    facts = progress.known(world.pipeline)[begun.id]
    assert (facts.problem, facts.waiting) == (None, 0)


def test_what_is_interrupted_too_often_fails_and_keeps_the_set_from_answering(world: World, sql: Sql) -> None:
    begun = following.follow_settings(world.pipeline)
    assert begun is not None
    sql("update embedding_work set attempts = 9 where version_id in (select id from document_versions limit 1)")
    world.work()
    facts = progress.known(world.pipeline)[begun.id]
    assert (facts.done, facts.failed) == (1, 1)
    reembedding.finish(world.pipeline, begun.id, None, None)
    with pytest.raises(Conflict, match="1 file could not be embedded"):
        sets.activate(world.pipeline, OPERATOR, begun.id, "it is a test")
    assert progress.to_activate(world.pipeline) == ()


def test_a_run_that_has_lost_its_claims_writes_nothing(world: World, sql: Sql) -> None:
    begun = following.follow_settings(world.pipeline)
    assert begun is not None

    class Thief:
        """While the model works, others have taken over."""

        def __init__(self, inner: OtherEmbedder) -> None:
            self.spec, self.tokenizer, self.calls, self._inner = inner.spec, inner.tokenizer, 0, inner

        def embed_passages(self, texts: Any) -> Any:
            sql("update embedding_work set claimed_by = 'run:thief' where claimed_by is not null")
            return self._inner.embed_passages(texts)

        def embed_query(self, text: str) -> Any:
            return self._inner.embed_query(text)

    reports = reembedding.work(replace(world.pipeline, embedder=Thief(world.other)), RUN, go_on)
    assert sum(report.versions for report in reports) == 0
    assert sql(f"select count(*) from {chunks.vector_table(begun.id)}") == [(0,)]  # noqa: S608 — an integer


# Swapping -------------------------------------------------------------------------------------------------------------


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


# Judging --------------------------------------------------------------------------------------------------------------


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


def with_kept(world: World, kept: int) -> Kyo:
    changed = world.pipeline.settings.model_copy(update={"KYO_RETAIN_EMBEDDING_SETS": kept})
    return replace(world.pipeline, settings=changed)


# Keeping --------------------------------------------------------------------------------------------------------------


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


# Storage --------------------------------------------------------------------------------------------------------------


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


# A law ----------------------------------------------------------------------------------------------------------------

DEEDS = st.lists(
    st.tuples(
        st.sampled_from(
            ["upload", "replace", "delete", "archive", "begin", "work", "half", "finish", "activate", "back", "retain"]
        ),
        st.integers(0, 3),
    ),
    max_size=14,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deeds=DEEDS)
def test_whatever_is_done_in_which_order_everything_is_found_and_counted(
    world: World, db: RollbackDatabase, sql: Sql, deeds: list[tuple[str, int]]
) -> None:
    with db.undone():
        there = {"zebra": "zebra", "walrus": "walrus"}
        for content in (ZEBRA, WALRUS):  # an example before this one may have deleted the file
            world.kyo.files.put(content.encode())
        model = Deeds(world, there)
        for deed, number in deeds:
            model.do(deed, number)
            assert {name: world.finds(word) for name, word in there.items()} == {name: [name] for name in there}
            assert unsound(world.pipeline) == {}
        assert_counted(sql)


@dataclass
class Deeds:
    """What people and runs do. `there`: titles of what can be found, each with a word that no other has."""

    world: World
    there: dict[str, str]
    number: int = 0

    def do(self, deed: str, number: int) -> None:
        getattr(self, deed)(number)

    def upload(self, _number: int) -> None:
        self.number += 1
        self.there[f"file {self.number}"] = f"word{self.number}x"
        self.world.publish(f"file {self.number}.txt", f"Here stands word{self.number}x alone.")

    def replace(self, number: int) -> None:
        if self.there:
            self.number += 1
            name = sorted(self.there)[number % len(self.there)]
            self.there[name] = f"word{self.number}x"
            self.world.publish(f"{name}.txt", f"Now word{self.number}x stands here.")

    def delete(self, number: int) -> None:
        if (document := self._one(number)) is not None:
            curating.delete(self.world.kyo, OPERATOR, document.id)

    def archive(self, number: int) -> None:
        if (document := self._one(number)) is not None:
            curating.archive(self.world.kyo, OPERATOR, document.id)

    def begin(self, _number: int) -> None:
        following.follow_settings(self.world.pipeline)

    def work(self, _number: int) -> None:
        self.world.work()

    def half(self, _number: int) -> None:
        reembedding.work(self.world.pipeline, RUN, lambda _: False)

    def finish(self, _number: int) -> None:
        for one in progress.complete(self.world.pipeline):
            reembedding.finish(self.world.pipeline, one.id, None, None)

    def activate(self, _number: int) -> None:
        for one, facts in progress.known(self.world.pipeline).items():
            if facts.state is SetState.READY and not facts.waiting:
                sets.activate(self.world.pipeline, OPERATOR, one, "it is a test")

    def back(self, _number: int) -> None:
        known = progress.known(self.world.pipeline).values()
        if any(one.state is SetState.RETIRED and one.is_kept and not one.waiting for one in known):
            sets.roll_back(self.world.pipeline, OPERATOR)

    def retain(self, number: int) -> None:
        now = self.world.pipeline.now() + timedelta(minutes=11)
        reembedding.retain(replace(with_kept(self.world, number), now=lambda: now))
        reembedding.delete_unsearched_chunks(self.world.pipeline)

    def _one(self, number: int) -> Document | None:
        if not self.there:
            return None
        title = sorted(self.there)[number % len(self.there)]
        del self.there[title]
        return next(one for one in library.list_documents(self.world.kyo, OPERATOR).documents if one.title == title)


def assert_complete(sql: Sql, made: EmbeddingSet) -> None:
    """All that is ready is in the set, each chunk with its vector, and nothing else is."""
    [(versions,)] = sql("select count(*) from document_versions where status = 'ready'")
    [(cut,)] = sql("select count(distinct version_id) from chunks where cutting_id = :id", id=made.cutting_id)
    [(pieces,)] = sql("select count(*) from chunks where cutting_id = :id", id=made.cutting_id)
    [(vectors,)] = sql(f"select count(*) from {chunks.vector_table(made.id)}")  # noqa: S608 — an integer
    assert (cut, vectors) == (versions, pieces)


def assert_counted(sql: Sql) -> None:
    """The statistics of each cutting that is counted are those of what answers."""
    for cutting, counted, lexemes in sql("select id, chunk_count, lexeme_count from cuttings where is_counted"):
        there = "documents d join chunks c on c.version_id = d.current_version_id where d.state = 'approved'"
        assert sql(
            f"select count(*), coalesce(sum(c.lexeme_count), 0) from {there} and c.cutting_id = :id",  # noqa: S608 — as above
            id=cutting,
        ) == [(counted, lexemes)]
        found = sql(
            "select l.lexeme, n.chunk_count from lexeme_counts n join lexemes l on l.id = n.lexeme_id "
            "where n.cutting_id = :id and n.chunk_count <> 0 order by 1",
            id=cutting,
        )
        expected = sql(
            "select t.lexeme, count(*) from (select c.* from "  # noqa: S608 — as above
            f"{there} and c.cutting_id = :id) c, unnest(c.lexical) t group by t.lexeme order by 1",
            id=cutting,
        )
        assert found == expected
