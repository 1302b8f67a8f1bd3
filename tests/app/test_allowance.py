"""What people are shown of their limits."""

from collections.abc import Callable
from datetime import datetime, timezone

import pytest
from streamlit.testing.v1 import AppTest

from kyo_app import runtime
from kyo_app.markup import inert
from kyo_pipeline.domain.actor import OPERATOR, Actor
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import asking
from tests.conftest import Clock

Visit = Callable[..., AppTest]


@pytest.fixture(autouse=True)
def at_noon(clock: Clock) -> None:
    clock.time = datetime(2026, 11, 2, 12, 0, tzinfo=timezone.utc)


def captions(page: AppTest) -> str:
    assert not page.exception
    return "\n".join(caption.value for caption in page.caption)


@pytest.fixture
def few(with_settings: Callable[..., Kyo], monkeypatch: pytest.MonkeyPatch) -> Kyo:
    """Kyo with six questions a day, for the pages too."""
    monkeypatch.setattr("kyo_app.runtime.kyo", lambda: with_settings(MAX_QUERIES_PER_DAY=6))
    return runtime.kyo()


def test_ask_is_silent_until_less_than_a_fifth_is_left(visit: Visit, few: Kyo, employee: Actor) -> None:
    for number in range(4):
        asking.ask(few, employee, f"Question {number}?")
    assert "left until" not in captions(visit("", employee))
    asking.ask(few, employee, "One more?")
    assert "1 of 6 questions left until 00:00." in captions(visit("", employee))


def test_who_has_none_left_is_told_so_and_when_it_works_again(visit: Visit, few: Kyo, employee: Actor) -> None:
    for number in range(6):
        asking.ask(few, employee, f"Question {number}?")
    page = visit("", employee)
    assert "0 of 6 questions left until 00:00." in captions(page)
    page.chat_input[0].set_value("One more?").run()
    assert not page.exception
    [error] = page.error
    assert "as one day allows" in error.value
    assert inert("It works again from 3 Nov, 00:00 on.") in error.value


def profile(actor: Actor) -> AppTest:
    """The component alone, as a view draws it."""

    def draw() -> None:
        import streamlit as st

        from kyo_app import allowance

        allowance.show(st.session_state["actor"])

    page = AppTest.from_function(draw)
    page.session_state["actor"] = actor
    return page.run()


def test_the_profile_shows_both_limits(few: Kyo, employee: Actor) -> None:
    asking.ask(few, employee, "One?")
    said = captions(profile(employee))
    assert "5 of 6 questions left until 00:00." in said
    assert "200 of 200 uploads left until 13:00." in said


@pytest.mark.usefixtures("few")
def test_the_operator_has_no_limits_to_show() -> None:
    assert captions(profile(OPERATOR)) == ""
