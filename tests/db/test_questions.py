from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.exc import IntegrityError

from kyo_pipeline.db import citations, questions
from kyo_pipeline.db.questions import Production
from kyo_pipeline.domain.actor import Actor, Role
from kyo_pipeline.domain.answers import Draft, DraftCitation, Outcome
from kyo_pipeline.domain.feedback import Opinion
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import asking
from tests.conftest import Clock

MADE = Production("extractive", "built-in", None, {"embed": 1.5, "search": 2.25})


@pytest.fixture
def answer(kyo: Kyo, clock: Clock) -> Callable[[Actor, str, str], UUID]:
    """Stores a question with its answer, a second later than the one before."""

    def add(actor: Actor, question: str, text: str) -> UUID:
        clock.advance(seconds=1)
        with kyo.db.transaction(actor) as tx:
            question_id = questions.add_question(tx, actor, question, kyo.now())
            return questions.add_answer(tx, question_id, Draft(text, Outcome.ANSWERED), MADE, kyo.now())

    return add


def test_an_answer_comes_back_as_it_was_stored(
    kyo: Kyo, employee: Actor, answer: Callable[[Actor, str, str], UUID]
) -> None:
    stored = answer(employee, "How many?", "Thirty % :name 'quoted' \\ 🙂")
    with kyo.db.transaction(employee) as tx:
        found = questions.own_answer(tx, employee, stored)
    assert found is not None
    assert (found.question, found.text, found.outcome) == (
        "How many?",
        "Thirty % :name 'quoted' \\ 🙂",
        Outcome.ANSWERED,
    )
    assert (found.generator, found.model, found.timings) == (MADE.generator, MADE.model, MADE.timings)
    assert (found.citations, found.rating) == ((), None)


def test_nobody_else_gets_it(
    kyo: Kyo, employee: Actor, person: Callable[[Role], Actor], answer: Callable[[Actor, str, str], UUID]
) -> None:
    stored = answer(employee, "How many?", "Thirty.")
    for other in (person(Role.EMPLOYEE), person(Role.ADMIN)):
        with kyo.db.transaction(other) as tx:
            assert questions.own_answer(tx, other, stored) is None
            assert questions.history(tx, other, "", 10, 0).total == 0


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("", ["50% off?", "Under_score?", "Leave?"]),
        ("THIRTY", ["Leave?"]),
        ("%", ["50% off?"]),
        ("_", ["Under_score?"]),
        ("\\", []),
    ],
)
def test_history_is_searched_in_questions_and_answers_newest_first(
    kyo: Kyo, employee: Actor, answer: Callable[[Actor, str, str], UUID], wanted: str, expected: list[str]
) -> None:
    for question, text in (("Leave?", "Thirty days."), ("Under_score?", "No."), ("50% off?", "Yes.")):
        answer(employee, question, text)
    with kyo.db.transaction(employee) as tx:
        page = questions.history(tx, employee, wanted, 10, 0)
        assert [one.question for one in page.answers] == expected
        assert page.total == len(expected)


def test_a_question_has_one_answer(kyo: Kyo, employee: Actor) -> None:
    with kyo.db.transaction(employee) as tx:
        question_id = questions.add_question(tx, employee, "Once?", kyo.now())
        questions.add_answer(tx, question_id, Draft("Yes.", Outcome.ANSWERED), MADE, kyo.now())
        with pytest.raises(IntegrityError), tx.begin_nested():
            questions.add_answer(tx, question_id, Draft("No.", Outcome.ANSWERED), MADE, kyo.now())


def test_the_last_opinion_counts(
    kyo: Kyo, employee: Actor, answer: Callable[[Actor, str, str], UUID], sql: Callable[..., list[Any]]
) -> None:
    stored = answer(employee, "How many?", "Thirty.")
    with kyo.db.transaction(employee) as tx:
        questions.rate(tx, employee, stored, Opinion(1), kyo.now())
        questions.rate(tx, employee, stored, Opinion(-1, "Wrong year."), kyo.now())
    assert sql("select rating, comment from feedback") == [(-1, "Wrong year.")]


def test_a_citation_is_read_from_the_text_of_its_version_by_offsets(
    kyo: Kyo, employee: Actor, publish: Callable[[str, str], None]
) -> None:
    publish("leave.txt", "Intro ⚠️. Everybody has thirty days. End.")
    retrieval = asking.search(kyo, employee, "thirty days")
    start = "Intro ⚠️. Everybody has thirty days. End.".index("Everybody")
    draft = Draft("Thirty [1].", Outcome.ANSWERED, (DraftCitation(1, 0, start, start + 27),))
    with kyo.db.transaction(employee) as tx:
        question_id = questions.add_question(tx, employee, "How many?", kyo.now())
        stored = questions.add_answer(tx, question_id, draft, MADE, kyo.now())
        citations.add(tx, stored, draft, retrieval.passages)
        found = questions.own_answer(tx, employee, stored)
    assert found is not None
    [citation] = found.citations
    assert citation.quote == "Everybody has thirty days. "
    assert (citation.marker, citation.title, citation.version_number) == (1, "leave", 1)
    assert (citation.page_from, citation.heading_path) == (None, ())
