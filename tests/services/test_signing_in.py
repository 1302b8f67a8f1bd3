"""Signing in and out: passwords, tickets, sessions, and too many tries. Identities: test_sign_on.py."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from argon2 import PasswordHasher

from kyo_pipeline.adapters import passwords
from kyo_pipeline.domain.actor import Actor, Role
from kyo_pipeline.domain.people import PersonState
from kyo_pipeline.domain.typed_text import MAX_SAID_BY_BROWSER
from kyo_pipeline.errors import NotAllowed, TooMany
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import accounts, people, signing_in
from tests.conftest import Clock

PASSWORD = "correct horse battery"
BROWSER = "browser"
WRONG = r"^The user name or the password is wrong\.$"
OFFICE = "192.0.2.7"


@pytest.fixture
def anna(kyo: Kyo, admin: Actor) -> Actor:
    """Somebody with a real password."""
    return people.add_person(kyo, admin, "anna", "Anna", Role.EMPLOYEE, "", PASSWORD).person


def session(kyo: Kyo, password: str = PASSWORD, **more: Any) -> str:
    return signing_in.redeem_ticket(kyo, signing_in.sign_in(kyo, "anna", password, BROWSER), BROWSER, **more)[0]


def fail(kyo: Kyo, times: int, username: str = "anna", address: str = "") -> None:
    for _ in range(times):
        with pytest.raises(NotAllowed, match=WRONG):
            signing_in.sign_in(kyo, username, "wrong", BROWSER, address)


def test_password_ticket_session(kyo: Kyo, anna: Actor, clock: Clock, sql: Callable[..., list[Any]]) -> None:
    ticket = signing_in.sign_in(kyo, " Anna ", PASSWORD, BROWSER, OFFICE)
    token, expires_at = signing_in.redeem_ticket(kyo, ticket, BROWSER, "Firefox", OFFICE)
    assert signing_in.actor_of_session(kyo, token) == anna
    assert (expires_at - clock()).total_seconds() == kyo.settings.KYO_SESSION_HOURS * 3600
    [row] = sql("select actor_id, object_id, details, address from audit_log where event = 'session:start'")
    assert (row.actor_id, row.object_id) == (anna.id, str(anna.id))
    assert (row.details, row.address) == ({"method": "password"}, OFFICE)


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("nobody", PASSWORD),
        ("anna", "wrong"),
        ("anna", ""),
        ("anna", PASSWORD.upper()),
        ("anna", PASSWORD + "x" * 1_000_000),
        ("anna", "\x00"),
        ("anna", "\ud800"),
        ("", ""),
        ("kyo", ""),
        ("a\x00nna", PASSWORD),
        ("\ud800", PASSWORD),
        ("😀", "😀"),
        ("<script>alert(1)</script>", "<b>"),
        ("anna' or '1'='1", PASSWORD),
        ("x" * 1_000_000, PASSWORD),
    ],
)
@pytest.mark.usefixtures("anna")
def test_refusals_all_sound_the_same_and_are_on_record(
    kyo: Kyo, sql: Callable[..., list[Any]], refusals: Callable[[], list[tuple[str, str]]], username: str, password: str
) -> None:
    with pytest.raises(NotAllowed, match=WRONG):
        signing_in.sign_in(kyo, username, password, BROWSER, OFFICE)
    assert refusals() == [("anna" if username == "anna" else "unknown", "wrong")]
    [row] = sql("select details, address from audit_log where event = 'session:refuse'")
    assert row == ({"reason": "wrong"}, OFFICE)
    assert sql("select from sign_in_tickets") == []


INTO_STATE = {
    PersonState.ACTIVE: "update users set name = name where id = :id",
    PersonState.INVITED: "update users set password_hash = null where id = :id",
    PersonState.AWAITING: "update users set active = false, awaiting_approval = true where id = :id",
    PersonState.DEACTIVATED: "update users set active = false where id = :id",
}


@pytest.mark.parametrize(
    ("state", "says"),
    [
        (PersonState.INVITED, WRONG),
        (PersonState.AWAITING, "an administrator has not let you in yet"),
        (PersonState.DEACTIVATED, "has been deactivated"),
    ],
)
def test_whoever_knows_the_password_is_told_why_they_are_not_let_in(
    kyo: Kyo, anna: Actor, sql: Callable[..., list[Any]], state: PersonState, says: str
) -> None:
    sql(INTO_STATE[state], id=anna.id)
    with pytest.raises(NotAllowed, match=says):
        signing_in.sign_in(kyo, "anna", PASSWORD, BROWSER)
    assert sql("select from sign_in_tickets") == []


@pytest.mark.parametrize("state", PersonState)
def test_each_state_is_checked_with_one_hash_and_the_same_answer(
    kyo: Kyo, anna: Actor, sql: Callable[..., list[Any]], monkeypatch: pytest.MonkeyPatch, state: PersonState
) -> None:
    sql(INTO_STATE[state], id=anna.id)
    real, hashed = passwords.verify, []

    def verify(password_hash: str | None, password: str) -> bool:
        hashed.append(password)
        return real(password_hash, password)

    monkeypatch.setattr(passwords, "verify", verify)
    with pytest.raises(NotAllowed, match=WRONG):
        signing_in.sign_in(kyo, "anna", "wrong", BROWSER)
    assert len(hashed) == 1


def test_nobody_deactivated_stays_in(kyo: Kyo, anna: Actor, sql: Callable[..., list[Any]]) -> None:
    ticket, token = signing_in.sign_in(kyo, "anna", PASSWORD, BROWSER), session(kyo)
    sql("update users set active = false where id = :id", id=anna.id)
    assert signing_in.actor_of_session(kyo, token) is None
    with pytest.raises(NotAllowed):
        signing_in.redeem_ticket(kyo, ticket, BROWSER)


@pytest.mark.parametrize(("days", "good"), [(7, True), (7.001, False)])
def test_a_one_time_password_expires(
    kyo: Kyo, admin: Actor, clock: Clock, refusals: Callable[[], list[tuple[str, str]]], days: float, good: bool
) -> None:
    new = people.add_person(kyo, admin, "anna", "Anna", Role.EMPLOYEE)
    clock.advance(days=days)
    if good:
        assert session(kyo, new.one_time_password or "")
        return
    with pytest.raises(NotAllowed, match="one-time password has expired"):
        session(kyo, new.one_time_password or "")
    assert refusals() == [("anna", "expired")]


def test_a_hash_of_old_parameters_is_made_anew_at_the_next_sign_in(
    kyo: Kyo, anna: Actor, sql: Callable[..., list[Any]]
) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1).hash(PASSWORD)
    sql("update users set password_hash = :weak where id = :id", weak=weak, id=anna.id)
    for _ in range(2):
        signing_in.sign_in(kyo, "anna", PASSWORD, BROWSER)
        [(stored,)] = sql("select password_hash from users where id = :id", id=anna.id)
        assert stored.startswith("$argon2id$")
        assert stored != weak
        assert not passwords.is_outdated(stored)


@pytest.mark.usefixtures("anna")
class TestTooManyTries:
    def test_four_cost_nothing_the_fifth_a_pause(self, kyo: Kyo, clock: Clock) -> None:
        fail(kyo, 5)
        with pytest.raises(TooMany) as caught:
            signing_in.sign_in(kyo, "anna", PASSWORD, BROWSER)
        assert (caught.value.retry_at - clock()).total_seconds() == 30
        clock.advance(seconds=30)
        assert signing_in.sign_in(kyo, "anna", PASSWORD, BROWSER)

    def test_pauses_grow(self, kyo: Kyo, clock: Clock) -> None:
        fail(kyo, 5)
        for seconds in (30, 60, 120, 240, 480, 900, 900):
            with pytest.raises(TooMany) as caught:
                signing_in.sign_in(kyo, "anna", PASSWORD, BROWSER)
            assert (caught.value.retry_at - clock()).total_seconds() == seconds
            clock.advance(seconds=seconds)
            fail(kyo, 1)

    def test_a_try_while_blocked_looks_at_no_password_and_prolongs_nothing(
        self, kyo: Kyo, monkeypatch: pytest.MonkeyPatch, clock: Clock, refusals: Callable[[], list[tuple[str, str]]]
    ) -> None:
        fail(kyo, 5)
        clock.advance(seconds=29)
        with monkeypatch.context() as patch:
            patch.setattr(passwords, "verify", lambda *_: pytest.fail("the password was looked at"))
            for _ in range(3):
                with pytest.raises(TooMany):
                    signing_in.sign_in(kyo, "anna", PASSWORD, BROWSER)
        assert refusals()[5:] == [("anna", "blocked")], "one row a minute: a loop must not fill the log"
        clock.advance(seconds=1)
        assert signing_in.sign_in(kyo, "anna", PASSWORD, BROWSER)

    def test_steady_tries_while_blocked_are_on_record_once_in_each_minute(
        self, kyo: Kyo, clock: Clock, refusals: Callable[[], list[tuple[str, str]]]
    ) -> None:
        clock.time = clock().replace(second=0, microsecond=0) + timedelta(minutes=1)
        for _ in range(180):
            with pytest.raises((NotAllowed, TooMany)):
                signing_in.sign_in(kyo, "anna", "wrong", BROWSER)
            clock.advance(seconds=1)
        assert refusals().count(("anna", "blocked")) == 3

    def test_an_unknown_name_is_blocked_with_the_same_words(
        self, kyo: Kyo, sql: Callable[..., list[Any]], refusals: Callable[[], list[tuple[str, str]]]
    ) -> None:
        told = []
        for username in ("anna", "nobody"):
            fail(kyo, 5, username)
            with pytest.raises(TooMany) as caught:
                signing_in.sign_in(kyo, username, PASSWORD, BROWSER)
            told.append((caught.value.message, caught.value.retry_at))
        assert told[0] == told[1]
        assert refusals()[-1] == ("unknown", "blocked")
        assert "nobody" not in str(sql("select * from audit_log") + sql("select * from sign_in_failures"))

    def test_success_clears_the_account(self, kyo: Kyo) -> None:
        fail(kyo, 4)
        signing_in.sign_in(kyo, "anna", PASSWORD, BROWSER)
        fail(kyo, 4)
        signing_in.sign_in(kyo, "anna", PASSWORD, BROWSER)

    def test_a_day_clears_it_too(self, kyo: Kyo, clock: Clock) -> None:
        fail(kyo, 4)
        clock.advance(hours=24)
        fail(kyo, 4)
        signing_in.sign_in(kyo, "anna", PASSWORD, BROWSER)

    def test_that_an_account_is_blocked_is_on_record_once(
        self, kyo: Kyo, anna: Actor, sql: Callable[..., list[Any]], clock: Clock
    ) -> None:
        fail(kyo, 5, address=OFFICE)
        fail(kyo, 5, "nobody")
        until = (clock() + timedelta(seconds=30)).isoformat()
        [row] = sql("select object_id, details, address from audit_log where event = 'user:block'")
        assert row == (str(anna.id), {"until": until}, OFFICE)

    def test_an_address_is_blocked_for_all_accounts_after_twenty(self, kyo: Kyo, clock: Clock) -> None:
        for number in range(20):
            fail(kyo, 1, f"user{number}", OFFICE)
        for address in (OFFICE, f"::ffff:{OFFICE}"):
            with pytest.raises(TooMany) as caught:
                signing_in.sign_in(kyo, "anna", PASSWORD, BROWSER, address)
        assert (caught.value.retry_at - clock()).total_seconds() == 30
        assert signing_in.sign_in(kyo, "anna", PASSWORD, BROWSER, "192.0.2.8")

    def test_a_block_of_the_address_costs_the_account_nothing(self, kyo: Kyo) -> None:
        for number in range(20):
            fail(kyo, 1, f"user{number}", OFFICE)
        for _ in range(10):
            with pytest.raises(TooMany):
                signing_in.sign_in(kyo, "anna", "wrong", BROWSER, OFFICE)
        fail(kyo, 4)
        assert signing_in.sign_in(kyo, "anna", PASSWORD, BROWSER)

    def test_success_neither_counts_against_an_address_nor_clears_it(self, kyo: Kyo) -> None:
        for number in range(19):
            fail(kyo, 1, f"user{number}", OFFICE)
        for _ in range(5):
            assert signing_in.sign_in(kyo, "anna", PASSWORD, BROWSER, OFFICE)
        fail(kyo, 1, "nobody", OFFICE)
        with pytest.raises(TooMany):
            signing_in.sign_in(kyo, "anna", PASSWORD, BROWSER, OFFICE)

    @pytest.mark.parametrize("address", ["", "127.0.0.1", "::1", "nonsense\x00", "x" * 100_000])
    def test_an_address_that_says_nothing_locks_nobody_out(self, kyo: Kyo, address: str) -> None:
        for number in range(25):
            fail(kyo, 1, f"user{number}", address)
        assert signing_in.sign_in(kyo, "anna", PASSWORD, BROWSER, address)


@pytest.mark.usefixtures("anna")
class TestTickets:
    def test_once(self, kyo: Kyo) -> None:
        ticket = signing_in.sign_in(kyo, "anna", PASSWORD, BROWSER)
        signing_in.redeem_ticket(kyo, ticket, BROWSER)
        with pytest.raises(NotAllowed, match="has been used or has expired"):
            signing_in.redeem_ticket(kyo, ticket, BROWSER)

    def test_in_the_same_browser(self, kyo: Kyo) -> None:
        ticket = signing_in.sign_in(kyo, "anna", PASSWORD, BROWSER)
        with pytest.raises(NotAllowed):
            signing_in.redeem_ticket(kyo, ticket, "another browser")
        assert signing_in.redeem_ticket(kyo, ticket, BROWSER)

    @pytest.mark.parametrize(("seconds", "good"), [(30, True), (30.001, False)])
    def test_within_half_a_minute(self, kyo: Kyo, clock: Clock, seconds: float, good: bool) -> None:
        ticket = signing_in.sign_in(kyo, "anna", PASSWORD, BROWSER)
        clock.advance(seconds=seconds)
        if good:
            assert signing_in.redeem_ticket(kyo, ticket, BROWSER)
        else:
            with pytest.raises(NotAllowed):
                signing_in.redeem_ticket(kyo, ticket, BROWSER)

    def test_not_after_the_password_has_changed(self, kyo: Kyo, admin: Actor, anna: Actor) -> None:
        ticket = signing_in.sign_in(kyo, "anna", PASSWORD, BROWSER)
        people.reset_password(kyo, admin, anna.id)
        with pytest.raises(NotAllowed):
            signing_in.redeem_ticket(kyo, ticket, BROWSER)

    def test_none_for_a_password_that_changed_while_it_was_checked(
        self, kyo: Kyo, admin: Actor, anna: Actor, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def reset_meanwhile(*_: object) -> bool:
            monkeypatch.undo()
            clock.advance(seconds=1)
            people.reset_password(kyo, admin, anna.id)
            return True

        monkeypatch.setattr(passwords, "verify", reset_meanwhile)
        with pytest.raises(NotAllowed, match=WRONG):
            signing_in.sign_in(kyo, "anna", PASSWORD, BROWSER)

    @pytest.mark.parametrize("ticket", ["", "unknown", "\ud800", "\x00", "😀", "x" * 1_000_000])
    def test_only_real_ones(self, kyo: Kyo, ticket: str) -> None:
        with pytest.raises(NotAllowed):
            signing_in.redeem_ticket(kyo, ticket, BROWSER)

    def test_the_database_holds_neither_tickets_nor_tokens(self, kyo: Kyo, sql: Callable[..., list[Any]]) -> None:
        ticket, token = signing_in.sign_in(kyo, "anna", PASSWORD, BROWSER), session(kyo)
        stored = str([bytes(v) for row in sql("select ticket_hash, browser_hash from sign_in_tickets") for v in row])
        stored += str([bytes(row.token_hash) for row in sql("select token_hash from sessions")])
        assert not any(secret in stored for secret in (ticket, token, BROWSER))


@pytest.mark.usefixtures("anna")
class TestSessions:
    def test_end_after_their_hours_however_busy(self, kyo: Kyo, clock: Clock) -> None:
        token = session(kyo)
        for _ in range(kyo.settings.KYO_SESSION_HOURS - 1):
            clock.advance(hours=1)
            assert signing_in.actor_of_session(kyo, token)
        clock.advance(hours=1)
        assert signing_in.actor_of_session(kyo, token) is None

    def test_end_when_nobody_uses_them(self, kyo: Kyo, clock: Clock) -> None:
        token = session(kyo)
        for _ in range(2):
            clock.advance(hours=kyo.settings.KYO_SESSION_IDLE_HOURS, seconds=-1)
            assert signing_in.actor_of_session(kyo, token)
        clock.advance(hours=kyo.settings.KYO_SESSION_IDLE_HOURS)
        assert signing_in.actor_of_session(kyo, token) is None

    def test_are_seen_once_a_minute(self, kyo: Kyo, clock: Clock, sql: Callable[..., list[Any]]) -> None:
        token, began = session(kyo), clock()

        def seen() -> set[Any]:
            signing_in.actor_of_session(kyo, token)
            [row] = sql(
                "select s.last_seen_at as s, u.last_seen_at as u from sessions s join users u on u.id = s.user_id"
            )
            return {row.s, row.u}

        clock.advance(seconds=59)
        assert seen() == {began}
        clock.advance(seconds=1)
        assert seen() == {clock()}

    def test_end_by_signing_out_which_twice_is_once(self, kyo: Kyo, audited: Callable[[], list[str]]) -> None:
        token, other = session(kyo), session(kyo)
        signing_in.sign_out(kyo, token)
        signing_in.sign_out(kyo, token)
        assert signing_in.actor_of_session(kyo, token) is None
        assert signing_in.actor_of_session(kyo, other) is not None
        assert audited().count("session:end") == 1

    def test_one_that_was_over_already_is_still_its_owners_on_record(
        self, kyo: Kyo, anna: Actor, clock: Clock, sql: Callable[..., list[Any]]
    ) -> None:
        token = session(kyo)
        clock.advance(days=20)
        signing_in.sign_out(kyo, token)
        assert sql("select actor_id, object_id from audit_log where event = 'session:end'") == [(anna.id, str(anna.id))]

    def test_the_one_that_the_cookie_held_before_ends(self, kyo: Kyo, audited: Callable[[], list[str]]) -> None:
        old = session(kyo)
        new = session(kyo, replaced=old)
        assert signing_in.actor_of_session(kyo, old) is None
        assert signing_in.actor_of_session(kyo, new) is not None
        assert audited()[-2:] == ["session:end", "session:start"]

    def test_a_forged_cookie_is_no_hindrance(self, kyo: Kyo) -> None:
        for forged in ("forged", "\ud800", "\x00", "x" * 100_000):
            assert signing_in.actor_of_session(kyo, session(kyo, replaced=forged))

    def test_know_their_device_and_address(self, kyo: Kyo, sql: Callable[..., list[Any]]) -> None:
        session(kyo, device="<b>Fire\x00fox\ud800</b> 😀" + "x" * 1_000_000, address=OFFICE)
        [row] = sql("select device, address, method from sessions")
        assert (row.device[:16], len(row.device)) == ("<b>Firefox</b> 😀", MAX_SAID_BY_BROWSER)
        assert (row.address, row.method) == (OFFICE, "password")

    def test_all_end_with_a_new_password(self, kyo: Kyo, anna: Actor, clock: Clock) -> None:
        tokens = [session(kyo), session(kyo)]
        clock.advance(seconds=1)
        accounts.change_password(kyo, anna, PASSWORD, "another long one")
        assert [signing_in.actor_of_session(kyo, token) for token in tokens] == [None, None]
        assert signing_in.actor_of_session(kyo, session(kyo, "another long one")) == anna

    @pytest.mark.parametrize("token", [None, "", "unknown", "\ud800", "\x00", "x" * 1_000_000])
    def test_belong_to_nobody_without_the_token(self, kyo: Kyo, token: str | None) -> None:
        session(kyo)
        assert signing_in.actor_of_session(kyo, token) is None
        signing_in.sign_out(kyo, token or "")

    def test_show_a_changed_role_at_once(self, kyo: Kyo, admin: Actor, anna: Actor) -> None:
        token = session(kyo)
        people.change_role(kyo, admin, anna.id, Role.MANAGER)
        actor = signing_in.actor_of_session(kyo, token)
        assert actor is not None
        assert actor.role is Role.MANAGER

    def test_are_forgotten_a_month_after_their_end(self, kyo: Kyo, clock: Clock, sql: Callable[..., list[Any]]) -> None:
        session(kyo)
        clock.advance(days=30)
        session(kyo)
        assert len(sql("select from sessions")) == 2
        clock.advance(days=1)
        session(kyo)
        assert len(sql("select from sessions")) == 2
