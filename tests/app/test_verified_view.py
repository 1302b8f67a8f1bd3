"""Verified answers in the app: the badge first, asking anew, verifying, and the managers' list."""

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from kyo_app.markup import inert
from kyo_pipeline.domain.actor import Actor, Role
from kyo_pipeline.domain.answers import Answer
from kyo_pipeline.domain.verified import Standing, VerifiedAnswer
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import asking, history, shared_answers, verifying
from tests.app.pages import ODD, Visit, buttons, click, field, words

Publish = Callable[[str, str], None]

LEAVE = "Employees of the bakery get thirty days of annual leave in each calendar year."
QUESTION = "How many days of annual leave do I get?"
OTHER_WORDS = "How many vacation days am I entitled to?"


@pytest.fixture
def answer(kyo: Kyo, manager: Actor, publish: Publish) -> Answer:
    publish("leave.txt", LEAVE)
    return asking.ask(kyo, manager, QUESTION)


@pytest.fixture
def verified(kyo: Kyo, manager: Actor, answer: Answer) -> VerifiedAnswer:
    return verifying.verify(kyo, manager, answer.id, QUESTION, text="Thirty days [1].")


def asked(page: AppTest, question: str) -> AppTest:
    found: AppTest = page.chat_input[0].set_value(question).run()
    return found


def at(page: AppTest, path: str) -> AppTest:
    """Another page in the same session."""
    page._page_hash = calc_hash(path)
    found: AppTest = page.run()
    return found


@pytest.mark.usefixtures("verified")
def test_the_badge_comes_first_and_asking_anew_shows_what_is_written_now(
    visit: Visit, employee: Actor, manager: Actor
) -> None:
    page = asked(visit("", employee), OTHER_WORDS)
    [bubble] = [one for one in page.chat_message if one.name == "assistant"]
    shown = [str(one.value) for one in bubble.markdown]
    assert "Verified" in shown[0]
    assert inert(manager.name) in shown[0]
    assert "Thirty days" in shown[1]
    click(page, "Ask anew")
    bubbles = [one for one in page.chat_message if one.name == "assistant"]
    assert len(bubbles) == 2
    anew = [str(one.value) for one in bubbles[1].markdown]
    assert not any("Verified" in one for one in anew)
    assert buttons(page).count("Ask anew") == 1
    assert not page.exception


@pytest.mark.usefixtures("verified")
def test_the_badge_says_for_which_question_where_that_was_worded_differently(visit: Visit, employee: Actor) -> None:
    assert f"verified for the question: **{inert(QUESTION)}**" in words(asked(visit("", employee), OTHER_WORDS))
    same = asked(visit("", employee), f"  {QUESTION.upper()} ")
    assert "Verified" in words(same)
    assert "verified for the question" not in words(same)


def test_a_follow_up_is_asked_anew_by_what_was_searched_for(
    visit: Visit, kyo: Kyo, manager: Actor, employee: Actor, answer: Answer
) -> None:
    verifying.verify(kyo, manager, answer.id, "And for employees? (How many days annual leave bakery)")
    found = asking.ask(kyo, employee, "And for employees? (How many days annual leave bakery)")
    page = visit("", employee, conversation=str(found.conversation_id))
    click(page, "Ask anew")
    both = history.read_conversation(kyo, employee, found.conversation_id or found.id).answers
    assert {one.question for one in both} == {"And for employees? (How many days annual leave bakery)"}
    assert sorted(one.verification is None for one in both) == [False, True]


@pytest.mark.usefixtures("verified")
def test_history_and_shared_answers_show_the_badge(
    visit: Visit, kyo: Kyo, employee: Actor, person: Callable[[Role], Actor]
) -> None:
    found = asking.ask(kyo, employee, OTHER_WORDS)
    assert "Verified" in words(visit("history", employee))
    assert "Verified" in words(visit("history", employee, answer=str(found.id)))
    shared_answers.share(kyo, employee, found.id)
    page = visit("answer", person(Role.EMPLOYEE), answer=str(found.id))
    assert "Verified" in words(page)
    assert "Thirty days" in words(page)


def test_what_was_withdrawn_since_says_so(
    visit: Visit, kyo: Kyo, employee: Actor, manager: Actor, verified: VerifiedAnswer
) -> None:
    found = asking.ask(kyo, employee, OTHER_WORDS)
    verifying.withdraw(kyo, manager, verified.id)
    assert "This was withdrawn" in words(visit("history", employee, answer=str(found.id)))


def test_a_manager_verifies_an_answer_under_it(
    visit: Visit, kyo: Kyo, manager: Actor, employee: Actor, answer: Answer
) -> None:
    page = visit("history", manager, answer=str(answer.id))
    assert field(page, "Question").value == QUESTION
    texts = {one.label: one for one in page.text_area}
    texts["Other ways to ask it (one a line)"].set_value("What is our holiday allowance?\n\n")
    click(page, "Verify this answer")
    assert not page.error
    assert "Verified" in words(page)
    assert "Verify this answer" not in buttons(page)
    assert asking.ask(kyo, employee, "what is our holiday allowance").verification is not None


def test_what_is_replaced_is_told_before_it_is(
    visit: Visit, kyo: Kyo, manager: Actor, verified: VerifiedAnswer
) -> None:
    anew = asking.ask(kyo, manager, QUESTION, anew=True)
    page = click(visit("history", manager, answer=str(anew.id)), "Verify this answer")
    assert any(inert(manager.name) in one.value and inert(QUESTION) in one.value for one in page.warning)
    assert verifying.read_verified(kyo, manager, verified.id).holds, "nothing has happened yet"
    click(page, "Verify and replace")
    assert not page.error
    assert verifying.read_verified(kyo, manager, verified.id).withdrawn_at is not None
    assert verifying.list_verified(kyo, manager, standing=Standing.HOLDS).total == 1


def test_what_was_withdrawn_on_another_page_has_no_badge_where_it_was_verified(
    visit: Visit, kyo: Kyo, manager: Actor, employee: Actor, publish: Publish
) -> None:
    publish("leave.txt", LEAVE)
    page = click(asked(visit("", manager), QUESTION), "Verify this answer")
    asked(page, OTHER_WORDS)
    assert words(page).count(":material/verified: Verified") == 2
    assert "Verify this answer" not in buttons(page)
    click(at(page, "verified"), "Withdraw this answer")
    at(page, "")
    assert ":material/verified: Verified" not in words(page)
    assert "This was withdrawn" in words(page), "of the one that was given"
    assert "Verify this answer" in buttons(page)
    assert asking.ask(kyo, employee, QUESTION).verification is None


def test_a_text_without_its_source_is_refused_with_a_sentence(visit: Visit, manager: Actor, answer: Answer) -> None:
    page = visit("history", manager, answer=str(answer.id))
    next(one for one in page.text_area if one.label == "Answer").set_value("Thirty days.")
    click(page, "Verify this answer")
    assert "has to keep its sources" in page.error[0].value


def test_an_answer_that_somebody_has_shared_can_be_verified_where_it_is_read(
    visit: Visit, kyo: Kyo, employee: Actor, manager: Actor, publish: Publish
) -> None:
    publish("leave.txt", LEAVE)
    found = asking.ask(kyo, employee, QUESTION)
    shared_answers.share(kyo, employee, found.id)
    page = click(visit("answer", manager, answer=str(found.id)), "Verify this answer")
    assert not page.error
    assert verifying.list_verified(kyo, manager).total == 1


@pytest.mark.usefixtures("verified")
def test_employees_neither_verify_nor_see_the_list(visit: Visit, kyo: Kyo, employee: Actor) -> None:
    own = asking.ask(kyo, employee, QUESTION, anew=True)
    assert "Verify this answer" not in buttons(visit("history", employee, answer=str(own.id)))
    page = visit("verified", employee)
    assert QUESTION not in words(page)


def test_the_list_says_what_to_do_where_there_is_nothing(visit: Visit, manager: Actor) -> None:
    assert "No answer is verified yet" in words(visit("verified", manager))


@pytest.mark.usefixtures("verified")
def test_the_list_says_why_an_answer_no_longer_holds(visit: Visit, manager: Actor, publish: Publish) -> None:
    page = visit("verified", manager)
    assert "In use" in words(page)
    publish("leave.txt", LEAVE.replace("thirty", "twenty-eight"))
    page = visit("verified", manager)
    assert "No longer holds" in words(page)
    assert "has version 2 since" in words(page)
    field(page, "Search").set_value("no such words").run()
    assert "No verified answer matches" in words(page)


def test_withdrawing_takes_a_second_button_and_tells_the_reason(
    visit: Visit, kyo: Kyo, manager: Actor, verified: VerifiedAnswer
) -> None:
    page = visit("verified", manager)
    field(page, "Reason (optional)").set_value("It was about last year.").run()
    click(page, "Withdraw this answer")
    assert inert("It was about last year.") in words(page)
    assert "Withdraw this answer" not in buttons(page)
    assert verifying.read_verified(kyo, manager, verified.id).withdrawn_at is not None


@pytest.mark.usefixtures("verified")
def test_the_list_leads_to_asking_anew(visit: Visit, kyo: Kyo, manager: Actor) -> None:
    page = click(visit("verified", manager), "Ask anew")
    assert not page.exception
    both = history.list_answers(kyo, manager).answers
    assert [(one.question, one.is_verified) for one in both] == [(QUESTION, False)] * 2


def test_the_filter_shows_one_standing(visit: Visit, manager: Actor, verified: VerifiedAnswer) -> None:
    page = visit("verified", manager)
    question = inert(verified.question)
    for standing, is_shown in ((Standing.WITHDRAWN, False), (Standing.CHANGED, False), (Standing.HOLDS, True)):
        page.session_state["verified-standing"] = standing
        assert (question in words(page.run())) == is_shown, standing


def test_names_and_questions_are_never_markup(
    visit: Visit, kyo: Kyo, manager: Actor, answer: Answer, sql: Callable[..., object]
) -> None:
    verifying.verify(kyo, manager, answer.id, ODD, others=[f"{ODD} again"])
    sql("update users set name = :name where id = :id", name=ODD, id=manager.id)
    said = words(visit("verified", manager))
    assert ODD not in said
    assert "x" in said
