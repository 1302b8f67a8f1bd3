"""The view of documents: what is found in it, what a row opens, and what each role may do there."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from streamlit.testing.v1 import AppTest

from kyo_app.markup import inert
from kyo_pipeline.domain.access import Access
from kyo_pipeline.domain.actor import Actor, Role
from kyo_pipeline.domain.diffs import Diff
from kyo_pipeline.domain.documents import Document, DocumentState, Review
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import curating, expiring, library, reviewing, sources
from tests.app import pages
from tests.app.pages import ODD, Visit, box, buttons, click, field
from tests.conftest import Clock

LEAVE = "Employees of the bakery get thirty days of annual leave in each calendar year."


def words(page: AppTest) -> str:
    """All that the page says, also on what can be opened."""
    return "\n".join([pages.words(page), *(found.label for found in page.expander)])


def labels(page: AppTest) -> list[str]:
    """Of all that can be opened."""
    popovers: Sequence[Any] = page.get("popover")
    return [*(found.label for found in page.expander), *(found.proto.popover.label for found in popovers)]


def opened(page: AppTest, *keys: str) -> AppTest:
    for key in keys:
        page.session_state[key] = True
    return page.run()


@pytest.fixture
def add(kyo: Kyo, employee: Actor, manager: Actor, run_pipeline: Callable[[], None]) -> Callable[..., Document]:
    """A document, or its next version, the whole way through; approved unless it is said not to be."""

    def put(name: str, body: str = LEAVE, *, approved: bool = True, by: Actor = employee, **how: Any) -> Document:
        version = library.upload(kyo, by, name, body.encode(), **how).document.latest
        run_pipeline()
        if approved:
            reviewing.approve(kyo, manager, version.id)
        return library.list_versions(kyo, by, [version.id])[0].document

    return put


@pytest.fixture
def overdue(pipeline: Kyo, clock: Clock, add: Callable[..., Document], sql: Callable[..., list[Any]]) -> Document:
    document = add("leave.txt")
    sql("update documents set review_by = :day where id = :id", id=document.id, day=clock().date() - timedelta(days=9))
    assert expiring.expire(pipeline) == 1
    return document


# Finding ------------------------------------------------------------------------------------------------------------


def test_a_row_says_what_its_document_is(
    visit: Visit, kyo: Kyo, manager: Actor, employee: Actor, add: Callable[..., Document]
) -> None:
    document = add("leave.txt")
    curating.add_tags(kyo, manager, document.id, [ODD])
    page = visit("documents", employee)
    assert not page.exception
    label = next(label for label in labels(page) if label.startswith("leave"))
    assert ":green-badge[Approved]" in label
    assert f":violet-badge[:material/sell: {inert(ODD.lower())}]" in label


@pytest.mark.usefixtures("overdue")
def test_filters_find_drafts_own_ones_tags_and_what_is_overdue(
    visit: Visit, kyo: Kyo, manager: Actor, add: Callable[..., Document]
) -> None:
    add("draft.txt", "Not done yet.", approved=False, draft=True)
    other = add("canteen.txt", "The canteen opens at noon.", approved=False, by=manager)
    curating.add_tags(kyo, manager, other.id, ["food"])

    def found(**chosen: str) -> set[str]:
        page = visit("documents", manager)
        for label, value in chosen.items():
            box(page, label).set_value(value)
        page.run()
        assert not page.exception
        return {name for name in ("leave", "draft", "canteen") for label in labels(page) if label.startswith(name)}

    assert found() == {"leave", "draft", "canteen"}
    assert found(Show="Draft") == {"draft"}
    assert found(Show="Mine") == {"canteen"}
    assert found(Show="Review overdue") == {"leave"}
    assert found(Tag="food") == {"canteen"}
    assert found(Show="Draft", Tag="food") == set()


@pytest.mark.parametrize("role", Role)
def test_what_is_left_of_deleted_documents_is_for_admins(
    visit: Visit, kyo: Kyo, admin: Actor, person: Callable[[Role], Actor], add: Callable[..., Document], role: Role
) -> None:
    document = add("wages.txt", "Nobody should have uploaded this.")
    curating.delete(kyo, admin, document.id)
    page = visit("documents", person(role))
    assert "wages" not in words(page)
    assert ("Deleted" in box(page, "Show").options) is (role is Role.ADMIN)
    if role is Role.ADMIN:
        box(page, "Show").set_value("Deleted").run()
        assert not page.exception
        assert "**wages** :gray-badge[Deleted]" in words(page)
        assert f"by **{inert(admin.name)}**" in words(page)
        assert "wages" not in labels(page)


@pytest.mark.usefixtures("overdue")
def test_owners_and_approvers_are_told_what_is_overdue(
    visit: Visit, manager: Actor, employee: Actor, person: Callable[[Role], Actor]
) -> None:
    for somebody, told in ((employee, True), (manager, True), (person(Role.EMPLOYEE), False)):
        assert ("There is 1 document whose review is overdue." in words(visit("documents", somebody))) is told
    page = click(visit("documents", manager), "See which")
    assert box(page, "Show").value == "Review overdue"
    assert labels(page)[0].startswith("leave")


def test_nothing_overdue_is_good_news(visit: Visit, employee: Actor, add: Callable[..., Document]) -> None:
    add("leave.txt")
    page = visit("documents", employee)
    box(page, "Show").set_value("Review overdue").run()
    assert "No review is overdue" in words(page)


# One document -------------------------------------------------------------------------------------------------------


def test_an_address_shows_one_document(visit: Visit, employee: Actor, add: Callable[..., Document]) -> None:
    document = add("leave.txt")
    add("canteen.txt", "The canteen opens at noon.")
    page = visit("documents", employee, document=str(document.id))
    assert not page.exception
    assert pages.titles(page) == ["leave"]
    assert ":gray[File] leave\\.txt" in words(page)
    assert "canteen" not in words(page)
    assert "2 documents" in words(click(page, "All documents"))


@pytest.mark.parametrize("address", ["not-a-uuid", "00000000-0000-0000-0000-000000000009", "\x00", "9" * 5000])
def test_an_unknown_document_is_said_in_a_sentence(visit: Visit, employee: Actor, address: str) -> None:
    page = visit("documents", employee, document=address)
    assert not page.exception
    assert "There is no such document" in words(page)


def test_how_a_version_was_read_is_said(
    visit: Visit, employee: Actor, add: Callable[..., Document], sql: Callable[..., list[Any]]
) -> None:
    document = add("scan.txt")
    sql("update document_versions set pages = 14, empty_pages = 12, ocr_pages = 2")
    page = visit("documents", employee, document=str(document.id))
    assert "12 of 14 pages have no text" in words(page)
    assert "2 pages read by OCR" in words(page)


def test_a_draft_is_sent_by_its_uploader(
    visit: Visit, kyo: Kyo, employee: Actor, manager: Actor, add: Callable[..., Document]
) -> None:
    document = add("plan.txt", approved=False, draft=True)
    page = visit("documents", manager, document=str(document.id))
    assert "has not sent it for approval yet" in words(page)
    assert "Send for approval" not in buttons(page)
    page = visit("documents", employee, document=str(document.id))
    assert ":gray-badge[Draft]" in words(page)
    click(page, "Send for approval")
    assert not page.exception
    assert library.read_document(kyo, employee, document.id).latest.review is Review.PENDING


@pytest.mark.parametrize("role", Role)
def test_each_role_finds_what_it_may_do(
    visit: Visit, person: Callable[[Role], Actor], add: Callable[..., Document], role: Role
) -> None:
    document = add("leave.txt")
    page = visit("documents", person(role), document=str(document.id))
    assert not page.exception
    offered = {"Edit and move", "Who may read it", "Archive", "Read again", "Delete"} & set(labels(page))
    expected = {
        Role.EMPLOYEE: set(),
        Role.MANAGER: {"Edit and move", "Who may read it", "Archive"},
        Role.ADMIN: {"Edit and move", "Who may read it", "Archive", "Read again", "Delete"},
    }
    assert offered == expected[role]


def test_a_document_is_edited(
    visit: Visit, kyo: Kyo, manager: Actor, clock: Clock, add: Callable[..., Document]
) -> None:
    document = add("leave.txt")
    page = opened(visit("documents", manager, document=str(document.id)), f"edit-{document.id}")
    field(page, "Title").set_value(ODD)
    owner = box(page, "Owner")
    owner.set_value(next(person for person in curating.owners(kyo, manager, document.id) if person.id == manager.id))
    page.multiselect[0].set_value([])
    day = clock().date() + timedelta(days=100)
    page.date_input[0].set_value(day)
    click(page, "Save")
    assert not page.exception
    assert not page.error
    changed = library.read_document(kyo, manager, document.id)
    assert (changed.title, changed.owner_id, changed.review_by) == (ODD, manager.id, day)
    assert pages.titles(page) == [inert(ODD)]
    page.date_input[0].set_value(None)
    click(page, "Save")
    assert library.read_document(kyo, manager, document.id).review_by is None


@pytest.mark.parametrize("kind", pages.HOSTILE)
def test_nothing_that_is_typed_breaks_the_form(
    visit: Visit, manager: Actor, add: Callable[..., Document], kind: str
) -> None:
    document = add("leave.txt")
    page = opened(visit("documents", manager, document=str(document.id)), f"edit-{document.id}")
    field(page, "Title").set_value(pages.HOSTILE[kind])
    click(page, "Save")
    assert not page.exception


def test_a_document_is_moved(
    visit: Visit, kyo: Kyo, manager: Actor, add: Callable[..., Document], collection: Callable[..., str]
) -> None:
    document = add("leave.txt")
    collection(ODD, members={manager: Access.APPROVE.value})
    page = opened(visit("documents", manager, document=str(document.id)), f"edit-{document.id}")
    assert "Choose a collection first." in words(click(page, "Move"))
    box(page, "Move to").set_value(ODD)
    click(page, "Move")
    assert not page.exception
    assert library.read_document(kyo, manager, document.id).collection == ODD


def test_a_document_is_archived_and_restored(
    visit: Visit, kyo: Kyo, manager: Actor, add: Callable[..., Document]
) -> None:
    document = add("leave.txt")
    page = visit("documents", manager, document=str(document.id))
    click(page, "Archive this document")
    assert library.read_document(kyo, manager, document.id).state is DocumentState.ARCHIVED
    assert ":gray-badge[Archived]" in words(page)
    click(page, "Restore this document")
    assert not page.exception
    assert library.read_document(kyo, manager, document.id).searchable


def test_deleting_says_what_goes_and_what_stays(
    visit: Visit, kyo: Kyo, admin: Actor, add: Callable[..., Document]
) -> None:
    document = add("leave.txt")
    page = visit("documents", admin)
    opened(page, f"document-{document.id}")
    for part in ("Delete **leave** for good", "**What goes:**", "**What stays:**", "This cannot be undone."):
        assert part in words(page)
    click(page, "Delete this document for good")
    assert not page.exception
    assert library.list_documents(kyo, admin, state=DocumentState.DELETED).total == 1
    assert "There are no documents yet" in words(page)


def test_an_overdue_review_is_confirmed_by_those_who_may(
    visit: Visit,
    kyo: Kyo,
    employee: Actor,
    manager: Actor,
    person: Callable[[Role], Actor],
    clock: Clock,
    overdue: Document,
) -> None:
    address = str(overdue.id)
    page = visit("documents", employee, document=address)
    assert "It is yours: read it." in words(page)
    assert "Approve again" not in buttons(page)
    page = visit("documents", person(Role.EMPLOYEE), document=address)
    assert f"Ask {inert(employee.name)}, who looks after it" in words(page)
    page = visit("documents", manager, document=address)
    assert "Review overdue" in words(page)
    until = clock().date() + timedelta(days=30)
    page.date_input[0].set_value(until)
    click(page, "Approve again")
    assert not page.exception
    confirmed = library.read_document(kyo, manager, overdue.id)
    assert (confirmed.stale_since, confirmed.review_by) == (None, until)
    assert "Review overdue" not in words(page)


@pytest.mark.usefixtures("admin")
def test_nobody_confirms_their_own_upload(
    visit: Visit, manager: Actor, overdue: Document, sql: Callable[..., list[Any]]
) -> None:
    sql("update document_versions set uploaded_by = :id", id=manager.id)
    page = visit("documents", manager, document=str(overdue.id))
    assert "You uploaded this yourself" in words(page)
    assert "ask somebody who may approve here to confirm it" in words(page)
    assert "approve it again" not in words(page)
    assert "Approve again" not in buttons(page)


# Versions -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def twice(add: Callable[..., Document]) -> Document:
    add("leave.txt", "Annual leave\n\nEverybody gets thirty days. <b>Dates</b> are agreed early.")
    return add("leave.txt", "Annual leave\n\nEverybody gets thirty-two days. <b>Dates</b> are agreed early.")


def test_the_only_version_has_no_history(visit: Visit, employee: Actor, add: Callable[..., Document]) -> None:
    document = add("leave.txt")
    page = visit("documents", employee, document=str(document.id))
    assert not [label for label in labels(page) if "versions" in label]


def test_versions_are_listed_and_compared(visit: Visit, employee: Actor, manager: Actor, twice: Document) -> None:
    page = visit("documents", employee, document=str(twice.id))
    assert "All 2 versions" in labels(page)
    opened(page, f"versions-{twice.id}")
    assert "**Version 2** :green-badge[:material/check: answers questions] :green-badge[Approved]" in words(page)
    assert "**Version 1**  :green-badge[Approved]" in words(page)
    assert f"by {inert(manager.name)}" in words(page)
    click(page, "Compare")
    assert not page.exception
    said = words(page)
    assert "From version 1 to version 2" in said
    assert ":red-background[~~" in said
    assert ":green-background[**" in said
    assert "<b>" not in said
    box(page, "with version").set_value(1)
    assert "Choose two different versions." in words(click(page, "Compare"))


def test_an_earlier_version_is_used_again_and_the_later_one_after_it(
    visit: Visit, kyo: Kyo, manager: Actor, twice: Document
) -> None:
    page = opened(visit("documents", manager, document=str(twice.id)), f"versions-{twice.id}")
    assert "Answer from version 2" not in buttons(page)
    click(page, "Answer from version 1")
    assert library.read_document(kyo, manager, twice.id).current_number == 1
    assert "Answer from version 1" not in buttons(page)
    click(page, "Answer from version 2")
    assert not page.exception
    assert library.read_document(kyo, manager, twice.id).current_number == 2


def test_after_going_back_the_card_says_which_version_is_which_and_opens_the_one_that_answers(
    visit: Visit, kyo: Kyo, employee: Actor, manager: Actor, person: Callable[[Role], Actor], twice: Document
) -> None:
    newer, older = library.list_history(kyo, employee, twice.id)
    reviewing.roll_back(kyo, manager, older.id)
    for somebody, decides in ((manager, True), (person(Role.EMPLOYEE), False)):
        page = visit("documents", somebody, document=str(twice.id))
        assert not page.exception
        assert ":gray[Answers questions] :green-badge[:material/check: version 1]" in words(page)
        assert ":gray[Newest version] 2" in words(page)
        links = {link.proto.label: link.proto.query_string for link in page.get("page_link")}
        assert links["Open version 1"] == f"version={older.id}"
        assert "Open" not in links
        assert (":gray-badge[v1 answers questions]" in words(page)) is decides
        assert (":gray-badge[v1 answers questions]" in "".join(labels(visit("documents", somebody)))) is decides
    reviewing.roll_back(kyo, manager, newer.id)
    page = visit("documents", manager, document=str(twice.id))
    assert ":gray[Version] 2 :green-badge[:material/check: answers questions]" in words(page)
    assert "Newest version" not in words(page)


def test_who_may_not_approve_uses_no_other_version(visit: Visit, employee: Actor, twice: Document) -> None:
    page = opened(visit("documents", employee, document=str(twice.id)), f"versions-{twice.id}")
    assert not [label for label in buttons(page) if label.startswith("Answer from")]


def test_a_comparison_is_made_when_it_is_asked_for_and_once(
    visit: Visit, kyo: Kyo, employee: Actor, twice: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[tuple[UUID, UUID]] = []
    compare = sources.compare

    def counted(kyo: Kyo, actor: Actor, older: UUID, newer: UUID) -> Diff:
        made.append((older, newer))
        return compare(kyo, actor, older, newer)

    monkeypatch.setattr(sources, "compare", counted)
    page = opened(visit("documents", employee, document=str(twice.id)), f"versions-{twice.id}")
    assert made == []
    click(page, "Compare").run()
    newer, older = library.list_history(kyo, employee, twice.id)
    assert made == [(older.id, newer.id)]
