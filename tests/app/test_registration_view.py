"""How people come in without being signed in: by the link of an invitation, or by registering."""

from collections.abc import Callable

import pytest

from kyo_app import runtime
from kyo_app.markup import inert
from kyo_pipeline.domain import throttling
from kyo_pipeline.domain.actor import OPERATOR, Actor, Role
from kyo_pipeline.domain.people import Person, PersonState
from kyo_pipeline.errors import NotAllowed
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import joining, people, signing_in
from tests.app.pages import HOSTILE, ODD, Visit, buttons, click, field, fill, titles, words
from tests.conftest import Clock

PASSWORD = "violet canoe soup 7"


def everybody(kyo: Kyo) -> tuple[Person, ...]:
    return people.list_people(kyo, OPERATOR).people


# Invitations ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def token(kyo: Kyo, admin: Actor) -> str:
    return joining.invite(kyo, admin, "erin", ODD, Role.MANAGER).token


@pytest.mark.parametrize("path", ["", "documents", "people"])
def test_an_invitation_lets_somebody_choose_a_password_at_any_address(
    visit: Visit, kyo: Kyo, token: str, path: str
) -> None:
    page = visit(path, invitation=token)
    assert titles(page) == ["Your invitation"]
    assert f"Welcome, **{inert(ODD)}**." in words(page)
    assert field(page, "User name").value == "erin"
    assert field(page, "User name").disabled
    assert token not in words(page)
    fill(page, Password=PASSWORD, Password_again=PASSWORD)
    click(page, "Save password")
    assert not page.exception
    assert "Your password is saved. Sign in as **erin**." in words(page)
    assert [found.label for found in page.text_input] == ["User name", "Password"]
    assert not page.query_params
    assert signing_in.sign_in(kyo, "erin", PASSWORD, "browser")


def test_password_managers_are_told_what_belongs_where(visit: Visit, token: str) -> None:
    told = {found.label: found.proto.autocomplete for found in visit(invitation=token).text_input}
    assert told == {"User name": "username", "Password": "new-password", "Password again": "new-password"}


def test_an_invitation_works_once(visit: Visit, kyo: Kyo, token: str) -> None:
    page, late = visit(invitation=token), visit(invitation=token)
    for one in (page, late):
        fill(one, Password=PASSWORD, Password_again=PASSWORD)
    click(page, "Save password")
    fill(late, Password="another canoe soup 8", Password_again="another canoe soup 8")
    click(late, "Save password")
    assert "This invitation has been used" in words(late)
    with pytest.raises(NotAllowed):
        signing_in.sign_in(kyo, "erin", "another canoe soup 8", "browser")


@pytest.mark.parametrize("kind", HOSTILE)
def test_an_invitation_that_is_none_is_said_in_a_sentence(visit: Visit, kind: str) -> None:
    page = visit(invitation=HOSTILE[kind][:10_000])
    assert not page.exception
    assert inert("This invitation has been used, replaced, or has expired") in words(page)
    assert not page.text_input
    click(page, "Go to the sign-in")
    assert [found.label for found in page.text_input] == ["User name", "Password"]
    assert not page.query_params


def test_an_invitation_that_has_expired_is_said_in_a_sentence(visit: Visit, clock: Clock, token: str) -> None:
    clock.advance(days=8)
    assert "has expired" in words(visit(invitation=token))


@pytest.mark.parametrize("kind", ["empty", "blank", "huge", "nul", "emoji", "different", "name"])
def test_a_password_that_cannot_be_is_refused_in_a_sentence(visit: Visit, kyo: Kyo, token: str, kind: str) -> None:
    new, repeated = {"different": (PASSWORD, PASSWORD + "x"), "name": ("erinerinerin", "erinerinerin")}.get(
        kind, (HOSTILE.get(kind, ""),) * 2
    )
    page = visit(invitation=token)
    fill(page, Password=new, Password_again=repeated)
    click(page, "Save password")
    assert not page.exception
    assert len(page.error) == 1
    assert page.query_params["invitation"] == token
    assert [found.state for found in everybody(kyo) if found.username == "erin"] == [PersonState.INVITED]


def test_whoever_is_signed_in_keeps_their_session(visit: Visit, kyo: Kyo, token: str, employee: Actor) -> None:
    page = visit("documents", employee, invitation=token)
    assert f"You are signed in as **{inert(employee.name)}**" in words(page)
    assert not page.text_input
    click(page, "Stay signed in")
    assert titles(page) == ["Documents"]
    assert not page.query_params
    assert PersonState.INVITED in [found.state for found in everybody(kyo)]


def test_who_guesses_links_has_to_wait(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "address", lambda: "192.0.2.7")
    for number in range(throttling.FREE[throttling.Kind.ADDRESS] + 1):
        visit(invitation=f"guess-{number}")
    page = visit(invitation="guess")
    assert not page.exception
    assert "Too many tries have failed" in words(page)
    assert "It works again from" in words(page)


# Registration ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def allow(kyo: Kyo) -> Callable[[str], None]:
    """Sets who may register, for the app as it runs."""

    def change(setting: str) -> None:
        object.__setattr__(kyo, "settings", kyo.settings.model_copy(update={"KYO_REGISTRATION": setting}))

    return change


def test_where_it_is_off_nobody_is_offered_an_account(visit: Visit) -> None:
    for page in (visit(), visit(register="yes")):
        assert titles(page) == ["Know Your Organization"]
        assert "Create an account" not in buttons(page)
        assert "Ask an administrator" in words(page)


@pytest.mark.parametrize(
    ("setting", "says", "state"),
    [
        ("approval", "You are signed up as **erin**. An administrator has to approve it", PersonState.AWAITING),
        ("open", "Your account is ready. Sign in as **erin**.", PersonState.ACTIVE),
    ],
)
def test_somebody_registers(
    visit: Visit, kyo: Kyo, allow: Callable[[str], None], setting: str, says: str, state: PersonState
) -> None:
    allow(setting)
    page = click(visit("documents", x="1"), "Create an account")
    assert titles(page) == ["Create an account"]
    fill(page, Name=ODD, User_name="Erin", Password=PASSWORD, Password_again=PASSWORD)
    field(page, "E-mail").set_value("erin@example.org")
    click(page, "Create account")
    assert not page.exception
    assert says in words(page)
    assert not page.query_params
    assert [(found.username, found.name, found.role, found.state) for found in everybody(kyo)] == [
        ("erin", ODD, Role.EMPLOYEE, state)
    ]


def test_one_can_go_back(visit: Visit, allow: Callable[[str], None]) -> None:
    allow("open")
    page = click(visit(register=""), "Go to the sign-in")
    assert [found.label for found in page.text_input] == ["User name", "Password"]


def test_the_form_tells_password_managers_what_belongs_where(visit: Visit, allow: Callable[[str], None]) -> None:
    allow("open")
    told = {found.label: found.proto.autocomplete for found in visit(register="yes").text_input}
    assert told == {
        "Name": "name",
        "E-mail": "email",
        "User name": "username",
        "Password": "new-password",
        "Password again": "new-password",
    }


GOOD = {
    "Name": "Erin",
    "E-mail": "erin@example.org",
    "User name": "erin",
    "Password": PASSWORD,
    "Password again": PASSWORD,
}
#: Strange, but somebody may be called so.
POSSIBLE_NAMES = {"emoji", "sql", "html"}


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("label", GOOD)
def test_what_cannot_be_is_refused_in_a_sentence(
    visit: Visit, kyo: Kyo, allow: Callable[[str], None], label: str, kind: str
) -> None:
    allow("open")
    page = visit(register="yes")
    for name, text in (GOOD | {label: HOSTILE[kind]}).items():
        field(page, name).set_value(text)
    click(page, "Create account")
    assert not page.exception
    if label == "Name" and kind in POSSIBLE_NAMES:
        assert [found.name for found in everybody(kyo)] == [HOSTILE[kind]]
    else:
        assert len(page.error) == 1
        assert everybody(kyo) == ()


@pytest.mark.parametrize(("label", "says"), [("User name", "called erin"), ("E-mail", "with this e\\-mail address")])
def test_what_is_taken_is_said(visit: Visit, kyo: Kyo, allow: Callable[[str], None], label: str, says: str) -> None:
    allow("open")
    people.add_person(kyo, OPERATOR, "erin", "Erin", Role.EMPLOYEE, "erin@example.org")
    page = visit(register="yes")
    other = {"User name": "frank", "E-mail": "frank@example.org"}
    for name, text in (GOOD | {name: text for name, text in other.items() if name != label}).items():
        field(page, name).set_value(text)
    click(page, "Create account")
    assert says in words(page)
    assert len(everybody(kyo)) == 1
