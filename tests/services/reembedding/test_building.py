"""A set is built piece by piece, and goes on where it was killed."""

from dataclasses import replace
from typing import Any

import pytest

from kyo_pipeline import progress
from kyo_pipeline.db import chunks
from kyo_pipeline.db.embedding_sets import EmbeddingSet
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.errors import Conflict, Unavailable
from kyo_pipeline.progress import Step
from kyo_pipeline.services import (
    curating,
    following,
    indexing,
    reembedding,
)
from kyo_pipeline.services import embedding_sets as sets
from tests.conftest import Clock
from tests.fakes import OtherEmbedder
from tests.services.reembedding.conftest import AWAY, RUN, Sql, World, go_on
from tests.soundness import unsound


class Killed(BaseException):
    """As a process that is gone: nothing of it catches this."""


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


def assert_complete(sql: Sql, made: EmbeddingSet) -> None:
    """All that is ready is in the set, each chunk with its vector, and nothing else is."""
    [(versions,)] = sql("select count(*) from document_versions where status = 'ready'")
    [(cut,)] = sql("select count(distinct version_id) from chunks where cutting_id = :id", id=made.cutting_id)
    [(pieces,)] = sql("select count(*) from chunks where cutting_id = :id", id=made.cutting_id)
    [(vectors,)] = sql(f"select count(*) from {chunks.vector_table(made.id)}")  # noqa: S608 — an integer
    assert (cut, vectors) == (versions, pieces)
