"""Answers that were written before: for whom they are, and that no change leaves a stale one."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from kyo_pipeline import answer_cache
from kyo_pipeline.adapters.sealing import opened, sealed
from kyo_pipeline.answer_cache import CacheKey
from kyo_pipeline.db import corpus, embedding_sets
from kyo_pipeline.domain.access import Access
from kyo_pipeline.domain.actor import OPERATOR, Actor, Role
from kyo_pipeline.domain.answers import Answer, Draft, DraftCitation, Outcome
from kyo_pipeline.domain.conversation import Turn
from kyo_pipeline.domain.documents import Document
from kyo_pipeline.domain.ports import AnswerGenerator
from kyo_pipeline.domain.retrieval import Retrieval
from kyo_pipeline.errors import TooMany, Unavailable
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import (
    accounts,
    asking,
    collections,
    curating,
    expiring,
    groups,
    history,
    library,
    people,
    reviewing,
    sharing,
)
from kyo_pipeline.serving import serving
from tests.conftest import Clock
from tests.embedding_sets import first_set
from tests.fakes import DownCache, MemoryCache, ScriptedGenerator
from tests.recipients import a_group, a_person

Sql = Callable[..., list[Any]]

LEAVE = "Everybody has thirty days of paid leave a year. Unused leave ends in March."
QUESTION = "How many days of paid leave are there?"


@dataclass
class Counting:
    """The real generator, with a count of how often it was asked; `meanwhile` happens while it writes."""

    inner: AnswerGenerator
    model: str = "quotes"
    name: str = "extractive"
    asked: list[str] = field(default_factory=list)
    meanwhile: Callable[[], object] = lambda: None

    def generate(self, question: str, retrieval: Retrieval) -> Generator[str, None, Draft]:
        self.asked.append(question)
        self.meanwhile()
        return self.inner.generate(question, retrieval)

    def rewrite(self, question: str, turns: Sequence[Turn]) -> str | None:
        return self.inner.rewrite(question, turns)


@dataclass
class World:
    """A published document in a collection of its own, and somebody who reads it."""

    kyo: Kyo
    pipeline: Kyo
    generator: Counting
    clock: Clock
    publish: Callable[[str, str], None]
    person: Callable[[Role], Actor]
    reader: Actor
    admin: Actor
    document: Document

    def ask(self, actor: Actor | None = None, question: str = QUESTION) -> Answer:
        self.clock.advance(seconds=20)
        return asking.ask(self.kyo, actor or self.reader, question)

    def is_new(self, actor: Actor | None = None, question: str = QUESTION) -> bool:
        before = len(self.generator.asked)
        self.ask(actor, question)
        return len(self.generator.asked) > before

    @property
    def place(self) -> UUID:
        return collections.named(self.kyo, self.admin, "Handbook").id

    def versions(self) -> list[UUID]:
        return [version.id for version in library.list_history(self.kyo, self.admin, self.document.id)]


@pytest.fixture
def world(
    kyo: Kyo,
    pipeline: Kyo,
    clock: Clock,
    admin: Actor,
    publish: Callable[[str, str], None],
    person: Callable[[Role], Actor],
    run_pipeline: Callable[[], None],
) -> World:
    counting = Counting(kyo.generator)
    counted = replace(kyo, generator=counting)
    collections.create(kyo, admin, "Handbook")
    collections.set_everyone(kyo, admin, collections.named(kyo, admin, "Handbook").id, Access.APPROVE)
    uploaded = library.upload(kyo, OPERATOR, "leave.txt", LEAVE.encode(), "Handbook")
    run_pipeline()
    document = reviewing.approve(kyo, OPERATOR, uploaded.document.latest.id)
    reader = person(Role.EMPLOYEE)
    world = World(counted, pipeline, counting, clock, publish, person, reader, admin, document)

    def put(file_name: str, text: str) -> None:
        version = library.upload(kyo, OPERATOR, file_name, text.encode(), "Handbook").document.latest
        run_pipeline()
        reviewing.approve(kyo, OPERATOR, version.id)

    world.publish = put
    return world


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


# Changes: each of them makes the next answer a new one ----------------------------------------------------------------


def _second_version(world: World) -> None:
    world.publish("leave.txt", "Everybody has forty days of paid leave a year.")


def _roll_back(world: World) -> None:
    _second_version(world)
    assert "forty" in world.ask().text
    reviewing.roll_back(world.kyo, world.admin, world.document.latest.id)


def _restore(world: World) -> None:
    curating.archive(world.kyo, world.admin, world.document.id)
    assert world.ask().outcome is Outcome.NOT_FOUND
    curating.restore(world.kyo, world.admin, world.document.id)


def _unrestrict(world: World) -> None:
    sharing.restrict(world.kyo, world.admin, world.document.id)
    assert world.ask().outcome is Outcome.NOT_FOUND
    sharing.unrestrict(world.kyo, world.admin, world.document.id)


def _change(world: World, **values: Any) -> None:
    found = library.read_document(world.kyo, world.admin, world.document.id)
    now = {"title": found.title, "owner": OPERATOR.id, "tags": (), "review_by": found.review_by}
    curating.change(world.kyo, world.admin, world.document.id, **{**now, **values})


def _expire(world: World) -> None:
    _change(world, review_by=world.clock().date() + timedelta(days=1))
    assert world.ask().citations[0].is_stale is False
    world.clock.advance(days=3)
    world.ask()
    assert expiring.expire(world.pipeline) == 1


def _confirm(world: World) -> None:
    _expire(world)
    assert world.ask().citations[0].is_stale is True
    reviewing.confirm(world.kyo, world.admin, world.document.id)


def _weigh(world: World) -> None:
    with world.pipeline.db.transaction(OPERATOR) as tx:
        active = embedding_sets.active(tx)
        assert active is not None
        corpus.lock(tx)
        corpus.weigh_all(tx, active.cutting_id, 7.0)


def _move(world: World) -> None:
    collections.create(world.kyo, world.admin, "Archive")
    curating.move(world.kyo, world.admin, world.document.id, "Archive")


def _rename_collection(world: World) -> None:
    collections.change(world.kyo, world.admin, world.place, "Manual", "", review_months=None, downloadable=True)


def _give_to_manager(world: World) -> None:
    _change(world, owner=world.person(Role.MANAGER).id)


def _rename_owner(world: World) -> None:
    owner = world.person(Role.MANAGER)
    _change(world, owner=owner.id)
    world.ask()
    accounts.change_profile(world.kyo, owner, "Somebody Else", "")


def _other_embedding_set(world: World) -> None:
    with world.pipeline.db.transaction(OPERATOR) as tx:
        first_set(tx, world.pipeline.embedder.spec, world.clock())


def _other_threshold(world: World) -> None:
    with world.pipeline.db.transaction(OPERATOR) as tx:
        found = embedding_sets.active(tx)
        assert found is not None
        first_set(tx, replace(found.spec, similarity_threshold=0.9), world.clock())


def _setting(**values: object) -> Callable[[World], None]:
    def change(world: World) -> None:
        world.kyo = replace(world.kyo, settings=world.kyo.settings.model_copy(update=values))

    return change


def _other_model(world: World) -> None:
    world.generator.model = "another"


def _other_generator(world: World) -> None:
    world.generator.name = "another"


CHANGES: dict[str, Callable[[World], None]] = {
    "something new is approved": lambda w: w.publish("pay.txt", "Everybody is paid on the first of the month."),
    "archived": lambda w: curating.archive(w.kyo, w.admin, w.document.id) and None,  # type: ignore[func-returns-value]  # a lambda in a table
    "restored": _restore,
    "a new version": _second_version,
    "rolled back": _roll_back,
    "deleted": lambda w: curating.delete(w.kyo, w.admin, w.document.id) and None,  # type: ignore[func-returns-value]  # the same
    "restricted": lambda w: sharing.restrict(w.kyo, w.admin, w.document.id),
    "no longer restricted": _unrestrict,
    "moved": _move,
    "another title": lambda w: _change(w, title="Absence"),
    "another owner": _give_to_manager,
    "the owner is called otherwise": _rename_owner,
    "its collection is called otherwise": _rename_collection,
    "overdue": _expire,
    "confirmed": _confirm,
    "weights": _weigh,
    "another embedding set": _other_embedding_set,
    "another threshold of the set": _other_threshold,
    "another model": _other_model,
    "another generator": _other_generator,
    "TOP_K_RESULTS": _setting(TOP_K_RESULTS=1),
    "SIMILARITY_THRESHOLD": _setting(SIMILARITY_THRESHOLD=0.1),
    "SIMILARITY_THRESHOLD, its default set": _setting(SIMILARITY_THRESHOLD=0.7),
    "MAX_TOKENS_PER_QUERY": _setting(MAX_TOKENS_PER_QUERY=600),
    "CHUNK_SIZE": _setting(CHUNK_SIZE=400),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_after_a_change_the_answer_is_written_anew(world: World, change: Callable[[World], None]) -> None:
    assert world.is_new()
    assert not world.is_new()
    change(world)
    assert world.is_new()
    assert not world.is_new()


def test_what_is_withdrawn_is_not_quoted_any_more(world: World) -> None:
    assert "thirty" in world.ask().text
    curating.archive(world.kyo, world.admin, world.document.id)
    assert "thirty" not in world.ask().text


# Rights ---------------------------------------------------------------------------------------------------------------


def _everyone(world: World) -> Callable[[], object]:
    collections.set_everyone(world.kyo, world.admin, world.place, None)
    return lambda: collections.set_everyone(world.kyo, world.admin, world.place, Access.READ)


def _member(world: World) -> Callable[[], object]:
    _everyone(world)
    return lambda: collections.grant(world.kyo, world.admin, world.place, a_person(world.reader.id), Access.READ)


def _group_of_the_collection(world: World) -> Callable[[], object]:
    _everyone(world)
    team = groups.create(world.kyo, world.admin, "Team").id
    collections.grant(world.kyo, world.admin, world.place, a_group(team), Access.READ)
    return lambda: groups.add_member(world.kyo, world.admin, team, world.reader.id)


def _document_grant(world: World) -> Callable[[], object]:
    _everyone(world)
    return lambda: sharing.add_reader(world.kyo, world.admin, world.document.id, a_person(world.reader.id))


def _document_grant_to_a_group(world: World) -> Callable[[], object]:
    _everyone(world)
    team = groups.create(world.kyo, world.admin, "Team").id
    sharing.add_reader(world.kyo, world.admin, world.document.id, a_group(team))
    return lambda: groups.add_member(world.kyo, world.admin, team, world.reader.id)


def _own_restricted_document(world: World) -> Callable[[], object]:
    sharing.restrict(world.kyo, world.admin, world.document.id)
    return lambda: _change(world, owner=world.reader.id)


def _role(world: World) -> Callable[[], object]:
    sharing.restrict(world.kyo, world.admin, world.document.id)
    return lambda: people.change_role(world.kyo, world.admin, world.reader.id, Role.MANAGER)


RIGHTS = [
    _everyone,
    _member,
    _group_of_the_collection,
    _document_grant,
    _document_grant_to_a_group,
    _own_restricted_document,
    _role,
]


@pytest.mark.parametrize("take", RIGHTS)
def test_rights_that_are_taken_and_given_count_at_once(
    world: World, take: Callable[[World], Callable[[], object]]
) -> None:
    assert "thirty" in world.ask().text
    give = take(world)
    assert world.ask().outcome is Outcome.NOT_FOUND
    assert not world.is_new()
    give()
    assert "thirty" in world.ask().text


def test_who_may_read_the_same_shares_and_nobody_else(world: World) -> None:
    colleague, outsider = world.person(Role.EMPLOYEE), world.person(Role.EMPLOYEE)
    collections.set_everyone(world.kyo, world.admin, world.place, None)
    for member in (world.reader, colleague):
        collections.grant(world.kyo, world.admin, world.place, a_person(member.id), Access.READ)
    assert world.is_new()
    assert world.ask(colleague).citations
    assert len(world.generator.asked) == 1
    assert world.ask(outsider).outcome is Outcome.NOT_FOUND
    assert len(world.generator.asked) == 2
    assert world.is_new(world.admin), "who may approve may read more, though not here"


def cached(world: World) -> dict[str, bytes]:
    assert isinstance(world.kyo.cache, MemoryCache)
    return world.kyo.cache.values


def key_for(world: World, actor: Actor, question: str = QUESTION) -> CacheKey:
    _, searched_in = serving(world.kyo, actor)
    key = answer_cache.key_of(world.kyo, actor, question, searched_in=searched_in)
    assert key is not None
    return key


def test_what_is_kept_is_checked_again_before_it_is_stored(world: World) -> None:
    """Even where the key says that somebody may read it: here, because it is put there."""
    outsider = world.person(Role.EMPLOYEE)
    collections.set_everyone(world.kyo, world.admin, world.place, None)
    collections.grant(world.kyo, world.admin, world.place, a_person(world.reader.id), Access.READ)
    world.ask()
    kept = answer_cache.look_up(world.kyo, key_for(world, world.reader))
    assert kept is not None
    answer_cache.keep(world.kyo, key_for(world, outsider), kept.draft, kept.retrieval)
    answer = world.ask(outsider)
    assert (answer.outcome, answer.citations) == (Outcome.NOT_FOUND, ())
    assert "cache" not in answer.timings


def test_a_version_that_is_not_current_any_more_is_not_shown(world: World) -> None:
    world.ask()
    kept = answer_cache.look_up(world.kyo, key_for(world, world.reader))
    assert kept is not None
    _second_version(world)
    answer_cache.keep(world.kyo, key_for(world, world.reader), kept.draft, kept.retrieval)
    assert "forty" in world.ask().text


# What is not kept -----------------------------------------------------------------------------------------------------


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


# Conversations --------------------------------------------------------------------------------------------------------


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


# What a second try may better ---------------------------------------------------------------------------------------


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
