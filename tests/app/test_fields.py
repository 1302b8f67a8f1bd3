"""Whatever is typed into a field that has no test of its own: a sentence or inert text, and nothing else changes."""

from collections.abc import Callable
from uuid import UUID

import pytest

from kyo_app.markup import inert_line
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.documents import DocumentState
from kyo_pipeline.domain.typed_text import storable
from kyo_pipeline.errors import Invalid
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import asking, collections, groups, history, library
from tests.app.pages import HOSTILE, Visit, click, field, words

anything = pytest.mark.parametrize("kind", HOSTILE)


@pytest.fixture
def waiting(kyo: Kyo, employee: Actor) -> UUID:
    return library.upload(kyo, employee, "leave.txt", b"Thirty days of leave.").document.id


@anything
@pytest.mark.parametrize("label", ["Name", "What is it for?"])
def test_of_a_new_collection(visit: Visit, kyo: Kyo, admin: Actor, label: str, kind: str) -> None:
    page = visit("collections", admin)
    page.text_input[0].set_value("Board")
    next(found for found in page.text_input if found.label == label).set_value(HOSTILE[kind])
    click(page, "Create collection")
    assert not page.exception
    made = [found for found in collections.list_all(kyo, admin) if not found.is_default]
    assert len(made) + len(page.error) == 1
    for one in made:
        typed = one.name if label == "Name" else one.description
        assert typed == HOSTILE[kind].strip()
        assert inert_line(one.name, 90) in "\n".join(found.label for found in page.expander)


@anything
def test_of_a_new_group(visit: Visit, kyo: Kyo, admin: Actor, kind: str) -> None:
    page = visit("collections", admin)
    page.session_state["collections-tab"] = "Groups"
    page.run()
    field(page, "Name").set_value(HOSTILE[kind])
    click(page, "Create group")
    assert not page.exception
    made = groups.list_groups(kyo, admin)
    assert len(made) + len(page.error) == 1
    assert all(one.name == HOSTILE[kind].strip() for one in made)


@anything
@pytest.mark.usefixtures("waiting")
@pytest.mark.parametrize(("path", "label"), [("documents", "Search"), ("history", "Search your questions")])
def test_of_a_search(visit: Visit, employee: Actor, path: str, label: str, kind: str) -> None:
    page = visit(path, employee)
    field(page, label).set_value(HOSTILE[kind]).run()
    assert not page.exception
    assert not page.error


@anything
def test_of_a_reason_to_reject(visit: Visit, kyo: Kyo, manager: Actor, waiting: UUID, kind: str) -> None:
    page = visit("approvals", manager)
    page.text_area[0].set_value(HOSTILE[kind])
    click(page, "Reject")
    assert not page.exception
    document = library.read_document(kyo, manager, waiting)
    assert (document.state is DocumentState.REJECTED) is not bool(page.error)
    if document.state is DocumentState.REJECTED:
        assert document.latest.review_reason == storable(HOSTILE[kind])


@anything
def test_of_a_question(visit: Visit, kyo: Kyo, employee: Actor, publish: Callable[[str, str], None], kind: str) -> None:
    publish("leave.txt", "Everybody has thirty days of leave.")
    page = visit("", employee)
    page.chat_input[0].set_value(HOSTILE[kind]).run()
    assert not page.exception
    try:
        expected = [asking.clean_question(HOSTILE[kind])]
    except Invalid:
        expected = []
    assert [one.question for one in history.list_answers(kyo, employee).answers] == expected
    assert HOSTILE["html"] not in words(page), "it is escaped"
