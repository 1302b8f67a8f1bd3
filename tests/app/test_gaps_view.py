"""Knowledge gaps as managers see them, and what those are told who asked."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from streamlit.testing.v1 import AppTest

from kyo_app.markup import inert_line
from kyo_pipeline.domain.actor import Actor, Role
from kyo_pipeline.domain.answers import Answer
from kyo_pipeline.domain.documents import Document
from kyo_pipeline.domain.gaps import Gap, GapState
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import asking, curating, followed_questions, gaps, history, library, reviewing
from kyo_pipeline.services.gap_finding import find_gaps
from tests.app.pages import HOSTILE, ODD, Visit, box, buttons, click, titles, words
from tests.conftest import Clock
from tests.gaps import DOGS, ROOMS, not_found

ANSWER = "You can bring your dog to the office. A dog in the office must be on a lead."


@pytest.fixture
def document(kyo: Kyo, employee: Actor, publish: Callable[[str, str], None]) -> Document:
    publish("leave.txt", "Everybody has thirty days of leave.")
    [found] = library.list_documents(kyo, employee).documents
    return found


@pytest.fixture
def dogs(kyo: Kyo, pipeline: Kyo, employee: Actor, admin: Actor, document: Document) -> Gap:
    """A gap of three questions."""
    for question in DOGS:
        not_found(kyo, employee, question, [document.id])
    find_gaps(pipeline)
    [gap] = gaps.list_gaps(kyo, admin).gaps
    return gap


def state(kyo: Kyo, actor: Actor, gap: Gap) -> GapState:
    return gaps.read_gap(kyo, actor, gap.id).gap.state


# The list ----------------------------------------------------------------------------------------------------------


def test_it_says_what_people_did_not_find_and_not_who(visit: Visit, manager: Actor, employee: Actor, dogs: Gap) -> None:
    page = visit("gaps", manager)
    said = words(page)
    assert inert_line(dogs.label) in said
    assert "3 questions by one person · last asked today" in said
    assert "3 in the last 30 days, 0 in the 30 before" in said
    assert "Not found: 3" in said
    assert "Last looked for today" in said
    assert employee.name not in said


def test_the_day_of_a_question_is_said_and_no_time(
    visit: Visit, kyo: Kyo, pipeline: Kyo, employee: Actor, manager: Actor, document: Document
) -> None:
    for days_ago in (1, 400):
        not_found(kyo, employee, DOGS[0] if days_ago == 1 else ROOMS[0], [document.id], days_ago)
    find_gaps(replace(pipeline, settings=pipeline.settings.model_copy(update={"KYO_GAP_DAYS": 500})))
    said = words(visit("gaps", manager))
    assert "one person · last asked yesterday · General" in said
    old = kyo.now().astimezone(timezone.utc) - timedelta(days=400)
    assert f"one person · last asked {old.day} {old:%b} {old.year} · General" in said


def test_before_the_first_look_it_says_when_that_is(visit: Visit, manager: Actor) -> None:
    assert "every night" in words(visit("gaps", manager))


def test_where_all_is_done_it_says_so(visit: Visit, kyo: Kyo, manager: Actor, dogs: Gap) -> None:
    gaps.decline(kyo, manager, dogs.id, "Everybody knows.")
    page = visit("gaps", manager)
    assert "No knowledge gaps to see to" in words(page)
    box(page, "State").set_value("Won't be answered").run()
    assert inert_line(dogs.label) in words(page)
    box(page, "Owner").set_value("Me").run()
    assert "No gap matches" in words(page)


def test_more_than_a_page_is_paged(
    visit: Visit, kyo: Kyo, pipeline: Kyo, admin: Actor, employee: Actor, dogs: Gap
) -> None:
    topics = (
        "vampires",
        "zinc",
        "harpsichords",
        "glaciers",
        "mushrooms",
        "Latin",
        "kites",
        "yoghurt",
        "trams",
        "opals",
    )
    for topic in topics:
        not_found(kyo, employee, f"Which {topic} does the museum in Utrecht have?")
    for topic in ("lava", "Mozart"):
        not_found(kyo, employee, topic)
    find_gaps(pipeline)
    total = gaps.list_gaps(kyo, admin).total
    page = visit("gaps", admin)
    assert f"{total} gaps" in words(page)
    assert buttons(page).count("Open") == min(total, 10)
    assert dogs.questions == 3


# One gap -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def opened(visit: Visit, manager: Actor, dogs: Gap) -> AppTest:
    assert dogs.questions == 3
    return click(visit("gaps", manager), "Open")


def test_a_gap_shows_its_questions_and_what_came_near(opened: AppTest, dogs: Gap) -> None:
    said = words(opened)
    assert titles(opened) == [inert_line(dogs.label, 200)]
    assert all(inert_line(question) in said for question in DOGS)
    assert "near 3 questions" in said
    assert buttons(opened).count("All gaps") == 1
    click(opened, "All gaps")
    assert titles(opened) == ["Knowledge gaps"]


def test_texts_are_shown_as_they_were_typed(
    visit: Visit, kyo: Kyo, pipeline: Kyo, employee: Actor, manager: Actor, document: Document
) -> None:
    not_found(kyo, employee, ODD, [document.id])
    find_gaps(pipeline)
    page = click(visit("gaps", manager), "Open")
    assert ODD not in words(page)
    assert titles(page) == [inert_line(ODD, 200)]


def test_it_is_given_to_somebody(opened: AppTest, kyo: Kyo, manager: Actor, admin: Actor, dogs: Gap) -> None:
    box(opened, "Owner").set_value(admin.id).run()
    assert not opened.exception
    assert gaps.read_gap(kyo, manager, dogs.id).gap.owner_id == admin.id
    assert f":material/person: {inert_line(admin.name)}" in words(opened)
    box(opened, "Owner").select("Nobody").run()
    assert gaps.read_gap(kyo, manager, dogs.id).gap.owner_id is None


def reason(page: AppTest, label: str, text: str) -> None:
    [area] = [found for found in page.text_area if found.label == label]
    area.set_value(text)


def test_it_is_planned_declined_and_opened_again(opened: AppTest, kyo: Kyo, manager: Actor, dogs: Gap) -> None:
    click(opened, "Plan")
    assert state(kyo, manager, dogs) is GapState.PLANNED
    assert "Plan" not in buttons(opened)
    click(opened, "Won't be answered")
    assert "Say why" in words(opened)
    reason(opened, "Why", "Everybody *knows*.")
    click(opened, "Won't be answered")
    assert state(kyo, manager, dogs) is GapState.DECLINED
    assert inert_line("Everybody *knows*.") in words(opened)
    click(opened, "Open again")
    assert state(kyo, manager, dogs) is GapState.OPEN


@pytest.mark.parametrize("kind", HOSTILE)
def test_whatever_is_typed_as_a_reason_is_kept_or_refused(
    opened: AppTest, kyo: Kyo, manager: Actor, dogs: Gap, kind: str
) -> None:
    reason(opened, "Why", HOSTILE[kind])
    click(opened, "Won't be answered")
    assert not opened.exception
    kept = state(kyo, manager, dogs) is GapState.DECLINED
    assert kept == (kind not in ("empty", "blank", "huge"))


def test_a_linked_document_is_asked_at_once(
    visit: Visit, kyo: Kyo, manager: Actor, dogs: Gap, publish: Callable[[str, str], None]
) -> None:
    publish("dogs.txt", ANSWER)
    page = click(visit("gaps", manager), "Open")
    [answering] = [one for one in box(page, "Document").options if one == "dogs"]
    box(page, "Document").select(answering).run()
    click(page, "Link it")
    assert not page.exception
    said = words(page)
    assert "Answered by **dogs**" in said
    assert "Answered from the linked document: 3" in said
    assert state(kyo, manager, dogs) is GapState.ANSWERED
    click(page, "Ask again")
    assert not page.exception
    again = visit("gaps", manager, gap=str(dogs.id))
    assert "linked **dogs**" not in words(again)  # folded in


def test_a_document_that_waits_is_asked_when_it_can_be_found(
    visit: Visit,
    kyo: Kyo,
    employee: Actor,
    manager: Actor,
    dogs: Gap,
    run_pipeline: Callable[[], None],
) -> None:
    waiting = library.upload(kyo, employee, "dogs.txt", ANSWER.encode()).document
    gaps.answer(kyo, manager, dogs.id, waiting.id)
    page = visit("gaps", manager, gap=str(dogs.id))
    assert "cannot be found yet" in words(page)
    assert "Ask again" not in buttons(page)
    run_pipeline()
    reviewing.approve(kyo, manager, waiting.latest.id)
    page = visit("gaps", manager, gap=str(dogs.id))
    assert "Answered from the linked document: 3" in words(page)
    assert not page.exception


def test_a_document_that_was_archived_since_is_said(
    visit: Visit, kyo: Kyo, manager: Actor, dogs: Gap, document: Document
) -> None:
    gaps.answer(kyo, manager, dogs.id, document.id)
    curating.archive(kyo, manager, document.id)
    assert "answers no questions any more" in words(visit("gaps", manager, gap=str(dogs.id)))


@pytest.mark.parametrize("chosen", ["nonsense", str(UUID(int=7))])
def test_a_gap_that_is_not_there_is_said(visit: Visit, manager: Actor, chosen: str) -> None:
    page = visit("gaps", manager, gap=chosen)
    assert not page.exception
    assert "There is no such knowledge gap" in words(page)


def test_a_gap_of_others_is_not_there(visit: Visit, manager: Actor, dogs: Gap, sql: Callable[..., list[Any]]) -> None:
    sql("update collections set everyone_access = 'read'")
    page = visit("gaps", manager, gap=str(dogs.id))
    assert "There is no such knowledge gap" in words(page)
    assert inert_line(dogs.label) not in words(page)


def test_a_gap_whose_questions_were_deleted_is_left_to_admins(
    visit: Visit, kyo: Kyo, admin: Actor, dogs: Gap, sql: Callable[..., list[Any]]
) -> None:
    gaps.plan(kyo, admin, dogs.id)
    sql("delete from questions")
    page = visit("gaps", admin, gap=str(dogs.id))
    assert titles(page) == ["Its questions were deleted"]
    assert not page.exception


# Those who asked ---------------------------------------------------------------------------------------------------


def asked(kyo: Kyo, actor: Actor) -> Answer:
    return asking.ask(kyo, actor, ROOMS[0])


def test_who_found_nothing_may_want_to_be_told(visit: Visit, kyo: Kyo, employee: Actor, document: Document) -> None:
    answer = asked(kyo, employee)
    page = visit("history", employee, answer=str(answer.id))
    [toggle] = page.toggle
    assert (toggle.label, toggle.value) == ("Tell me when this is answered", False)
    toggle.set_value(True).run()
    assert followed_questions.is_followed(kyo, employee, answer.question_id)
    [again] = visit("history", employee, answer=str(answer.id)).toggle
    assert again.value
    again.set_value(False).run()
    assert not followed_questions.is_followed(kyo, employee, answer.question_id)
    assert document.searchable


def test_who_found_an_answer_is_asked_only_if_it_did_not_help(
    visit: Visit, kyo: Kyo, employee: Actor, document: Document
) -> None:
    answer = asking.ask(kyo, employee, "How many days of leave has everybody?")
    assert not visit("history", employee, answer=str(answer.id)).toggle
    history.rate(kyo, employee, answer.id, -1)
    assert len(visit("history", employee, answer=str(answer.id)).toggle) == 1
    assert document.searchable


def test_right_after_a_thumb_down_one_may_want_to_be_told(
    visit: Visit, kyo: Kyo, employee: Actor, document: Document
) -> None:
    answer = asking.ask(kyo, employee, "How many days of leave has everybody?")
    page = visit("history", employee, answer=str(answer.id))
    page.feedback[0].set_value(0).run()
    [toggle] = page.toggle
    assert (toggle.label, toggle.value) == ("Tell me when this is answered", False)
    toggle.set_value(True).run()
    assert not page.exception
    assert followed_questions.is_followed(kyo, employee, answer.question_id)
    page.feedback[0].set_value(None).run()
    assert not page.toggle
    assert document.searchable


def test_where_one_asks_as_well(visit: Visit, kyo: Kyo, employee: Actor, document: Document) -> None:
    page = visit("", employee)
    page.chat_input[0].set_value(ROOMS[0]).run()
    [toggle] = page.toggle
    toggle.set_value(True).run()
    assert not page.exception
    [summary] = history.list_answers(kyo, employee).answers
    answer = history.read_answer(kyo, employee, summary.id)
    assert followed_questions.is_followed(kyo, employee, answer.question_id)
    assert document.searchable


@pytest.fixture
def answered(
    kyo: Kyo,
    pipeline: Kyo,
    employee: Actor,
    manager: Actor,
    document: Document,
    publish: Callable[[str, str], None],
    clock: Clock,
) -> UUID:
    """A question that the employee wants to hear of, answered by now."""
    question = not_found(kyo, employee, DOGS[0], [document.id])
    followed_questions.follow(kyo, employee, question)
    find_gaps(pipeline)
    [gap] = gaps.list_gaps(kyo, manager).gaps
    publish("dogs.txt", ANSWER)
    clock.advance(hours=1)
    [dogs] = library.list_documents(kyo, manager, text="dogs").documents
    gaps.answer(kyo, manager, gap.id, dogs.id)
    return question


@pytest.mark.parametrize("path", ["", "history"])
def test_the_news_can_be_dismissed(visit: Visit, employee: Actor, answered: UUID, path: str) -> None:
    page = visit(path, employee)
    assert "Answered since you asked" in words(page)
    assert inert_line(DOGS[0]) in words(page)
    click(page, "Dismiss")
    assert "Answered since you asked" not in words(page)
    assert "Answered since you asked" not in words(visit("", employee))
    assert answered


def test_it_is_asked_again_in_a_conversation_of_its_own(
    visit: Visit, kyo: Kyo, employee: Actor, answered: UUID
) -> None:
    page = click(visit("", employee), "Ask again")
    assert not page.exception
    newest = history.list_answers(kyo, employee).answers[0]
    assert (newest.question, newest.outcome.value, newest.turns) == (DOGS[0], "answered", 1)
    assert "Answered since you asked" not in words(page)
    assert answered


def test_nobody_else_hears_of_it(visit: Visit, person: Callable[[Role], Actor], answered: UUID) -> None:
    assert "Answered since you asked" not in words(visit("", person(Role.EMPLOYEE)))
    assert answered


def test_it_is_no_news_any_more_when_the_document_is_gone(
    visit: Visit, kyo: Kyo, employee: Actor, manager: Actor, answered: UUID
) -> None:
    [dogs] = library.list_documents(kyo, manager, text="dogs").documents
    curating.archive(kyo, manager, dogs.id)
    assert "Answered since you asked" not in words(visit("", employee))
    assert answered
