"""One's own account, as each role sees it."""

from collections.abc import Callable, Mapping

import pytest

from kyo_app import auth
from kyo_app.markup import inert
from kyo_pipeline.db import users
from kyo_pipeline.domain.actor import OPERATOR, Actor, Role
from kyo_pipeline.domain.people import Session
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import accounts, people, signing_in
from tests.app.pages import HOSTILE, ODD, Visit, button, buttons, click, field, fill, titles, words

PASSWORD = "plum tree river"
#: Strange, but somebody may be called so.
POSSIBLE_NAMES = {"emoji", "sql", "html"}
#: Nothing speaks against them.
GOOD_PASSWORDS = {"sql", "html", "turned"}


@pytest.fixture
def erin(kyo: Kyo) -> Actor:
    """Somebody with a password that is known."""
    return people.add_person(kyo, OPERATOR, "erin", "Erin", Role.EMPLOYEE, "erin@example.org", PASSWORD).person


@pytest.fixture
def redirects(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Where the browser would have been sent."""
    sent: list[str] = []
    monkeypatch.setattr(auth, "_redirect", sent.append)  # AppTest has no browser that could be sent
    return sent


def sessions_of(kyo: Kyo, actor: Actor) -> tuple[Session, ...]:
    return accounts.list_sessions(kyo, actor, None)


def test_it_says_who_one_is_and_what_one_may_do(visit: Visit, erin: Actor, collection: Callable[..., str]) -> None:
    collection(ODD, members={erin: "write"})
    collection("Board")
    page = visit("profile", erin)
    assert (field(page, "Name").value, field(page, "E-mail").value) == ("Erin", "erin@example.org")
    said = words(page)
    assert "**erin**" in said
    assert "**Employee**" in said
    assert f"{inert(ODD)} :gray[read and upload]" in said
    assert "Board" not in said
    assert "questions left" in said


def test_an_admin_is_told_that_all_collections_are_theirs(visit: Visit, admin: Actor) -> None:
    assert "As an administrator you may read, upload and approve in every collection." in words(visit("profile", admin))


def test_who_may_nothing_is_told_whom_to_ask(visit: Visit, erin: Actor, sql: Callable[..., object]) -> None:
    sql("update collections set everyone_access = null")
    assert "You have no access to any collection yet." in words(visit("profile", erin))


def test_name_and_e_mail_are_changed(visit: Visit, kyo: Kyo, erin: Actor) -> None:
    page = visit("profile", erin)
    fill(page, Name=ODD)
    field(page, "E-mail").set_value("new@example.org")
    click(page, "Save")
    assert not page.error
    profile = accounts.read_profile(kyo, erin)
    assert (profile.name, profile.email) == (ODD, "new@example.org")
    assert page.sidebar.markdown[0].value.startswith(f"**{inert(ODD)}**")
    assert [toast.value for toast in page.toast] == ["Your profile is saved."]


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_name_that_cannot_be_is_refused_in_a_sentence(visit: Visit, kyo: Kyo, erin: Actor, kind: str) -> None:
    page = visit("profile", erin)
    fill(page, Name=HOSTILE[kind])
    click(page, "Save")
    assert not page.exception
    taken = kind in POSSIBLE_NAMES
    assert accounts.read_profile(kyo, erin).name == (HOSTILE[kind] if taken else "Erin")
    assert ("A name has 1 to 200 characters" in words(page)) is not taken


@pytest.mark.parametrize("kind", [kind for kind in HOSTILE if HOSTILE[kind].strip()])
def test_an_e_mail_that_cannot_be_is_refused_in_a_sentence(visit: Visit, kyo: Kyo, erin: Actor, kind: str) -> None:
    page = visit("profile", erin)
    field(page, "E-mail").set_value(HOSTILE[kind])
    click(page, "Save")
    assert not page.exception
    assert "An e\\-mail address has one" in words(page)
    assert accounts.read_profile(kyo, erin).email == "erin@example.org"


# Password -------------------------------------------------------------------------------------------------------------

PASSWORDS: Mapping[str, tuple[str, str, str, str]] = {
    "wrong": ("not mine", "violet canoe soup 7", "violet canoe soup 7", "current password is wrong"),
    "different": (PASSWORD, "violet canoe soup 7", "violet canoe soup 8", "not the same"),
    "short": (PASSWORD, "short", "short", "12 to 1000 characters"),
    "same": (PASSWORD, PASSWORD, PASSWORD, "must differ"),
    "common": (PASSWORD, "password1234", "password1234", "password"),
    **{f"new {kind}": (PASSWORD, text, text, "") for kind, text in HOSTILE.items() if kind not in GOOD_PASSWORDS},
    **{
        f"current {kind}": (text, "violet canoe soup 7", "violet canoe soup 7", "wrong")
        for kind, text in HOSTILE.items()
    },
}


@pytest.mark.parametrize("case", PASSWORDS)
def test_a_password_that_cannot_be_is_refused_in_a_sentence(
    visit: Visit, kyo: Kyo, erin: Actor, redirects: list[str], case: str
) -> None:
    current, new, repeated, says = PASSWORDS[case]
    page = visit("profile", erin)
    fill(page, Current_password=current, New_password=new, New_password_again=repeated)
    click(page, "Change password")
    assert not page.exception
    assert [says in error.value for error in page.error] == [True]
    assert not redirects
    assert signing_in.sign_in(kyo, "erin", PASSWORD, "browser")


def test_a_new_password_ends_all_sessions_and_sends_the_browser_to_the_form(
    visit: Visit, kyo: Kyo, erin: Actor, redirects: list[str]
) -> None:
    page = visit("profile", erin)
    assert "you are signed out everywhere" in words(page)
    fill(page, Current_password=PASSWORD, New_password="violet canoe soup 7", New_password_again="violet canoe soup 7")
    click(page, "Change password")
    assert not page.error
    assert redirects == ["/auth/sign-out?why=changed"]
    assert sessions_of(kyo, erin) == ()
    assert signing_in.sign_in(kyo, "erin", "violet canoe soup 7", "browser")


def test_password_managers_are_told_what_belongs_where(visit: Visit, erin: Actor) -> None:
    page = visit("profile", erin)
    told = {found.label: found.proto.autocomplete for found in page.text_input}
    assert told == {
        "Name": "name",
        "E-mail": "email",
        "Name of the key": "off",
        "Current password": "current-password",
        "New password": "new-password",
        "New password again": "new-password",
    }


def test_who_signs_in_through_the_organisation_has_no_password_to_change(visit: Visit, kyo: Kyo) -> None:
    with kyo.db.transaction(OPERATOR) as tx:
        frank = users.add(tx, "frank", "Frank", Role.EMPLOYEE, kyo.now())
    page = visit("profile", frank)
    assert "You sign in through your organisation" in words(page)
    assert "Change password" not in buttons(page)


# Sessions -------------------------------------------------------------------------------------------------------------


def test_sessions_are_listed_in_plain_words_and_inert(
    visit: Visit, kyo: Kyo, erin: Actor, session_of: Callable[[Actor], str]
) -> None:
    for device in ("Mozilla/5.0 (Windows NT 10.0) Chrome/126.0 Safari/537.36", ODD):
        ticket = signing_in.sign_in(kyo, "erin", PASSWORD, "browser")
        signing_in.redeem_ticket(kyo, ticket, "browser", device=device, address="192.0.2.7")
    page = visit("profile", token=session_of(erin))
    said = words(page)
    assert "**Chrome on Windows**" in said
    assert f"**{inert(ODD)}**" in said
    assert inert("192.0.2.7") in said
    assert said.count(":green-badge[this session]") == 1
    assert buttons(page).count("End session") == 2


def test_another_session_is_ended(visit: Visit, kyo: Kyo, erin: Actor, session_of: Callable[[Actor], str]) -> None:
    other, own = session_of(erin), session_of(erin)
    page = visit("profile", token=own)
    click(page, "End session")
    assert signing_in.actor_of_session(kyo, other) is None
    assert signing_in.actor_of_session(kyo, own) == erin
    assert "You are signed in nowhere else." in words(page)


def test_a_session_that_has_ended_meanwhile_is_said_in_a_sentence(
    visit: Visit, kyo: Kyo, erin: Actor, session_of: Callable[[Actor], str]
) -> None:
    other, own = session_of(erin), session_of(erin)
    page = visit("profile", token=own)
    pressed = button(page, "End session").click()
    signing_in.sign_out(kyo, other)
    pressed.run()
    assert not page.exception
    assert "You are signed in nowhere else." in words(page)


def test_all_others_are_ended_at_once(
    visit: Visit, kyo: Kyo, erin: Actor, manager: Actor, session_of: Callable[[Actor], str]
) -> None:
    others, foreign, own = [session_of(erin) for _ in range(12)], session_of(manager), session_of(erin)
    page = visit("profile", token=own)
    assert buttons(page).count("End session") == 9  # a page of ten, and the own one has none
    click(page, "End all other sessions")
    assert [signing_in.actor_of_session(kyo, token) for token in others] == [None] * 12
    assert [signing_in.actor_of_session(kyo, token) for token in (own, foreign)] == [erin, manager]


@pytest.mark.parametrize("pressed", ["Save", "Change password", "End session", "End all other sessions"])
def test_a_page_whose_session_has_ended_changes_nothing(
    visit: Visit, kyo: Kyo, erin: Actor, session_of: Callable[[Actor], str], pressed: str
) -> None:
    other, own = session_of(erin), session_of(erin)
    page = visit("profile", token=own)
    fill(
        page,
        Name="Mallory",
        Current_password=PASSWORD,
        New_password="violet canoe soup 7",
        New_password_again="violet canoe soup 7",
    )
    signing_in.sign_out(kyo, own)
    click(page, pressed)
    assert titles(page) == ["Know Your Organization"]
    assert accounts.read_profile(kyo, erin).name == "Erin"
    assert signing_in.actor_of_session(kyo, other) == erin
    assert signing_in.sign_in(kyo, "erin", PASSWORD, "browser")
