"""Saying that an answer did not help, what those who look after its documents see of it, and the evaluation set."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from kyo_app.markup import inert
from kyo_pipeline.domain.actor import OPERATOR, Actor, Role
from kyo_pipeline.domain.answers import Answer
from kyo_pipeline.domain.documents import Document
from kyo_pipeline.domain.feedback import Reason
from kyo_pipeline.domain.feedback_items import FeedbackItem, Resolution
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import asking, evaluation_cases, feedback_items, history, library, shared_answers
from tests.app.pages import ODD, Visit, buttons, click, field, words

QUESTION = "How many days of annual leave?"
LEAVE = "Annual leave\n\nEverybody gets thirty days of annual leave."


@pytest.fixture
def asker(person: Callable[[Role], Actor]) -> Actor:
    return person(Role.EMPLOYEE)


@pytest.fixture
def document(kyo: Kyo, employee: Actor, publish: Callable[[str, str], None]) -> Document:
    publish("leave.txt", LEAVE)
    [found] = library.list_documents(kyo, employee, text="leave").documents
    return found


@pytest.fixture
def answer(kyo: Kyo, asker: Actor, document: Document) -> Answer:
    found = asking.ask(kyo, asker, QUESTION)
    assert found.citations[0].document_id == document.id
    return found


@pytest.fixture
def item(kyo: Kyo, asker: Actor, employee: Actor, answer: Answer) -> FeedbackItem:
    """For `employee`, who owns the document."""
    history.rate(kyo, asker, answer.id, -1, ODD, Reason.OUTDATED)
    [found] = feedback_items.list_items(kyo, employee).items
    return found


# The asker ------------------------------------------------------------------------------------------------------------


def test_after_a_thumb_down_one_says_why_and_where_the_right_answer_is(
    visit: Visit, kyo: Kyo, asker: Actor, answer: Answer, publish: Callable[[str, str], None]
) -> None:
    publish("holidays.txt", "Public holidays are days off.")
    page = visit("history", asker, answer=str(answer.id))
    assert "without your name" not in words(page)
    page.feedback[0].set_value(0).run()
    assert history.read_answer(kyo, asker, answer.id).rating == -1
    assert "see your question, this answer and what you say here, without your name" in words(page)
    page.button_group[0].set_value(Reason.WRONG_SOURCE)
    field(page, "The right source is … (optional)").set_value("holi").run()
    page.multiselect[0].set_value([_id(kyo, asker, "holidays")]).run()
    page.text_area[0].set_value("See the list.")
    click(page, "Send feedback")
    assert not page.exception
    said = history.read_answer(kyo, asker, answer.id)
    assert (said.rating, said.comment) == (-1, "See the list.")
    assert said.correct_document is not None
    assert said.correct_document.title == "holidays"
    assert "Send feedback" not in buttons(page)
    again = visit("history", asker, answer=str(answer.id))
    assert "better: holidays" in words(again)
    click(again, "Edit")
    assert again.text_area[0].value == "See the list."
    assert again.multiselect[0].value == [said.correct_document.id]


def test_a_source_that_nobody_has_is_said(visit: Visit, asker: Actor, answer: Answer) -> None:
    page = visit("history", asker, answer=str(answer.id))
    page.feedback[0].set_value(0).run()
    field(page, "The right source is … (optional)").set_value("zebra").run()
    assert "No document that answers questions has this in its title." in words(page)
    assert not page.multiselect


def test_pressed_again_the_thumb_takes_all_of_it_back(
    visit: Visit, kyo: Kyo, asker: Actor, employee: Actor, answer: Answer, item: FeedbackItem
) -> None:
    assert item.is_open
    page = visit("history", asker, answer=str(answer.id))
    page.feedback[0].set_value(None).run()
    assert not page.exception
    assert history.read_answer(kyo, asker, answer.id).rating is None
    assert feedback_items.count_open(kyo, employee) == 0
    assert "Edit" not in buttons(page)


def test_the_asker_reads_what_came_of_it(
    visit: Visit, kyo: Kyo, asker: Actor, employee: Actor, answer: Answer, item: FeedbackItem
) -> None:
    assert "Reviewed" not in words(visit("history", asker, answer=str(answer.id)))
    feedback_items.resolve(kyo, employee, item.id, Resolution.DOCUMENT_UPDATED, "Between us.")
    page = visit("history", asker, answer=str(answer.id))
    assert "the document was updated" in words(page)
    assert "Between us." not in words(page)


# Those who look after the document ------------------------------------------------------------------------------------


def test_where_nothing_waits_the_page_says_so(visit: Visit, employee: Actor) -> None:
    page = visit("feedback", employee)
    assert not page.exception
    assert "Nothing waits for you" in words(page)
    assert [tab.label for tab in page.tabs] == ["To review", "Done"], "the evaluation set is for managers"


def test_an_owner_finds_opens_and_closes_an_item(
    visit: Visit, kyo: Kyo, employee: Actor, asker: Actor, item: FeedbackItem
) -> None:
    page = visit("feedback", employee)
    assert not page.exception
    assert inert(QUESTION) in words(page)
    assert "1 answer" in words(page)
    click(page, "Open")
    assert page.query_params["item"] in (str(item.id), [str(item.id)])
    said = words(page)
    assert "thirty days" in said
    assert inert(ODD) in said, "their words are only characters"
    assert asker.name not in said
    assert not page.feedback
    assert "1 source" in said
    page.radio[0].set_value(Resolution.CONFIRMED).run()
    page.text_area[0].set_value("It is <b>right</b>.")
    click(page, "Close it")
    assert not page.exception
    done = visit("feedback", employee, item=str(item.id))
    assert "The answer was right" in words(done)
    assert inert("It is <b>right</b>.") in words(done)
    assert not done.radio
    [case] = evaluation_cases.list_cases(kyo, OPERATOR).cases
    assert case.question == QUESTION


def test_a_correction_starts_from_what_the_asker_said(
    visit: Visit, kyo: Kyo, employee: Actor, asker: Actor, answer: Answer, publish: Callable[[str, str], None]
) -> None:
    publish("holidays.txt", "Public holidays are days off.")
    right = _id(kyo, asker, "holidays")
    history.rate(kyo, asker, answer.id, -1, "", Reason.WRONG_SOURCE, right)
    [item] = feedback_items.list_items(kyo, employee).items
    page = visit("feedback", employee, item=str(item.id))
    assert "The right source, as the person who asked says:" in words(page)
    page.radio[0].set_value(Resolution.CORRECTED).run()
    assert page.multiselect[0].value == [right]
    click(page, "Close it")
    assert not page.exception
    [case] = evaluation_cases.list_cases(kyo, OPERATOR).cases
    assert [one.id for one in case.documents] == [right]


def test_what_is_missing_is_said_and_nothing_is_closed(
    visit: Visit, kyo: Kyo, employee: Actor, item: FeedbackItem
) -> None:
    page = visit("feedback", employee, item=str(item.id))
    assert "Close it" not in buttons(page)
    page.radio[0].set_value(Resolution.DISMISSED).run()
    click(page, "Close it")
    assert "Say in a few words why there is nothing to do" in words(page)
    assert feedback_items.read_item(kyo, employee, item.id).item.is_open


def test_owners_are_told_where_their_documents_are(
    visit: Visit, employee: Actor, item: FeedbackItem, person: Callable[[Role], Actor]
) -> None:
    assert item.is_open
    assert "1 answer was found unhelpful" in words(visit("documents", employee))
    assert "found unhelpful" not in words(visit("documents", person(Role.EMPLOYEE)))


def test_more_than_are_counted_are_said_to_be_more(
    visit: Visit, employee: Actor, document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert document.searchable
    monkeypatch.setattr(feedback_items, "count_open", lambda *_: 100)
    assert "100 or more answers were found unhelpful" in words(visit("documents", employee))


def test_of_when_it_was_asked_and_said_the_day_is_shown(
    visit: Visit, employee: Actor, item: FeedbackItem, clock: Any
) -> None:
    clock.advance(days=400)
    day = f"{item.opened_on.day} {item.opened_on:%b %Y}"
    assert f"said {day}]" in words(visit("feedback", employee))
    assert f"said {day} · asked {day}\n" in f"{words(visit('feedback', employee, item=str(item.id)))}\n"


def test_a_newer_version_is_pointed_out(
    visit: Visit, employee: Actor, item: FeedbackItem, publish: Callable[[str, str], None], clock: Any
) -> None:
    clock.advance(days=1)
    publish("leave.txt", LEAVE.replace("thirty", "forty"))
    assert "version 2 answers since" in words(visit("feedback", employee))
    assert "A newer version answers since" in words(visit("feedback", employee, item=str(item.id)))


@pytest.mark.parametrize("chosen", ["7", str(UUID(int=7))])
def test_an_item_that_is_not_there_is_said(visit: Visit, employee: Actor, chosen: str) -> None:
    page = visit("feedback", employee, item=chosen)
    assert not page.exception
    assert "There is no such feedback" in words(page)


def test_an_item_of_somebody_elses_document_is_not_there(
    visit: Visit, item: FeedbackItem, person: Callable[[Role], Actor]
) -> None:
    other = person(Role.EMPLOYEE)
    assert "Nothing waits for you" in words(visit("feedback", other))
    page = visit("feedback", other, item=str(item.id))
    assert "There is no such feedback" in words(page)
    assert QUESTION not in words(page)


# The evaluation set ---------------------------------------------------------------------------------------------------


def _cases(visit: Visit, actor: Actor) -> Any:
    page = visit("feedback", actor)
    page.session_state["feedback-tab"] = "Evaluation set"
    return page.run()


def test_a_manager_adds_a_case_leaves_it_out_and_takes_it_in_again(
    visit: Visit, kyo: Kyo, manager: Actor, document: Document
) -> None:
    page = _cases(visit, manager)
    assert not page.exception
    assert "There is no case yet" in words(page)
    next(area for area in page.text_area if area.label == "Question").set_value(f"{QUESTION} {ODD}")
    field(page, "Where is its answer?").set_value("leave").run()
    page.multiselect[0].set_value([document.id]).run()
    click(page, "Add it")
    assert not page.exception
    [case] = evaluation_cases.list_cases(kyo, manager).cases
    page = _cases(visit, manager)
    assert inert(f"{QUESTION} {ODD}") in words(page)
    click(page, "Leave it out")
    assert not page.exception
    assert evaluation_cases.list_cases(kyo, manager).total == 0
    page = _cases(visit, manager)
    page.toggle[0].set_value(True).run()
    click(page, "Take in again")
    assert [one.id for one in evaluation_cases.list_cases(kyo, manager).cases] == [case.id]


def test_without_a_document_no_case_is_added(visit: Visit, kyo: Kyo, manager: Actor, document: Document) -> None:
    assert document.searchable
    page = _cases(visit, manager)
    click(page, "Add it")
    assert not page.exception
    assert "The question has 1 to" in words(page)
    assert evaluation_cases.list_cases(kyo, manager).total == 0


def test_a_manager_confirms_an_answer_an_employee_does_not(
    visit: Visit, kyo: Kyo, manager: Actor, asker: Actor, answer: Answer
) -> None:
    assert "Add to the evaluation set" not in buttons(visit("history", asker, answer=str(answer.id)))
    shared_answers.share(kyo, asker, answer.id)
    page = visit("answer", manager, answer=str(answer.id))
    click(page, "Add to the evaluation set")
    assert not page.exception
    assert evaluation_cases.list_cases(kyo, manager).total == 1


def _id(kyo: Kyo, actor: Actor, title: str) -> UUID:
    [found] = library.list_documents(kyo, actor, text=title).documents
    return found.id


def test_what_was_disliked_is_not_verified_there_but_where_it_is_shared(
    visit: Visit, kyo: Kyo, manager: Actor, asker: Actor, answer: Answer, item: FeedbackItem
) -> None:
    page = visit("feedback", manager, item=str(item.id))
    assert "thirty days" in words(page)
    assert "Verify this answer" not in buttons(page)
    shared_answers.share(kyo, asker, answer.id)
    assert "Verify this answer" in buttons(visit("answer", manager, answer=str(answer.id)))
