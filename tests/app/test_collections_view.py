"""Collections, groups, and who may read a document, as each role finds them."""

from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from kyo_app.markup import inert
from kyo_pipeline.domain.access import Access
from kyo_pipeline.domain.actor import Actor, Role
from kyo_pipeline.domain.collections import CollectionDetails
from kyo_pipeline.domain.documents import Document
from kyo_pipeline.domain.groups import Group
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import collections, groups, library, sharing
from tests.app import pages
from tests.app.pages import ODD, Visit, buttons, click
from tests.recipients import a_group, a_person


def words(page: AppTest) -> str:
    """All that the page says, also on what can be opened."""
    return "\n".join([pages.words(page), *(found.label for found in page.expander)])


def box(page: AppTest, label: str, which: int = 0) -> Any:
    """Of several select boxes with this label, the one at this place."""
    return [found for found in page.selectbox if found.label == label][which]


def switch(page: AppTest, label: str) -> Any:
    return next(found for found in page.toggle if found.label == label)


def choose(page: AppTest, label: str, value: object, which: int = 0) -> AppTest:
    chosen: AppTest = box(page, label, which).set_value(value).run()
    return chosen


def opened(page: AppTest, kind: str, key: object) -> AppTest:
    page.session_state[f"{kind}-{key}"] = True
    return page.run()


@pytest.fixture
def board(kyo: Kyo, admin: Actor) -> CollectionDetails:
    return collections.create(kyo, admin, "Board", "Minutes.")


@pytest.fixture
def team(kyo: Kyo, admin: Actor) -> Group:
    return groups.create(kyo, admin, "Team")


# Collections --------------------------------------------------------------------------------------------------------


def test_a_collection_is_created_and_found(visit: Visit, kyo: Kyo, admin: Actor) -> None:
    page = visit("collections", admin)
    assert not page.exception
    page.text_input[0].set_value(ODD)
    page.text_input[1].set_value("For <i>everyone</i>")
    box(page, "Everyone may").set_value(Access.READ)
    click(page, "Create collection")
    made = collections.named(kyo, admin, ODD)
    assert (made.description, made.everyone) == ("For <i>everyone</i>", Access.READ)
    assert inert(ODD) in words(page)
    assert inert("For <i>everyone</i>") in words(opened(page, "collection", made.id))


@pytest.mark.parametrize("typed", ["", "   ", "a\x00b", "a\u202eb", "board"])
def test_a_name_that_is_none_is_said(
    visit: Visit, kyo: Kyo, admin: Actor, board: CollectionDetails, typed: str
) -> None:
    page = visit("collections", admin)
    page.text_input[0].set_value(typed)
    click(page, "Create collection")
    assert not page.exception
    assert len(page.error) == 1
    assert collections.list_all(kyo, admin) == (collections.named(kyo, admin, "General"), board)


def test_what_everyone_may_do_is_changed(visit: Visit, kyo: Kyo, admin: Actor, board: CollectionDetails) -> None:
    page = opened(visit("collections", admin), "collection", board.id)
    choose(page, "Everyone may", Access.WRITE, which=-1)
    assert not page.exception
    assert collections.named(kyo, admin, "Board").everyone is Access.WRITE
    box(page, "Everyone may", which=-1).select_index(0).run()
    assert collections.named(kyo, admin, "Board").everyone is None


@pytest.mark.usefixtures("team")
def test_people_and_groups_are_given_access_and_lose_it(
    visit: Visit, kyo: Kyo, admin: Actor, employee: Actor, board: CollectionDetails
) -> None:
    page = opened(visit("collections", admin), "collection", board.id)
    assert "Choose a person or a group first." in words(click(page, "Give access"))
    choices = collections.candidates(kyo, admin)
    for recipient in (*choices.groups, *(one for one in choices.people if one.id == employee.id)):
        box(page, "Person or group").set_value(recipient)
        box(page, "May", which=-1).set_value(Access.APPROVE)
        click(page, "Give access")
        assert not page.exception
    found = collections.read_access(kyo, admin, board.id)
    assert [given.access for given in (*found.groups, *found.members)] == [Access.APPROVE] * 2
    assert "as an employee: read and upload" in words(page)
    choose(page, "May", Access.READ, which=1)
    assert collections.read_access(kyo, admin, board.id).members[0].access is Access.READ
    assert "as an employee" not in words(page)
    click(click(page, "Remove"), "Remove")
    found = collections.read_access(kyo, admin, board.id)
    assert (found.groups, found.members) == ((), ())


def test_how_long_approvals_hold_and_who_takes_files_away_is_changed(
    visit: Visit, kyo: Kyo, admin: Actor, board: CollectionDetails
) -> None:
    page = opened(visit("collections", admin), "collection", board.id)
    assert "An approval holds" not in words(page)
    page.number_input[0].set_value(18)
    page.checkbox[0].uncheck()
    click(page, "Save")
    assert not page.exception
    changed = collections.named(kyo, admin, "Board")
    assert (changed.description, changed.review_months, changed.downloadable) == ("Minutes.", 18, False)
    assert "An approval holds for 18 months." in words(page)
    assert "Readers may not download files." in words(page)
    page.number_input[0].set_value(0)
    page.checkbox[0].check()
    click(page, "Save")
    changed = collections.named(kyo, admin, "Board")
    assert (changed.review_months, changed.downloadable) == (None, True)


@pytest.mark.parametrize("months", [-1, 121, 10**15])
def test_months_that_are_too_few_or_too_many_are_said(
    visit: Visit, kyo: Kyo, admin: Actor, board: CollectionDetails, months: int
) -> None:
    page = opened(visit("collections", admin), "collection", board.id)
    page.number_input[0].set_value(months)
    click(page, "Save")
    assert not page.exception
    assert "An approval holds for 1 to 120 months" in words(page)
    assert collections.named(kyo, admin, "Board").review_months is None


def test_a_collection_is_described_and_deleted(visit: Visit, kyo: Kyo, admin: Actor, board: CollectionDetails) -> None:
    page = opened(visit("collections", admin), "collection", board.id)
    page.text_input[2].set_value("Council")
    click(page, "Save")
    assert collections.named(kyo, admin, "Council").id == board.id
    click(page, "Delete this collection")
    assert not page.exception
    assert [one.name for one in collections.list_all(kyo, admin)] == ["General"]


def test_what_cannot_be_deleted_says_why(visit: Visit, kyo: Kyo, admin: Actor, board: CollectionDetails) -> None:
    library.upload(kyo, admin, "a.txt", b"text", "Board")
    page = opened(visit("collections", admin), "collection", board.id)
    assert "Board holds 1 document" in words(page)
    page = opened(page, "collection", collections.named(kyo, admin, "General").id)
    assert "Uploads that name no collection go to General" in words(page)
    assert "Delete this collection" not in buttons(page)


def test_what_somebody_else_deleted_meanwhile_is_said(
    visit: Visit, kyo: Kyo, admin: Actor, board: CollectionDetails
) -> None:
    page = opened(visit("collections", admin), "collection", board.id)
    collections.delete(kyo, admin, board.id)
    click(page, "Delete this collection")
    assert not page.exception
    assert "Board" not in words(page)


def test_there_are_pages_of_collections_and_of_members(
    visit: Visit, kyo: Kyo, admin: Actor, person: Callable[[Role], Actor], board: CollectionDetails
) -> None:
    for number in range(21):
        collections.create(kyo, admin, f"Archive {number:02}")
        collections.grant(kyo, admin, board.id, a_person(person(Role.EMPLOYEE).id), Access.READ)
    page = visit("collections", admin)
    assert "Archive 18" in words(page)
    assert "Archive 19" not in words(page)
    page.pagination[0].set_value(2).run()
    assert "Archive 19" in words(page)
    page = opened(page, "collection", board.id)
    assert buttons(page).count("Remove") == 20
    page.pagination[0].set_value(2).run()
    assert buttons(page).count("Remove") == 1


def test_what_of_an_access_does_not_count_is_said(
    visit: Visit,
    kyo: Kyo,
    admin: Actor,
    employee: Actor,
    manager: Actor,
    board: CollectionDetails,
    sql: Callable[..., list[Any]],
) -> None:
    for somebody in (admin, employee, manager):
        collections.grant(kyo, admin, board.id, a_person(somebody.id), Access.READ)
    page = opened(visit("collections", admin), "collection", board.id)
    assert words(page).count("may do everything]") == 1
    assert "deactivated" not in words(page)
    sql("update users set active = false where id = :id", id=employee.id)
    assert words(page.run()).count(":gray-badge[deactivated]") == 1


# Groups -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def on_groups(visit: Visit, admin: Actor) -> Callable[[], AppTest]:
    def arrive() -> AppTest:
        page = visit("collections", admin)
        page.session_state["collections-tab"] = "Groups"
        return page.run()

    return arrive


def test_groups_begin_with_a_hint(on_groups: Callable[[], AppTest]) -> None:
    page = on_groups()
    assert not page.exception
    assert "There are no groups yet" in words(page)
    page.text_input[0].set_value("  ")
    assert "A name has" in words(click(page, "Create group"))
    page.text_input[0].set_value(ODD)
    click(page, "Create group")
    assert inert(ODD) in words(page)


def test_what_a_group_gives_is_said(
    on_groups: Callable[[], AppTest], kyo: Kyo, admin: Actor, team: Group, document: Document
) -> None:
    page = opened(on_groups(), "group", team.id)
    assert "It gives no access yet." in words(page)
    sharing.add_reader(kyo, admin, document.id, a_group(team.id))
    assert "1 single document :gray[read]" in words(page.run())


def test_a_group_is_filled_renamed_and_deleted(
    on_groups: Callable[[], AppTest],
    kyo: Kyo,
    admin: Actor,
    employee: Actor,
    manager: Actor,
    board: CollectionDetails,
    team: Group,
) -> None:
    collections.grant(kyo, admin, board.id, a_group(team.id), Access.READ)
    page = opened(on_groups(), "group", team.id)
    assert "Choose a person first." in words(click(page, "Add to the group"))
    wanted = [one for one in groups.candidates(kyo, admin) if one.id in (employee.id, manager.id)]
    page.multiselect[0].set_value(wanted)
    click(page, "Add to the group")
    assert {one.id for one in groups.read_group(kyo, admin, team.id).members} == {employee.id, manager.id}
    assert "Board :gray[read]" in words(page)
    assert "Its 2 people then lose what only this group gives them: access to 1 collection" in words(page)
    click(page, "Remove")
    assert len(groups.read_group(kyo, admin, team.id).members) == 1
    page.text_input[1].set_value("Crew")
    click(page, "Save")
    assert groups.named(kyo, admin, "crew").id == team.id
    click(page, "Delete this group")
    assert not page.exception
    assert groups.list_groups(kyo, admin) == ()


# Single documents -----------------------------------------------------------------------------------------------------


@pytest.fixture
def document(kyo: Kyo, employee: Actor, publish: Callable[[str, str], None]) -> Document:
    publish("salaries.txt", "Salaries are paid on the first day of the month.")
    return library.list_documents(kyo, employee).documents[0]


def with_sharing(page: AppTest, document: Document) -> AppTest:
    page.session_state[f"document-{document.id}"] = True
    page.session_state[f"sharing-{document.id}"] = True
    return page.run()


def test_a_manager_restricts_a_document_and_gives_it_to_somebody(
    visit: Visit, kyo: Kyo, manager: Actor, person: Callable[[Role], Actor], document: Document, team: Group
) -> None:
    colleague = person(Role.EMPLOYEE)
    page = with_sharing(visit("documents", manager), document)
    assert "Everyone who may read General" in words(page)
    switch(page, "Restricted").set_value(True).run()
    assert not page.exception
    assert sharing.read_sharing(kyo, manager, document.id).restricted
    assert "Only its owner" in words(page)
    assert "Restricted" in words(page)
    assert "No document" in words(visit("documents", colleague)) or "no documents" in words(
        visit("documents", colleague)
    )
    page = with_sharing(visit("documents", manager), document)
    assert "Choose a person or a group first." in words(click(page, "Let them read it"))
    choices = sharing.candidates(kyo, manager)
    for reader in (*choices.groups, *(one for one in choices.people if one.id == colleague.id)):
        box(page, "Person or group").set_value(reader)
        click(page, "Let them read it")
    found = sharing.read_sharing(kyo, manager, document.id)
    assert [one.id for one in found.readers] == [colleague.id]
    assert [one.id for one in found.reader_groups] == [team.id]
    assert "salaries" in words(visit("documents", colleague))
    page = with_sharing(visit("documents", manager), document)
    click(click(page, "Remove"), "Remove")
    assert sharing.read_sharing(kyo, manager, document.id).readers == ()
    switch(page, "Restricted").set_value(False).run()
    assert not sharing.read_sharing(kyo, manager, document.id).restricted


@pytest.mark.parametrize("role", [Role.EMPLOYEE, Role.MANAGER])
def test_who_may_not_approve_finds_nothing_to_share(
    visit: Visit, kyo: Kyo, admin: Actor, person: Callable[[Role], Actor], document: Document, role: Role
) -> None:
    collections.set_everyone(kyo, admin, collections.named(kyo, admin, "General").id, Access.WRITE)
    page = with_sharing(visit("documents", person(role)), document)
    assert not page.exception
    assert not page.toggle
    assert "Archive this document" not in buttons(page)


def test_a_document_can_be_restricted_before_it_is_approved(
    visit: Visit, kyo: Kyo, manager: Actor, employee: Actor, run_pipeline: Callable[[], None]
) -> None:
    waiting = library.upload(kyo, employee, "secret.txt", b"Secret.").document
    run_pipeline()
    sharing.add_reader(kyo, manager, waiting.id, a_person(employee.id))
    page = visit("approvals", manager)
    page.session_state[f"sharing-{waiting.id}"] = True
    page.run()
    assert "They can read it as soon as it is approved." in words(page)
    switch(page, "Restricted").set_value(True).run()
    assert sharing.read_sharing(kyo, manager, waiting.id).restricted


def test_documents_are_filtered_by_collection_where_there_are_several(
    visit: Visit, kyo: Kyo, admin: Actor, employee: Actor, document: Document
) -> None:
    assert [found.label for found in visit("documents", employee).selectbox] == ["Show"]
    collections.create(kyo, admin, "Board", everyone=Access.READ)
    library.upload(kyo, admin, "minutes.txt", b"Minutes.", "Board")
    page = visit("documents", admin)
    assert "2 documents" in words(page)
    assert ":gray-badge[Board]" in words(page)
    choose(page, "Collection", "Board", which=-1)
    assert "1 document" in words(page)
    assert ":gray-badge[Board]" not in words(page)
    assert "minutes" in words(page)
    assert document.title not in words(page)
    assert [found.label for found in visit("documents", employee).selectbox] == ["Show", "Collection"]
