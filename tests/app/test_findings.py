"""What a reader sees of what was found about an answer; the history shows the same."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from streamlit.testing.v1 import AppTest

from kyo_app.commands.findings import marked_text, remarks
from kyo_app.markup import UNSUPPORTED
from kyo_pipeline.domain.actor import Actor, Role
from kyo_pipeline.domain.answers import Answer, Draft, DraftCitation, Outcome
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import asking
from tests.app.pages import ODD, Visit, words
from tests.conftest import Clock
from tests.fakes import ScriptedGenerator

Publish = Callable[[str, str], None]

LEAVE = "Employees of the bakery get thirty days of annual leave in each calendar year."
QUESTION = "How many days of annual leave do employees of the bakery get?"
UNANSWERED = "How many days of annual leave may be sold to another bakery in Portugal or Spain?"


def shown(visit: Visit, actor: Actor, answer: Answer) -> AppTest:
    page = visit("history", actor, answer=str(answer.id))
    assert not page.exception
    return page


def links(page: AppTest) -> list[tuple[str, str]]:
    return [(found.proto.label, f"{found.proto.page}?{found.proto.query_string}") for found in page.get("page_link")]


def test_the_words_that_answer_are_bold(visit: Visit, kyo: Kyo, employee: Actor, publish: Publish) -> None:
    publish("leave.txt", LEAVE)
    page = visit("", employee)
    page.chat_input[0].set_value(QUESTION).run()
    assert "get **thirty days** of annual leave" in words(page)
    answer = asking.ask(kyo, employee, QUESTION)
    assert "**thirty days**" in words(shown(visit, employee, answer))
    assert "get *thirty days* of" in marked_text(answer)


def test_sentences_without_support_and_a_notice_are_told_in_words(
    visit: Visit, kyo: Kyo, employee: Actor, publish: Publish
) -> None:
    publish("leave.txt", LEAVE)
    text = "They get 30 days of annual leave [1]. The owner lends company cars [1]."
    draft = Draft(text, Outcome.ANSWERED, (DraftCitation(1, 0, 0, len(LEAVE)),), notice=f"Quotes only. {ODD}")
    answer = asking.ask(replace(kyo, generator=ScriptedGenerator([text], draft)), employee, QUESTION)
    page = shown(visit, employee, answer)
    assert ":orange-background[The owner lends company cars] :green-badge[1]" in words(page)
    assert words(page).count(f":orange-badge[{UNSUPPORTED}]") == 2, "behind the sentence, and in the legend"
    assert "could not be found in the passages that they cite" in words(page)
    assert "Quotes only\\. \\<b\\>x\\<\\/b\\>" in words(page)
    assert marked_text(answer) == f"{text} ({UNSUPPORTED})"
    assert remarks(answer) == [f"Quotes only. {ODD}"]


def test_sources_that_differ_are_named_the_newer_first(
    visit: Visit, kyo: Kyo, employee: Actor, publish: Publish, clock: Clock
) -> None:
    publish("old.txt", LEAVE)
    clock.advance(days=2)
    publish("new.txt", LEAVE.replace("thirty", "forty"))
    answer = asking.ask(kyo, employee, QUESTION)
    page = words(shown(visit, employee, answer))
    assert "**These sources differ**" in page
    assert ":green-badge[1] new :small[(of today" in page
    assert ", newer)] · :green-badge[2] old :small[(of " in page
    [line] = remarks(answer)
    assert line.startswith("These sources differ: [1] of ")
    assert ", newer; [2] of " in line


def test_what_was_not_found_leads_to_the_nearest_documents_and_their_owners(
    visit: Visit, kyo: Kyo, employee: Actor, publish: Publish, sql: Callable[..., list[Any]]
) -> None:
    publish("leave.txt", LEAVE)
    sql("update documents set title = :title", title=ODD)
    sql("update users set name = :name where id = :id", name=ODD, id=employee.id)
    answer = asking.ask(kyo, employee, UNANSWERED)
    [near] = answer.nearest
    page = shown(visit, employee, answer)
    [(label, address)] = [link for link in links(page) if link[1].startswith("source")]
    assert address == f"source?version={near.version_id}"
    assert label == "\\<b\\>x\\<\\/b\\> \\[y\\]\\(http\\:\u2060\\/\\/e\\.x\\) \\:\u2060smile\\: \\$a\\$"
    assert "Owner: \\<b\\>x" in words(page)
    assert remarks(answer) == [f"Nearest document: {ODD} (owner: {ODD})"]


def test_somebody_who_may_not_read_it_is_told_of_no_document(
    visit: Visit, kyo: Kyo, publish: Publish, person: Callable[[Role], Actor], sql: Callable[..., list[Any]]
) -> None:
    publish("leave.txt", LEAVE)
    reader = person(Role.EMPLOYEE)
    answer = asking.ask(kyo, reader, UNANSWERED)
    assert "leave" in [one.title for one in answer.nearest]
    sql("update collections set everyone_access = null")
    page = shown(visit, reader, answer)
    assert "These documents come nearest" not in words(page)
    assert not [link for link in links(page) if link[1].startswith("source")]
