"""How people come to have an account: registration and invitations."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from kyo_pipeline.adapters import passwords
from kyo_pipeline.db import users
from kyo_pipeline.domain import throttling
from kyo_pipeline.domain.actor import OPERATOR, Actor, Role
from kyo_pipeline.domain.identity import Identity
from kyo_pipeline.domain.people import PersonState
from kyo_pipeline.errors import Conflict, Invalid, KyoError, NotAllowed, NotFound, TooMany
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import joining, people, signing_in
from tests.conftest import Clock
from tests.typed import BAD_TEXTS, PASSWORD, bad_texts

BETTER = "plum tree river"
BROWSER = "browser"
OFFICE = "192.0.2.7"


def session(kyo: Kyo, password: str = PASSWORD, username: str = "anna") -> str:
    return signing_in.redeem_ticket(kyo, signing_in.sign_in(kyo, username, password, BROWSER), BROWSER)[0]


def refused(deed: Callable[[], object]) -> str | None:
    """The sentence with which something is refused; None when it is done."""
    try:
        deed()
    except KyoError as error:
        return error.message
    return None


class TestRegistration:
    def test_is_off_unless_set(self, kyo: Kyo, audited: Callable[[], list[str]]) -> None:
        with pytest.raises(NotAllowed, match="Ask an administrator for an invitation"):
            joining.register(kyo, "bert", "Bert", "b@example.org", PASSWORD)
        assert audited() == []

    def test_with_approval_waits(
        self, with_settings: Callable[..., Kyo], admin: Actor, sql: Callable[..., list[Any]]
    ) -> None:
        kyo = with_settings(KYO_REGISTRATION="approval")
        done = joining.register(kyo, " Bert ", "Bert", "b@example.org", PASSWORD, OFFICE)
        assert (done.username, done.awaiting_approval) == ("bert", True)
        with pytest.raises(NotAllowed):
            signing_in.sign_in(kyo, "bert", PASSWORD, BROWSER)
        joining.approve_registration(kyo, admin, people.id_of(kyo, admin, "bert"))
        assert signing_in.sign_in(kyo, "bert", PASSWORD, BROWSER)
        [row] = sql("select actor_name, details from audit_log where event = 'user:register'")
        assert row == ("kyo", {"username": "bert", "awaiting_approval": True})

    def test_open_lets_in_as_employee(self, with_settings: Callable[..., Kyo]) -> None:
        kyo = with_settings(KYO_REGISTRATION="open")
        assert not joining.register(kyo, "anna", "Anna", "a@example.org", PASSWORD).awaiting_approval
        actor = signing_in.actor_of_session(kyo, session(kyo))
        assert actor is not None
        assert actor.role is Role.EMPLOYEE

    @pytest.mark.parametrize(
        ("username", "email", "password", "error", "message"),
        [
            ("anna", "b@example.org", PASSWORD, Conflict, "already a user called anna"),
            ("ANNA", "b@example.org", PASSWORD, Conflict, "already a user called anna"),
            ("kyo", "b@example.org", PASSWORD, Conflict, "already a user called kyo"),
            ("bert", "Anna@Example.ORG", PASSWORD, Conflict, "this e-mail address"),
            ("bert", "", PASSWORD, Invalid, "Enter your e-mail address"),
            ("bert", "b@@example.org", PASSWORD, Invalid, "one @"),
            ("bert", "b@example.org", "password1234", Invalid, "common"),
            ("bert", "b@example.org", "b@example.org", Invalid, "."),
            ("bert", "b@example.org", "", Invalid, "12 to 1000"),
        ],
    )
    @pytest.mark.usefixtures("anna")
    def test_refusals_change_nothing(
        self,
        with_settings: Callable[..., Kyo],
        admin: Actor,
        username: str,
        email: str,
        password: str,
        error: type[Exception],
        message: str,
    ) -> None:
        kyo = with_settings(KYO_REGISTRATION="open")
        with pytest.raises(error, match=message):
            joining.register(kyo, username, "Bert", email, password)
        assert people.list_people(kyo, admin).total == 2

    @bad_texts
    @pytest.mark.parametrize("field", ["username", "name", "email", "password", "address"])
    def test_any_text_is_a_sentence_or_harmless(
        self, with_settings: Callable[..., Kyo], admin: Actor, field: str, text: str
    ) -> None:
        kyo = with_settings(KYO_REGISTRATION="open")
        good = {"username": "bert", "name": "Bert", "email": "b@example.org", "password": PASSWORD, "address": ""}
        refusal = refused(lambda: joining.register(kyo, **{**good, field: text}))
        if refusal is None:
            assert field == "address" or text in (BAD_TEXTS["emoji"], BAD_TEXTS["SQL"], BAD_TEXTS["HTML"])
        else:
            assert refusal.endswith(".")
            assert people.list_people(kyo, admin).total == 1

    def test_scripts_have_to_wait(self, with_settings: Callable[..., Kyo], clock: Clock) -> None:
        kyo = with_settings(KYO_REGISTRATION="open")
        for number in range(throttling.FREE[throttling.Kind.REGISTRATION] + 1):
            with pytest.raises(Invalid):
                joining.register(kyo, f"u{number}", "Name", "a@example.org", "easy", OFFICE)
        with pytest.raises(TooMany, match="registered from your network"):
            joining.register(kyo, "anna", "Anna", "a@example.org", PASSWORD, OFFICE)
        clock.advance(seconds=30)
        assert joining.register(kyo, "anna", "Anna", "a@example.org", PASSWORD, OFFICE)

    @pytest.mark.usefixtures("anna")
    def test_failures_are_on_record_without_what_was_typed(
        self, with_settings: Callable[..., Kyo], sql: Callable[..., list[Any]]
    ) -> None:
        kyo = with_settings(KYO_REGISTRATION="open")
        for username, email, password in (
            ("ruth", "ruth@example.org", "secret"),
            ("anna", "ruth@example.org", PASSWORD),
            ("ruth", "anna@example.org", PASSWORD),
        ):
            with pytest.raises((Invalid, Conflict)):
                joining.register(kyo, username, "Ruth", email, password, OFFICE)
        statement = "select actor_name, object_id, outcome, details, address from audit_log where event = :event"
        rows = sql(f"{statement} order by id", event="user:register")
        assert rows == [
            ("kyo", "unknown", "refused", {"reason": reason}, OFFICE) for reason in ("password", "taken", "taken")
        ]
        sql("update sign_in_failures set blocked_until = :until", until=kyo.now() + timedelta(minutes=1))
        for _ in range(3):
            with pytest.raises(TooMany):
                joining.register(kyo, "ruth", "Ruth", "ruth@example.org", PASSWORD, OFFICE)
        [_, _, _, blocked] = sql("select object_id, details from audit_log where event = 'user:register' order by id")
        assert (blocked.object_id, blocked.details["reason"]) == ("unknown", "blocked")
        assert "ruth" not in str(sql("select * from audit_log where event = 'user:register'")).lower()

    @pytest.mark.usefixtures("anna")
    def test_an_office_that_registers_goes_on_signing_in(
        self, with_settings: Callable[..., Kyo], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        kyo = with_settings(KYO_REGISTRATION="open")
        with monkeypatch.context() as patch:
            patch.setattr(passwords, "hash_password", lambda _: "no password fits")
            for number in range(25):
                joining.register(kyo, f"u{number}", "Name", f"u{number}@example.org", PASSWORD, OFFICE)
        assert signing_in.sign_in(kyo, "anna", PASSWORD, BROWSER, OFFICE)


class TestLettingIn:
    def test_approved_with_a_role(self, kyo: Kyo, admin: Actor, eric: Any, details: Callable[[str], Any]) -> None:
        joining.approve_registration(kyo, admin, eric, Role.MANAGER)
        assert people.actor_named(kyo, "eric").role is Role.MANAGER
        assert session(kyo, username="eric")
        assert details("user:approve") == [(admin.id, str(eric), {"role": "manager"})]
        for again in (joining.approve_registration, joining.decline_registration):
            with pytest.raises(Conflict, match="is not waiting for approval"):
                again(kyo, admin, eric)

    def test_declined_is_gone(
        self, kyo: Kyo, with_settings: Callable[..., Kyo], admin: Actor, eric: Any, details: Callable[[str], Any]
    ) -> None:
        joining.decline_registration(kyo, admin, eric)
        assert details("user:decline") == [(admin.id, str(eric), {"username": "eric"})]
        with pytest.raises(NotAllowed):
            session(kyo, username="eric")
        registering = with_settings(KYO_REGISTRATION="approval")
        assert joining.register(registering, "eric", "Eric", "eric@example.org", PASSWORD)

    def test_nobody_who_was_in_is_declined(self, kyo: Kyo, admin: Actor, anna: Actor) -> None:
        people.deactivate(kyo, admin, anna.id)
        with pytest.raises(Conflict):
            joining.decline_registration(kyo, admin, anna.id)
        assert people.id_of(kyo, admin, "anna") == anna.id


class TestInviting:
    def test_makes_somebody_without_password_and_a_link(
        self, kyo: Kyo, admin: Actor, clock: Clock, details: Callable[[str], Any]
    ) -> None:
        invited = joining.invite(kyo, admin, " Cleo ", "Cleo", Role.MANAGER, "c@example.org")
        assert (invited.person.username, invited.person.role) == ("cleo", Role.MANAGER)
        assert invited.expires_at == clock() + timedelta(days=kyo.settings.KYO_INVITATION_DAYS)
        assert details("user:invite") == [(admin.id, str(invited.person.id), {"username": "cleo", "role": "manager"})]

    def test_again_replaces_the_link_also_one_that_has_expired(self, kyo: Kyo, admin: Actor, clock: Clock) -> None:
        first = joining.invite(kyo, admin, "cleo", "Cleo", Role.MANAGER)
        clock.advance(days=100)
        second = joining.invite_again(kyo, admin, first.person.id)
        with pytest.raises(NotFound):
            joining.read_invitation(kyo, first.token)
        assert joining.read_invitation(kyo, second.token).username == "cleo"

    def test_again_only_who_has_no_password(self, kyo: Kyo, admin: Actor, anna: Actor, eric: Any) -> None:
        with pytest.raises(Conflict, match="has a password already"):
            joining.invite_again(kyo, admin, anna.id)
        with pytest.raises(Conflict, match="not been let in yet"):
            joining.invite_again(kyo, admin, eric)

    def test_again_not_who_signs_in_through_the_organisation(self, kyo: Kyo, admin: Actor) -> None:
        cleo = joining.invite(kyo, admin, "cleo", "Cleo", Role.ADMIN, "c@example.org").person
        identity = Identity("https://id.example", "1", "c@example.org", True, "Cleo")
        signing_in.sign_in_with_identity(kyo, identity, BROWSER)
        with pytest.raises(Conflict, match="through your organisation"):
            joining.invite_again(kyo, admin, cleo.id)
        assert people.read_person(kyo, admin, cleo.id).state is PersonState.ACTIVE
        assert people.change_role(kyo, admin, admin.id, Role.MANAGER), "cleo is another admin still"

    def test_again_not_who_accepts_at_the_same_moment(self, committed: Kyo, monkeypatch: pytest.MonkeyPatch) -> None:
        first = joining.invite(committed, OPERATOR, "cleo", "Cleo", Role.MANAGER)
        real = users.lock

        def after_they_accepted(*args: Any) -> Any:
            monkeypatch.undo()
            joining.accept_invitation(committed, first.token, PASSWORD)
            return real(*args)

        monkeypatch.setattr(users, "lock", after_they_accepted)
        with pytest.raises(Conflict, match="has a password already"):
            joining.invite_again(committed, OPERATOR, first.person.id)

    def test_is_void_once_they_are_deactivated(self, kyo: Kyo, admin: Actor) -> None:
        invited = joining.invite(kyo, admin, "cleo", "Cleo", Role.MANAGER)
        people.deactivate(kyo, admin, invited.person.id)
        people.reactivate(kyo, admin, invited.person.id)
        with pytest.raises(NotFound):
            joining.accept_invitation(kyo, invited.token, PASSWORD)
        again = joining.invite_again(kyo, admin, invited.person.id)
        assert joining.accept_invitation(kyo, again.token, PASSWORD) == "cleo"

    def test_is_void_once_they_have_a_one_time_password(self, kyo: Kyo, admin: Actor) -> None:
        invited = joining.invite(kyo, admin, "anna", "Anna", Role.MANAGER)
        new = people.reset_password(kyo, admin, invited.person.id)
        with pytest.raises(NotFound):
            joining.accept_invitation(kyo, invited.token, PASSWORD)
        assert session(kyo, new.one_time_password or "")


class TestInvitations:
    def test_say_whom_they_are_for_and_let_choose_a_password_once(
        self, kyo: Kyo, admin: Actor, sql: Callable[..., list[Any]]
    ) -> None:
        invited = joining.invite(kyo, admin, "anna", "Anna", Role.MANAGER, "a@example.org")
        shown = joining.read_invitation(kyo, invited.token, OFFICE)
        assert (shown.username, shown.name, shown.expires_at) == ("anna", "Anna", invited.expires_at)
        assert joining.accept_invitation(kyo, invited.token, PASSWORD, OFFICE) == "anna"
        assert signing_in.actor_of_session(kyo, session(kyo)) == invited.person
        for again in (joining.read_invitation, lambda k, t: joining.accept_invitation(k, t, BETTER)):
            with pytest.raises(NotFound, match="used, replaced, or has expired"):
                again(kyo, invited.token)
        statement = "select actor_id, object_id from audit_log where event = :event and outcome = 'done'"
        [row] = sql(statement, event="user:accept_invitation")
        assert row == (invited.person.id, str(invited.person.id))
        assert sql("select from sign_in_failures where failures > 1") == []

    def test_expire(self, kyo: Kyo, admin: Actor, clock: Clock) -> None:
        invited = joining.invite(kyo, admin, "anna", "Anna", Role.MANAGER)
        clock.advance(days=kyo.settings.KYO_INVITATION_DAYS, seconds=-1)
        assert joining.read_invitation(kyo, invited.token)
        clock.advance(seconds=1)
        with pytest.raises(NotFound):
            joining.accept_invitation(kyo, invited.token, PASSWORD)

    @pytest.mark.parametrize(
        "password", ["", "short", "password1234", "anna@example.org", "x" * 1_000_000, "a\x00" * 12]
    )
    def test_a_bad_password_leaves_it_open(self, kyo: Kyo, admin: Actor, password: str) -> None:
        invited = joining.invite(kyo, admin, "anna", "Anna", Role.MANAGER, "anna@example.org")
        with pytest.raises(Invalid):
            joining.accept_invitation(kyo, invited.token, password)
        assert joining.accept_invitation(kyo, invited.token, PASSWORD)

    def test_nobody_signs_in_before(self, kyo: Kyo, admin: Actor) -> None:
        joining.invite(kyo, admin, "anna", "Anna", Role.MANAGER)
        for password in ("", PASSWORD, "nobody has this password"):
            with pytest.raises(NotAllowed):
                session(kyo, password)

    @bad_texts
    def test_only_real_tokens(self, kyo: Kyo, admin: Actor, text: str) -> None:
        joining.invite(kyo, admin, "anna", "Anna", Role.MANAGER)
        with pytest.raises(NotFound):
            joining.read_invitation(kyo, text)
        with pytest.raises(NotFound):
            joining.accept_invitation(kyo, text, PASSWORD)

    def test_guesses_are_on_record_without_what_was_typed(self, kyo: Kyo, sql: Callable[..., list[Any]]) -> None:
        for verb in (
            lambda: joining.read_invitation(kyo, "guessed", OFFICE),
            lambda: joining.accept_invitation(kyo, "guessed", PASSWORD, OFFICE),
        ):
            with pytest.raises(NotFound):
                verb()
        sql("update sign_in_failures set blocked_until = :until", until=kyo.now() + timedelta(minutes=1))
        for _ in range(3):
            with pytest.raises(TooMany):
                joining.read_invitation(kyo, "guessed", OFFICE)
        rows = sql("select event, object_id, outcome, details, address from audit_log order by id")
        assert [row[:3] for row in rows] == [("user:accept_invitation", "unknown", "refused")] * 3
        assert [row.details["reason"] for row in rows] == ["wrong", "wrong", "blocked"]
        assert {row.address for row in rows} == {OFFICE}
        assert "guessed" not in str(sql("select * from audit_log"))

    def test_guesses_have_to_wait(self, kyo: Kyo, admin: Actor) -> None:
        invited = joining.invite(kyo, admin, "anna", "Anna", Role.MANAGER)
        for number in range(20):
            with pytest.raises(NotFound):
                joining.read_invitation(kyo, f"guess {number}", OFFICE)
        with pytest.raises(TooMany):
            joining.read_invitation(kyo, invited.token, OFFICE)

    def test_the_database_does_not_hold_the_token(self, kyo: Kyo, admin: Actor, sql: Callable[..., list[Any]]) -> None:
        invited = joining.invite(kyo, admin, "anna", "Anna", Role.MANAGER)
        [row] = sql("select token_hash from invitations")
        assert invited.token not in str(bytes(row.token_hash))
        assert invited.token not in str(sql("select * from audit_log"))
