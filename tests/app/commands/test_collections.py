"""`kyo collections` and `kyo groups`."""

import pytest

from tests.shell import Shell

pytestmark = pytest.mark.usefixtures("database")


def test_how_long_approvals_hold_and_who_takes_files_away(shell: Shell) -> None:
    def rules(name: str) -> tuple[object, object]:
        [found] = [one for one in shell("collections", "list", "--json").data if one["name"] == name]
        return found["review_months"], found["downloadable"]

    shell("collections", "add", "Law", "--review-months", "12", "--no-downloads")
    assert rules("Law") == (12, False)
    assert shell("collections", "set-rules", "law", "--downloads").code == 0
    assert rules("Law") == (12, True)
    shell("collections", "rename", "Law", "Legal")
    assert rules("Legal") == (12, True)
    shell("collections", "set-rules", "Legal", "--review-months", "0")
    assert rules("Legal") == (None, True)
    assert shell("collections", "set-rules", "Legal", "--review-months", "121").code == 2
    shell("collections", "delete", "Legal")


def test_collections_and_groups_are_made_given_and_taken_away(shell: Shell) -> None:
    assert shell("users", "add", "carla").code == 0
    assert shell("collections", "add", "Board", "--description", "Minutes.").out == ""
    added = shell("collections", "add", "Council", "--everyone", "read", "--json").data
    assert (added["name"], added["everyone"], added["is_default"]) == ("Council", "read", False)
    assert shell("groups", "add", "Crew", "--json").data["people"] == 0
    for arguments in (
        ("groups", "add-member", "crew", "carla"),
        ("collections", "grant", "board", "approve", "--person", "carla"),
        ("collections", "grant", "board", "read", "--group", "crew"),
        ("collections", "set-access", "Board", "read"),
    ):
        done = shell(*arguments)
        assert (done.code, done.out) == (0, ""), done.err
    shown = shell("collections", "show", "Board").out.splitlines()
    assert [line.split() for line in shown] == [
        ["ACCESS", "COUNTS", "AS", "WHO", "NAME"],
        ["read", "read", "everyone"],
        ["read", "read", "group", "Crew"],
        ["approve", "write", "person", "carla", "carla"],
    ]
    data = shell("collections", "show", "Board", "--json").data
    assert (data["members"][0]["access"], data["groups"][0]["people"]) == ("approve", 1)
    assert "carla" in shell("groups", "show", "Crew").out
    assert shell("groups", "show", "Crew", "--json").data["access"] == [["Board", "read"]]
    for arguments in (
        ("collections", "revoke", "Board", "--person", "carla"),
        ("collections", "revoke", "Board", "--group", "Crew"),
        ("collections", "set-access", "Board", "none"),
        ("groups", "remove-member", "Crew", "carla"),
        ("groups", "rename", "Crew", "Team"),
    ):
        assert shell(*arguments).code == 0
    assert shell("collections", "show", "Board").out.splitlines()[1:] == ["none    none       everyone"]
    assert shell("groups", "list").out.split()[-4:] == ["0", "0", "0", "Team"]
    assert shell("collections", "rename", "Board", "Panel").code == 0
    listed = {one["name"]: one for one in shell("collections", "list", "--json").data}
    assert listed["Panel"]["description"] == "Minutes."
    assert listed["General"]["is_default"]
    assert "General (default)" in shell("collections", "list").out
    assert shell("groups", "list", "--json").data[0]["name"] == "Team"
    for arguments in (
        ("collections", "delete", "Panel"),
        ("collections", "delete", "Council"),
        ("groups", "delete", "Team"),
    ):
        assert shell(*arguments).code == 0
    assert [one["name"] for one in shell("collections", "list", "--json").data] == ["General"]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("collections", "show", "Nowhere"), 1, "There is no collection with this name."),
        (("collections", "add", "general"), 1, "already a collection called General"),
        (("collections", "add", "a\u202eb"), 1, "A name has 1 to 100 characters"),
        (("collections", "add", "half \udcff"), 1, "A name has 1 to 100 characters"),
        (("collections", "delete", "General"), 1, "Give it another name instead"),
        (("collections", "grant", "General", "read"), 2, "Name either a --person or a --group."),
        (("collections", "grant", "General", "read", "--person", "a", "--group", "b"), 2, "Name either a --person"),
        (("collections", "grant", "General", "all", "--person", "a"), 2, "is not one of"),
        (("collections", "grant", "General", "read", "--person", "nobody"), 1, "There is no user called nobody."),
        (("collections", "revoke", "General", "--group", "Nobody"), 1, "There is no group with this name."),
        (("groups", "delete", "half \udcff"), 1, "There is no group with this name."),
        (("groups", "add", ""), 1, "A name has 1 to 100 characters"),
    ],
)
def test_what_cannot_be_done_to_collections_and_groups_is_said(
    shell: Shell, arguments: tuple[str, ...], code: int, says: str
) -> None:
    done = shell(*arguments)
    assert (done.code, done.out) == (code, "")
    assert says in done.err
