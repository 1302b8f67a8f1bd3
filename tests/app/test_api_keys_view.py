"""API keys in one's profile, as each role sees them."""

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from kyo_pipeline.domain.actor import Actor, Role
from kyo_pipeline.domain.scopes import Scope
from kyo_pipeline.errors import NotSignedIn
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import api_keys, token_access
from tests.app.api.conftest import pair_of
from tests.app.pages import Visit, click, field, words
from tests.conftest import Clock

ASK = frozenset({Scope.ANSWERS_ASK})


def make(page: AppTest, name: str, *scopes: Scope) -> AppTest:
    field(page, "Name of the key").set_value(name)
    page.button_group[0].set_value(list(scopes))
    return click(page, "Make")


def secrets_on(page: AppTest) -> list[str]:
    return [one.value for one in page.code if one.value.startswith("kyo_")]


def test_who_has_none_is_told_what_they_are_for(visit: Visit, employee: Actor) -> None:
    page = visit("profile", employee)
    said = words(page)
    assert "No keys yet" in said
    assert "[What the API offers](/api/docs)" in said
    assert "/mcp`" in said


def test_a_key_is_shown_once_and_works(visit: Visit, kyo: Kyo, employee: Actor) -> None:
    page = make(visit("profile", employee), "My agent", Scope.ANSWERS_ASK)
    [secret] = secrets_on(page)
    assert "it is not shown again" in words(page)
    page = click(page, "I have copied it")
    assert secrets_on(page) == []
    assert secret not in str(page.session_state)
    assert secrets_on(visit("profile", employee)) == []
    said = words(page)
    assert "**My agent**" in said
    assert "ask questions and search" in said
    assert "never used" in said
    assert token_access.actor_of_bearer(kyo, secret, "192.0.2.7").key == "My agent"
    assert "from 192" in words(visit("profile", employee))


def test_a_key_that_is_revoked_is_gone(visit: Visit, kyo: Kyo, employee: Actor) -> None:
    api_keys.create(kyo, employee, "My agent", ASK, 30)
    page = visit("profile", employee)
    assert "cannot be brought back" in words(page)
    page = click(page, "Revoke this key")
    assert "**My agent**" not in words(page)
    assert api_keys.list_keys(kyo, employee) == ()


@pytest.mark.parametrize(
    ("name", "scopes", "why"),
    [
        ("", ASK, "The name of a key has 1 to 80"),
        ("agent", (), "Say what the key"),
        ("known", ASK, "a key of this name"),
    ],
)
def test_refusals_are_sentences(
    visit: Visit, kyo: Kyo, employee: Actor, name: str, scopes: frozenset[Scope], why: str
) -> None:
    api_keys.create(kyo, employee, "known", ASK, 30)
    page = make(visit("profile", employee), name, *scopes)
    assert why in words(page)
    assert len(api_keys.list_keys(kyo, employee)) == 1


@pytest.mark.parametrize("role", Role)
def test_only_what_the_role_may_is_offered(visit: Visit, person: Callable[[Role], Actor], role: Role) -> None:
    page = visit("profile", person(role))
    assert len(page.button_group[0].options) == len(api_keys.scopes_of(role))


def test_when_it_ends_is_said(visit: Visit, kyo: Kyo, employee: Actor, clock: Clock) -> None:
    for name, days in (("short", 1), ("long", 30)):
        api_keys.create(kyo, employee, name, ASK, days)
    assert ":orange-badge[until" in words(visit("profile", employee))
    clock.advance(days=2)
    said = words(visit("profile", employee))
    assert "**short** :red-badge[expired]" in said
    assert "**long** :gray-badge[until" in said


def test_names_of_keys_are_text(visit: Visit, kyo: Kyo, employee: Actor) -> None:
    api_keys.create(kyo, employee, "![x](http://evil.example/x)", ASK, 30)
    assert "![x](http" not in words(visit("profile", employee))


def test_programs_stand_among_the_sessions(visit: Visit, kyo: Kyo, employee: Actor) -> None:
    pair = pair_of(kyo, employee)
    page = visit("profile", employee)
    assert "**API client** :blue-badge[API client]" in words(page)
    click(page, "End session")
    with pytest.raises(NotSignedIn):
        token_access.actor_of_bearer(kyo, pair.access_token)
