"""Signing in with an identity that a provider has vouched for."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from kyo_pipeline.domain.actor import Actor, Role
from kyo_pipeline.domain.identity import Identity
from kyo_pipeline.domain.people import PersonState
from kyo_pipeline.errors import NotAllowed
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import accounts, joining, people, signing_in
from tests.typed import PASSWORD

BROWSER = "browser"


class TestIdentities:
    """Single sign-on: what the provider vouches for becomes somebody here."""

    IDENTITY = Identity("https://id.example", "subject-1", "frida@example.org", True, "Frida Lang")

    def signed_in(self, kyo: Kyo, identity: Identity = IDENTITY) -> Actor:
        ticket = signing_in.sign_in_with_identity(kyo, identity, BROWSER)
        token, _ = signing_in.redeem_ticket(kyo, ticket, BROWSER)
        actor = signing_in.actor_of_session(kyo, token)
        assert actor is not None
        return actor

    def test_somebody_unknown_has_no_account(self, kyo: Kyo, sql: Callable[..., list[Any]]) -> None:
        with pytest.raises(NotAllowed, match="no account here"):
            signing_in.sign_in_with_identity(kyo, self.IDENTITY, BROWSER)
        assert sql("select from user_identities") == []

    def test_a_verified_address_that_an_admin_has_set_links(
        self, kyo: Kyo, admin: Actor, sql: Callable[..., list[Any]]
    ) -> None:
        added = people.add_person(kyo, admin, "fl", "Frida", Role.MANAGER, "FRIDA@example.org", PASSWORD).person
        assert self.signed_in(kyo) == added
        assert sql("select actor_id, details from audit_log where event = 'user:link_identity'") == [
            (added.id, {"issuer": "https://id.example"})
        ]
        assert sql("select method from sessions") == [("sso",)]
        assert self.signed_in(kyo, replace(self.IDENTITY, email=None, name="")) == added, "known by the subject alone"

    def test_an_invitation_is_over_when_its_person_comes_this_way(self, kyo: Kyo, admin: Actor) -> None:
        invited = joining.invite(kyo, admin, "fl", "Frida", Role.EMPLOYEE, "frida@example.org")
        assert self.signed_in(kyo) == invited.person
        assert people.list_people(kyo, admin, state=PersonState.INVITED).people == ()

    @pytest.mark.parametrize(
        "identity",
        [
            replace(IDENTITY, email_verified=False),
            replace(IDENTITY, email="other@example.org"),
            replace(IDENTITY, email=None),
            replace(IDENTITY, email="frida@example.org\x00"),
        ],
    )
    def test_another_or_unverified_address_does_not(self, kyo: Kyo, admin: Actor, identity: Identity) -> None:
        people.add_person(kyo, admin, "fl", "Frida", Role.MANAGER, "frida@example.org")
        with pytest.raises(NotAllowed, match="no account here"):
            signing_in.sign_in_with_identity(kyo, identity, BROWSER)

    def test_nor_an_address_that_people_typed_about_themselves(
        self, kyo: Kyo, employee: Actor, with_settings: Callable[..., Kyo], admin: Actor
    ) -> None:
        accounts.change_profile(kyo, employee, "Eve", "frida@example.org")
        with pytest.raises(NotAllowed, match="no account here"):
            signing_in.sign_in_with_identity(kyo, self.IDENTITY, BROWSER)
        registering = with_settings(KYO_REGISTRATION="approval")
        identity = replace(self.IDENTITY, email="gina@example.org")
        joining.register(registering, "eve", "Eve", "gina@example.org", PASSWORD)
        joining.approve_registration(kyo, admin, people.id_of(kyo, admin, "eve"))
        with pytest.raises(NotAllowed, match="no account here"):
            signing_in.sign_in_with_identity(kyo, identity, BROWSER)

    def test_nor_one_that_they_have_changed_since(self, kyo: Kyo, admin: Actor) -> None:
        eve = people.add_person(kyo, admin, "eve", "Eve", Role.EMPLOYEE, "eve@example.org", PASSWORD).person
        accounts.change_profile(kyo, eve, "Eve", "frida@example.org")
        with pytest.raises(NotAllowed, match="no account here"):
            signing_in.sign_in_with_identity(kyo, self.IDENTITY, BROWSER)

    def test_a_second_identity_is_not_linked(self, kyo: Kyo, admin: Actor) -> None:
        people.add_person(kyo, admin, "fl", "Frida", Role.MANAGER, "frida@example.org")
        self.signed_in(kyo)
        with pytest.raises(NotAllowed, match="no account here"):
            signing_in.sign_in_with_identity(kyo, replace(self.IDENTITY, subject="subject-2"), BROWSER)

    def test_registration_with_approval_waits_each_time(
        self, kyo: Kyo, with_settings: Callable[..., Kyo], admin: Actor, refusals: Callable[[], list[tuple[str, str]]]
    ) -> None:
        registering = with_settings(KYO_REGISTRATION="approval")
        for _ in range(2):
            with pytest.raises(NotAllowed, match="has not let you in yet"):
                signing_in.sign_in_with_identity(registering, self.IDENTITY, BROWSER)
        [person] = people.list_people(kyo, admin, state=PersonState.AWAITING).people
        assert (person.username, person.name, person.email) == ("frida", "Frida Lang", "frida@example.org")
        assert refusals() == [("frida", "identity")] * 2
        joining.approve_registration(kyo, admin, person.id)
        assert self.signed_in(kyo).username == "frida"

    def test_open_registration_lets_in_at_once(
        self, with_settings: Callable[..., Kyo], audited: Callable[[], list[str]]
    ) -> None:
        actor = self.signed_in(with_settings(KYO_REGISTRATION="open"))
        assert (actor.username, actor.name, actor.role) == ("frida", "Frida Lang", Role.EMPLOYEE)
        assert audited() == ["user:register", "session:start"]

    def test_namesakes_and_taken_addresses(
        self, with_settings: Callable[..., Kyo], sql: Callable[..., list[Any]]
    ) -> None:
        kyo = with_settings(KYO_REGISTRATION="open")
        names = [
            self.signed_in(
                kyo, replace(self.IDENTITY, subject=str(number), email=email, email_verified=verified)
            ).username
            for number, (email, verified) in enumerate(
                [
                    ("frida@a.org", True),
                    ("frida@b.org", True),
                    ("FRIDA@A.org", True),
                    ("frida@c.org", False),
                    ("kyo@a.org", True),
                ]
            )
        ]
        assert names == ["frida", "frida-2", "frida-lang", "frida-lang-2", "kyo-2"]
        assert [row.email for row in sql("select email from users where email is not null order by email")] == [
            "frida@a.org",
            "frida@b.org",
            "kyo@a.org",
        ]

    def test_there_is_room_for_any_number_of_namesakes(self, with_settings: Callable[..., Kyo]) -> None:
        kyo = with_settings(KYO_REGISTRATION="open")
        identities = [replace(self.IDENTITY, subject=str(n), email=None, name="王伟") for n in range(23)]
        names = [self.signed_in(kyo, identity).username for identity in identities]
        assert names[:5] == ["person", "person-2", "person-3", "person-4", "person-5"]
        assert len(set(names)) == 23
        assert all(re.fullmatch("person-[0-9a-f]{6}", name) for name in names[5:])

    @pytest.mark.parametrize("name", ["", "\x00\ud800", "😀" * 1000, "<script>", "\u202e evil", "x" * 1_000_000])
    def test_any_name_becomes_a_good_one(self, with_settings: Callable[..., Kyo], name: str) -> None:
        actor = self.signed_in(with_settings(KYO_REGISTRATION="open"), replace(self.IDENTITY, email=None, name=name))
        assert 0 < len(actor.name) <= 200
        assert actor.name.isprintable()

    def test_nobody_deactivated_comes_in_by_subject_or_by_address(self, kyo: Kyo, admin: Actor) -> None:
        one = people.add_person(kyo, admin, "one", "One", Role.EMPLOYEE, "frida@example.org").person
        people.deactivate(kyo, admin, one.id)
        with pytest.raises(NotAllowed, match="deactivated"):
            signing_in.sign_in_with_identity(kyo, self.IDENTITY, BROWSER)
        people.reactivate(kyo, admin, one.id)
        self.signed_in(kyo)
        people.deactivate(kyo, admin, one.id)
        with pytest.raises(NotAllowed, match="deactivated"):
            signing_in.sign_in_with_identity(kyo, self.IDENTITY, BROWSER)

    @pytest.mark.parametrize("text", ["", "\x00", "a\x00b", "\ud800", " a", "x" * 1_000_000])
    @pytest.mark.parametrize("field", ["issuer", "subject"])
    def test_a_provider_that_does_not_say_who_it_is(
        self, with_settings: Callable[..., Kyo], field: str, text: str
    ) -> None:
        told = {"issuer": self.IDENTITY.issuer, "subject": self.IDENTITY.subject, field: text}
        identity = Identity(told["issuer"], told["subject"], None, False, "Frida")
        with pytest.raises(NotAllowed, match="did not say who you are"):
            signing_in.sign_in_with_identity(with_settings(KYO_REGISTRATION="open"), identity, BROWSER)

    def test_markup_and_sql_are_text(self, with_settings: Callable[..., Kyo], sql: Callable[..., list[Any]]) -> None:
        odd = replace(self.IDENTITY, issuer="'; drop table users --", subject="<b>😀</b>")
        kyo = with_settings(KYO_REGISTRATION="open")
        assert self.signed_in(kyo, odd) == self.signed_in(kyo, odd)
        assert sql("select issuer, subject from user_identities") == [("'; drop table users --", "<b>😀</b>")]
