"""Answers that somebody has verified."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from kyo_pipeline.domain.access import Access
from kyo_pipeline.domain.actor import OPERATOR, Actor
from kyo_pipeline.domain.answers import Answer
from kyo_pipeline.domain.verified import VerifiedAnswer
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import (
    asking,
    collections,
    library,
    reviewing,
    verifying,
)
from tests.recipients import a_person

Sql = Callable[..., list[Any]]


Publish = Callable[[str, str], None]


LEAVE = "Employees of the bakery get thirty days of annual leave in each calendar year."


QUESTION = "How many days of annual leave do I get?"


OTHER_WORDS = "How many vacation days am I entitled to?"


@pytest.fixture
def answer(kyo: Kyo, manager: Actor, publish: Publish) -> Answer:
    """The manager's own."""
    publish("leave.txt", LEAVE)
    found = asking.ask(kyo, manager, QUESTION)
    assert found.citations
    return found


@pytest.fixture
def verified(kyo: Kyo, manager: Actor, answer: Answer) -> VerifiedAnswer:
    return verifying.verify(kyo, manager, answer.id, QUESTION, text="Thirty days a year [1].")


@pytest.fixture
def is_given(kyo: Kyo, verified: VerifiedAnswer) -> Callable[..., bool]:
    """Whether somebody who asks gets it."""

    def ask(actor: Actor, question: str = OTHER_WORDS) -> bool:
        found = asking.ask(kyo, actor, question)
        is_it = found.verification is not None and found.verification.id == verified.id
        assert is_it == (found.text == verified.text)
        return is_it

    return ask


@pytest.fixture
def board(kyo: Kyo, admin: Actor, manager: Actor, run_pipeline: Callable[[], None]) -> UUID:
    """A collection in which the manager approves, and that nobody else reads."""
    made = collections.create(kyo, admin, "Board").id
    collections.grant(kyo, admin, made, a_person(manager.id), Access.APPROVE)
    version = library.upload(kyo, OPERATOR, "pay.txt", b"The board is paid ninety thousand a year.", "Board")
    run_pipeline()
    reviewing.approve(kyo, OPERATOR, version.document.latest.id)
    return made


PAY = "How much is the board paid a year?"
