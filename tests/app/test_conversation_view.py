"""A conversation on the page: it continues, outlives a reload, can be begun anew and continued from the history."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from streamlit.testing.v1 import AppTest

from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.answers import WITHHELD_TEXT
from kyo_pipeline.errors import Unavailable
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import asking, history
from tests.app.pages import Visit, buttons, click, words
from tests.conftest import Clock
from tests.fakes import ScriptedGenerator

LEAVE = "Everybody has thirty days of parental leave a year. Contractors have no parental leave at all."
QUESTION = "How many days of parental leave are there?"
SEARCHED = "Searched for: What about contractors\\? \\(how many days parental leave\\)"


@pytest.fixture
def page(visit: Visit, employee: Actor, publish: Callable[[str, str], None]) -> AppTest:
    publish("leave.txt", LEAVE)
    return visit("", employee)


@pytest.fixture
def ask(clock: Clock) -> Callable[[AppTest, str], AppTest]:
    def put(page: AppTest, question: str) -> AppTest:
        clock.advance(seconds=20)
        page.chat_input[0].set_value(question).run()
        assert not page.exception
        return page

    return put


Ask = Callable[[AppTest, str], AppTest]


def conversation_of(page: AppTest) -> str:
    found = page.query_params["conversation"]
    return found if isinstance(found, str) else found[0]


def test_the_welcome_tells_of_follow_ups(page: AppTest) -> None:
    assert "may follow up on the one before" in words(page)
    assert "stands alone" not in words(page)
    assert "New conversation" not in buttons(page)
    assert "conversation" not in page.query_params


def test_a_follow_up_says_what_was_searched_for(page: AppTest, ask: Ask, kyo: Kyo, employee: Actor) -> None:
    ask(page, QUESTION)
    assert "Searched for" not in words(page)
    ask(page, "What about contractors?")
    assert SEARCHED in words(page)
    assert "no parental leave at all" in words(page)
    [second, first] = history.list_answers(kyo, employee).answers
    assert second.conversation_id == first.conversation_id == UUID(conversation_of(page))


def test_it_outlives_a_reload_and_goes_on(page: AppTest, ask: Ask, visit: Visit, kyo: Kyo, employee: Actor) -> None:
    ask(page, QUESTION)
    again = visit("", employee, conversation=conversation_of(page))
    assert "thirty days" in words(again)
    ask(again, "What about contractors?")
    assert SEARCHED in words(again)
    assert history.list_answers(kyo, employee).answers[0].turns == 2


def test_after_a_reload_what_may_not_be_read_is_withheld(
    page: AppTest, ask: Ask, visit: Visit, employee: Actor, sql: Callable[..., list[Any]]
) -> None:
    ask(page, QUESTION)
    sql("update collections set everyone_access = null")
    again = visit("", employee, conversation=conversation_of(page))
    assert WITHHELD_TEXT in [info.value for info in again.info]
    assert "thirty" not in words(again)


def test_a_new_conversation_forgets_the_old_one(page: AppTest, ask: Ask, kyo: Kyo, employee: Actor) -> None:
    ask(page, QUESTION)
    click(page, "New conversation")
    assert "thirty" not in words(page)
    assert "may follow up" in words(page)
    assert "conversation" not in page.query_params
    ask(page, "What about contractors?")
    assert "Searched for" not in words(page)
    assert [one.turns for one in history.list_answers(kyo, employee).answers] == [1, 1]


@pytest.mark.parametrize("address", ["not-a-uuid", "00000000-0000-0000-0000-000000000009", ""])
def test_an_unknown_conversation_is_said_in_a_sentence(visit: Visit, employee: Actor, address: str) -> None:
    page = visit("", employee, conversation=address)
    assert not page.exception
    assert ("There is no such conversation among yours" in words(page)) == bool(address)


def test_the_conversation_of_somebody_else_stays_closed(visit: Visit, kyo: Kyo, employee: Actor, admin: Actor) -> None:
    foreign = asking.ask(kyo, employee, "What about secrets?").conversation_id
    page = visit("", admin, conversation=str(foreign))
    assert "There is no such conversation among yours" in words(page)
    assert "secrets" not in words(page)


def test_what_comes_after_a_failure_still_follows_up(page: AppTest, ask: Ask, kyo: Kyo) -> None:
    real = kyo.generator
    object.__setattr__(kyo, "generator", ScriptedGenerator([], Unavailable("Away.")))
    ask(page, QUESTION)
    assert [error.value for error in page.error] == ["Away\\."]
    object.__setattr__(kyo, "generator", real)
    ask(page, "What about contractors?")
    assert SEARCHED in words(page)


def test_the_history_leads_back(page: AppTest, ask: Ask, visit: Visit, employee: Actor, kyo: Kyo) -> None:
    ask(page, QUESTION)
    ask(page, "What about contractors?")
    listed = visit("history", employee)
    assert words(listed).count("one of 2 in a conversation") == 2
    newest = history.list_answers(kyo, employee).answers[0]
    opened = visit("history", employee, answer=str(newest.id))
    assert SEARCHED in words(opened)
    [link] = [
        element.proto for element in opened.get("page_link") if element.proto.label == "Continue this conversation"
    ]
    assert link.query_string == f"conversation={newest.conversation_id}"


def test_an_answer_from_the_cache_says_so(page: AppTest, ask: Ask) -> None:
    ask(page, QUESTION)
    assert "written before" not in words(page)
    ask(page, QUESTION)
    assert "written before for those who may read the same" in words(page)
