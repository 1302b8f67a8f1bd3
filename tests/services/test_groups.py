"""Groups: made, renamed, filled, deleted, and what their members may do because of them."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from kyo_pipeline.domain.access import Access, PersonName
from kyo_pipeline.domain.actor import OPERATOR, Actor
from kyo_pipeline.domain.groups import Group
from kyo_pipeline.errors import Conflict, Invalid, NotFound
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import collections, groups, library
from tests.recipients import a_group

NOBODY = UUID(int=9)
Sql = Callable[..., list[Any]]
LastAudit = Callable[[], tuple[str, dict[str, object]]]


@pytest.fixture
def team(kyo: Kyo, admin: Actor) -> Group:
    return groups.create(kyo, admin, "Team")


@pytest.fixture
def last_audit(sql: Sql) -> LastAudit:
    def read() -> tuple[str, dict[str, object]]:
        row = sql("select event, details from audit_log order by id desc limit 1")[0]
        return row.event, row.details

    return read


def test_a_new_group_is_empty_and_gives_nothing(kyo: Kyo, admin: Actor, team: Group, last_audit: LastAudit) -> None:
    assert groups.list_groups(kyo, admin) == (Group(team.id, "Team", 0, 0, 0),)
    assert last_audit() == ("group:create", {"name": "Team"})


@pytest.mark.usefixtures("team")
@pytest.mark.parametrize("name", ["Team", "team", " TEAM "])
def test_two_groups_do_not_share_a_name(kyo: Kyo, admin: Actor, audited: Callable[[], list[str]], name: str) -> None:
    other = groups.create(kyo, admin, "Other")
    before = audited()
    with pytest.raises(Conflict, match="already a group called Team"):
        groups.create(kyo, admin, name)
    with pytest.raises(Conflict, match="already a group called Team"):
        groups.rename(kyo, admin, other.id, name)
    assert audited() == before


def test_a_group_gets_another_name(
    kyo: Kyo, admin: Actor, team: Group, last_audit: LastAudit, audited: Callable[[], list[str]]
) -> None:
    groups.rename(kyo, admin, team.id, "TEAM")
    assert groups.named(kyo, admin, "team").name == "TEAM"
    assert last_audit() == ("group:rename", {"before": "Team", "after": "TEAM"})
    groups.rename(kyo, admin, team.id, " TEAM ")
    assert audited().count("group:rename") == 1


def test_members_come_once_and_go(
    kyo: Kyo, admin: Actor, employee: Actor, team: Group, last_audit: LastAudit, audited: Callable[[], list[str]]
) -> None:
    about = {"group": "Team", "person": employee.username}
    groups.add_member(kyo, admin, team.id, employee.id)
    assert last_audit() == ("group:add_member", about)
    groups.add_member(kyo, admin, team.id, employee.id)
    assert audited().count("group:add_member") == 1
    found = groups.read_group(kyo, admin, team.id)
    assert found.members == (PersonName(employee.id, employee.username, employee.name),)
    assert found.group.people == 1
    groups.remove_member(kyo, admin, team.id, employee.id)
    assert last_audit() == ("group:remove_member", about)
    with pytest.raises(NotFound, match="not in the group"):
        groups.remove_member(kyo, admin, team.id, employee.id)
    assert groups.read_group(kyo, admin, team.id).members == ()


def test_what_a_group_gives_goes_with_it(
    kyo: Kyo, admin: Actor, employee: Actor, team: Group, last_audit: LastAudit
) -> None:
    board = collections.create(kyo, admin, "Board")
    collections.grant(kyo, admin, board.id, a_group(team.id), Access.READ)
    groups.add_member(kyo, admin, team.id, employee.id)
    assert groups.read_group(kyo, admin, team.id).access == (("Board", Access.READ),)
    assert "Board" in [one.name for one in library.list_collections(kyo, employee, Access.READ)]
    groups.delete(kyo, admin, team.id)
    assert last_audit() == (
        "group:delete",
        {"name": "Team", "members": [employee.username], "access": {"Board": "read"}, "documents": 0},
    )
    assert groups.list_groups(kyo, admin) == ()
    assert "Board" not in [one.name for one in library.list_collections(kyo, employee, Access.READ)]


def test_who_has_left_a_group_has_lost_what_it_gives(kyo: Kyo, admin: Actor, employee: Actor, team: Group) -> None:
    board = collections.create(kyo, admin, "Board")
    collections.grant(kyo, admin, board.id, a_group(team.id), Access.READ)
    groups.add_member(kyo, admin, team.id, employee.id)
    groups.remove_member(kyo, admin, team.id, employee.id)
    assert [one.name for one in library.list_collections(kyo, employee, Access.READ)] == ["General"]


def test_somebody_deactivated_can_be_taken_out_but_not_put_in(
    kyo: Kyo, admin: Actor, employee: Actor, team: Group, sql: Sql
) -> None:
    groups.add_member(kyo, admin, team.id, employee.id)
    sql("update users set active = false where id = :id", id=employee.id)
    assert employee.id not in [one.id for one in groups.candidates(kyo, admin)]
    groups.remove_member(kyo, admin, team.id, employee.id)
    with pytest.raises(NotFound, match="deactivated"):
        groups.add_member(kyo, admin, team.id, employee.id)


@pytest.mark.parametrize(
    "deed",
    [
        lambda k, a, _: groups.read_group(k, a, NOBODY),
        lambda k, a, _: groups.rename(k, a, NOBODY, "New"),
        lambda k, a, _: groups.delete(k, a, NOBODY),
        lambda k, a, _: groups.add_member(k, a, NOBODY, a.id),
        lambda k, a, team: groups.add_member(k, a, team.id, NOBODY),
        lambda k, a, team: groups.add_member(k, a, team.id, OPERATOR.id),
        lambda k, a, _: groups.remove_member(k, a, NOBODY, a.id),
    ],
)
def test_what_does_not_exist_is_said(
    kyo: Kyo,
    admin: Actor,
    team: Group,
    audited: Callable[[], list[str]],
    deed: Callable[[Kyo, Actor, Group], object],
) -> None:
    with pytest.raises(NotFound):
        deed(kyo, admin, team)
    assert audited() == ["group:create"]


@pytest.mark.parametrize("typed", ["", " ", "x" * 1_000_000, "a\x00b", "half \ud800", "a\u202eb", "two\nlines"])
def test_names_that_are_none_change_nothing(
    kyo: Kyo, admin: Actor, team: Group, audited: Callable[[], list[str]], typed: str
) -> None:
    with pytest.raises(Invalid, match="A name has"):
        groups.create(kyo, admin, typed)
    with pytest.raises(Invalid, match="A name has"):
        groups.rename(kyo, admin, team.id, typed)
    with pytest.raises(NotFound, match="no group"):
        groups.named(kyo, admin, typed)
    assert audited() == ["group:create"]


@pytest.mark.parametrize("typed", ["😀", "'); drop table groups; --", "<b onclick=x>bold</b>", "%_\\"])
def test_odd_names_are_names(kyo: Kyo, admin: Actor, typed: str) -> None:
    made = groups.create(kyo, admin, typed)
    assert groups.named(kyo, admin, typed) == made
