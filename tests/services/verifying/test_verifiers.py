"""Who verifies what."""

from collections.abc import Callable
from uuid import UUID

import pytest

from kyo_pipeline.domain.access import Access
from kyo_pipeline.domain.actor import Actor, Role
from kyo_pipeline.domain.answers import Answer
from kyo_pipeline.domain.same_question import key_of
from kyo_pipeline.domain.verified import VerifiedAnswer
from kyo_pipeline.errors import Conflict, Invalid, NotFound
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import (
    asking,
    collections,
    history,
    shared_answers,
    verifying,
)
from tests.conftest import Clock
from tests.recipients import a_person
from tests.services.verifying.conftest import LEAVE, OTHER_WORDS, PAY, QUESTION, Publish, Sql


def test_an_answer_that_somebody_has_shared_can_be_verified(
    kyo: Kyo, employee: Actor, manager: Actor, publish: Publish
) -> None:
    publish("leave.txt", LEAVE)
    asked = asking.ask(kyo, employee, QUESTION)
    with pytest.raises(NotFound):
        verifying.verify(kyo, manager, asked.id, QUESTION)
    shared_answers.share(kyo, employee, asked.id)
    made = verifying.verify(kyo, manager, asked.id, OTHER_WORDS)
    assert made.question == OTHER_WORDS
    own = history.read_answer(kyo, employee, asked.id)
    assert own.verification is not None
    assert own.verification.is_source
    assert not verifying.may_verify(kyo, manager, own), "it is verified"


def test_only_who_may_approve_all_that_it_cites_verifies(
    kyo: Kyo, admin: Actor, manager: Actor, person: Callable[[Role], Actor], board: UUID
) -> None:
    reader = person(Role.MANAGER)
    collections.grant(kyo, admin, board, a_person(reader.id), Access.READ)
    found = asking.ask(kyo, reader, PAY)
    assert not verifying.may_verify(kyo, reader, found)
    with pytest.raises(Conflict, match="when you may approve every document"):
        verifying.verify(kyo, reader, found.id, PAY)
    own = asking.ask(kyo, manager, PAY)
    assert verifying.may_verify(kyo, manager, own)


def test_what_is_out_of_date_or_without_sources_is_not_verified(
    kyo: Kyo, manager: Actor, employee: Actor, publish: Publish, answer: Answer
) -> None:
    nothing = asking.ask(kyo, manager, "Who is the emperor of Mars?")
    assert not verifying.may_verify(kyo, manager, nothing)
    with pytest.raises(Conflict, match="Only an answer with sources"):
        verifying.verify(kyo, manager, nothing.id, "Who?")
    publish("leave.txt", LEAVE.replace("thirty", "twenty-eight"))
    with pytest.raises(Conflict, match="has changed since"):
        verifying.verify(kyo, manager, answer.id, QUESTION)
    assert not verifying.may_verify(kyo, employee, asking.ask(kyo, employee, QUESTION)), "no manager"


def test_an_answer_is_verified_once(kyo: Kyo, manager: Actor, answer: Answer, verified: VerifiedAnswer) -> None:
    with pytest.raises(Conflict, match="a verified one already"):
        verifying.verify(kyo, manager, answer.id, QUESTION)
    copy = asking.ask(kyo, manager, QUESTION)
    with pytest.raises(Conflict, match="a verified one already"):
        verifying.verify(kyo, manager, copy.id, QUESTION)
    verifying.withdraw(kyo, manager, verified.id)
    again = verifying.verify(kyo, manager, answer.id, QUESTION)
    assert again.id != verified.id


def test_verifying_anew_replaces_what_was_verified_from_the_same_document(
    kyo: Kyo, manager: Actor, employee: Actor, publish: Publish, verified: VerifiedAnswer, clock: Clock
) -> None:
    publish("leave.txt", LEAVE.replace("thirty", "twenty-eight"))
    clock.advance(hours=1)
    anew = asking.ask(kyo, manager, QUESTION, anew=True)
    made = verifying.verify(kyo, manager, anew.id, OTHER_WORDS)
    before = verifying.read_verified(kyo, manager, verified.id)
    assert before.withdrawn_because == "Another answer to the same question was verified."
    found = asking.ask(kyo, employee, QUESTION)
    assert found.verification is not None
    assert found.verification.id == made.id
    assert "twenty-eight" in found.text


def test_what_is_replaced_is_told_beforehand(kyo: Kyo, manager: Actor, verified: VerifiedAnswer) -> None:
    anew = asking.ask(kyo, manager, QUESTION, anew=True)
    assert verifying.replaced(kyo, manager, anew.id, "Who approves my annual leave?") == ()
    assert verifying.replaced(kyo, manager, anew.id, "Who approves my annual leave?", [OTHER_WORDS]) == (verified,)
    verifying.verify(kyo, manager, anew.id, "Who approves my annual leave?", others=[OTHER_WORDS])
    assert verifying.read_verified(kyo, manager, verified.id).withdrawn_at is not None


def test_what_has_the_same_key_and_asks_something_else_stays(
    kyo: Kyo, manager: Actor, employee: Actor, answer: Answer, sql: Sql
) -> None:
    can, must = "Can I take annual leave?", "Must I take annual leave?"
    first = verifying.verify(kyo, manager, answer.id, can)
    sql("update verified_questions set key = :key", key=key_of(must))
    anew = asking.ask(kyo, manager, QUESTION, anew=True)
    assert verifying.replaced(kyo, manager, anew.id, must) == ()
    verifying.verify(kyo, manager, anew.id, must)
    assert verifying.read_verified(kyo, manager, first.id).holds
    assert asking.ask(kyo, employee, must).verification is not None


def test_one_that_is_given_for_another_question_too_stays(
    kyo: Kyo, manager: Actor, employee: Actor, answer: Answer, clock: Clock
) -> None:
    other = "What is our holiday allowance?"
    first = verifying.verify(kyo, manager, answer.id, QUESTION, others=[other])
    clock.advance(hours=1)
    anew = asking.ask(kyo, manager, QUESTION, anew=True)
    made = verifying.verify(kyo, manager, anew.id, OTHER_WORDS)
    given = {question: asking.ask(kyo, employee, question).verification for question in (QUESTION, other)}
    assert {question: found.id for question, found in given.items() if found} == {QUESTION: made.id, other: first.id}


WRONG_TEXTS = ["", " \n", "Thirty days.", "Thirty days [1] [2].", "Thirty days [2].", "x" * 10_001 + "[1]"]


@pytest.mark.parametrize("wrong", WRONG_TEXTS, ids=lambda one: one[:20])
def test_an_edited_text_keeps_its_sources(kyo: Kyo, manager: Actor, answer: Answer, wrong: str) -> None:
    with pytest.raises(Invalid):
        verifying.verify(kyo, manager, answer.id, QUESTION, text=wrong)


def test_marks_of_the_text_before_are_left_out_of_an_edited_one(answer: Answer, verified: VerifiedAnswer) -> None:
    assert answer.findings.emphasis
    assert verified.is_edited
    assert not verified.findings.emphasis


@pytest.mark.parametrize("question", ["", " ", "?!", "x" * 501])
def test_a_question_is_needed(kyo: Kyo, manager: Actor, answer: Answer, question: str) -> None:
    with pytest.raises(Invalid):
        verifying.verify(kyo, manager, answer.id, question)


def test_wordings_are_limited(kyo: Kyo, manager: Actor, answer: Answer) -> None:
    with pytest.raises(Invalid, match="10 other wordings"):
        verifying.verify(kyo, manager, answer.id, QUESTION, others=[f"What is rule {n}?" for n in range(11)])
