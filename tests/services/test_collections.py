"""Collections: made, described, opened to people, deleted; what each of it does to what people find."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillWaiting
from typing import Any
from uuid import UUID

import pytest

from kyo_pipeline.db import collections as queries
from kyo_pipeline.domain.access import Access
from kyo_pipeline.domain.actor import OPERATOR, Actor, Role
from kyo_pipeline.domain.collections import CollectionDetails
from kyo_pipeline.errors import Conflict, Invalid, NotFound
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import collections, groups, library
from tests.recipients import a_group, a_person

NOBODY = UUID(int=9)
Sql = Callable[..., list[Any]]


@pytest.fixture
def board(kyo: Kyo, admin: Actor) -> CollectionDetails:
    return collections.create(kyo, admin, "Board", "Minutes of the board.")


@pytest.fixture
def last_audit(sql: Sql) -> Callable[[], tuple[str, dict[str, object]]]:
    def read() -> tuple[str, dict[str, object]]:
        row = sql("select event, details from audit_log order by id desc limit 1")[0]
        return row.event, row.details

    return read


LastAudit = Callable[[], tuple[str, dict[str, object]]]


def accesses(kyo: Kyo, actor: Actor, name: str = "Board") -> list[Access]:
    """What the actor may do in a collection."""
    return [wanted for wanted in Access if name in [one.name for one in library.list_collections(kyo, actor, wanted)]]


# Creating and describing ------------------------------------------------------------------------------------------


def test_a_new_collection_is_for_admins_alone(
    kyo: Kyo, admin: Actor, employee: Actor, manager: Actor, board: CollectionDetails, last_audit: LastAudit
) -> None:
    assert (board.name, board.description, board.everyone) == ("Board", "Minutes of the board.", None)
    assert (board.documents, board.people, board.groups, board.is_default) == (0, 0, 0, False)
    assert accesses(kyo, employee) == accesses(kyo, manager) == []
    assert accesses(kyo, admin) == list(Access)
    event, details = last_audit()
    assert event == "collection:create"
    assert details == {
        "name": "Board",
        "description": "Minutes of the board.",
        "everyone": None,
        "review_months": None,
        "downloadable": True,
    }


def test_the_list_begins_with_the_default_one(kyo: Kyo, admin: Actor, employee: Actor) -> None:
    for name in ("board", "Accounts", "Zoo"):
        collections.create(kyo, admin, name)
    library.upload(kyo, employee, "a.txt", b"text")
    found = collections.list_all(kyo, admin)
    assert [one.name for one in found] == ["General", "Accounts", "board", "Zoo"]
    assert [one.documents for one in found] == [1, 0, 0, 0]


@pytest.mark.usefixtures("board")
@pytest.mark.parametrize("name", ["Board", "board", " BOARD "])
def test_two_collections_do_not_share_a_name(
    kyo: Kyo, admin: Actor, audited: Callable[[], list[str]], name: str
) -> None:
    other = collections.create(kyo, admin, "Other")
    before = audited()
    with pytest.raises(Conflict, match="already a collection called Board"):
        collections.create(kyo, admin, name)
    with pytest.raises(Conflict, match="already a collection called Board"):
        collections.change(kyo, admin, other.id, name, "", review_months=None, downloadable=True)
    assert audited() == before
    assert collections.named(kyo, admin, "other").name == "Other"


def test_a_collection_gets_another_name_and_description(
    kyo: Kyo, admin: Actor, board: CollectionDetails, last_audit: LastAudit, audited: Callable[[], list[str]]
) -> None:
    collections.change(kyo, admin, board.id, "BOARD", "", review_months=None, downloadable=True)
    found = collections.named(kyo, admin, "board")
    assert (found.id, found.name, found.description) == (board.id, "BOARD", "")
    event, details = last_audit()
    assert event == "collection:change"
    rules = {"review_months": None, "downloadable": True}
    assert details["before"] == {"name": "Board", "description": "Minutes of the board.", **rules}
    assert details["after"] == {"name": "BOARD", "description": "", **rules}
    collections.change(kyo, admin, board.id, " BOARD ", "", review_months=None, downloadable=True)
    assert audited().count("collection:change") == 1


def test_a_collection_says_how_long_approvals_hold_and_who_takes_files_away(
    kyo: Kyo, admin: Actor, employee: Actor, board: CollectionDetails, last_audit: LastAudit
) -> None:
    assert (board.review_months, board.downloadable) == (None, True)
    collections.set_everyone(kyo, admin, board.id, Access.WRITE)
    collections.change(kyo, admin, board.id, "Board", "", review_months=24, downloadable=False)
    found = collections.named(kyo, admin, "Board")
    assert (found.review_months, found.downloadable) == (24, False)
    _, details = last_audit()
    rules = {"review_months": 24, "downloadable": False}
    assert details["after"] == {"name": "Board", "description": "", **rules}
    [listed] = [one for one in library.list_collections(kyo, employee, Access.WRITE) if one.name == "Board"]
    assert listed.review_months == 24
    made = collections.create(kyo, admin, "Finance", review_months=6, downloadable=False)
    assert (made.review_months, made.downloadable) == (6, False)


@pytest.mark.parametrize("months", [0, -1, 121])
def test_how_long_an_approval_cannot_hold(kyo: Kyo, admin: Actor, board: CollectionDetails, months: int) -> None:
    with pytest.raises(Invalid, match="1 to 120 months"):
        collections.change(kyo, admin, board.id, "Board", "", review_months=months, downloadable=True)
    with pytest.raises(Invalid, match="1 to 120 months"):
        collections.create(kyo, admin, "Finance", review_months=months)


def test_the_default_collection_may_be_renamed_and_uploads_still_go_there(
    kyo: Kyo, admin: Actor, employee: Actor
) -> None:
    general = collections.named(kyo, admin, "general")
    collections.change(kyo, admin, general.id, "Everything", "", review_months=None, downloadable=True)
    assert library.upload(kyo, employee, "a.txt", b"text").document.collection == "Everything"
    assert library.upload(kyo, OPERATOR, "b.txt", b"text").document.collection == "Everything"


def test_who_may_not_write_to_the_default_collection_names_another(
    kyo: Kyo, admin: Actor, employee: Actor, board: CollectionDetails
) -> None:
    collections.set_everyone(kyo, admin, collections.named(kyo, admin, "General").id, Access.READ)
    collections.grant(kyo, admin, board.id, a_person(employee.id), Access.WRITE)
    with pytest.raises(NotFound, match="Name another one"):
        library.upload(kyo, employee, "a.txt", b"text")
    assert library.upload(kyo, employee, "a.txt", b"text", "Board").document.collection == "Board"


# Deleting -----------------------------------------------------------------------------------------------------------


def test_an_empty_collection_goes_with_what_it_gave(
    kyo: Kyo, admin: Actor, employee: Actor, board: CollectionDetails, sql: Sql, last_audit: LastAudit
) -> None:
    collections.grant(kyo, admin, board.id, a_person(employee.id), Access.READ)
    collections.delete(kyo, admin, board.id)
    assert sql("select from collection_members") == []
    assert last_audit() == ("collection:delete", {"name": "Board", "people": 1, "groups": 0})
    with pytest.raises(NotFound, match="no collection"):
        collections.named(kyo, admin, "Board")


def test_what_holds_documents_or_is_the_default_stays(
    kyo: Kyo, admin: Actor, board: CollectionDetails, audited: Callable[[], list[str]]
) -> None:
    library.upload(kyo, admin, "a.txt", b"text", "Board")
    before = audited()
    with pytest.raises(Conflict, match="holds 1 document"):
        collections.delete(kyo, admin, board.id)
    with pytest.raises(Conflict, match="Give it another name instead"):
        collections.delete(kyo, admin, collections.named(kyo, admin, "General").id)
    assert audited() == before
    assert len(collections.list_all(kyo, admin)) == 2


# Access -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "given", "worth"),
    [
        (Role.EMPLOYEE, Access.READ, [Access.READ]),
        (Role.EMPLOYEE, Access.WRITE, [Access.READ, Access.WRITE]),
        (Role.EMPLOYEE, Access.APPROVE, [Access.READ, Access.WRITE]),
        (Role.MANAGER, Access.READ, [Access.READ]),
        (Role.MANAGER, Access.APPROVE, list(Access)),
    ],
)
@pytest.mark.parametrize("way", ["person", "group", "everyone"])
def test_what_is_given_is_worth_what_the_role_allows(
    kyo: Kyo,
    admin: Actor,
    person: Callable[[Role], Actor],
    board: CollectionDetails,
    role: Role,
    given: Access,
    worth: list[Access],
    way: str,
) -> None:
    somebody = person(role)
    if way == "everyone":
        collections.set_everyone(kyo, admin, board.id, given)
    elif way == "person":
        collections.grant(kyo, admin, board.id, a_person(somebody.id), given)
    else:
        team = groups.create(kyo, admin, "Team")
        groups.add_member(kyo, admin, team.id, somebody.id)
        collections.grant(kyo, admin, board.id, a_group(team.id), given)
    assert accesses(kyo, somebody) == worth


def test_what_everyone_may_do_is_changed_and_audited(
    kyo: Kyo, admin: Actor, employee: Actor, board: CollectionDetails, last_audit: LastAudit, sql: Sql
) -> None:
    collections.set_everyone(kyo, admin, board.id, Access.WRITE)
    assert collections.named(kyo, admin, "Board").everyone is Access.WRITE
    assert last_audit() == (
        "collection:change",
        {"collection": "Board", "before": {"everyone": None}, "after": {"everyone": "write"}},
    )
    known = len(sql("select from audit_log"))
    collections.set_everyone(kyo, admin, board.id, Access.WRITE)
    assert len(sql("select from audit_log")) == known
    collections.set_everyone(kyo, admin, board.id, None)
    assert accesses(kyo, employee) == []


def test_a_person_is_given_access_then_other_access_then_none(
    kyo: Kyo, admin: Actor, employee: Actor, board: CollectionDetails, last_audit: LastAudit, sql: Sql
) -> None:
    collections.grant(kyo, admin, board.id, a_person(employee.id), Access.READ)
    about = {"collection": "Board", "person": employee.username}
    assert last_audit() == ("collection:grant", {**about, "before": None, "after": "read"})
    collections.grant(kyo, admin, board.id, a_person(employee.id), Access.APPROVE)
    assert last_audit() == ("collection:grant", {**about, "before": "read", "after": "approve"})
    [member] = collections.read_access(kyo, admin, board.id).members
    assert (member.person.id, member.access, member.effective_access) == (employee.id, Access.APPROVE, Access.WRITE)
    known = len(sql("select from audit_log"))
    collections.grant(kyo, admin, board.id, a_person(employee.id), Access.APPROVE)
    assert len(sql("select from audit_log")) == known
    collections.revoke(kyo, admin, board.id, a_person(employee.id))
    assert last_audit() == ("collection:revoke", {**about, "before": "approve", "after": None})
    assert accesses(kyo, employee) == []
    with pytest.raises(NotFound, match="nothing to take away"):
        collections.revoke(kyo, admin, board.id, a_person(employee.id))


def test_a_group_is_given_access_and_loses_it(
    kyo: Kyo, admin: Actor, employee: Actor, board: CollectionDetails, last_audit: LastAudit, sql: Sql
) -> None:
    team = groups.create(kyo, admin, "Team")
    groups.add_member(kyo, admin, team.id, employee.id)
    collections.grant(kyo, admin, board.id, a_group(team.id), Access.READ)
    about = {"collection": "Board", "group": "Team"}
    assert last_audit() == ("collection:grant", {**about, "before": None, "after": "read"})
    collections.grant(kyo, admin, board.id, a_group(team.id), Access.WRITE)
    assert last_audit() == ("collection:grant", {**about, "before": "read", "after": "write"})
    known = len(sql("select from audit_log"))
    collections.grant(kyo, admin, board.id, a_group(team.id), Access.WRITE)
    assert len(sql("select from audit_log")) == known
    [given] = collections.read_access(kyo, admin, board.id).groups
    assert (given.group.name, given.people, given.access) == ("Team", 1, Access.WRITE)
    assert accesses(kyo, employee) == [Access.READ, Access.WRITE]
    collections.revoke(kyo, admin, board.id, a_group(team.id))
    assert last_audit() == ("collection:revoke", {**about, "before": "write", "after": None})
    assert accesses(kyo, employee) == []
    with pytest.raises(NotFound, match="nothing to take away"):
        collections.revoke(kyo, admin, board.id, a_group(team.id))


def test_somebody_deactivated_stays_on_the_list_without_worth(
    kyo: Kyo, admin: Actor, employee: Actor, board: CollectionDetails, sql: Sql
) -> None:
    collections.grant(kyo, admin, board.id, a_person(employee.id), Access.READ)
    sql("update users set active = false where id = :id", id=employee.id)
    [member] = collections.read_access(kyo, admin, board.id).members
    assert member.effective_access is None
    assert employee.id not in [one.id for one in collections.candidates(kyo, admin).people]
    with pytest.raises(NotFound, match="deactivated"):
        collections.grant(kyo, admin, board.id, a_person(employee.id), Access.WRITE)
    collections.revoke(kyo, admin, board.id, a_person(employee.id))
    assert collections.read_access(kyo, admin, board.id).members == ()


def test_candidates_are_the_active_people_and_all_groups(kyo: Kyo, admin: Actor, employee: Actor) -> None:
    groups.create(kyo, admin, "Team")
    found = collections.candidates(kyo, admin)
    assert {one.username for one in found.people} == {admin.username, employee.username}
    assert [one.name for one in found.groups] == ["Team"]


# What does not exist, and what is no name ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "deed",
    [
        lambda k, a, _: collections.read_access(k, a, NOBODY),
        lambda k, a, _: collections.change(k, a, NOBODY, "New", "", review_months=None, downloadable=True),
        lambda k, a, _: collections.set_everyone(k, a, NOBODY, Access.READ),
        lambda k, a, _: collections.delete(k, a, NOBODY),
        lambda k, a, _: collections.grant(k, a, NOBODY, a_person(a.id), Access.READ),
        lambda k, a, found: collections.grant(k, a, found.id, a_person(NOBODY), Access.READ),
        lambda k, a, found: collections.grant(k, a, found.id, a_person(OPERATOR.id), Access.READ),
        lambda k, a, found: collections.grant(k, a, found.id, a_group(NOBODY), Access.READ),
        lambda k, a, _: collections.revoke(k, a, NOBODY, a_person(a.id)),
        lambda k, a, found: collections.revoke(k, a, found.id, a_group(NOBODY)),
    ],
)
def test_what_does_not_exist_is_said(
    kyo: Kyo,
    admin: Actor,
    board: CollectionDetails,
    audited: Callable[[], list[str]],
    deed: Callable[[Kyo, Actor, CollectionDetails], object],
) -> None:
    with pytest.raises(NotFound):
        deed(kyo, admin, board)
    assert audited() == ["collection:create"]


HOSTILE = ["", " ", "x" * 1_000_000, "a\x00b", "half \ud800", "a\u202eb", "two\nlines"]


@pytest.mark.parametrize("typed", HOSTILE)
def test_names_that_are_none_change_nothing(
    kyo: Kyo, admin: Actor, board: CollectionDetails, audited: Callable[[], list[str]], typed: str
) -> None:
    for deed in (
        lambda: collections.create(kyo, admin, typed),
        lambda: collections.change(kyo, admin, board.id, typed, "", review_months=None, downloadable=True),
    ):
        with pytest.raises(Invalid, match="A name has"):
            deed()
    for deed in (
        lambda: collections.create(kyo, admin, "New", f"about {typed}" * 2),
        lambda: collections.change(
            kyo, admin, board.id, "New", f"about {typed}" * 2, review_months=None, downloadable=True
        ),
    ):
        if typed.strip():
            with pytest.raises(Invalid, match="A description has"):
                deed()
    with pytest.raises(NotFound, match="no collection"):
        collections.named(kyo, admin, typed)
    with pytest.raises(NotFound, match="no collection called"):
        library.upload(kyo, admin, "a.txt", b"text", typed)
    assert audited() == ["collection:create"]


@pytest.mark.parametrize("typed", ["😀", "'); drop table collections; --", "<b onclick=x>bold</b>", "%_\\"])
def test_odd_names_are_names(kyo: Kyo, admin: Actor, typed: str) -> None:
    made = collections.create(kyo, admin, typed, typed)
    assert collections.named(kyo, admin, typed) == made
    assert (made.name, made.description) == (typed, typed)
    assert library.upload(kyo, admin, "a.txt", b"text", typed).document.collection == typed


# At the same moment ---------------------------------------------------------------------------------------------------


def test_two_who_choose_one_name_take_turns(committed: Kyo) -> None:
    with ThreadPoolExecutor(1) as other, committed.db.transaction(OPERATOR) as tx:
        queries.lock_names(tx)
        now = committed.now()
        queries.add(tx, name="Board", description="", everyone=None, review_months=None, downloadable=True, now=now)
        second = other.submit(collections.create, committed, OPERATOR, "BOARD")
        with pytest.raises(StillWaiting):
            second.result(0.3)
        tx.commit()
        with pytest.raises(Conflict, match="already a collection called Board"):
            second.result(20)
    collections.delete(committed, OPERATOR, collections.named(committed, OPERATOR, "Board").id)


def test_an_upload_into_a_collection_that_is_being_deleted_is_refused(committed: Kyo) -> None:
    made = collections.create(committed, OPERATOR, "Board")
    with ThreadPoolExecutor(1) as other, committed.db.transaction(OPERATOR) as tx:
        queries.lock(tx, made.id)
        upload = other.submit(library.upload, committed, OPERATOR, "a.txt", b"text", "Board")
        with pytest.raises(StillWaiting):
            upload.result(0.3)
        queries.delete(tx, made.id)
        tx.commit()
        with pytest.raises((Conflict, NotFound)):  # by how far it had come: the row is away, or the collection is
            upload.result(20)
