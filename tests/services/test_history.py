from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from kyo_pipeline.domain.actor import OPERATOR, Actor, Role
from kyo_pipeline.domain.answers import WITHHELD_TEXT, Answer, Outcome
from kyo_pipeline.errors import Invalid, NotFound
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import asking, curating, history, library, reprocessing, reviewing
from tests.conftest import Clock

LEAVE = "Everybody has thirty days of paid leave a year."


@pytest.fixture
def answer(kyo: Kyo, employee: Actor, publish: Callable[[str, str], None]) -> Answer:
    publish("leave.txt", LEAVE)
    found = asking.ask(kyo, employee, "How many days of paid leave?")
    assert found.outcome is Outcome.ANSWERED
    assert found.citations
    return found


def test_everybody_reads_only_their_own(kyo: Kyo, answer: Answer, employee: Actor, admin: Actor) -> None:
    assert [one.id for one in history.list_answers(kyo, employee).answers] == [answer.id]
    assert history.list_answers(kyo, admin).answers == ()
    with pytest.raises(NotFound):
        history.read_answer(kyo, admin, answer.id)
    with pytest.raises(NotFound):
        history.rate(kyo, admin, answer.id, 1)
    with pytest.raises(NotFound):
        history.read_answer(kyo, employee, UUID(int=0))


@pytest.mark.parametrize("change", ["replace", "archive"])
def test_an_old_answer_keeps_the_text_that_it_cited(
    kyo: Kyo,
    answer: Answer,
    employee: Actor,
    manager: Actor,
    publish: Callable[[str, str], None],
    change: str,
) -> None:
    if change == "replace":
        publish("leave.txt", "Everybody has forty days of paid leave a year.")
    else:
        [document] = library.list_documents(kyo, employee).documents
        curating.archive(kyo, manager, document.id)
    again = history.read_answer(kyo, employee, answer.id)
    now = 2 if change == "replace" else None
    assert again == replace(answer, citations=tuple(replace(one, current_number=now) for one in answer.citations))
    [citation, *_] = again.citations
    passage = library.read_passage(kyo, employee, citation.version_id, citation.start, citation.end)
    assert passage.quote == citation.quote
    assert "thirty" in passage.quote
    assert not passage.is_current


def test_another_reading_of_the_same_file_leaves_a_citation_current(
    kyo: Kyo, answer: Answer, employee: Actor, admin: Actor, run_pipeline: Callable[[], None]
) -> None:
    assert reprocessing.reprocess(kyo, admin, everything=True).again == 1
    run_pipeline()
    [document] = library.list_documents(kyo, employee).documents
    assert document.current_number == 2
    assert {one.current_number for one in history.read_answer(kyo, employee, answer.id).citations} == {1}


def test_a_citation_outlives_its_chunk(
    kyo: Kyo, answer: Answer, employee: Actor, sql: Callable[..., list[Any]]
) -> None:
    sql("delete from chunks")
    again = history.read_answer(kyo, employee, answer.id)
    assert [one.quote for one in again.citations] == [one.quote for one in answer.citations]
    assert {one.chunk_id for one in again.citations} == {None}


def test_citations_of_what_one_may_no_longer_read_are_not_shown(
    kyo: Kyo, answer: Answer, employee: Actor, sql: Callable[..., list[Any]]
) -> None:
    sql("update collections set everyone_access = null")
    assert history.read_answer(kyo, employee, answer.id).citations == ()
    [citation, *_] = answer.citations
    with pytest.raises(NotFound):
        library.read_passage(kyo, employee, citation.version_id, citation.start, citation.end)


def test_the_last_rating_counts_and_each_is_audited(
    kyo: Kyo, answer: Answer, employee: Actor, audited: Callable[[], list[str]]
) -> None:
    history.rate(kyo, employee, answer.id, 1)
    history.rate(kyo, employee, answer.id, -1, "  Out\x00dated\ud800. ")
    again = history.read_answer(kyo, employee, answer.id)
    assert (again.rating, again.comment) == (-1, "Outdated.")
    assert audited()[-2:] == ["answer:rate", "answer:rate"]


@pytest.mark.parametrize(("rating", "comment"), [(0, ""), (2, ""), (1, "x" * 2001)])
def test_ratings_that_are_none(kyo: Kyo, answer: Answer, employee: Actor, rating: int, comment: str) -> None:
    with pytest.raises(Invalid):
        history.rate(kyo, employee, answer.id, rating, comment)
    assert history.read_answer(kyo, employee, answer.id).rating is None


def test_pages(kyo: Kyo, employee: Actor, person: Callable[[Role], Actor], clock: Clock) -> None:
    for number in range(3):
        clock.advance(seconds=1)
        asking.ask(kyo, employee, f"Question {number}?")
        asking.ask(kyo, person(Role.EMPLOYEE), "Not mine?")
    page = history.list_answers(kyo, employee, limit=2)
    assert [one.question for one in page.answers] == ["Question 2?", "Question 1?"]
    assert page.total == 3
    assert [one.question for one in history.list_answers(kyo, employee, text="0\x00").answers] == ["Question 0?"]
    assert history.list_answers(kyo, employee, limit=-1, offset=-1).total == 3


def test_an_answer_is_withheld_once_a_document_that_it_quotes_may_no_longer_be_read(
    kyo: Kyo,
    person: Callable[[Role], Actor],
    collection: Callable[..., str],
    run_pipeline: Callable[[], None],
    sql: Callable[..., list[Any]],
) -> None:
    reader = person(Role.EMPLOYEE)
    name = collection("Board", None, {reader: "read"})
    version = library.upload(
        kyo, OPERATOR, "pay.txt", b"The board is paid ninety thousand a year.", name
    ).document.latest
    run_pipeline()
    reviewing.approve(kyo, OPERATOR, version.id)
    answer = asking.ask(kyo, reader, "How much is the board paid a year?")
    assert "ninety" in answer.text
    sql("delete from collection_members")
    again = history.read_answer(kyo, reader, answer.id)
    assert (again.text, again.citations) == (WITHHELD_TEXT, ())
    assert history.list_answers(kyo, reader).answers[0].text == WITHHELD_TEXT
    assert history.list_answers(kyo, reader, text="ninety").total == 0
