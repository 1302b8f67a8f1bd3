"""Questions with answers that people found helpful: which, about what, and for whom."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from kyo_pipeline.db import documents, liked_questions
from kyo_pipeline.domain.actor import OPERATOR, Actor, Role
from kyo_pipeline.domain.answers import Answer
from kyo_pipeline.domain.known_questions import KnownQuestion, of_documents
from kyo_pipeline.errors import Forbidden
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import asking, curating, history, library, reviewing
from tests.conftest import Clock

BICYCLES, PARCELS = "Where do bicycles stand?", "Who signs for a parcel?"

Sql = Callable[..., list[Any]]
Ask = Callable[[str], Answer]
Liked = Callable[[], tuple[KnownQuestion, ...]]


@pytest.fixture
def published(publish: Callable[[str, str], None]) -> None:
    publish("bicycles.txt", "Bicycles stand in the yard behind the kitchen.")
    publish("parcels.txt", "The porter signs for a parcel of anybody.")


@pytest.fixture
def document(kyo: Kyo, manager: Actor) -> Callable[[str], UUID]:
    def named(file_name: str) -> UUID:
        found = library.list_documents(kyo, manager).documents
        return next(one.id for one in found if one.latest.file_name == file_name)

    return named


@pytest.fixture
def ask(kyo: Kyo, employee: Actor, clock: Clock) -> Ask:
    def run(question: str) -> Answer:
        clock.advance(minutes=1)
        return asking.ask(kyo, employee, question)

    return run


@pytest.fixture
def like(kyo: Kyo, employee: Actor) -> Callable[[Answer], None]:
    return lambda answer: history.rate(kyo, employee, answer.id, 1)


@pytest.fixture
def liked(pipeline: Kyo) -> Liked:
    """As the pipeline reads them."""

    def run(actor: Actor = OPERATOR, limit: int = 10) -> tuple[KnownQuestion, ...]:
        with pipeline.db.transaction(actor) as tx:
            return liked_questions.newest(tx, limit)

    return run


@pytest.fixture
def asked(published: None, ask: Ask, like: Callable[[Answer], None]) -> list[Answer]:  # noqa: ARG001 — has to be there
    """Two questions, one after the other, with answers that were liked."""
    answers = [ask(BICYCLES), ask(PARCELS)]
    for answer in answers:
        assert len(answer.citations) == 1
        like(answer)
    return answers


@pytest.mark.usefixtures("asked")
def test_they_come_with_the_documents_that_answered_newest_first(
    liked: Callable[..., tuple[KnownQuestion, ...]], document: Callable[[str], UUID]
) -> None:
    parcels, bicycles = (
        of_documents(PARCELS, [document("parcels.txt")]),
        of_documents(BICYCLES, [document("bicycles.txt")]),
    )
    assert liked() == (parcels, bicycles)
    assert liked(limit=1) == (parcels,)


@pytest.mark.usefixtures("published")
def test_only_what_somebody_liked_and_nobody_disliked(
    kyo: Kyo, employee: Actor, person: Callable[[Role], Actor], ask: Ask, sql: Sql, clock: Clock, liked: Liked
) -> None:
    answer = ask(BICYCLES)
    assert liked() == ()
    history.rate(kyo, employee, answer.id, 1)
    assert len(liked()) == 1
    sql(
        "insert into feedback (answer_id, user_id, rating, created_at, updated_at) "
        "values (:answer, :user, -1, :now, :now)",
        answer=answer.id,
        user=person(Role.EMPLOYEE).id,
        now=clock(),
    )
    assert liked() == ()
    sql("delete from feedback where rating = -1")
    history.rate(kyo, employee, answer.id, -1)  # the last word counts
    assert liked() == ()


@pytest.mark.usefixtures("published")
def test_an_answer_that_found_nothing_is_no_example(ask: Ask, like: Callable[[Answer], None], liked: Liked) -> None:
    like(ask("Who won the xylophone contest of 1911?"))
    assert liked() == ()


@pytest.mark.usefixtures("asked")
def test_what_does_not_answer_any_more_is_left_out(
    kyo: Kyo, manager: Actor, admin: Actor, document: Callable[[str], UUID], liked: Liked
) -> None:
    curating.archive(kyo, manager, document("bicycles.txt"))
    assert [question.text for question in liked()] == [PARCELS]
    curating.delete(kyo, admin, document("parcels.txt"))
    assert liked() == ()


@pytest.mark.usefixtures("asked")
def test_a_document_with_a_new_version_is_the_same_document(
    kyo: Kyo, manager: Actor, employee: Actor, run_pipeline: Callable[[], None], liked: Liked
) -> None:
    before = liked()
    uploaded = library.upload(kyo, employee, "parcels.txt", b"The porter, or her deputy, signs for a parcel.")
    run_pipeline()
    reviewing.approve(kyo, manager, uploaded.document.latest.id)
    assert liked() == before


@pytest.mark.usefixtures("asked")
def test_a_question_counts_once_as_it_was_searched_for(sql: Sql, document: Callable[[str], UUID], liked: Liked) -> None:
    sql("update questions set standalone = :text where text <> :text", text=BICYCLES)
    [question] = liked()
    assert question.text == BICYCLES
    assert question.grades == {str(document("bicycles.txt")): 1, str(document("parcels.txt")): 1}


@pytest.mark.usefixtures("asked")
def test_nobody_else_gets_any(
    kyo: Kyo, employee: Actor, manager: Actor, liked: Callable[..., tuple[KnownQuestion, ...]]
) -> None:
    assert liked(employee) == liked(manager) == ()
    for actor in (employee, OPERATOR):  # the app's role may not ask, whoever acts
        with pytest.raises(Forbidden), kyo.db.transaction(actor) as tx:
            liked_questions.newest(tx, 10)


@pytest.mark.usefixtures("published")
def test_file_names_are_those_of_what_answers_now(
    kyo: Kyo, pipeline: Kyo, manager: Actor, employee: Actor, document: Callable[[str], UUID]
) -> None:
    library.upload(kyo, employee, "waiting.txt", b"Nobody has approved this.")
    parcels = document("parcels.txt")
    curating.archive(kyo, manager, document("bicycles.txt"))
    with pipeline.db.transaction(OPERATOR) as tx:
        assert documents.answering_file_names(tx) == {parcels: "parcels.txt"}
