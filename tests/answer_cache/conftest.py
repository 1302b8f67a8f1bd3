"""A world in which answers are kept, and counted how often they are made."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import pytest

from kyo_pipeline import answer_cache
from kyo_pipeline.answer_cache import CacheKey
from kyo_pipeline.domain.access import Access
from kyo_pipeline.domain.actor import OPERATOR, Actor, Role
from kyo_pipeline.domain.answers import Answer, Draft
from kyo_pipeline.domain.conversation import Turn
from kyo_pipeline.domain.documents import Document
from kyo_pipeline.domain.ports import AnswerGenerator
from kyo_pipeline.domain.retrieval import Retrieval
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import (
    asking,
    collections,
    curating,
    library,
    reviewing,
)
from kyo_pipeline.serving import serving
from tests.conftest import Clock

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


def _second_version(world: World) -> None:
    world.publish("leave.txt", "Everybody has forty days of paid leave a year.")


def _change(world: World, **values: Any) -> None:
    found = library.read_document(world.kyo, world.admin, world.document.id)
    now = {"title": found.title, "owner": OPERATOR.id, "tags": (), "review_by": found.review_by}
    curating.change(world.kyo, world.admin, world.document.id, **{**now, **values})


def _setting(**values: object) -> Callable[[World], None]:
    def change(world: World) -> None:
        world.kyo = replace(world.kyo, settings=world.kyo.settings.model_copy(update=values))

    return change


def key_for(world: World, actor: Actor, question: str = QUESTION) -> CacheKey:
    _, searched_in = serving(world.kyo, actor)
    key = answer_cache.key_of(world.kyo, actor, question, searched_in=searched_in)
    assert key is not None
    return key
