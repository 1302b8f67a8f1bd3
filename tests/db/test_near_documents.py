from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from kyo_pipeline.db import near_documents, questions
from kyo_pipeline.db.questions import Production
from kyo_pipeline.domain.actor import Actor, Role
from kyo_pipeline.domain.answers import NOT_FOUND_TEXT, Draft, Outcome
from kyo_pipeline.domain.retrieval import Passage
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import asking

MADE = Production("extractive", "quotes", None, {})
SELECT = text("select document_id from near_documents")


@pytest.fixture
def passage(kyo: Kyo, employee: Actor, publish: Callable[[str, str], None]) -> Passage:
    publish("leave.txt", "Everybody has thirty days of paid leave a year.")
    return asking.search(kyo, employee, "leave").passages[0]


@pytest.fixture
def answer_of(kyo: Kyo) -> Callable[[Actor], UUID]:
    def add(actor: Actor) -> UUID:
        with kyo.db.transaction(actor) as tx:
            question = questions.add_question(tx, actor, "How many?", kyo.now())
            return questions.add_answer(tx, question, Draft(NOT_FOUND_TEXT, Outcome.NOT_FOUND), MADE, kyo.now())

    return add


def test_what_may_no_longer_be_read_when_it_is_stored_is_left_out(
    kyo: Kyo, employee: Actor, passage: Passage, answer_of: Callable[[Actor], UUID]
) -> None:
    answer = answer_of(employee)
    gone = replace(passage, document_id=uuid4())
    with kyo.db.transaction(employee) as tx:
        near_documents.add(tx, answer, [gone, passage])
        [found] = near_documents.of_answer(tx, employee, answer)
    assert (found.document_id, found.version_id) == (passage.document_id, passage.version_id)


def test_row_security_shows_one_s_own_and_only_what_one_may_read(
    kyo: Kyo,
    person: Callable[[Role], Actor],
    passage: Passage,
    answer_of: Callable[[Actor], UUID],
    sql: Callable[..., list[Any]],
) -> None:
    reader, other = person(Role.EMPLOYEE), person(Role.ADMIN)
    answer = answer_of(reader)
    with kyo.db.transaction(reader) as tx:
        near_documents.add(tx, answer, [passage])
        assert tx.scalars(SELECT).all() == [passage.document_id]
    with kyo.db.transaction(other) as tx:
        assert tx.scalars(SELECT).all() == []
        with pytest.raises(ProgrammingError, match="row-level security"), tx.begin_nested():
            near_documents.add(tx, answer, [passage])
    sql("update collections set everyone_access = null")
    with kyo.db.transaction(reader) as tx:
        assert tx.scalars(SELECT).all() == []
