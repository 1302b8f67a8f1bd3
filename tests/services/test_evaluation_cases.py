"""The organisation's own evaluation set: who adds to it, who sees it, what leaves it, and how it is written down."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from kyo_pipeline.adapters.labelled_sets import read_set
from kyo_pipeline.db import evaluation_cases as queries
from kyo_pipeline.domain.actor import OPERATOR, Actor, Role
from kyo_pipeline.domain.documents import Document
from kyo_pipeline.domain.evaluation_cases import Origin
from kyo_pipeline.domain.known_questions import CASES
from kyo_pipeline.errors import Conflict, Forbidden, Invalid, NotFound
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import asking, curating, evaluation_cases, library, shared_answers, sharing
from tests.conftest import Clock
from tests.recipients import a_person

Sql = Callable[..., list[Any]]
Publish = Callable[[str, str], None]

QUESTION = "How many days of leave?"


@pytest.fixture
def pay(kyo: Kyo, employee: Actor, publish: Publish) -> Document:
    publish("pay.txt", "Pay day is the last Friday.")
    [found] = library.list_documents(kyo, employee, text="pay").documents
    return found


@pytest.fixture
def outsider(person: Callable[[Role], Actor], document: Document, sql: Sql) -> Actor:
    """A manager who may read what is there and approve nothing of it."""
    assert document.searchable
    sql("update collections set everyone_access = 'read'")
    return person(Role.MANAGER)


def active(pipeline: Kyo, limit: int = 10) -> list[tuple[str, dict[str, int]]]:
    with pipeline.db.transaction(OPERATOR) as tx:
        return [(case.text, dict(case.grades)) for case in queries.active(tx, limit)]


def test_a_case_by_hand_is_asked_by_the_pipeline(
    kyo: Kyo, pipeline: Kyo, manager: Actor, document: Document, audited: Callable[[], list[str]]
) -> None:
    case = evaluation_cases.add(kyo, manager, " How many\n days of  leave? ", [document.id] * 2, "Thirty")
    assert (case.question, case.expected_answer, case.origin) == (QUESTION, "Thirty", Origin.BY_HAND)
    assert [(one.title, one.answers) for one in case.documents] == [("leave", True)]
    assert (case.created_by_name, case.created_at, case.is_active) == (manager.name, kyo.now(), True)
    assert audited()[-1] == "evaluation_case:add"
    assert active(pipeline) == [(QUESTION, {str(document.id): 1})]
    with pipeline.db.transaction(OPERATOR) as tx:
        [known] = queries.active(tx, 10)
    assert known.source == CASES
    assert QUESTION not in repr(known), "it may be what somebody asked, and must not get into a log"


def test_the_newest_cases_come_first_and_no_more_than_were_asked_for(
    kyo: Kyo, pipeline: Kyo, manager: Actor, document: Document, clock: Clock
) -> None:
    for number in range(3):
        clock.advance(minutes=1)
        evaluation_cases.add(kyo, manager, f"Question {number}?", [document.id])
    assert [question for question, _ in active(pipeline, 2)] == ["Question 2?", "Question 1?"]
    page = evaluation_cases.list_cases(kyo, manager, limit=2, offset=2)
    assert ([case.question for case in page.cases], page.total) == (["Question 0?"], 3)
    assert evaluation_cases.list_cases(kyo, manager, text="TION 1").total == 1


@pytest.mark.parametrize(
    ("question", "documents", "expected"),
    [
        ("  ", 1, ""),
        ("x" * 2001, 1, ""),
        ("Why\x07?", 1, ""),
        (QUESTION, 0, ""),
        (QUESTION, 11, ""),
        (QUESTION, 1, "x" * 2001),
        (QUESTION, 1, ""),  # a document that is not there
    ],
)
def test_cases_that_are_none(kyo: Kyo, manager: Actor, question: str, documents: int, expected: str) -> None:
    with pytest.raises(Invalid):
        evaluation_cases.add(kyo, manager, question, [UUID(int=one) for one in range(documents)], expected)


def test_only_about_documents_that_one_may_approve(
    kyo: Kyo, manager: Actor, outsider: Actor, document: Document, admin: Actor, sql: Sql
) -> None:
    with pytest.raises(Forbidden):
        evaluation_cases.add(kyo, outsider, QUESTION, [document.id])
    case = evaluation_cases.add(kyo, admin, QUESTION, [document.id])
    for refused in (outsider, manager):
        assert evaluation_cases.list_cases(kyo, refused).total == 0
        with pytest.raises(NotFound):
            evaluation_cases.retire(kyo, refused, case.id)
        with kyo.db.transaction(refused) as tx:
            assert tx.execute(text("select id from evaluation_cases")).all() == []
            assert tx.execute(text("select * from evaluation_case_documents")).all() == []
            assert tx.execute(text("update evaluation_cases set retired_at = now()")).rowcount == 0
    sql("update collections set everyone_access = 'approve'")
    assert evaluation_cases.list_cases(kyo, manager).total == 1


def test_a_case_is_seen_by_those_who_may_read_all_its_documents(
    kyo: Kyo, admin: Actor, manager: Actor, document: Document, collection: Callable[..., str], pay: Document
) -> None:
    collection("Secret")
    curating.move(kyo, admin, pay.id, "Secret")
    case = evaluation_cases.add(kyo, admin, QUESTION, [document.id, pay.id], "Thirty, paid on Fridays")
    assert evaluation_cases.list_cases(kyo, manager).total == 0
    sharing.add_reader(kyo, admin, pay.id, a_person(manager.id))
    assert [one.id for one in evaluation_cases.list_cases(kyo, manager).cases] == [case.id]


def test_a_retired_case_is_not_asked_and_can_come_back(
    kyo: Kyo, pipeline: Kyo, manager: Actor, document: Document, audited: Callable[[], list[str]]
) -> None:
    case = evaluation_cases.add(kyo, manager, QUESTION, [document.id])
    retired = evaluation_cases.retire(kyo, manager, case.id)
    assert (retired.retired_at, retired.retired_by_name) == (kyo.now(), manager.name)
    assert active(pipeline) == []
    assert evaluation_cases.list_cases(kyo, manager).total == 0
    assert evaluation_cases.list_cases(kyo, manager, retired=True).cases == (retired,)
    with pytest.raises(Conflict, match="left out already"):
        evaluation_cases.retire(kyo, manager, case.id)
    assert evaluation_cases.restore(kyo, manager, case.id) == case
    with pytest.raises(Conflict, match="in the set already"):
        evaluation_cases.restore(kyo, manager, case.id)
    assert len(active(pipeline)) == 1
    assert audited()[-2:] == ["evaluation_case:retire", "evaluation_case:restore"]


# Of an answer ---------------------------------------------------------------------------------------------------------


def test_a_manager_confirms_an_answer_of_their_own(
    kyo: Kyo, pipeline: Kyo, manager: Actor, document: Document, sql: Sql
) -> None:
    answer = asking.ask(kyo, manager, QUESTION)
    first = evaluation_cases.add_answer(kyo, manager, answer.id)
    assert evaluation_cases.add_answer(kyo, manager, answer.id) == first, "one answer makes one case"
    assert active(pipeline) == [(QUESTION, {str(document.id): 1})]
    assert sql("select origin, created_by from evaluation_cases") == [("answer", manager.id)]


def test_a_manager_confirms_what_was_shared_with_them_and_nothing_else(
    kyo: Kyo, pipeline: Kyo, employee: Actor, manager: Actor, document: Document
) -> None:
    answer = asking.ask(kyo, employee, QUESTION)
    assert answer.citations[0].document_id == document.id
    with pytest.raises(Conflict):
        evaluation_cases.add_answer(kyo, manager, answer.id)
    shared_answers.share(kyo, employee, answer.id)
    evaluation_cases.add_answer(kyo, manager, answer.id)
    assert len(active(pipeline)) == 1


def test_whoever_may_not_approve_a_source_confirms_nothing(
    kyo: Kyo, pipeline: Kyo, document: Document, outsider: Actor
) -> None:
    answer = asking.ask(kyo, outsider, QUESTION)
    assert answer.citations[0].document_id == document.id
    with pytest.raises(Conflict, match="that you may approve"):
        evaluation_cases.add_answer(kyo, outsider, answer.id)
    assert active(pipeline) == []


@pytest.mark.parametrize("retired", [False, True])
def test_whoever_may_not_manage_the_case_of_an_answer_leaves_it_as_it_is(
    kyo: Kyo,
    employee: Actor,
    manager: Actor,
    admin: Actor,
    document: Document,
    pay: Document,
    collection: Callable[..., str],
    sql: Sql,
    retired: bool,
) -> None:
    """The answer is right, as an admin says, by a document that the manager cannot read."""
    answer = asking.ask(kyo, employee, QUESTION)
    shared_answers.share(kyo, employee, answer.id)
    collection("Secret")
    curating.move(kyo, admin, pay.id, "Secret")
    case = evaluation_cases.add(kyo, admin, QUESTION, [document.id, pay.id], "Thirty, paid on Fridays")
    sql("update evaluation_cases set answer_id = :answer, origin = 'review'", answer=answer.id)
    if retired:
        evaluation_cases.retire(kyo, admin, case.id)
    as_it_was = (
        sql("select * from evaluation_cases"),
        sql("select * from evaluation_case_documents order by document_id"),
    )
    with pytest.raises(Conflict, match="that others look after"):
        evaluation_cases.add_answer(kyo, manager, answer.id)
    assert as_it_was == (
        sql("select * from evaluation_cases"),
        sql("select * from evaluation_case_documents order by document_id"),
    )
    sharing.add_reader(kyo, admin, pay.id, a_person(manager.id))
    assert evaluation_cases.add_answer(kyo, manager, answer.id) == case.id, "whoever may manage it has the last word"
    assert [one.expected_answer for one in evaluation_cases.list_cases(kyo, manager).cases] == [""]


# Documents that go ----------------------------------------------------------------------------------------------------


def test_a_case_of_a_deleted_document_leaves_the_set(
    kyo: Kyo, pipeline: Kyo, admin: Actor, document: Document, pay: Document, sql: Sql
) -> None:
    evaluation_cases.add(kyo, admin, QUESTION, [document.id], "Thirty")
    evaluation_cases.add(kyo, admin, "When is it paid?", [document.id, pay.id], "Thirty days later")
    curating.delete(kyo, admin, document.id)
    assert sql("select question, expected_answer from evaluation_cases") == [("When is it paid?", "")]
    assert active(pipeline) == [("When is it paid?", {str(pay.id): 1})]


def test_a_case_of_an_archived_document_waits_for_it(
    kyo: Kyo, pipeline: Kyo, manager: Actor, document: Document
) -> None:
    evaluation_cases.add(kyo, manager, QUESTION, [document.id])
    curating.archive(kyo, manager, document.id)
    assert active(pipeline) == []
    [case] = evaluation_cases.list_cases(kyo, manager).cases
    assert not case.documents[0].answers
    curating.restore(kyo, manager, document.id)
    assert len(active(pipeline)) == 1


# Written down ---------------------------------------------------------------------------------------------------------


def test_what_is_exported_is_a_labelled_set(
    kyo: Kyo,
    admin: Actor,
    manager: Actor,
    document: Document,
    pay: Document,
    tmp_path: Path,
    details: Callable[[str], list[tuple[Any, str, Any]]],
) -> None:
    case = evaluation_cases.add(kyo, manager, QUESTION, [document.id], "Thirty")
    evaluation_cases.retire(kyo, manager, evaluation_cases.add(kyo, manager, "Old?", [pay.id]).id)
    folder = tmp_path / "new" / "set"
    written = evaluation_cases.export(kyo, OPERATOR, folder, files=True)
    assert (written.cases, written.documents) == (1, 2)
    found = read_set(folder)
    assert [(one.id, one.text, one.answers) for one in found.judged] == [(str(case.id), QUESTION, ("Thirty",))]
    assert found.relevant == {str(case.id): {str(document.id): 1}}
    assert {one.title: one.text for one in found.passages}["pay"] == "Pay day is the last Friday."
    assert [path.name for path in found.originals] == ["leave.txt", "pay.txt"]
    assert found.originals[0].read_text() == "Everybody has thirty days of leave."
    assert found.units_of_file("leave.txt") == {None: str(document.id)}
    said = {"cases": 1, "documents": 2, "files": True}
    assert details("evaluation_case:export") == [(OPERATOR.id, "", said)]
    assert (folder / "corpus.jsonl").stat().st_mode & 0o077 == 0, "the texts are for whoever exports them"
    with pytest.raises(Conflict, match="is not empty"):
        evaluation_cases.export(kyo, admin, folder)


def test_without_a_case_nothing_is_written(kyo: Kyo, document: Document, tmp_path: Path) -> None:
    assert document.searchable
    with pytest.raises(Conflict, match="no case"):
        evaluation_cases.export(kyo, OPERATOR, tmp_path / "set")
    assert not (tmp_path / "set").exists()


def test_a_folder_that_cannot_be_written_is_said(kyo: Kyo, manager: Actor, document: Document, tmp_path: Path) -> None:
    evaluation_cases.add(kyo, manager, QUESTION, [document.id])
    (tmp_path / "file").write_text("x")
    with pytest.raises(Invalid, match="cannot be written"):
        evaluation_cases.export(kyo, OPERATOR, tmp_path / "file" / "set")
