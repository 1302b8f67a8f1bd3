"""Signing in and out, sessions, passwords, people."""

from collections.abc import Callable
from typing import Any

import pytest

from kyo_pipeline.domain.actor import OPERATOR, Actor, Role
from kyo_pipeline.errors import Conflict, Invalid, NotAllowed, NotFound
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import accounts
from tests.conftest import Clock

PASSWORD = "correct horse battery"
BROWSER = "browser"


@pytest.fixture
def anna(kyo: Kyo, admin: Actor) -> Actor:
    """Somebody with a real password."""
    return accounts.add_user(kyo, admin, "anna", "Anna", Role.EMPLOYEE, PASSWORD).actor


def session(kyo: Kyo, password: str = PASSWORD) -> str:
    return accounts.redeem_ticket(kyo, accounts.sign_in(kyo, "anna", password, BROWSER), BROWSER)[0]


def test_password_ticket_session(kyo: Kyo, anna: Actor, clock: Clock, audited: Callable[[], list[str]]) -> None:
    ticket = accounts.sign_in(kyo, " Anna ", PASSWORD, BROWSER)
    token, expires_at = accounts.redeem_ticket(kyo, ticket, BROWSER)
    assert accounts.actor_of_session(kyo, token) == anna
    assert (expires_at - clock()).total_seconds() == kyo.settings.KYO_SESSION_HOURS * 3600
    assert audited()[-1] == "session:start"


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("nobody", PASSWORD),
        ("anna", "wrong"),
        ("anna", ""),
        ("anna", PASSWORD.upper()),
        ("anna", PASSWORD + "x" * 5000),
        ("", ""),
        ("kyo", ""),
        ("a\x00nna", PASSWORD),
        ("\ud800", PASSWORD),
        ("anna' or '1'='1", PASSWORD),
        ("x" * 10_000, PASSWORD),
    ],
)
@pytest.mark.usefixtures("anna")
def test_refusals_all_sound_the_same_and_are_on_record(
    kyo: Kyo, sql: Callable[..., list[Any]], username: str, password: str
) -> None:
    with pytest.raises(NotAllowed, match=r"^The user name or the password is wrong\.$"):
        accounts.sign_in(kyo, username, password, BROWSER)
    [row] = sql("select * from audit_log where event = 'session:refuse'")
    assert row.outcome == "refused"
    assert len(row.object_id) <= 64
    assert sql("select from sign_in_tickets") == []


def test_nobody_deactivated_signs_in_or_stays_in(kyo: Kyo, anna: Actor, sql: Callable[..., list[Any]]) -> None:
    ticket, token = accounts.sign_in(kyo, "anna", PASSWORD, BROWSER), session(kyo)
    sql("update users set active = false where id = :id", id=anna.id)
    assert accounts.actor_of_session(kyo, token) is None
    with pytest.raises(NotAllowed):
        accounts.redeem_ticket(kyo, ticket, BROWSER)
    with pytest.raises(NotAllowed):
        accounts.sign_in(kyo, "anna", PASSWORD, BROWSER)


@pytest.mark.usefixtures("anna")
class TestTickets:
    def test_once(self, kyo: Kyo) -> None:
        ticket = accounts.sign_in(kyo, "anna", PASSWORD, BROWSER)
        accounts.redeem_ticket(kyo, ticket, BROWSER)
        with pytest.raises(NotAllowed, match="has been used or has expired"):
            accounts.redeem_ticket(kyo, ticket, BROWSER)

    def test_in_the_same_browser(self, kyo: Kyo) -> None:
        ticket = accounts.sign_in(kyo, "anna", PASSWORD, BROWSER)
        with pytest.raises(NotAllowed):
            accounts.redeem_ticket(kyo, ticket, "another browser")
        assert accounts.redeem_ticket(kyo, ticket, BROWSER)

    @pytest.mark.parametrize(("seconds", "good"), [(30, True), (30.001, False)])
    def test_within_half_a_minute(self, kyo: Kyo, clock: Clock, seconds: float, good: bool) -> None:
        ticket = accounts.sign_in(kyo, "anna", PASSWORD, BROWSER)
        clock.advance(seconds=seconds)
        if good:
            assert accounts.redeem_ticket(kyo, ticket, BROWSER)
        else:
            with pytest.raises(NotAllowed):
                accounts.redeem_ticket(kyo, ticket, BROWSER)

    def test_not_after_the_password_has_changed(self, kyo: Kyo, admin: Actor) -> None:
        ticket = accounts.sign_in(kyo, "anna", PASSWORD, BROWSER)
        accounts.reset_password(kyo, admin, "anna")
        with pytest.raises(NotAllowed):
            accounts.redeem_ticket(kyo, ticket, BROWSER)

    @pytest.mark.parametrize("ticket", ["", "unknown", "\ud800", "\x00"])
    def test_only_real_ones(self, kyo: Kyo, ticket: str) -> None:
        with pytest.raises(NotAllowed):
            accounts.redeem_ticket(kyo, ticket, BROWSER)

    def test_the_database_holds_neither_tickets_nor_tokens(self, kyo: Kyo, sql: Callable[..., list[Any]]) -> None:
        ticket, token = accounts.sign_in(kyo, "anna", PASSWORD, BROWSER), session(kyo)
        stored = str([bytes(v) for row in sql("select ticket_hash, browser_hash from sign_in_tickets") for v in row])
        stored += str([bytes(row.token_hash) for row in sql("select token_hash from sessions")])
        assert not any(secret in stored for secret in (ticket, token, BROWSER))


@pytest.mark.usefixtures("anna")
class TestSessions:
    def test_end_after_their_hours(self, kyo: Kyo, clock: Clock) -> None:
        token = session(kyo)
        clock.advance(hours=kyo.settings.KYO_SESSION_HOURS, seconds=-1)
        assert accounts.actor_of_session(kyo, token)
        clock.advance(seconds=1)
        assert accounts.actor_of_session(kyo, token) is None

    def test_end_by_signing_out_which_twice_is_once(self, kyo: Kyo, audited: Callable[[], list[str]]) -> None:
        token, other = session(kyo), session(kyo)
        accounts.sign_out(kyo, token)
        accounts.sign_out(kyo, token)
        assert accounts.actor_of_session(kyo, token) is None
        assert accounts.actor_of_session(kyo, other) is not None
        assert audited().count("session:end") == 1

    def test_one_that_was_over_already_is_still_its_owners_on_record(
        self, kyo: Kyo, anna: Actor, clock: Clock, sql: Callable[..., list[Any]]
    ) -> None:
        token = session(kyo)
        clock.advance(days=30)
        accounts.sign_out(kyo, token)
        assert sql("select object_id from audit_log where event = 'session:end'") == [(str(anna.id),)]

    def test_all_end_with_a_new_password(self, kyo: Kyo, anna: Actor, clock: Clock) -> None:
        tokens = [session(kyo), session(kyo)]
        clock.advance(seconds=1)
        accounts.change_password(kyo, anna, PASSWORD, "another long one")
        assert [accounts.actor_of_session(kyo, token) for token in tokens] == [None, None]
        assert accounts.actor_of_session(kyo, session(kyo, "another long one")) == anna

    @pytest.mark.parametrize("token", [None, "", "unknown", "\ud800", "\x00"])
    def test_belong_to_nobody_without_the_token(self, kyo: Kyo, token: str | None) -> None:
        session(kyo)
        assert accounts.actor_of_session(kyo, token) is None
        accounts.sign_out(kyo, token or "")

    def test_show_a_changed_role_at_once(self, kyo: Kyo, sql: Callable[..., list[Any]]) -> None:
        token = session(kyo)
        sql("update users set role = 'manager' where username = 'anna'")
        actor = accounts.actor_of_session(kyo, token)
        assert actor is not None
        assert actor.role is Role.MANAGER


@pytest.mark.parametrize(
    ("current", "new", "error", "message"),
    [
        ("wrong", "another long one", NotAllowed, "current password is wrong"),
        (PASSWORD, PASSWORD, Invalid, "must differ"),
        (PASSWORD, "x" * 11, Invalid, "12 to 1000 characters"),
        (PASSWORD, "x" * 1001, Invalid, "12 to 1000 characters"),
        (PASSWORD, "xx ANNA xx xx", Invalid, "must not contain the user name"),
        (PASSWORD, "\ud800" * 12, Invalid, "cannot be typed"),
    ],
)
def test_passwords_that_are_refused_change_nothing(
    kyo: Kyo, anna: Actor, current: str, new: str, error: type[Exception], message: str
) -> None:
    token = session(kyo)
    with pytest.raises(error, match=message):
        accounts.change_password(kyo, anna, current, new)
    assert accounts.actor_of_session(kyo, token) == anna
    assert session(kyo)


def test_a_one_time_password_lets_in_to_change_it(kyo: Kyo, admin: Actor, clock: Clock) -> None:
    new = accounts.add_user(kyo, admin, "anna", "Anna", Role.MANAGER)
    assert new.one_time_password is not None
    actor = accounts.actor_of_session(kyo, session(kyo, new.one_time_password))
    assert actor is not None
    assert actor.must_change_password
    clock.advance(seconds=1)
    accounts.change_password(kyo, actor, new.one_time_password, PASSWORD)
    actor = accounts.actor_of_session(kyo, session(kyo))
    assert actor is not None
    assert not actor.must_change_password


def test_a_reset_password_ends_sessions_and_is_good_once(kyo: Kyo, admin: Actor, anna: Actor, clock: Clock) -> None:
    token = session(kyo)
    clock.advance(seconds=1)
    new = accounts.reset_password(kyo, admin, "Anna")
    assert new.actor == anna
    assert accounts.actor_of_session(kyo, token) is None
    assert session(kyo, new.one_time_password or "")
    with pytest.raises(NotAllowed):
        session(kyo, PASSWORD)


@pytest.mark.parametrize("username", ["nobody", "kyo", "", "a\x00b", "\ud800"])
def test_nobody_is_nobody(kyo: Kyo, admin: Actor, username: str) -> None:
    with pytest.raises(NotFound):
        accounts.reset_password(kyo, admin, username)
    with pytest.raises(NotFound):
        accounts.actor_named(kyo, username)


@pytest.mark.parametrize(
    ("username", "name", "password"),
    [
        ("", "Name", None),
        ("-x", "Name", None),
        ("two words", "Name", None),
        ("x" * 65, "Name", None),
        ("ünal", "Name", None),
        ("bert", "", None),
        ("bert", "   ", None),
        ("bert", "x" * 201, None),
        ("bert", "B\x00ert", None),
        ("bert", "Bert", ""),
        ("bert", "Bert", "short"),
        ("bert", "Bert", "bert bert bert"),
    ],
)
def test_people_who_are_refused(kyo: Kyo, admin: Actor, username: str, name: str, password: str | None) -> None:
    with pytest.raises(Invalid):
        accounts.add_user(kyo, admin, username, name, Role.EMPLOYEE, password)
    assert [person.username for person in accounts.list_users(kyo, admin)] == [admin.username]


def test_two_people_cannot_have_one_name(kyo: Kyo, admin: Actor, anna: Actor) -> None:
    with pytest.raises(Conflict, match="already a user called anna"):
        accounts.add_user(kyo, admin, "ANNA", "Other", Role.ADMIN)
    assert accounts.actor_named(kyo, "anna") == anna


def test_the_first_admin_is_made_on_an_installation_without_people_and_never_again(kyo: Kyo) -> None:
    first = accounts.ensure_first_admin(kyo)
    assert first is not None
    assert (first.actor.username, first.actor.role) == ("admin", Role.ADMIN)
    assert first.actor.must_change_password
    assert accounts.ensure_first_admin(kyo) is None
    assert [person.username for person in accounts.list_users(kyo, OPERATOR)] == ["admin"]
