"""What is answered again without asking a model, and what is not kept."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from kyo_pipeline import answer_cache
from kyo_pipeline.adapters.sealing import opened, sealed
from kyo_pipeline.domain.answers import Answer, Draft, DraftCitation, Outcome
from kyo_pipeline.errors import TooMany, Unavailable
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import (
    asking,
    history,
)
from tests.answer_cache.conftest import LEAVE, QUESTION, World, _setting, key_for
from tests.fakes import DownCache, MemoryCache, ScriptedGenerator

Sql = Callable[..., list[Any]]


def test_the_same_question_is_written_once(world: World, sql: Sql, audited: Callable[[], list[str]]) -> None:
    first, second = world.ask(), world.ask()
    assert world.generator.asked == [QUESTION]
    assert first.citations
    assert (second.text, second.outcome) == (first.text, first.outcome)
    assert second.citations == first.citations
    assert (first.id, first.question_id) != (second.id, second.question_id)
    assert set(first.timings) == {"embed", "search", "generate"}
    assert set(second.timings) == {"cache"}
    assert audited()[-2:] == ["answer:ask", "answer:ask"]
    assert history.list_answers(world.kyo, world.reader).total == 2
    assert len(sql("select from answers where embedding_set_id is not null")) == 2


def test_a_stream_of_what_was_written_before_is_its_text(world: World) -> None:
    first = world.ask()
    assert "".join(asking.stream_answer(world.kyo, world.reader, QUESTION)) == first.text


def test_tokens_are_counted_once(world: World) -> None:
    paid = Draft("Thirty [1].", Outcome.ANSWERED, (DraftCitation(1, 0, 0, 46),), 120, 5)
    world.generator.inner = ScriptedGenerator(["Thirty [1]."], paid)
    first, second = world.ask(), world.ask()
    assert (first.prompt_tokens, first.completion_tokens) == (120, 5)
    assert (second.prompt_tokens, second.completion_tokens, second.text) == (0, 0, first.text)


def test_what_was_not_found_is_kept_as_well(world: World) -> None:
    question = "Who is the emperor of Mars?"
    assert world.ask(question=question).outcome is Outcome.NOT_FOUND
    assert not world.is_new(question=question)


def test_it_counts_as_any_question(world: World, with_settings: Callable[..., Kyo]) -> None:
    world.kyo = replace(with_settings(MAX_QUERIES_PER_DAY=2), generator=world.generator)
    world.ask()
    world.ask()
    with pytest.raises(TooMany, match="one day allows"):
        world.ask()


def test_it_is_forgotten_in_time(world: World) -> None:
    world.ask()
    world.clock.advance(seconds=world.kyo.settings.KYO_ANSWER_CACHE_SECONDS)
    assert world.is_new()


def cached(world: World) -> dict[str, bytes]:
    assert isinstance(world.kyo.cache, MemoryCache)
    return world.kyo.cache.values


def test_what_changes_while_an_answer_is_written_keeps_it_from_being_kept(world: World, sql: Sql) -> None:
    world.generator.meanwhile = lambda: sql("update documents set title = title || '.'")
    world.ask()
    world.generator.meanwhile = lambda: None
    assert world.is_new()


@pytest.mark.parametrize(
    "end",
    [
        Draft("Thirty [1].", Outcome.ANSWERED, (DraftCitation(1, 0, 0, 46),), notice="The model was away."),
        Draft("Thirty", Outcome.STOPPED),
        Draft("Thirty", Outcome.FAILED),
    ],
)
def test_what_came_about_in_another_way_is_not_kept(world: World, end: Draft) -> None:
    world.generator.inner = ScriptedGenerator([], end)
    world.ask()
    assert world.is_new()


def test_a_failure_is_not_kept(world: World) -> None:
    real = world.generator.inner
    world.generator.inner = ScriptedGenerator([], Unavailable("Away."))
    with pytest.raises(Unavailable):
        world.ask()
    world.generator.inner = real
    assert "thirty" in world.ask().text


def test_an_answer_that_was_stopped_is_not_kept(world: World) -> None:
    stream = asking.stream_answer(world.kyo, world.reader, QUESTION)
    next(stream)
    stream.close()
    assert world.is_new()


def test_it_can_be_switched_off(world: World) -> None:
    _setting(KYO_ANSWER_CACHE_SECONDS=0)(world)
    assert world.is_new()
    assert world.is_new()
    assert not [key for key in cached(world) if key.startswith("answer:")]


def test_without_redis_each_answer_is_written(world: World) -> None:
    world.kyo = replace(world.kyo, cache=DownCache())
    assert world.is_new()
    assert world.is_new()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _: b"",
        lambda _: b"\x80\x04half a pickle",
        lambda value: value[: len(value) // 2],
        lambda value: value[:-1] + bytes([value[-1] ^ 1]),
    ],
)
def test_a_spoilt_entry_is_a_miss(world: World, spoil: Callable[[bytes], bytes]) -> None:
    first = world.ask()
    name = key_for(world, world.reader).name
    cached(world)[name] = spoil(cached(world)[name])
    assert world.is_new()
    assert world.ask().text == first.text


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _: b"{}",
        lambda _: b"\x80\x04half a pickle",
        lambda value: value[: len(value) // 2],
        lambda value: value.replace(b'"index":0', b'"index":7'),
        lambda value: value.replace(b'"index":0', b'"index":-1'),
        lambda value: value.replace(b'"outcome":"answered"', b'"outcome":"stopped"'),
        lambda value: value.replace(b'"outcome":"answered"', b'"outcome":"praised"'),
        lambda value: value.replace(b'"version_id":"', b'"version_id":"x'),
    ],
)
def test_what_cannot_be_understood_is_a_miss(world: World, spoil: Callable[[bytes], bytes]) -> None:
    """As another release of KYO might have written it."""
    first, key = world.ask(), key_for(world, world.reader)
    value = opened(cached(world)[key.name], key.secret, key.name)
    assert value is not None
    assert spoil(value) != value
    cached(world)[key.name] = sealed(spoil(value), key.secret, key.name)
    assert world.is_new()
    assert world.ask().text == first.text


def test_nobody_reads_or_writes_an_answer_in_redis(world: World) -> None:
    first = world.ask()
    key = key_for(world, world.reader)
    assert b"thirty" not in cached(world)[key.name]
    cached(world)[key.name] = sealed(b"another answer", b"a secret of somebody else", key.name)
    assert world.is_new()
    other = key_for(world, world.reader, "How many days?")
    cached(world)[other.name] = cached(world)[key.name]
    assert world.is_new(question="How many days?"), "nor is it put under another question"
    assert world.ask().text == first.text


def test_what_is_kept_comes_back_as_it_was(world: World) -> None:
    world.ask()
    found = answer_cache.look_up(world.kyo, key_for(world, world.reader))
    assert found is not None
    assert found.draft.outcome is Outcome.ANSWERED
    assert found.retrieval.passages[0].text == LEAVE
    assert found.retrieval.term_weights


def test_no_key_names_the_question_or_its_asker(world: World) -> None:
    world.ask()
    [key] = [key for key in cached(world) if key.startswith("answer:")]
    assert "leave" not in key
    assert str(world.reader.id) not in key


def test_a_follow_up_is_known_by_what_it_means(world: World) -> None:
    world.publish("pay.txt", "Contractors have no paid leave. Contractors are paid on the tenth of the month.")
    leave, pay = world.ask(), world.ask(question="When are people paid in a month?")

    def follow_up(answer: Answer) -> bool:
        world.clock.advance(seconds=20)
        before = len(world.generator.asked)
        asking.ask(world.kyo, world.reader, "What about contractors?", answer.conversation_id)
        return len(world.generator.asked) > before

    assert follow_up(leave)
    assert follow_up(pay), "the same words mean something else here"
    again = world.ask()
    assert not follow_up(again), "and the same there"


@dataclass
class Moody:
    """A reranker that is away at first, and then keeps the order."""

    calls: int = 0

    def rerank(self, question: str, texts: Sequence[str]) -> list[float]:  # noqa: ARG002 — the port's signature
        self.calls += 1
        if self.calls == 1:
            raise Unavailable("The reranker is away.")
        return [float(-place) for place in range(len(texts))]


def test_an_answer_that_the_reranker_had_no_part_in_is_not_given_again(world: World) -> None:
    world.kyo = replace(world.kyo, reranker=Moody())
    assert [world.is_new() for _ in range(3)] == [True, True, False]


@pytest.mark.parametrize(
    "draft",
    [
        Draft("Sixty days [1].", Outcome.ANSWERED, (DraftCitation(1, 0, 0, 44),), 100, 5),  # its source says thirty
        Draft("Not found.", Outcome.NOT_FOUND, (), 100, 5),
    ],
)
def test_what_a_model_may_do_better_is_asked_again(world: World, draft: Draft) -> None:
    world.kyo = replace(world.kyo, generator=ScriptedGenerator([draft.text], draft))
    assert "cache" not in world.ask().timings
    assert "cache" not in world.ask().timings
