"""Who reads a verified answer."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from kyo_pipeline.db import questions
from kyo_pipeline.domain.access import Access
from kyo_pipeline.domain.actor import Actor, Role
from kyo_pipeline.domain.answers import Answer, Draft, DraftCitation, Outcome
from kyo_pipeline.domain.verified import VerifiedAnswer
from kyo_pipeline.errors import Forbidden, NotFound
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import (
    asking,
    collections,
    sharing,
    verifying,
)
from tests.fakes import ScriptedGenerator
from tests.recipients import a_person
from tests.services.verifying.conftest import LEAVE, PAY, Publish


def test_who_may_not_read_the_sources_does_not_get_it(
    kyo: Kyo, admin: Actor, manager: Actor, employee: Actor, person: Callable[[Role], Actor], board: UUID
) -> None:
    made = verifying.verify(kyo, manager, asking.ask(kyo, manager, PAY).id, PAY)
    other = person(Role.MANAGER)
    for outsider in (employee, other):
        assert asking.ask(kyo, outsider, PAY).verification is None
    with pytest.raises(NotFound):
        verifying.read_verified(kyo, other, made.id)
    with pytest.raises(NotFound):
        verifying.withdraw(kyo, other, made.id)
    assert verifying.list_verified(kyo, other).answers == ()
    collections.grant(kyo, admin, board, a_person(employee.id), Access.READ)
    given = asking.ask(kyo, employee, PAY)
    assert given.verification is not None
    collections.revoke(kyo, admin, board, a_person(employee.id))
    assert asking.ask(kyo, employee, PAY).verification is None
    with kyo.db.transaction(employee) as tx:
        of_given = "select verified_question from verification_of(:answer)"
        assert tx.execute(text(of_given), {"answer": given.id}).all() == [], (
            "the question may say what they may not read"
        )


def test_restricting_a_document_leaves_it_to_its_readers(
    kyo: Kyo,
    manager: Actor,
    person: Callable[[Role], Actor],
    verified: VerifiedAnswer,
    is_given: Callable[..., bool],
) -> None:
    reader, outsider = person(Role.EMPLOYEE), person(Role.EMPLOYEE)
    document_id = verified.citations[0].document_id
    sharing.restrict(kyo, manager, document_id)
    sharing.add_reader(kyo, manager, document_id, a_person(reader.id))
    assert is_given(reader)
    assert not is_given(outsider)


def test_what_a_model_was_shown_has_to_be_readable_too(
    kyo: Kyo, admin: Actor, manager: Actor, employee: Actor, publish: Publish, board: UUID
) -> None:
    publish("leave.txt", LEAVE)

    def cite_the_first(_: str, retrieval: Any) -> Any:
        index = next(n for n, one in enumerate(retrieval.passages) if one.title.startswith("leave"))
        yield ""
        return Draft("Thirty days [1].", Outcome.ANSWERED, (DraftCitation(1, index, 0, 10),), generator="scripted")

    scripted = ScriptedGenerator([], Draft("", Outcome.NOT_FOUND))
    scripted.generate = cite_the_first  # type: ignore[assignment,method-assign]  # only here
    question = "How many days of annual leave a year is the board paid?"
    found = asking.ask(replace(kyo, generator=scripted), manager, question)
    assert len(found.citations) == 1
    verifying.verify(kyo, manager, found.id, question)
    assert asking.ask(kyo, manager, question).verification is not None
    assert asking.ask(kyo, employee, question).verification is None
    collections.grant(kyo, admin, board, a_person(employee.id), Access.READ)
    assert asking.ask(kyo, employee, question).verification is not None


@pytest.mark.usefixtures("verified")
def test_the_database_shows_them_to_nobody_but_those_who_look_after_them(
    kyo: Kyo, employee: Actor, manager: Actor, admin: Actor
) -> None:
    def seen(actor: Actor) -> list[int]:
        tables = ("verified_answers", "verified_questions", "verified_citations")
        with kyo.db.transaction(actor) as tx:
            return [len(tx.execute(text(f"select from {table}")).all()) for table in tables]

    assert seen(employee) == [0, 0, 0]
    assert seen(manager) == seen(admin) == [1, 1, 1]


def test_the_database_refuses_what_the_service_would(
    kyo: Kyo, employee: Actor, answer: Answer, verified: VerifiedAnswer
) -> None:
    own = asking.ask(kyo, employee, "How many days of leave a calendar year do employees of the bakery get?")
    calls = {
        "verify one's own": "select verify_answer(:own, '{x}', '{x}', null, '{}', now())",
        "verify another's": "select verify_answer(:answer, '{x}', '{x}', null, '{}', now())",
        "withdraw": "select nullif(withdraw_verified(:verified, '', now()), false)",
        "uses": "select nullif(uses_of_verified(:verified), 0)",
        "answer another's question": "select answer_with_verified(:verified, :question, '{}', now())",
        "learn who verified": "select verified_by from verification_of(:answer)",
        "learn for which question": "select verified_question from verification_of(:answer)",
    }
    values = {"own": own.id, "answer": answer.id, "verified": verified.id, "question": answer.question_id}
    for name, call in calls.items():
        with kyo.db.transaction(employee) as tx:
            used = {key: value for key, value in values.items() if f":{key}" in call}
            assert tx.scalar(text(call), used) is None, name
    with kyo.db.transaction(employee) as tx:
        question_id = questions.add_question(tx, employee, "Mine?", kyo.now())
    claim = text(
        "insert into answers (question_id, text, outcome, generator, model, timings, prompt_tokens, "
        "completion_tokens, answered_at, verified_answer_id) "
        "values (:question, 'x', 'answered', 'x', 'x', '{}', 0, 0, now(), :verified)"
    )
    with pytest.raises(Forbidden), kyo.db.transaction(employee) as tx:
        tx.execute(claim, {"question": question_id, "verified": verified.id})
