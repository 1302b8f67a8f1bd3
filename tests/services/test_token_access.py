"""Access by tokens: families that end, refresh tokens that count once, keys that may do some of it."""

import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import jwt
import pytest

from kyo_pipeline.adapters import access_tokens, tokens
from kyo_pipeline.adapters.access_tokens import Claims, TokenType
from kyo_pipeline.db import sessions
from kyo_pipeline.domain import throttling
from kyo_pipeline.domain.actor import OPERATOR, Actor, Permission, Role
from kyo_pipeline.domain.people import SessionKind
from kyo_pipeline.domain.scopes import GRANTED, Scope
from kyo_pipeline.errors import Forbidden, NotAllowed, NotSignedIn, TooMany
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import accounts, api_keys, library, people, signing_in, token_access
from tests.conftest import Clock

PASSWORD = "correct horse battery"


@pytest.fixture
def anna(kyo: Kyo, admin: Actor) -> Actor:
    """Somebody with a real password of their own."""
    added = people.add_person(kyo, admin, "anna", "Anna", Role.EMPLOYEE, "", PASSWORD).person
    accounts.change_password(kyo, added, PASSWORD, PASSWORD + "!")
    return Actor(added.id, added.username, added.name, added.role)


def log_in(kyo: Kyo) -> Any:
    return token_access.log_in(kyo, "anna", PASSWORD + "!", "curl/8", "192.0.2.7")


def session_of(kyo: Kyo, actor: Actor) -> str:
    """The token of a browser's session, as its cookie holds it."""
    token, now = secrets.token_urlsafe(), kyo.now()
    with kyo.db.transaction(OPERATOR) as tx:
        sessions.add(tx, tokens.digest(token), actor.id, now, now + timedelta(hours=1))
    return token


def is_out(kyo: Kyo, bearer: str) -> bool:
    try:
        token_access.actor_of_bearer(kyo, bearer)
    except NotSignedIn:
        return True
    return False


@pytest.mark.usefixtures("anna")
class TestTokens:
    def test_a_password_becomes_a_pair_that_names_its_owner(
        self, kyo: Kyo, anna: Actor, sql: Callable[..., list[Any]]
    ) -> None:
        pair = log_in(kyo)
        assert token_access.actor_of_bearer(kyo, pair.access_token) == anna
        assert pair.expires_in == 3600
        [(details, address)] = sql(
            "select details, address from audit_log where event = 'session:start' order by id desc limit 1"
        )
        assert (details, address) == ({"method": "password", "kind": "api"}, "192.0.2.7")

    def test_a_wrong_password_is_nobody_and_counts_as_a_try(self, kyo: Kyo) -> None:
        for _ in range(5):
            with pytest.raises(NotSignedIn):
                token_access.log_in(kyo, "anna", "wrong")
        with pytest.raises(TooMany):
            token_access.log_in(kyo, "anna", PASSWORD + "!")

    def test_a_one_time_password_opens_nothing_here(self, kyo: Kyo, admin: Actor) -> None:
        added = people.add_person(kyo, admin, "erin", "Erin", Role.EMPLOYEE)
        with pytest.raises(NotAllowed, match="Choose a password of your own in the app"):
            token_access.log_in(kyo, "erin", added.one_time_password or "")

    def test_a_right_one_time_password_never_blocks_and_forgives_what_was_mistyped(
        self, kyo: Kyo, admin: Actor, sql: Callable[..., list[Any]], refusals: Callable[[], list[tuple[str, str]]]
    ) -> None:
        added = people.add_person(kyo, admin, "erin", "Erin", Role.EMPLOYEE)
        one_time = added.one_time_password or ""
        for _ in range(4):
            with pytest.raises(NotSignedIn):
                token_access.log_in(kyo, "erin", "mistyped", "", "192.0.2.7")
        for _ in range(10):
            with pytest.raises(NotAllowed, match="Choose a password of your own"):
                token_access.log_in(kyo, "erin", one_time, "", "192.0.2.7")
        left = {bytes(row.subject): row.failures for row in sql("select subject, failures from sign_in_failures")}
        [address] = throttling.of_address("192.0.2.7")
        assert left == {address.digest: 4}
        assert signing_in.sign_in(kyo, "erin", one_time, "browser", "192.0.2.7")
        assert refusals() == [("erin", "wrong")] * 4 + [("erin", "one-time")] * 10
        assert sql("select from sessions") == []

    def test_the_next_pair_works_and_the_sign_in_stays_one(self, kyo: Kyo, anna: Actor, clock: Clock) -> None:
        first = log_in(kyo)
        clock.advance(days=6)
        second = token_access.refresh(kyo, first.refresh_token)
        clock.advance(days=6)
        third = token_access.refresh(kyo, second.refresh_token)
        assert token_access.actor_of_bearer(kyo, third.access_token) == anna
        [session] = accounts.list_sessions(kyo, anna, None)
        assert (session.kind, session.device) == (SessionKind.API, "curl/8")

    def test_a_spent_refresh_token_ends_the_whole_family(
        self, kyo: Kyo, anna: Actor, sql: Callable[..., list[Any]]
    ) -> None:
        first = log_in(kyo)
        second, other = token_access.refresh(kyo, first.refresh_token), log_in(kyo)
        with pytest.raises(NotSignedIn, match="used before"):
            token_access.refresh(kyo, first.refresh_token)
        with pytest.raises(NotSignedIn):
            token_access.refresh(kyo, second.refresh_token)
        assert is_out(kyo, second.access_token)
        assert not is_out(kyo, other.access_token)
        assert sql("select actor_id, outcome from audit_log where event = 'token:reuse'") == [(anna.id, "refused")]

    @pytest.mark.parametrize("which", [0, 1])
    def test_signing_out_ends_all_tokens_of_it_at_once(self, kyo: Kyo, which: int) -> None:
        pairs = [log_in(kyo)]
        pairs.append(token_access.refresh(kyo, pairs[0].refresh_token))
        token_access.log_out(kyo, pairs[which].refresh_token)
        token_access.log_out(kyo, pairs[which].refresh_token)
        assert all(is_out(kyo, pair.access_token) for pair in pairs)
        with pytest.raises(NotSignedIn):
            token_access.refresh(kyo, pairs[1].refresh_token)

    def test_tokens_end(self, kyo: Kyo, clock: Clock) -> None:
        pair = log_in(kyo)
        clock.advance(minutes=59)
        assert not is_out(kyo, pair.access_token)
        clock.advance(minutes=1)
        assert is_out(kyo, pair.access_token)
        clock.advance(days=7)
        with pytest.raises(NotSignedIn, match="expired"):
            token_access.refresh(kyo, pair.refresh_token)

    def test_one_kind_is_not_taken_for_the_other(self, kyo: Kyo) -> None:
        pair = log_in(kyo)
        assert is_out(kyo, pair.refresh_token)
        for wrong in (pair.access_token, "", "x" * 10_000, "\ud800", "kyo_", "a.b.c"):
            with pytest.raises(NotSignedIn):
                token_access.refresh(kyo, wrong)

    def test_no_token_is_a_cookie_and_no_cookie_a_token(self, kyo: Kyo, anna: Actor) -> None:
        pair = log_in(kyo)
        assert signing_in.actor_of_session(kyo, pair.refresh_token) is None
        assert signing_in.actor_of_session(kyo, pair.access_token) is None
        assert is_out(kyo, session_of(kyo, anna))

    def test_whatever_ends_sessions_ends_tokens(self, kyo: Kyo, admin: Actor, anna: Actor, clock: Clock) -> None:
        def ends(deed: Callable[[], object]) -> bool:
            pair = log_in(kyo)
            clock.advance(seconds=1)
            deed()
            return is_out(kyo, pair.access_token)

        assert ends(lambda: people.end_sessions(kyo, admin, anna.id))
        assert ends(lambda: accounts.end_other_sessions(kyo, anna, None))
        [session] = (log_in(kyo), accounts.list_sessions(kyo, anna, None))[1]
        assert ends(lambda: accounts.end_session(kyo, anna, accounts.list_sessions(kyo, anna, None)[0].id)) or session
        assert ends(lambda: people.deactivate(kyo, admin, anna.id))
        people.reactivate(kyo, admin, anna.id)
        assert ends(lambda: accounts.change_password(kyo, anna, PASSWORD + "!", PASSWORD + "?"))

    @pytest.mark.parametrize(
        ("change", "algorithm"),
        [
            ({}, "none"),
            ({"aud": "others"}, "HS256"),
            ({"iss": "others"}, "HS256"),
            ({"typ": "refresh"}, "HS256"),
            ({"typ": None}, "HS256"),
            ({"sub": "x"}, "HS256"),
            ({"exp": 1e300}, "HS256"),
            ({"exp": "soon"}, "HS256"),
            ({}, "HS512"),
        ],
    )
    @pytest.mark.filterwarnings("ignore:The HMAC key is:jwt.InsecureKeyLengthWarning")
    def test_what_differs_from_ours_in_anything_is_refused(
        self, kyo: Kyo, change: dict[str, Any], algorithm: str
    ) -> None:
        pair = log_in(kyo)
        payload = jwt.decode(pair.access_token, options={"verify_signature": False})
        key = access_tokens._key(kyo.settings)
        changed = jwt.encode({**payload, **change}, "" if algorithm == "none" else key, algorithm)
        assert is_out(kyo, changed)
        assert not is_out(kyo, jwt.encode(payload, key, "HS256"))

    def test_a_token_of_another_key_is_forged(self, kyo: Kyo) -> None:
        pair = log_in(kyo)
        payload = jwt.decode(pair.access_token, options={"verify_signature": False})
        assert is_out(kyo, jwt.encode(payload, b"another key of thirty-two bytes!", "HS256"))

    def test_a_token_for_a_session_of_a_browser_is_refused(self, kyo: Kyo, anna: Actor) -> None:
        session_of(kyo, anna)
        [session] = accounts.list_sessions(kyo, anna, None)
        now = kyo.now()
        claims = Claims(anna.id, session.id)
        issued = access_tokens.issue(kyo.settings, TokenType.ACCESS, claims, now, now + timedelta(hours=1))
        assert is_out(kyo, issued)


class TestKeys:
    def key(self, kyo: Kyo, actor: Actor, *scopes: Scope, days: int = 30) -> str:
        return api_keys.create(kyo, actor, " ".join(scopes)[:80], frozenset(scopes), days).secret

    def test_a_key_does_what_it_was_made_for_and_no_more(
        self, kyo: Kyo, employee: Actor, sql: Callable[..., list[Any]]
    ) -> None:
        actor = token_access.actor_of_bearer(kyo, self.key(kyo, employee, Scope.DOCUMENTS_UPLOAD))
        assert (actor.id, actor.role) == (employee.id, employee.role)
        library.upload(kyo, actor, "leave.txt", b"Everybody has 27 days of leave.")
        [(details,)] = sql("select details from audit_log where event = 'document:upload'")
        assert details["api_key"] == actor.key
        with pytest.raises(Forbidden, match="API key was not made for that: answer:ask"):
            actor.require(Permission.ANSWER_ASK)

    @pytest.mark.parametrize("scope", Scope)
    def test_no_key_does_more_than_its_owner(self, kyo: Kyo, person: Callable[[Role], Actor], scope: Scope) -> None:
        for role in Role:
            owner = person(role)
            if scope in api_keys.scopes_of(role):
                actor = token_access.actor_of_bearer(kyo, self.key(kyo, owner, scope))
                able = {permission for permission in Permission if actor.may(permission)}
                assert able == {one for one in GRANTED[scope] if owner.may(one)} != set()

    def test_a_key_changes_nothing_about_the_account(self, kyo: Kyo, admin: Actor) -> None:
        actor = token_access.actor_of_bearer(kyo, self.key(kyo, admin, *Scope))
        assert accounts.read_profile(kyo, actor).username == admin.username
        for deed in (
            lambda: accounts.change_profile(kyo, actor, "A", ""),
            lambda: accounts.change_password(kyo, actor, "a", "b"),
            lambda: accounts.list_sessions(kyo, actor, None),
            lambda: accounts.end_other_sessions(kyo, actor, None),
            lambda: api_keys.create(kyo, actor, "more", frozenset({Scope.AUDIT_READ}), 1),
            lambda: api_keys.list_keys(kyo, actor),
        ):
            with pytest.raises(NotAllowed, match="An API key cannot change the account"):
                deed()

    def test_a_key_ends(self, kyo: Kyo, employee: Actor, clock: Clock) -> None:
        secret = self.key(kyo, employee, Scope.ANSWERS_ASK, days=1)
        clock.advance(hours=23)
        assert not is_out(kyo, secret)
        clock.advance(hours=1)
        assert is_out(kyo, secret)

    @pytest.mark.parametrize("deed", [people.deactivate, people.reset_password, people.end_sessions])
    def test_an_admin_who_shuts_somebody_out_shuts_out_their_keys(
        self, kyo: Kyo, admin: Actor, employee: Actor, deed: Callable[..., object], sql: Callable[..., list[Any]]
    ) -> None:
        secret = self.key(kyo, employee, Scope.ANSWERS_ASK)
        deed(kyo, admin, employee.id)
        if deed is people.deactivate:
            people.reactivate(kyo, admin, employee.id)
        assert is_out(kyo, secret)
        assert sql("select details ->> 'api_keys' from audit_log where details ? 'api_keys'") == [("1",)]

    def test_its_use_is_written_down_once_a_minute(self, kyo: Kyo, employee: Actor, clock: Clock) -> None:
        secret = self.key(kyo, employee, Scope.ANSWERS_ASK)
        for seconds, address in ((0, "192.0.2.1"), (30, "192.0.2.2")):
            clock.advance(seconds=seconds)
            token_access.actor_of_bearer(kyo, secret, address)
        [key] = api_keys.list_keys(kyo, employee)
        assert (key.last_used_at, key.last_used_address) == (clock() - timedelta(seconds=30), "192.0.2.1")

    def test_what_is_not_a_key_is_nobody(self, kyo: Kyo, employee: Actor) -> None:
        secret = self.key(kyo, employee, Scope.ANSWERS_ASK)
        for wrong in ("kyo_", secret[:-1], secret + "x", "kyo_" + "x" * 10_000, "kyo_\ud800"):
            assert is_out(kyo, wrong)

    def test_whoever_signs_in_through_the_organisation_has_keys_without_a_password(
        self, kyo: Kyo, employee: Actor, sql: Callable[..., list[Any]]
    ) -> None:
        secret = self.key(kyo, employee, Scope.ANSWERS_ASK)
        sql("update users set must_change_password = true where id = :id", id=employee.id)
        assert token_access.actor_of_bearer(kyo, secret).may(Permission.ANSWER_ASK)
