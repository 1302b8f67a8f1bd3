"""What becomes of an answer whose documents change: badges at its sources, and what is left of one that is erased."""

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from streamlit.testing.v1 import AppTest

from kyo_app.documents.passages import marks, standing
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.answers import ERASED_TEXT, Answer
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import asking, curating, library, reprocessing
from tests.app.pages import Visit, words

LEAVE = "Employees of the bakery get thirty days of annual leave in each calendar year."
QUESTION = "How many days of annual leave do employees of the bakery get?"


@pytest.mark.parametrize(
    ("number", "current", "is_in_current", "said"),
    [
        (2, 2, None, ":green-badge[current version]"),
        (2, 2, True, ":green-badge[current version]"),
        (1, 3, None, ":orange-badge[newer version 3]"),
        (1, 3, True, ":blue-badge[newer version 3: passage unchanged]"),
        (1, 3, False, ":orange-badge[newer version 3: passage changed]"),
        (3, 2, False, ":orange-badge[version 2 answers now: passage changed]"),
        (1, None, None, ":gray-badge[answers no questions now]"),
    ],
)
def test_how_a_version_stands_to_the_current_one(
    number: int, current: int | None, is_in_current: bool | None, said: str
) -> None:
    assert standing(number, current, is_in_current) == said


def test_what_else_a_reader_should_know_of_a_text() -> None:
    assert marks() == []
    assert marks(is_stale=True, from_ocr=True) == [":orange-badge[review overdue]", ":violet-badge[OCR]"]


@pytest.fixture
def answer(kyo: Kyo, employee: Actor, publish: Callable[[str, str], None]) -> Answer:
    publish("leave.txt", LEAVE)
    found = asking.ask(kyo, employee, QUESTION)
    assert len(found.citations) == 1
    return found


def labels(page: AppTest) -> str:
    return "\n".join(found.label for found in page.expander)


def opened(visit: Visit, actor: Actor, answer: Answer) -> AppTest:
    page = visit("history", actor, answer=str(answer.id))
    page.session_state[f"source-{answer.id}-1"] = True
    return page.run()


def link_to(page: AppTest, label: str) -> str:
    [link] = [element.proto for element in page.get("page_link") if element.proto.label == label]
    return f"{link.page}?{link.query_string}"


def test_a_source_leads_to_its_place_in_the_document(visit: Visit, employee: Actor, answer: Answer) -> None:
    [cited] = answer.citations
    page = opened(visit, employee, answer)
    address = f"source?version={cited.version_id}&start={cited.start}&end={cited.end}"
    assert link_to(page, "Open in the document") == address


def test_a_newer_version_is_told_before_the_source_is_opened_and_what_became_of_the_passage_then(
    visit: Visit, employee: Actor, answer: Answer, publish: Callable[[str, str], None]
) -> None:
    assert "badge[newer" not in labels(opened(visit, employee, answer))
    publish("leave.txt", f"A word before it. {LEAVE}")
    page = opened(visit, employee, answer)
    assert ":orange-badge[newer version 2]" in labels(page)
    assert "newer version 2: passage unchanged" in words(page)
    publish("leave.txt", LEAVE.replace("thirty", "forty"))
    page = opened(visit, employee, answer)
    assert ":orange-badge[newer version 3]" in labels(page)
    assert "newer version 3: passage changed" in words(page)
    assert ":yellow-background[Employees of the bakery get thirty days" in words(page), "what the answer was made from"


def test_another_reading_of_the_same_file_is_no_news(
    visit: Visit, kyo: Kyo, employee: Actor, admin: Actor, answer: Answer, run_pipeline: Callable[[], None]
) -> None:
    assert reprocessing.reprocess(kyo, admin, everything=True).again == 1
    run_pipeline()
    page = opened(visit, employee, answer)
    assert "version 2" not in labels(page) + words(page)
    assert ":green-badge[current version]" in words(page)
    assert "This is the text that the answer was made from" not in words(page)


def test_an_overdue_review_is_told(
    visit: Visit, employee: Actor, answer: Answer, sql: Callable[..., list[Any]]
) -> None:
    sql("update documents set review_by = current_date - 1, stale_since = now()")
    page = opened(visit, employee, answer)
    assert ":orange-badge[review overdue]" in labels(page)
    assert ":orange-badge[review overdue]" in words(page)


def test_what_was_read_from_a_picture_is_told(
    visit: Visit, employee: Actor, answer: Answer, sql: Callable[..., list[Any]]
) -> None:
    sql("update version_texts set page_starts = '{0}', ocr_pages = '{1}'")
    assert ":violet-badge[OCR]" in labels(opened(visit, employee, answer))


def test_of_a_document_that_was_archived_the_passage_stays(
    visit: Visit, kyo: Kyo, employee: Actor, manager: Actor, answer: Answer
) -> None:
    curating.archive(kyo, manager, answer.citations[0].document_id)
    page = opened(visit, employee, answer)
    assert "answers no questions now" in labels(page)
    assert ":yellow-background[" in words(page)


@pytest.fixture
def erase(kyo: Kyo, admin: Actor) -> Callable[[UUID], object]:
    return lambda document_id: curating.delete(kyo, admin, document_id)


def test_of_an_answer_out_of_a_deleted_document_the_title_is_left(
    visit: Visit, employee: Actor, answer: Answer, erase: Callable[[UUID], object]
) -> None:
    erase(answer.citations[0].document_id)
    page = opened(visit, employee, answer)
    assert not page.exception
    assert ERASED_TEXT in words(page)
    assert "leave :gray-badge[since deleted]" in words(page)
    assert "thirty" not in words(page)
    assert not page.expander
    assert not page.feedback
    listed = visit("history", employee)
    assert "A document that this answer quoted has since been deleted" in words(listed)
    assert re.search(r":small\[Asked .+ \d\d:\d\d ·\] :gray-badge\[Since deleted\]", words(listed))
    assert "thirty" not in words(listed)


def test_an_answer_on_the_page_goes_with_its_document(
    visit: Visit, kyo: Kyo, employee: Actor, publish: Callable[[str, str], None], erase: Callable[[UUID], object]
) -> None:
    publish("leave.txt", LEAVE)
    page = visit("", employee)
    page.chat_input[0].set_value(QUESTION).run()
    assert "thirty days" in words(page)
    [document] = library.list_documents(kyo, employee).documents
    erase(document.id)
    page.run()
    assert ERASED_TEXT in words(page)
    assert "thirty" not in words(page)
    assert "thirty" not in repr(page.session_state["conversation"]), "nor is it kept"
    assert ERASED_TEXT in words(page.run())
