"""`kyo users`, from the invitation to the deactivation."""

from contextlib import closing

import pytest

from kyo_pipeline.errors import NotAllowed
from kyo_pipeline.kyo import open_kyo
from kyo_pipeline.services import joining, signing_in
from kyo_pipeline.settings import load_settings
from tests.shell import Shell

pytestmark = pytest.mark.usefixtures("database")


def test_people(shell: Shell) -> None:
    added = shell("users", "add", "ada", "--name", "Ada Lovelace", "--role", "manager", "--json").data
    assert isinstance(added, dict)
    assert (added["username"], added["role"]) == ("ada", "manager")
    assert shell("users", "add", "ada").code == 1, "the name is taken"
    listed = shell("users", "list").out
    assert "ada" in listed
    assert "Ada Lovelace" in listed
    people = shell("users", "list", "--json").data
    assert isinstance(people, list)
    assert [person["role"] for person in people if person["username"] == "ada"] == ["manager"]
    reset = shell("users", "reset-password", "ada", "--json").data
    assert isinstance(reset, dict)
    assert reset["one_time_password"] != added["one_time_password"]
    assert shell("users", "reset-password", "nobody").code == 1


def test_people_from_invitation_to_deactivation(shell: Shell) -> None:
    invited = shell("users", "invite", "grace", "--name", "Grace", "--email", "grace@example.org", "--json").data
    assert isinstance(invited, dict)
    assert invited["path"].startswith("/?invitation=")
    again = shell("users", "invite", "grace", "--again")
    assert again.out.startswith("grace  /?invitation=")
    assert invited["path"] not in again.out
    assert "works once" in again.err
    assert "invited" in shell("users", "list", "--state", "invited").out
    assert shell("users", "set-role", "grace", "manager", "--json").data == {"username": "grace", "role": "manager"}
    assert shell("users", "end-sessions", "grace", "--json").data == {"username": "grace", "ended": 0}
    assert shell("users", "deactivate", "grace").out == "grace is deactivated.\n"
    assert "deactivated" in shell("users", "list", "grace@").out
    assert shell("users", "reactivate", "grace").out == "grace is active again.\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("invite", "two words"), "A user name has"),
        (("invite", "ida", "--email", "nowhere"), "An e-mail address has"),
        (("invite", "nobody", "--again"), "There is no user called nobody."),
        (("set-role", "nobody", "admin"), "There is no user called nobody."),
        (("deactivate", "nobody"), "There is no user called nobody."),
        (("reactivate", "<b>"), "There is no user called <b>."),
        (("unblock", "ada"), "ada is not blocked."),
        (("approve", "ada"), "ada is not waiting for approval."),
        (("approve", "ada", "--decline"), "ada is not waiting for approval."),
        (("end-sessions", ""), "There is no user called"),
    ],
)
def test_what_is_refused_about_people_is_a_sentence(shell: Shell, arguments: tuple[str, ...], said: str) -> None:
    shell("users", "add", "ada")
    done = shell("users", *arguments)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(f"kyo: {said}")


def test_whoever_has_registered_is_let_in_or_not(shell: Shell) -> None:
    settings = load_settings().model_copy(update={"KYO_REGISTRATION": "approval"})
    with closing(open_kyo(settings)) as bundle:
        for name in ("hedy", "ivan"):
            joining.register(bundle, name, name.title(), f"{name}@example.org", "plum tree river")
        for _ in range(5):
            with pytest.raises(NotAllowed):
                signing_in.sign_in(bundle, "hedy", "plum tree river", "browser")
    assert "awaiting, blocked" in shell("users", "list", "hedy").out
    assert shell("users", "unblock", "hedy").out == "hedy may try again.\n"
    assert shell("users", "approve", "hedy", "--role", "manager").out == "hedy may sign in now.\n"
    assert shell("users", "approve", "ivan", "--decline").code == 0
    assert shell("users", "list", "--state", "awaiting", "--json").data == []
