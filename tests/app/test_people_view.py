"""People, as administrators look after them."""

from collections.abc import Callable

import pytest

from kyo_app import runtime
from kyo_app.markup import inert, inert_line
from kyo_pipeline.db import users
from kyo_pipeline.domain.actor import OPERATOR, Actor, Role
from kyo_pipeline.domain.people import Person, PersonState
from kyo_pipeline.errors import KyoError, NotAllowed, TooMany
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import joining, people, signing_in
from tests.app.pages import HOSTILE, ODD, Visit, box, button, buttons, click, field, fill, titles, words
from tests.conftest import Clock

PASSWORD = "plum tree river"


@pytest.fixture
def erin(kyo: Kyo) -> Actor:
    """Somebody with a password that is known."""
    return people.add_person(kyo, OPERATOR, "erin", ODD, Role.EMPLOYEE, "erin@example.org", PASSWORD).person


@pytest.fixture
def frank(kyo: Kyo) -> Person:
    """Somebody who has registered and waits."""
    with kyo.db.transaction(OPERATOR) as tx:
        users.add(
            tx, "frank", ODD, Role.EMPLOYEE, kyo.now(), password_hash="no", email="frank@example.org", awaiting=True
        )
    return named(kyo, "frank")


def named(kyo: Kyo, username: str) -> Person:
    return people.read_person(kyo, OPERATOR, people.id_of(kyo, OPERATOR, username))


def usernames(kyo: Kyo) -> set[str]:
    return {person.username for person in people.list_people(kyo, OPERATOR, limit=200).people}


# The list -------------------------------------------------------------------------------------------------------------


def test_everybody_is_listed_with_role_and_state_and_inert(visit: Visit, admin: Actor, erin: Actor) -> None:
    page = visit("people", admin)
    assert "2 people" in words(page)
    assert f"**{inert_line(erin.name)}**" in buttons(page)
    assert ":gray-badge[Employee] :green-badge[Active]" in words(page)
    assert "never signed in" in words(page)
    assert "last seen" in words(page)  # the admin


@pytest.mark.usefixtures("erin")
def test_people_are_searched_and_filtered(visit: Visit, kyo: Kyo, admin: Actor) -> None:
    joining.invite(kyo, admin, "mara", "Mara", Role.MANAGER)
    page = visit("people", admin)
    field(page, "Search").set_value("EXAMPLE.org").run()
    assert "1 person" in words(page)
    field(page, "Search").set_value("").run()
    box(page, "Show").set_value("Invited").run()
    assert [label for label in buttons(page) if label.startswith("**")] == ["**Mara**"]
    field(page, "Search").set_value("erin").run()
    assert "Nobody matches" in words(page)


def test_a_search_stays_while_somebody_is_open(visit: Visit, admin: Actor, erin: Actor) -> None:
    page = visit("people", admin)
    field(page, "Search").set_value("erin").run()
    click(page, f"**{inert_line(erin.name)}**")
    click(page, "All people")
    assert field(page, "Search").value == "erin"
    assert "1 person" in words(page)


@pytest.mark.parametrize("kind", HOSTILE)
def test_nothing_that_is_searched_for_breaks_the_list(visit: Visit, admin: Actor, kind: str) -> None:
    page = visit("people", admin)
    field(page, "Search").set_value(HOSTILE[kind]).run()
    assert not page.exception
    assert "1 person" in words(page) or "Nobody matches" in words(page)


def test_the_list_has_pages(visit: Visit, kyo: Kyo, admin: Actor) -> None:
    with kyo.db.transaction(OPERATOR) as tx:
        for number in range(20):
            users.add(tx, f"p{number:02}", f"Number {number}", Role.EMPLOYEE, kyo.now(), password_hash="no")
    page = visit("people", admin)
    assert "**Number 19**" not in buttons(page)
    page.pagination[0].set_value(2).run()
    assert "**Number 19**" in buttons(page)
    assert "**Number 0**" not in buttons(page)


def test_a_person_opens_and_closes(visit: Visit, admin: Actor, erin: Actor) -> None:
    page = click(visit("people", admin), f"**{inert_line(erin.name)}**")
    assert page.query_params["person"] == str(erin.id)
    assert titles(page) == [inert_line(erin.name)]
    assert inert("erin@example.org") in words(page)
    click(page, "All people")
    assert titles(page) == ["People"]
    assert not page.query_params


@pytest.mark.parametrize(
    "address", ["not-a-uuid", "00000000-0000-0000-0000-000000000009", *(text[:10_000] for text in HOSTILE.values())]
)
def test_an_unknown_person_is_said_in_a_sentence(visit: Visit, admin: Actor, address: str) -> None:
    page = visit("people", admin, person=address or " ")
    assert not page.exception
    assert "There is no such" in words(page)
    assert "Change role" not in buttons(page)


@pytest.mark.parametrize("role", [Role.EMPLOYEE, Role.MANAGER])
def test_others_do_not_see_a_person_by_the_address(
    visit: Visit, person: Callable[[Role], Actor], erin: Actor, role: Role
) -> None:
    page = visit("people", person(role), person=str(erin.id))
    assert titles(page) == ["Not for your role"]
    assert "erin" not in words(page)


# Adding ---------------------------------------------------------------------------------------------------------------


def test_somebody_is_invited_by_a_link_that_is_shown_once(visit: Visit, kyo: Kyo, admin: Actor) -> None:
    page = visit("people", admin)
    fill(page, Name=ODD, User_name="Mara")
    box(page, "Role").set_value(Role.MANAGER)
    click(page, "Add")
    assert not page.exception
    assert f"Send this link to {inert_line(ODD)}." in words(page)
    link = page.code[0].value
    assert link.startswith("/?invitation=")  # AppTest has no address; see the next test
    assert joining.read_invitation(kyo, link.partition("=")[2]).username == "mara"
    assert (field(page, "Name").value, field(page, "User name").value) == ("", "")
    person = named(kyo, "mara")
    assert (person.name, person.role, person.state, person.email) == (ODD, Role.MANAGER, PersonState.INVITED, None)
    click(page, "Done")
    assert not page.code
    assert link not in words(page)


def test_the_link_begins_with_the_address_that_people_open(
    visit: Visit, with_settings: Callable[..., Kyo], admin: Actor
) -> None:
    page = visit("people", admin)
    public = with_settings(KYO_PUBLIC_URL="https://kyo.example.org")
    with runtime.using(public, runtime.cookies()):
        fill(page, Name="Mara", User_name="mara")
        click(page, "Add")
    assert page.code[0].value.startswith("https://kyo.example.org/?invitation=")


def test_somebody_gets_a_one_time_password(visit: Visit, kyo: Kyo, admin: Actor) -> None:
    page = visit("people", admin)
    fill(page, Name="Mara", User_name="mara")
    field(page, "E-mail (may be empty)").set_value("mara@example.org")
    page.radio[0].set_value("password")
    click(page, "Add")
    assert "**Give Mara this one-time password.**" in words(page)
    assert signing_in.sign_in(kyo, "mara", page.code[0].value, "browser")
    assert named(kyo, "mara").email == "mara@example.org"


def test_what_is_handed_over_does_not_stay_on_the_screen(visit: Visit, clock: Clock, admin: Actor) -> None:
    page = visit("people", admin)
    fill(page, Name="Mara", User_name="mara")
    click(page, "Add")
    clock.advance(minutes=11)
    page.run()
    assert not page.code


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("label", ["Name", "User name", "E-mail (may be empty)"])
def test_what_cannot_be_is_refused_in_a_sentence(visit: Visit, kyo: Kyo, admin: Actor, label: str, kind: str) -> None:
    page = visit("people", admin)
    fill(page, Name="Mara", User_name="mara")
    field(page, label).set_value(HOSTILE[kind])
    click(page, "Add")
    assert not page.exception
    fits = (label == "Name" and kind in ("emoji", "sql", "html")) or (
        label.startswith("E") and kind in ("empty", "blank")
    )
    assert len(page.error) == (0 if fits else 1)
    assert ("mara" in usernames(kyo)) is fits
    assert bool(page.code) is fits


def test_a_name_that_is_taken_is_said(visit: Visit, kyo: Kyo, admin: Actor, erin: Actor) -> None:
    page = visit("people", admin)
    fill(page, Name="Other", User_name="erin")
    click(page, "Add")
    assert "There is already a user called erin" in words(page)
    assert named(kyo, "erin").name == erin.name


# Registrations --------------------------------------------------------------------------------------------------------


def test_registrations_come_first_and_are_approved_with_a_role(
    visit: Visit, kyo: Kyo, admin: Actor, frank: Person
) -> None:
    page = visit("people", admin)
    assert "1 registration to decide" in words(page)
    assert f"**{inert_line(frank.name)}**" in words(page)
    next(found for found in page.selectbox if found.key == f"approve-as-{frank.id}").set_value(Role.MANAGER)
    click(page, "Approve")
    assert (named(kyo, "frank").state, named(kyo, "frank").role) == (PersonState.ACTIVE, Role.MANAGER)
    assert "to decide" not in words(page)


@pytest.mark.parametrize("opened", [False, True])
def test_a_registration_is_declined(visit: Visit, kyo: Kyo, admin: Actor, frank: Person, opened: bool) -> None:
    page = visit("people", admin, **({"person": str(frank.id)} if opened else {}))
    assert "Change role" not in buttons(page)
    assert "The registration is deleted" in words(page)
    click(page, "Decline this registration")
    assert "frank" not in usernames(kyo)
    assert titles(page) == ["People"]
    assert not page.error


def test_another_admin_was_faster(visit: Visit, kyo: Kyo, admin: Actor, frank: Person) -> None:
    page = visit("people", admin)
    joining.decline_registration(kyo, OPERATOR, frank.id)
    click(page, "Approve")
    assert not page.exception
    assert "frank" not in usernames(kyo)


# One person -----------------------------------------------------------------------------------------------------------


def test_a_role_is_changed(visit: Visit, kyo: Kyo, admin: Actor, erin: Actor) -> None:
    page = visit("people", admin, person=str(erin.id))
    box(page, "Role").set_value(Role.MANAGER)
    click(page, "Change role")
    assert named(kyo, "erin").role is Role.MANAGER
    assert box(page, "Role").value is Role.MANAGER
    assert ":gray-badge[Manager]" in words(page)


def test_the_last_admin_stays_one(visit: Visit, kyo: Kyo, admin: Actor) -> None:
    page = visit("people", admin, person=str(admin.id))
    assert "This is you." in words(page)
    box(page, "Role").set_value(Role.EMPLOYEE)
    click(page, "Change role")
    assert "The last administrator cannot be removed" in words(page)
    assert people.read_person(kyo, OPERATOR, admin.id).role is Role.ADMIN


def test_nobody_shuts_themselves_out(visit: Visit, admin: Actor) -> None:
    page = visit("people", admin, person=str(admin.id))
    assert set(buttons(page)) == {"All people", "Change role", "Sign out"}


def test_it_says_what_somebody_may_read_and_why(
    visit: Visit, admin: Actor, erin: Actor, collection: Callable[..., str]
) -> None:
    collection(ODD, members={erin: "approve"})
    said = words(visit("people", admin, person=str(erin.id)))
    assert f"{inert(ODD)} :gray[read and upload, by name]" in said
    assert "like everyone" in said


def test_an_admin_may_everything(visit: Visit, admin: Actor) -> None:
    assert "Administrators may do everything" in words(visit("people", admin, person=str(admin.id)))


def test_sessions_are_ended(
    visit: Visit, kyo: Kyo, admin: Actor, erin: Actor, session_of: Callable[[Actor], str]
) -> None:
    tokens = [session_of(erin), session_of(erin)]
    page = visit("people", admin, person=str(erin.id))
    assert "Signed in with 2 browsers" in words(page)
    click(page, "End all their sessions")
    assert [signing_in.actor_of_session(kyo, token) for token in tokens] == [None, None]
    assert "End all their sessions" not in buttons(page)


def test_a_password_is_reset(
    visit: Visit, kyo: Kyo, admin: Actor, erin: Actor, session_of: Callable[[Actor], str]
) -> None:
    token = session_of(erin)
    page = visit("people", admin, person=str(erin.id))
    assert "they are signed out everywhere" in words(page)
    click(page, "Make a one-time password")
    assert signing_in.actor_of_session(kyo, token) is None
    with pytest.raises(NotAllowed):
        signing_in.sign_in(kyo, "erin", PASSWORD, "browser")
    assert signing_in.sign_in(kyo, "erin", page.code[0].value, "browser")


def test_somebody_is_deactivated_and_reactivated(
    visit: Visit, kyo: Kyo, admin: Actor, erin: Actor, session_of: Callable[[Actor], str]
) -> None:
    token = session_of(erin)
    page = visit("people", admin, person=str(erin.id))
    click(page, "Deactivate this account")
    assert signing_in.actor_of_session(kyo, token) is None
    assert ":gray-badge[Deactivated]" in words(page)
    assert "Make a one-time password" not in buttons(page)
    click(page, "Reactivate this account")
    assert named(kyo, "erin").state is PersonState.ACTIVE
    assert signing_in.sign_in(kyo, "erin", PASSWORD, "browser")


def test_a_blocked_sign_in_is_seen_and_unblocked(visit: Visit, kyo: Kyo, admin: Actor, erin: Actor) -> None:
    def tried(password: str) -> KyoError | None:
        try:
            signing_in.sign_in(kyo, "erin", password, "browser")
        except KyoError as error:
            return error
        return None

    while not isinstance(tried("wrong"), TooMany):
        pass
    assert ":red-badge[Sign-in blocked until" in words(visit("people", admin))
    page = visit("people", admin, person=str(erin.id))
    assert "after too many wrong passwords" in words(page)
    click(page, "Let them try again now")
    assert tried(PASSWORD) is None
    assert "Let them try again now" not in buttons(page)


def test_an_invitation_gets_a_new_link(visit: Visit, kyo: Kyo, admin: Actor) -> None:
    first = joining.invite(kyo, admin, "mara", "Mara", Role.EMPLOYEE)
    page = visit("people", admin, person=str(first.person.id))
    click(page, "Make a new link")
    assert joining.read_invitation(kyo, page.code[0].value.partition("=")[2]).username == "mara"
    with pytest.raises(KyoError):
        joining.read_invitation(kyo, first.token)


@pytest.mark.parametrize(
    "label",
    ["Change role", "End all their sessions", "Make a one-time password", "Deactivate this account", "Approve", "Add"],
)
@pytest.mark.usefixtures("frank")
def test_a_page_whose_admin_is_one_no_more_changes_nothing(
    visit: Visit,
    kyo: Kyo,
    person: Callable[[Role], Actor],
    erin: Actor,
    session_of: Callable[[Actor], str],
    label: str,
) -> None:
    first, second = person(Role.ADMIN), person(Role.ADMIN)
    token = session_of(erin)
    page = visit("people", first, **({} if label in ("Approve", "Add") else {"person": str(erin.id)}))
    if label == "Add":
        fill(page, Name="Mara", User_name="mara")
    if label == "Change role":
        box(page, "Role").set_value(Role.ADMIN)
    people.change_role(kyo, second, first.id, Role.EMPLOYEE)
    button(page, label).click().run()
    assert titles(page) == ["Not for your role"]
    assert not page.code
    assert signing_in.actor_of_session(kyo, token) == erin
    assert (named(kyo, "erin").role, named(kyo, "frank").state) == (Role.EMPLOYEE, PersonState.AWAITING)
    assert "mara" not in usernames(kyo)
