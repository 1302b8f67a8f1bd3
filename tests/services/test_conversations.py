"""Questions that follow one another: what is searched for, and whose conversation it is."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.answers import WITHHELD_TEXT, Answer, Draft, DraftCitation, Outcome
from kyo_pipeline.domain.conversation import Turn
from kyo_pipeline.errors import Forbidden, NotFound, Unavailable
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import asking, history
from tests.conftest import Clock
from tests.fakes import ScriptedGenerator

Sql = Callable[..., list[Any]]

LEAVE = "Everybody has thirty days of parental leave a year. Contractors have no parental leave at all."
LAPTOPS = "Laptops are replaced after four years. Contractors bring laptops of their own."
QUESTION = "How many days of parental leave are there?"


@pytest.fixture
def published(publish: Callable[[str, str], None]) -> None:
    publish("leave.txt", LEAVE)
    publish("laptops.txt", LAPTOPS)


@pytest.fixture
def ask(kyo: Kyo, employee: Actor, clock: Clock) -> Callable[..., Answer]:
    def put(question: str, after: Answer | None = None, kyo: Kyo = kyo) -> Answer:
        clock.advance(seconds=20)
        return asking.ask(kyo, employee, question, after.conversation_id if after else None)

    return put


@pytest.mark.usefixtures("published")
def test_a_follow_up_is_searched_for_with_its_topic(ask: Callable[..., Answer], kyo: Kyo, employee: Actor) -> None:
    leave, laptops = ask(QUESTION), ask("When are laptops replaced?")
    assert (leave.standalone, laptops.standalone) == (None, None)
    assert leave.conversation_id != laptops.conversation_id
    about_leave, about_laptops = ask("What about contractors?", leave), ask("What about contractors?", laptops)
    assert about_leave.standalone == "What about contractors? (how many days parental leave)"
    assert about_leave.question == "What about contractors?"
    assert "no parental leave" in about_leave.text
    assert "laptops of their own" in about_laptops.text
    assert set(about_leave.timings) == {"rewrite", "embed", "search", "generate"}
    assert about_leave.conversation_id == leave.conversation_id
    assert history.read_answer(kyo, employee, about_leave.id) == about_leave


@pytest.mark.usefixtures("published")
def test_a_follow_up_of_a_follow_up_keeps_the_topic(ask: Callable[..., Answer]) -> None:
    first = ask(QUESTION)
    ask("What about contractors?", first)
    third = ask("Why?", first)
    assert third.standalone is not None
    assert {"contractors", "parental", "leave"} <= set(third.standalone.strip("?()").replace("(", "").split())


@pytest.mark.usefixtures("published")
def test_a_question_that_stands_alone_stays_as_it_is(ask: Callable[..., Answer]) -> None:
    second = ask("When are laptops replaced?", ask(QUESTION))
    assert second.standalone is None
    assert "four years" in second.text


@pytest.mark.usefixtures("published")
def test_without_the_conversation_nothing_is_added(ask: Callable[..., Answer]) -> None:
    ask(QUESTION)
    assert ask("What about contractors?").standalone is None


def test_a_conversation_lists_its_answers_in_order(ask: Callable[..., Answer], kyo: Kyo, employee: Actor) -> None:
    first = ask("One?")
    second = ask("Two?", first)
    ask("Elsewhere?")
    assert first.conversation_id is not None
    found = history.read_conversation(kyo, employee, first.conversation_id)
    assert found.answers == (first, second)
    assert history.read_conversation(kyo, employee, first.conversation_id, 1).answers == (second,)
    assert [one.turns for one in history.list_answers(kyo, employee).answers] == [1, 2, 2]


@pytest.mark.usefixtures("published")
def test_in_a_conversation_withheld_answers_are_withheld(
    ask: Callable[..., Answer], kyo: Kyo, employee: Actor, sql: Sql
) -> None:
    first = ask(QUESTION)
    second = ask("Who is the emperor of Mars?", first)
    sql("update collections set everyone_access = null")
    assert first.conversation_id is not None
    again = history.read_conversation(kyo, employee, first.conversation_id).answers
    assert [(one.outcome, one.citations) for one in again] == [(Outcome.WITHHELD, ()), (Outcome.NOT_FOUND, ())]
    assert again[0].text == WITHHELD_TEXT
    assert again[1].text == second.text


def test_the_conversations_of_others_are_as_unknown_as_none(
    ask: Callable[..., Answer], kyo: Kyo, manager: Actor, admin: Actor, sql: Sql
) -> None:
    foreign = ask("One?").conversation_id
    assert foreign is not None
    for conversation_id in (foreign, UUID(int=7)):
        for somebody in (manager, admin):
            with pytest.raises(NotFound, match="There is no such conversation among yours"):
                asking.ask(kyo, somebody, "And then?", conversation_id)
            with pytest.raises(NotFound, match="There is no such conversation among yours"):
                history.read_conversation(kyo, somebody, conversation_id)
    assert len(sql("select from questions")) == 1


def test_the_database_keeps_conversations_apart(
    ask: Callable[..., Answer], kyo: Kyo, employee: Actor, admin: Actor
) -> None:
    foreign = ask("One?").conversation_id
    insert = "insert into questions (user_id, conversation_id, text, asked_at) values (:user, :id, 'x', now())"
    with kyo.db.transaction(admin) as tx:
        assert tx.execute(text("select from conversations")).all() == []
        assert tx.execute(text("update questions set standalone = 'x'")).rowcount == 0
    with pytest.raises(Exception, match="Somebody else was working"), kyo.db.transaction(admin) as tx:
        tx.execute(text(insert), {"user": admin.id, "id": foreign})
    with pytest.raises(Forbidden), kyo.db.transaction(admin) as tx:
        tx.execute(text(insert), {"user": employee.id, "id": foreign})
    with pytest.raises(Forbidden), kyo.db.transaction(admin) as tx:
        tx.execute(text("insert into conversations (user_id, begun_at) values (:user, now())"), {"user": employee.id})


def test_who_asks_is_told_of_the_conversation_before_the_answer(kyo: Kyo, employee: Actor) -> None:
    begun: list[UUID] = []
    broken = replace(kyo, generator=ScriptedGenerator([], Unavailable("Away.")))
    stream = asking.stream_answer(broken, employee, "One?", None, begun.append)
    with pytest.raises(Unavailable):
        next(stream)
    [failed] = history.read_conversation(kyo, employee, begun[0]).answers
    assert failed.outcome is Outcome.FAILED


# With a language model ------------------------------------------------------------------------------------------------


class Rewriting(ScriptedGenerator):
    """Rewrites as it is told, and keeps what it was asked."""

    def __init__(self, written: str | None) -> None:
        super().__init__([], Draft("None [1].", Outcome.ANSWERED, (DraftCitation(1, 0, 0, 20),)))
        self.written = written
        self.seen: list[tuple[str, tuple[Turn, ...]]] = []

    def rewrite(self, question: str, turns: Sequence[Turn]) -> str | None:
        self.seen.append((question, tuple(turns)))
        return self.written


WITH_RULES = "What about contractors? (how many days parental leave)"


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize(
    ("written", "searched"),
    [
        (
            "How many days of parental leave do contractors have?",
            "How many days of parental leave do contractors have?",
        ),
        (None, WITH_RULES),  # it failed
        ("Contractors are great, and here is a poem about them instead of that.", WITH_RULES),
        ("What about contractors?", None),  # it says that the question stands alone
    ],
)
def test_what_a_model_writes_is_searched_for_where_it_is_of_use(
    ask: Callable[..., Answer], kyo: Kyo, written: str | None, searched: str | None
) -> None:
    first = ask(QUESTION)
    model = Rewriting(written)
    assert ask("What about contractors?", first, replace(kyo, generator=model)).standalone == searched
    assert model.seen == [("What about contractors?", (Turn(QUESTION, False, Outcome.ANSWERED),))]


@pytest.mark.usefixtures("published")
def test_a_first_question_is_not_rewritten(ask: Callable[..., Answer], kyo: Kyo) -> None:
    model = Rewriting("Something else?")
    assert ask("What about contractors?", None, replace(kyo, generator=model)).standalone is None
    assert model.seen == []
