"""The link to an answer: how it is made, what it shows, and to whom."""

from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from kyo_app.markup import inert
from kyo_pipeline.domain.actor import Actor, Role
from kyo_pipeline.domain.answers import Answer
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import asking, history, shared_answers
from tests.app.pages import ODD, Visit, buttons, click, words

LEAVE = "Employees of the bakery get thirty days of annual leave in each calendar year."
NOT_THERE = inert(shared_answers.NOT_THERE)


@pytest.fixture
def answer(kyo: Kyo, employee: Actor, publish: Callable[[str, str], None]) -> Answer:
    publish("leave.txt", LEAVE)
    return asking.ask(kyo, employee, "How many days of annual leave?")


@pytest.fixture
def reader(person: Callable[[Role], Actor]) -> Actor:
    return person(Role.EMPLOYEE)


def own(visit: Visit, actor: Actor, answer: Answer) -> AppTest:
    return visit("history", actor, answer=str(answer.id))


def test_sharing_shows_a_link_to_copy_and_stopping_takes_it_away(
    visit: Visit, kyo: Kyo, employee: Actor, answer: Answer
) -> None:
    page = own(visit, employee, answer)
    assert not page.code
    click(page, "Share this answer")
    assert [code.value for code in page.code] == [f"/answer?answer={answer.id}"]  # AppTest has no address
    assert history.read_answer(kyo, employee, answer.id).shared_at is not None
    click(page, "Stop sharing")
    assert not page.code
    assert "Share this answer" in buttons(page)
    assert history.read_answer(kyo, employee, answer.id).shared_at is None


def test_the_link_begins_with_the_public_address(
    visit: Visit, kyo: Kyo, employee: Actor, answer: Answer, with_settings: Callable[..., Kyo]
) -> None:
    public = with_settings(KYO_PUBLIC_URL="https://kyo.example.org")
    object.__setattr__(kyo, "settings", public.settings)
    shared_answers.share(kyo, employee, answer.id)
    page = own(visit, employee, answer)
    assert [code.value for code in page.code] == [f"https://kyo.example.org/answer?answer={answer.id}"]


def test_what_was_not_found_cannot_be_shared(visit: Visit, kyo: Kyo, employee: Actor) -> None:
    nothing = asking.ask(kyo, employee, "Who is the emperor of Mars?")
    assert "Share this answer" not in buttons(own(visit, employee, nothing))


def test_the_link_shows_question_answer_and_sources(
    visit: Visit, kyo: Kyo, employee: Actor, reader: Actor, answer: Answer
) -> None:
    history.rate(kyo, employee, answer.id, -1, "Which year?")
    shared_answers.share(kyo, employee, answer.id)
    page = visit("answer", reader, answer=str(answer.id))
    assert not page.exception
    said = words(page)
    assert "How many days of annual leave" in said
    assert "thirty days" in said
    assert f"Shared by {employee.name}" in said.replace("\\", "")
    assert "1 source" in said
    assert not page.feedback
    assert "Which year" not in said
    assert not {"Share this answer", "Stop sharing"} & set(buttons(page))
    page.session_state[f"source-{answer.id}-1"] = True
    page.run()
    assert ":yellow-background[" in words(page)


@pytest.mark.parametrize("address", ["", "not-a-uuid", "00000000-0000-0000-0000-000000000009", "theirs"])
def test_all_else_is_not_there(visit: Visit, reader: Actor, answer: Answer, address: str) -> None:
    page = visit("answer", reader, answer=str(answer.id) if address == "theirs" else address)
    assert not page.exception
    assert NOT_THERE in words(page)
    assert "annual leave" not in words(page)


def test_after_a_right_is_lost_it_is_not_there(
    visit: Visit, kyo: Kyo, employee: Actor, reader: Actor, answer: Answer, sql: Callable[..., list[Any]]
) -> None:
    shared_answers.share(kyo, employee, answer.id)
    sql("update collections set everyone_access = null")
    page = visit("answer", reader, answer=str(answer.id))
    assert NOT_THERE in words(page)
    assert "annual leave" not in words(page)
    withheld = own(visit, employee, answer)
    assert "Stop sharing" in buttons(withheld), "who shared it can still take it back"
    click(withheld, "Stop sharing")
    sql("update collections set everyone_access = 'read'")
    assert NOT_THERE in words(visit("answer", reader, answer=str(answer.id)))


def test_an_odd_question_by_somebody_with_an_odd_name_is_only_text(
    visit: Visit, kyo: Kyo, employee: Actor, reader: Actor, answer: Answer, sql: Callable[..., list[Any]]
) -> None:
    sql("update users set name = :name where id = :id", name=ODD, id=employee.id)
    sql("update questions set text = :odd, standalone = :odd where id = :id", odd=ODD, id=answer.question_id)
    shared_answers.share(kyo, employee, answer.id)
    page = visit("answer", reader, answer=str(answer.id))
    assert ODD not in words(page)
    assert "<b>" not in words(page)
    assert words(page).count("\\<b\\>x\\</b\\>".replace("/", "\\/")) == 2
