"""Several documents at once: what is chosen, what is done to each, and what is said of those that were refused."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from streamlit.testing.v1 import AppTest

from kyo_app.markup import inert
from kyo_pipeline.domain.access import Access
from kyo_pipeline.domain.actor import Actor, Role
from kyo_pipeline.domain.documents import DocumentState, Review
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import collections, curating, library, reviewing
from tests.app.pages import ODD, Visit, box, buttons, click, words

PAGE = 15


@pytest.fixture
def many(kyo: Kyo, employee: Actor, run_pipeline: Callable[[], None]) -> Callable[[int], list[UUID]]:
    """That many documents that wait for approval, the newest first."""

    def add(count: int) -> list[UUID]:
        for number in range(count):
            library.upload(kyo, employee, f"rule {number}.txt", f"Bread number {number} is round.".encode())
        run_pipeline()
        return [document.id for document in library.list_documents(kyo, employee, limit=count).documents]

    return add


def selecting(page: AppTest) -> AppTest:
    switched: AppTest = next(found for found in page.toggle if found.label == "Select several").set_value(True).run()
    return switched


def tick(page: AppTest, *keys: object) -> AppTest:
    for key in keys:
        page.checkbox(key=f"select-{key}").check()
    return page.run()


@pytest.mark.parametrize("role", Role)
def test_several_are_chosen_by_those_who_may_approve(
    visit: Visit, person: Callable[[Role], Actor], many: Callable[[int], list[UUID]], role: Role
) -> None:
    many(1)
    page = visit("documents", person(role))
    shown = [found.label for found in page.toggle]
    assert not page.checkbox or role is Role.EMPLOYEE
    assert ("Select several" in shown) is (role is not Role.EMPLOYEE)


def test_nothing_can_be_done_to_nothing(visit: Visit, manager: Actor, many: Callable[[int], list[UUID]]) -> None:
    many(2)
    page = selecting(visit("documents", manager))
    assert "**0** selected" in words(page)
    assert not [label for label in buttons(page) if label.startswith(("Approve", "Archive", "Add tags"))]


def test_a_page_is_chosen_and_approved(
    visit: Visit, kyo: Kyo, manager: Actor, many: Callable[[int], list[UUID]]
) -> None:
    ids = many(PAGE + 2)
    page = tick(selecting(visit("documents", manager)), "page")
    assert f"**{PAGE}** selected" in words(page)
    page.checkbox(key=f"select-{ids[0]}").uncheck().run()
    assert f"**{PAGE - 1}** selected" in words(page)
    assert not page.checkbox(key="select-page").value
    click(page, f"Approve {PAGE - 1} documents")
    assert not page.exception
    assert f"Approved: **{PAGE - 1} documents**" in words(page)
    assert library.list_documents(kyo, manager, state=DocumentState.APPROVED).total == PAGE - 1
    assert "**0** selected" in words(page)


def test_what_is_chosen_on_another_page_stays_and_on_another_search_goes(
    visit: Visit, manager: Actor, many: Callable[[int], list[UUID]]
) -> None:
    many(PAGE + 2)
    page = tick(selecting(visit("documents", manager)), "page")
    page.pagination[0].set_value(2).run()
    assert f"**{PAGE}** selected" in words(page)
    tick(page, "page")
    assert f"**{PAGE + 2}** selected" in words(page)
    box(page, "Show").set_value("Waiting for approval").run()
    assert "**0** selected" in words(page)


@pytest.mark.usefixtures("admin")
def test_each_that_is_refused_says_why_and_stops_no_other(
    visit: Visit, kyo: Kyo, manager: Actor, employee: Actor, run_pipeline: Callable[[], None]
) -> None:
    good = library.upload(kyo, employee, "good.txt", b"Bread is round.").document
    own = library.upload(kyo, manager, f"{ODD.replace('/', '')}.txt", b"Rolls are round.").document
    broken = library.upload(kyo, employee, "broken.txt", b"broken").document
    run_pipeline()
    page = tick(selecting(visit("documents", manager)), own.id, broken.id, good.id)
    assert "2 of 3 wait for approval." in words(page)
    click(page, "Approve 2 documents")
    assert not page.exception
    said = words(page)
    assert "Approved: **1 document**" in said
    assert "Left as they were: **1 document**" in said
    assert "You uploaded this yourself" in said
    assert inert(own.title) in said
    assert library.read_document(kyo, manager, good.id).searchable
    assert "Left as they were" not in words(click(page, "Hide"))


def approving(page: AppTest) -> Any:
    [popover] = [found.proto.popover for found in page.get("popover") if found.proto.popover.label == "Approve"]
    return popover


def test_only_what_waits_is_approved(
    visit: Visit, kyo: Kyo, manager: Actor, employee: Actor, many: Callable[[int], list[UUID]]
) -> None:
    approved, archived, waiting = many(3)
    reviewing.approve(kyo, manager, library.read_document(kyo, manager, approved).latest.id)
    curating.archive(kyo, manager, archived)
    draft = library.upload(kyo, employee, "draft.txt", b"Not done yet.", draft=True).document.id
    page = tick(selecting(visit("documents", manager)), approved, archived, draft)
    assert approving(page).disabled
    assert not [label for label in buttons(page) if label.startswith("Approve")]
    assert "Archive 3 documents" in buttons(page)
    tick(page, waiting)
    assert not approving(page).disabled
    assert "1 of 4 waits for approval. Approve 1 document? Each then answers questions." in words(page)
    click(page, "Approve 1 document")
    assert not page.exception
    assert "Approved: **1 document**" in words(page)
    assert "Left as they were" not in words(page)
    assert library.read_document(kyo, manager, waiting).searchable
    assert library.read_document(kyo, manager, archived).state is DocumentState.ARCHIVED


def test_how_long_approvals_hold_is_said_where_collections_say_it(
    visit: Visit,
    kyo: Kyo,
    admin: Actor,
    manager: Actor,
    many: Callable[[int], list[UUID]],
    collection: Callable[..., str],
) -> None:
    first, _ = many(2)
    general = collections.named(kyo, admin, "General")
    collections.change(kyo, admin, general.id, "General", "", review_months=12, downloadable=True)
    page = tick(selecting(visit("documents", manager)), "page")
    assert "Each then answers questions, until the day that its collection says." in words(page)
    collection(ODD, members={manager: Access.APPROVE.value})
    curating.move(kyo, manager, first, ODD)
    page = tick(selecting(visit("documents", manager)), "page")
    assert "answers questions, some of them until the day that their collection says." in words(page)


def test_what_changed_since_it_was_ticked_is_not_approved(
    visit: Visit, kyo: Kyo, manager: Actor, employee: Actor, many: Callable[[int], list[UUID]]
) -> None:
    [document_id] = many(1)
    page = tick(selecting(visit("documents", manager)), document_id)
    library.upload(kyo, employee, "rule 0.txt", b"Bread is square.")
    click(page, "Approve 1 document")
    assert "Left as they were: **1 document**" in words(page)
    assert "There is a newer version" in words(page)
    assert library.read_document(kyo, manager, document_id).latest.review is Review.PENDING


def test_several_are_tagged(visit: Visit, kyo: Kyo, manager: Actor, many: Callable[[int], list[UUID]]) -> None:
    first, second = many(2)
    curating.add_tags(kyo, manager, first, ["bread"])
    page = tick(selecting(visit("documents", manager)), "page")
    assert "Choose or type a tag first." in words(click(page, "Add tags"))
    page.multiselect[0].set_value(["bread"])
    click(page, "Add tags")
    assert not page.exception
    assert "Tagged: **2 documents**" in words(page)
    assert [library.read_document(kyo, manager, one).tags for one in (first, second)] == [("bread",)] * 2


def test_several_are_moved(
    visit: Visit, kyo: Kyo, manager: Actor, many: Callable[[int], list[UUID]], collection: Callable[..., str]
) -> None:
    collection(ODD, members={manager: Access.APPROVE.value})
    ids = many(2)
    page = tick(selecting(visit("documents", manager)), "page")
    assert "Choose a collection first." in words(click(page, "Move them"))
    box(page, "Move to").set_value(ODD)
    click(page, "Move them")
    assert not page.exception
    assert {library.read_document(kyo, manager, one).collection for one in ids} == {ODD}


def test_several_are_archived(visit: Visit, kyo: Kyo, manager: Actor, many: Callable[[int], list[UUID]]) -> None:
    first, second = many(2)
    reviewing.approve(kyo, manager, library.read_document(kyo, manager, first).latest.id)
    page = tick(selecting(visit("documents", manager)), "page")
    click(page, "Archive 2 documents")
    assert not page.exception
    assert "Archived: **2 documents**" in words(page)
    assert {library.read_document(kyo, manager, one).state for one in (first, second)} == {DocumentState.ARCHIVED}


def test_what_was_not_reached_is_said(
    visit: Visit, manager: Actor, many: Callable[[int], list[UUID]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when somebody leaves the page in the middle, or something breaks."""
    many(3)
    page = tick(selecting(visit("documents", manager)), "page")
    archive, done = curating.archive, list[UUID]()

    def once(kyo: Kyo, actor: Actor, document_id: UUID) -> Any:
        if done:
            raise RuntimeError("the machine stops")
        done.append(document_id)
        return archive(kyo, actor, document_id)

    monkeypatch.setattr(curating, "archive", once)
    click(page, "Archive 3 documents")
    page.run()
    assert "Archived: **1 document**" in words(page)
    assert "Not reached: **2 documents**" in words(page)
