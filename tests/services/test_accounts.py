"""One's own account."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from kyo_pipeline.domain.access import Access
from kyo_pipeline.domain.actor import Actor, Role
from kyo_pipeline.errors import Conflict, Invalid, KyoError, NotAllowed, NotFound, TooMany
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import accounts, joining, people, signing_in
from tests.conftest import Clock
from tests.typed import BAD_TEXTS, PASSWORD, bad_texts

BETTER = "plum tree river"
BROWSER = "browser"
OFFICE = "192.0.2.7"


def session(kyo: Kyo, password: str = PASSWORD, **more: Any) -> str:
    return signing_in.redeem_ticket(kyo, signing_in.sign_in(kyo, "anna", password, BROWSER), BROWSER, **more)[0]


def refused(deed: Callable[[], object]) -> str | None:
    """The sentence with which something is refused; None when it is done."""
    try:
        deed()
    except KyoError as error:
        return error.message
    return None


class TestProfile:
    def test_shows_what_is_known_and_where_one_may_do_what(
        self, kyo: Kyo, anna: Actor, clock: Clock, collection: Callable[..., str]
    ) -> None:
        collection("Board")
        collection("Archive", "read")
        collection("News", members={anna: "approve"})
        profile = accounts.read_profile(kyo, anna)
        assert (profile.username, profile.name, profile.email) == ("anna", "Anna", "anna@example.org")
        assert (profile.role, profile.has_password) == (Role.EMPLOYEE, True)
        assert profile.created_at == profile.password_changed_at == clock()
        assert profile.collections == (
            ("Archive", Access.READ),
            ("General", Access.WRITE),
            ("News", Access.WRITE),
        )

    def test_tells_who_has_no_password(self, kyo: Kyo, admin: Actor) -> None:
        invited = joining.invite(kyo, admin, "bert", "Bert", Role.EMPLOYEE)
        assert not accounts.read_profile(kyo, invited.person).has_password

    def test_changes_and_says_what(self, kyo: Kyo, anna: Actor, sql: Callable[..., list[Any]]) -> None:
        accounts.change_profile(kyo, anna, "  Anna Lee ", " lee@example.org ")
        profile = accounts.read_profile(kyo, anna)
        assert (profile.name, profile.email) == ("Anna Lee", "lee@example.org")
        accounts.change_profile(kyo, anna, "Anna Lee", "")
        assert accounts.read_profile(kyo, anna).email is None
        accounts.change_profile(kyo, anna, "Anna Lee", "")
        rows = sql("select actor_id, details from audit_log where event = 'user:change_profile' order by id")
        assert rows == [(anna.id, {"changed": ["name", "email"]}), (anna.id, {"changed": ["email"]})]

    def test_an_address_belongs_to_one(self, kyo: Kyo, anna: Actor, employee: Actor) -> None:
        with pytest.raises(Conflict, match="this e-mail address"):
            accounts.change_profile(kyo, employee, "Name", "ANNA@Example.org")
        accounts.change_profile(kyo, anna, "Anna", "Anna@example.org")

    @bad_texts
    def test_any_text_is_a_sentence_or_harmless(
        self, kyo: Kyo, anna: Actor, audited: Callable[[], list[str]], text: str
    ) -> None:
        before, known = accounts.read_profile(kyo, anna), len(audited())
        for name, email in ((text, ""), ("Anna", text)):
            refusal = refused(lambda: accounts.change_profile(kyo, anna, name, email))  # noqa: B023 — called now
            assert refusal is None or refusal.endswith(".")
            if refusal is None:
                after = accounts.read_profile(kyo, anna)
                assert (after.name, after.email or "") == (name.strip(), email.strip())
        if text not in (BAD_TEXTS["emoji"], BAD_TEXTS["SQL"], BAD_TEXTS["HTML"], "", "   "):
            assert accounts.read_profile(kyo, anna) == before
            assert len(audited()) == known


class TestPassword:
    @pytest.mark.parametrize(
        ("current", "new", "error", "message"),
        [
            ("wrong", BETTER, NotAllowed, "current password is wrong"),
            ("", BETTER, NotAllowed, "current password is wrong"),
            ("\x00" * 1_000_000, BETTER, NotAllowed, "current password is wrong"),
            (PASSWORD, PASSWORD, Invalid, "must differ"),
            (PASSWORD, "x" * 11, Invalid, "12 to 1000 characters"),
            (PASSWORD, "x" * 1001, Invalid, "12 to 1000 characters"),
            (PASSWORD, "anna@example.org", Invalid, "."),
            (PASSWORD, "password1234", Invalid, "very common"),
            (PASSWORD, "\ud800" * 12, Invalid, "cannot be typed"),
        ],
    )
    def test_what_is_refused_changes_nothing(
        self, kyo: Kyo, anna: Actor, current: str, new: str, error: type[Exception], message: str
    ) -> None:
        token = session(kyo)
        with pytest.raises(error, match=message):
            accounts.change_password(kyo, anna, current, new)
        assert signing_in.actor_of_session(kyo, token) == anna
        assert session(kyo)

    def test_guesses_are_counted_as_those_at_the_sign_in(
        self, kyo: Kyo, anna: Actor, clock: Clock, sql: Callable[..., list[Any]]
    ) -> None:
        for _ in range(5):
            with pytest.raises(NotAllowed):
                accounts.change_password(kyo, anna, "wrong", BETTER, OFFICE)
        for _ in range(3):
            with pytest.raises(TooMany):
                accounts.change_password(kyo, anna, PASSWORD, BETTER, OFFICE)
        with pytest.raises(TooMany):
            session(kyo)
        statement = "select actor_id, object_id, details, address from audit_log where event = :event order by id"
        rows = sql(statement, event="user:change_password")
        assert [row.details.get("reason") for row in rows] == ["wrong"] * 5 + ["blocked"], "one row a minute"
        assert rows[0] == (anna.id, "anna", {"reason": "wrong"}, OFFICE)
        assert (rows[5].actor_id, rows[5].object_id) == (anna.id, "anna")
        assert rows[5].address == OFFICE
        [block] = sql("select actor_name, object_id, details, address from audit_log where event = 'user:block'")
        until = (clock() + timedelta(seconds=30)).isoformat()
        assert block == ("kyo", str(anna.id), {"until": until}, OFFICE)

    def test_a_right_one_clears_the_count(self, kyo: Kyo, anna: Actor) -> None:
        for _ in range(3):
            for _ in range(4):
                with pytest.raises(NotAllowed):
                    accounts.change_password(kyo, anna, "wrong", BETTER)
            with pytest.raises(Invalid, match="must differ"):
                accounts.change_password(kyo, anna, PASSWORD, PASSWORD)

    def test_whoever_has_none_is_told_so(self, kyo: Kyo, admin: Actor) -> None:
        invited = joining.invite(kyo, admin, "bert", "Bert", Role.EMPLOYEE)
        with pytest.raises(NotAllowed, match="no password here"):
            accounts.change_password(kyo, invited.person, "", BETTER)

    def test_a_one_time_password_lets_in_to_change_it(self, kyo: Kyo, admin: Actor, clock: Clock) -> None:
        new = people.add_person(kyo, admin, "anna", "Anna", Role.MANAGER)
        assert new.one_time_password is not None
        actor = signing_in.actor_of_session(kyo, session(kyo, new.one_time_password))
        assert actor is not None
        assert actor.must_change_password
        clock.advance(seconds=1)
        accounts.change_password(kyo, actor, new.one_time_password, PASSWORD)
        actor = signing_in.actor_of_session(kyo, session(kyo))
        assert actor is not None
        assert not actor.must_change_password

    def test_nothing_else_is_open_before_it_is_changed(
        self, kyo: Kyo, anna: Actor, sql: Callable[..., list[Any]]
    ) -> None:
        token, held = session(kyo), replace(anna, must_change_password=True)
        [(session_id,)] = sql("select id from sessions")
        for verb in (
            lambda: accounts.read_profile(kyo, held),
            lambda: accounts.change_profile(kyo, held, "Name", ""),
            lambda: accounts.list_sessions(kyo, held, token),
            lambda: accounts.end_session(kyo, held, session_id),
            lambda: accounts.end_other_sessions(kyo, held, token),
        ):
            with pytest.raises(NotAllowed, match="Choose a password of your own first"):
                verb()


@pytest.mark.usefixtures("anna")
class TestOwnSessions:
    def test_are_listed_with_this_one_first(self, kyo: Kyo, anna: Actor, employee: Actor, clock: Clock) -> None:
        this = session(kyo, device="Firefox", address=OFFICE)
        clock.advance(minutes=5)
        session(kyo, device="Safari")
        first, second = accounts.list_sessions(kyo, anna, this)
        assert (first.device, first.address, first.method, first.is_this) == ("Firefox", OFFICE, "password", True)
        assert (second.device, second.is_this, second.created_at) == ("Safari", False, clock())
        assert [one.is_this for one in accounts.list_sessions(kyo, anna, None)] == [False, False]
        assert accounts.list_sessions(kyo, employee, this) == ()

    def test_that_are_over_are_not_listed(self, kyo: Kyo, anna: Actor, clock: Clock) -> None:
        signing_in.sign_out(kyo, session(kyo))
        session(kyo)
        clock.advance(hours=kyo.settings.KYO_SESSION_IDLE_HOURS)
        assert accounts.list_sessions(kyo, anna, None) == ()

    def test_one_ends_at_once(self, kyo: Kyo, anna: Actor, sql: Callable[..., list[Any]]) -> None:
        this, other = session(kyo), session(kyo)
        [_, listed] = accounts.list_sessions(kyo, anna, this)
        accounts.end_session(kyo, anna, listed.id)
        assert signing_in.actor_of_session(kyo, other) is None
        assert signing_in.actor_of_session(kyo, this) == anna
        [row] = sql("select actor_id, object_id, details from audit_log where event = 'session:end'")
        assert row == (anna.id, str(anna.id), {"session": str(listed.id)})
        with pytest.raises(NotFound, match="ended already"):
            accounts.end_session(kyo, anna, listed.id)

    @pytest.mark.parametrize("role", Role)
    def test_nobody_ends_those_of_others_here(
        self, kyo: Kyo, person: Callable[[Role], Actor], sql: Callable[..., list[Any]], role: Role
    ) -> None:
        token = session(kyo)
        [(session_id,)] = sql("select id from sessions")
        for wanted in (session_id, uuid4(), UUID(int=0)):
            with pytest.raises(NotFound):
                accounts.end_session(kyo, person(role), wanted)
        assert signing_in.actor_of_session(kyo, token)

    def test_all_others_end_and_tickets_with_them(self, kyo: Kyo, anna: Actor, sql: Callable[..., list[Any]]) -> None:
        this, others = session(kyo), [session(kyo), session(kyo)]
        ticket = signing_in.sign_in(kyo, "anna", PASSWORD, BROWSER)
        assert accounts.end_other_sessions(kyo, anna, this) == 2
        assert [signing_in.actor_of_session(kyo, token) for token in (this, *others)] == [anna, None, None]
        with pytest.raises(NotAllowed):
            signing_in.redeem_ticket(kyo, ticket, BROWSER)
        assert accounts.end_other_sessions(kyo, anna, this) == 0
        assert sql("select details from audit_log where event = 'session:end'") == [({"others": 2},)]
