"""Single documents: restricted and opened again, given to people and groups, and what these then find."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from kyo_pipeline.domain.access import Access
from kyo_pipeline.domain.actor import OPERATOR, Actor, Role
from kyo_pipeline.domain.documents import Document
from kyo_pipeline.errors import NotAllowed, NotFound
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import asking, collections, groups, library, sharing
from tests.recipients import a_group, a_person

NOBODY = UUID(int=9)
Sql = Callable[..., list[Any]]
LastAudit = Callable[[], tuple[str, dict[str, object]]]


@pytest.fixture
def last_audit(sql: Sql) -> LastAudit:
    def read() -> tuple[str, dict[str, object]]:
        row = sql("select event, object_id, details from audit_log order by id desc limit 1")[0]
        return row.event, row.details

    return read


@pytest.fixture
def document(kyo: Kyo, employee: Actor, publish: Callable[[str, str], None]) -> Document:
    """Published in the default collection, and owned by the employee."""
    publish("salaries.txt", "The salaries of the bakery are paid on the first day of each month.")
    [found] = library.list_documents(kyo, employee).documents
    return found


@pytest.fixture
def colleague(person: Callable[[Role], Actor]) -> Actor:
    return person(Role.EMPLOYEE)


def close_general(kyo: Kyo, admin: Actor) -> None:
    """Nobody but admins may do anything in the default collection any more."""
    collections.set_everyone(kyo, admin, collections.named(kyo, admin, "General").id, None)


def finds(kyo: Kyo, actor: Actor) -> list[bool]:
    """Whether the actor finds the document: in the list, by searching, and by its text."""
    passages = asking.search(kyo, actor, "When are salaries paid?").passages
    listed = library.list_documents(kyo, actor).documents
    return [bool(listed), bool(passages), any(library.preview(kyo, actor, found.latest.id) for found in listed)]


EVERYWHERE, NOWHERE = [True] * 3, [False] * 3


def test_a_restricted_document_is_for_its_owner_approvers_and_readers(
    kyo: Kyo, employee: Actor, manager: Actor, admin: Actor, colleague: Actor, document: Document, last_audit: LastAudit
) -> None:
    assert finds(kyo, colleague) == EVERYWHERE
    sharing.restrict(kyo, manager, document.id)
    assert last_audit() == ("document:restrict", {"title": "salaries"})
    assert finds(kyo, colleague) == NOWHERE
    with pytest.raises(NotFound):
        library.read_document(kyo, colleague, document.id)
    for somebody in (employee, manager, admin):
        assert finds(kyo, somebody) == EVERYWHERE
        assert library.read_document(kyo, somebody, document.id).restricted
    sharing.add_reader(kyo, manager, document.id, a_person(colleague.id))
    assert last_audit() == ("document:add_reader", {"title": "salaries", "person": colleague.username})
    assert finds(kyo, colleague) == EVERYWHERE
    sharing.remove_reader(kyo, manager, document.id, a_person(colleague.id))
    assert last_audit() == ("document:remove_reader", {"title": "salaries", "person": colleague.username})
    assert finds(kyo, colleague) == NOWHERE
    sharing.unrestrict(kyo, manager, document.id)
    assert last_audit() == ("document:unrestrict", {"title": "salaries"})
    assert finds(kyo, colleague) == EVERYWHERE


def test_a_group_of_readers(
    kyo: Kyo, manager: Actor, admin: Actor, colleague: Actor, document: Document, last_audit: LastAudit
) -> None:
    team = groups.create(kyo, admin, "Team")
    groups.add_member(kyo, admin, team.id, colleague.id)
    sharing.restrict(kyo, manager, document.id)
    sharing.add_reader(kyo, manager, document.id, a_group(team.id))
    assert last_audit() == ("document:add_reader", {"title": "salaries", "group": "Team"})
    assert finds(kyo, colleague) == EVERYWHERE
    assert groups.list_groups(kyo, admin)[0].documents == 1
    sharing.remove_reader(kyo, manager, document.id, a_group(team.id))
    assert last_audit() == ("document:remove_reader", {"title": "salaries", "group": "Team"})
    assert finds(kyo, colleague) == NOWHERE


def test_a_reader_needs_no_collection(kyo: Kyo, admin: Actor, colleague: Actor, document: Document) -> None:
    close_general(kyo, admin)
    assert finds(kyo, colleague) == NOWHERE
    sharing.add_reader(kyo, admin, document.id, a_person(colleague.id))
    assert finds(kyo, colleague) == EVERYWHERE
    assert not library.read_document(kyo, colleague, document.id).restricted


def test_what_is_not_published_is_not_for_readers_yet(
    kyo: Kyo, admin: Actor, colleague: Actor, run_pipeline: Callable[[], None]
) -> None:
    close_general(kyo, admin)
    waiting = library.upload(kyo, admin, "secret.txt", b"The salaries of the bakery are secret.").document
    run_pipeline()
    sharing.add_reader(kyo, admin, waiting.id, a_person(colleague.id))
    assert not sharing.read_sharing(kyo, admin, waiting.id).published
    assert finds(kyo, colleague) == NOWHERE


def test_who_reads_is_listed(
    kyo: Kyo, manager: Actor, admin: Actor, employee: Actor, colleague: Actor, document: Document
) -> None:
    team = groups.create(kyo, admin, "Team")
    sharing.add_reader(kyo, manager, document.id, a_person(colleague.id))
    sharing.add_reader(kyo, manager, document.id, a_group(team.id))
    found = sharing.read_sharing(kyo, manager, document.id)
    assert (found.restricted, found.published) == (False, True)
    assert [one.username for one in found.readers] == [colleague.username]
    assert [one.name for one in found.reader_groups] == ["Team"]
    candidates = sharing.candidates(kyo, manager)
    assert {one.id for one in candidates.people} == {employee.id, manager.id, admin.id, colleague.id}
    assert [one.id for one in candidates.groups] == [team.id]


def test_doing_it_twice_is_the_same_as_once(
    kyo: Kyo, manager: Actor, admin: Actor, colleague: Actor, document: Document, audited: Callable[[], list[str]]
) -> None:
    team = groups.create(kyo, admin, "Team")
    before = len(audited())
    for _ in range(2):
        sharing.restrict(kyo, manager, document.id)
        sharing.add_reader(kyo, manager, document.id, a_person(colleague.id))
        sharing.add_reader(kyo, manager, document.id, a_group(team.id))
    assert audited()[before:] == ["document:restrict", "document:add_reader", "document:add_reader"]


def deeds(kyo: Kyo, actor: Actor, document_id: UUID, person: UUID, group: UUID) -> list[Callable[[], object]]:
    return [
        lambda: sharing.read_sharing(kyo, actor, document_id),
        lambda: sharing.restrict(kyo, actor, document_id),
        lambda: sharing.unrestrict(kyo, actor, document_id),
        lambda: sharing.add_reader(kyo, actor, document_id, a_person(person)),
        lambda: sharing.add_reader(kyo, actor, document_id, a_group(group)),
        lambda: sharing.remove_reader(kyo, actor, document_id, a_person(person)),
        lambda: sharing.remove_reader(kyo, actor, document_id, a_group(group)),
    ]


def test_a_manager_decides_only_where_they_may_approve(
    kyo: Kyo, admin: Actor, manager: Actor, colleague: Actor, document: Document, audited: Callable[[], list[str]]
) -> None:
    team = groups.create(kyo, admin, "Team")
    general = collections.named(kyo, admin, "General")
    assert not sharing.read_sharing(kyo, manager, document.id).restricted
    collections.set_everyone(kyo, admin, general.id, Access.WRITE)
    before = audited()
    for deed in deeds(kyo, manager, document.id, colleague.id, team.id):
        with pytest.raises(NotFound, match="none whose readers you may choose"):
            deed()
    assert audited() == before
    assert not library.read_document(kyo, manager, document.id).restricted


def test_an_owner_who_is_an_employee_does_not_decide(
    kyo: Kyo, employee: Actor, document: Document, audited: Callable[[], list[str]]
) -> None:
    before = audited()
    for deed in deeds(kyo, employee, document.id, employee.id, NOBODY):
        with pytest.raises(NotAllowed, match="document:restrict"):
            deed()
    assert audited() == before


def test_what_does_not_exist_is_said(
    kyo: Kyo, admin: Actor, colleague: Actor, document: Document, audited: Callable[[], list[str]]
) -> None:
    before = audited()
    for deed in deeds(kyo, admin, NOBODY, colleague.id, NOBODY):
        with pytest.raises(NotFound, match="no such document"):
            deed()
    for person in (NOBODY, OPERATOR.id):
        with pytest.raises(NotFound, match="no such person"):
            sharing.add_reader(kyo, admin, document.id, a_person(person))
    with pytest.raises(NotFound, match="no such group"):
        sharing.add_reader(kyo, admin, document.id, a_group(NOBODY))
    for deed in deeds(kyo, admin, document.id, NOBODY, NOBODY)[-2:]:
        with pytest.raises(NotFound, match="nothing to take away"):
            deed()
    assert audited() == before


def test_a_person_who_was_deactivated_gets_nothing_but_can_be_taken_off(
    kyo: Kyo, admin: Actor, colleague: Actor, document: Document, sql: Sql, last_audit: LastAudit
) -> None:
    sharing.add_reader(kyo, admin, document.id, a_person(colleague.id))
    sql("update users set active = false where id = :id", id=colleague.id)
    with pytest.raises(NotFound, match="deactivated"):
        sharing.add_reader(kyo, admin, document.id, a_person(colleague.id))
    sharing.remove_reader(kyo, admin, document.id, a_person(colleague.id))
    assert last_audit() == ("document:remove_reader", {"title": "salaries", "person": colleague.username})
    assert sharing.read_sharing(kyo, admin, document.id).readers == ()
