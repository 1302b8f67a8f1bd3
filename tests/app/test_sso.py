"""Single sign-on: Streamlit's real routes and a real provider over HTTP, the browser is a test client."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from httpx2 import Response
from joserfc.jwk import RSAKey
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient
from streamlit.auth_util import encode_provider_token
from streamlit.runtime.secrets import secrets_singleton
from streamlit.testing.v1 import AppTest
from streamlit.web.server.starlette.starlette_app import create_streamlit_middleware
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value
from streamlit.web.server.starlette.starlette_auth_routes import create_auth_routes

from kyo_app import runtime, sign_on, sso
from kyo_app.headers import SecurityHeadersMiddleware
from kyo_app.identity import (
    BROWSER_COOKIE,
    SECURE_BROWSER_COOKIE,
    SECURE_SESSION_COOKIE,
    SESSION_COOKIE,
    IdentityMiddleware,
)
from kyo_app.routes import routes
from kyo_app.sign_on import NOTICE, PENDING_COOKIE, SignOnMiddleware
from kyo_pipeline.domain.actor import OPERATOR, Actor, Role
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import people, signing_in
from kyo_pipeline.settings import Settings
from tests.oidc_provider import CLIENT_ID, CLIENT_SECRET, OidcProvider

HOST = "kyo.example:8501"
STATE_COOKIE = "_streamlit_session"
PEOPLE = {
    "u-erin": {"email": "erin@example.org", "email_verified": True, "name": "Erin"},
    "u-unverified": {"email": "erin@example.org", "email_verified": False, "name": "Erin?"},
    "u-stranger": {"email": "stranger@example.org", "email_verified": True, "name": "Stranger"},
}


@pytest.fixture
def provider() -> Iterator[OidcProvider]:
    with OidcProvider(PEOPLE) as running:
        yield running


@pytest.fixture
def settings_with_sign_on(settings: Settings, provider: OidcProvider) -> Settings:
    return settings.model_copy(
        update={
            "KYO_PUBLIC_URL": f"http://{HOST}",
            "KYO_OIDC_METADATA_URL": provider.metadata_url,
            "KYO_OIDC_CLIENT_ID": CLIENT_ID,
            "KYO_OIDC_CLIENT_SECRET": SecretStr(CLIENT_SECRET),
        }
    )


@pytest.fixture
def auth(settings_with_sign_on: Settings, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    section = sso.auth_section(settings_with_sign_on)
    assert section is not None
    monkeypatch.setattr(secrets_singleton, "_secrets", {"auth": section})
    return section


@pytest.fixture
def erin(kyo: Kyo) -> Actor:
    return people.add_person(kyo, OPERATOR, "erin", "Erin", Role.EMPLOYEE, email="erin@example.org").person


class Browser:
    """At the address that people use."""

    def __init__(self, auth: Mapping[str, str] | None, scheme: str = "http") -> None:
        app = Starlette(
            routes=[*routes(), *create_auth_routes("")],
            middleware=[
                Middleware(SecurityHeadersMiddleware),
                Middleware(IdentityMiddleware),
                Middleware(SignOnMiddleware, auth=auth),
                *create_streamlit_middleware(),
            ],
        )
        self.client = TestClient(
            app, base_url=f"{scheme}://{HOST}", follow_redirects=False, headers={"accept": "text/html"}
        )
        self.client.get("/")

    def begins(self, page: str = "/") -> Response:
        """As if the button had been pressed on this page."""
        return self.client.get(
            "/auth/login",
            params={"provider": encode_provider_token("default")},
            headers={"referer": f"{self.client.base_url}{page}"},
        )

    def comes_back(self, provider: OidcProvider, begun: Response, person: str) -> Response:
        query = dict(parse_qsl(urlsplit(begun.headers["location"]).query))
        return self.client.get(
            "/oauth2callback", params={"code": provider.code_for(person, query), "state": query["state"]}
        )

    def signs_on(self, provider: OidcProvider, person: str, page: str = "/") -> Response:
        return self.comes_back(provider, self.begins(page), person)


@pytest.fixture
def browser(kyo: Kyo, auth: dict[str, str]) -> Iterator[Browser]:
    with runtime.using(kyo):
        yield Browser(auth)


def _sentence(reply: Response, auth: Mapping[str, str]) -> str:
    """What the sign-in page will say; nobody is signed in."""
    assert reply.status_code == 303
    assert SESSION_COOKIE not in reply.headers.get("set-cookie", "")
    query = dict(parse_qsl(urlsplit(reply.headers["location"]).query))
    assert "ticket" not in query
    return str(sign_on._signer(auth, "notice").loads(query[NOTICE]))


# Signing on


def test_a_verified_address_signs_on_as_the_person_who_has_it(
    kyo: Kyo, provider: OidcProvider, browser: Browser, erin: Actor
) -> None:
    back = browser.signs_on(provider, "u-erin", "/documents?x=1&why=again")
    assert urlsplit(back.headers["location"]).path == "/auth/redeem"
    redeemed = browser.client.get(back.headers["location"])
    assert redeemed.headers["location"] == "/documents?x=1"
    assert "HttpOnly" in redeemed.headers["set-cookie"]
    actor = signing_in.actor_of_session(kyo, redeemed.cookies[SESSION_COOKIE])
    assert actor is not None
    assert actor.id == erin.id


def test_whoever_signs_on_needs_no_one_time_password(
    kyo: Kyo, provider: OidcProvider, browser: Browser, erin: Actor
) -> None:
    assert erin.must_change_password
    redeemed = browser.client.get(browser.signs_on(provider, "u-erin").headers["location"])
    actor = signing_in.actor_of_session(kyo, redeemed.cookies[SESSION_COOKIE])
    assert actor is not None
    assert not actor.must_change_password


def test_whoever_signed_on_once_is_known_by_the_provider_s_own_name_for_them(
    kyo: Kyo, provider: OidcProvider, browser: Browser, erin: Actor
) -> None:
    browser.signs_on(provider, "u-erin")
    provider.people = {"u-erin": {"email": "erin.married@example.org", "email_verified": True, "name": "Erin"}}
    redeemed = browser.client.get(browser.signs_on(provider, "u-erin").headers["location"])
    actor = signing_in.actor_of_session(kyo, redeemed.cookies[SESSION_COOKIE])
    assert actor is not None
    assert actor.id == erin.id


@pytest.mark.usefixtures("erin")
def test_neither_identity_nor_tokens_of_the_provider_reach_the_browser(
    provider: OidcProvider, browser: Browser
) -> None:
    back = browser.signs_on(provider, "u-erin")
    browser.client.get(back.headers["location"])
    assert {cookie.name for cookie in browser.client.cookies.jar} == {BROWSER_COOKIE, SESSION_COOKIE}


@pytest.mark.usefixtures("erin")
def test_behind_tls_every_cookie_is_secure(
    kyo: Kyo, provider: OidcProvider, settings_with_sign_on: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    section = sso.auth_section(settings_with_sign_on.model_copy(update={"KYO_PUBLIC_URL": f"https://{HOST}"}))
    monkeypatch.setattr(secrets_singleton, "_secrets", {"auth": section})
    with runtime.using(kyo):
        browser = Browser(section, "https")
        begun = browser.begins()
        cookies = begun.headers.get_list("set-cookie")
        assert {cookie.split("=")[0] for cookie in cookies} == {STATE_COOKIE, PENDING_COOKIE}
        assert [cookie for cookie in cookies if "; Secure" not in cookie] == []
        back = browser.comes_back(provider, begun, "u-erin")
        assert SECURE_BROWSER_COOKIE in browser.client.cookies
        assert SECURE_SESSION_COOKIE in browser.client.get(back.headers["location"]).headers["set-cookie"]


def test_the_request_to_the_provider_is_bound_to_this_browser(provider: OidcProvider, browser: Browser) -> None:
    begun = browser.begins()
    query = dict(parse_qsl(urlsplit(begun.headers["location"]).query))
    assert begun.headers["location"].startswith(f"{provider.url}/authorize?")
    assert query["redirect_uri"] == f"http://{HOST}/oauth2callback"
    assert query["code_challenge_method"] == "S256"
    assert query["prompt"] == "select_account"
    assert min(len(query["state"]), len(query["nonce"]), len(query["code_challenge"])) >= 20
    assert begun.headers["cache-control"] == "no-store"
    again = dict(parse_qsl(urlsplit(browser.begins().headers["location"]).query))
    assert not {query[name] for name in ("state", "nonce")} & {again[name] for name in ("state", "nonce")}


@pytest.mark.parametrize("page", ["//evil.example/", "/auth/redeem?ticket=x", "/" + "x" * 3000])
@pytest.mark.usefixtures("erin")
def test_only_pages_of_ours_are_gone_on_to(provider: OidcProvider, browser: Browser, page: str) -> None:
    back = browser.signs_on(provider, "u-erin", page)
    assert browser.client.get(back.headers["location"]).headers["location"] == "/"
    assert browser.signs_on(provider, "u-stranger", page).headers["location"].startswith("/?sign-on=")


@pytest.mark.parametrize("referer", ["https://evil.example/documents", "http://[", "", "about:blank"])
@pytest.mark.usefixtures("erin")
def test_a_page_of_another_site_is_not_gone_on_to(provider: OidcProvider, browser: Browser, referer: str) -> None:
    begun = browser.client.get(
        "/auth/login",
        params={"provider": encode_provider_token("default")},
        headers={"referer": referer},
    )
    back = browser.comes_back(provider, begun, "u-erin")
    assert browser.client.get(back.headers["location"]).headers["location"] == "/"


def test_another_name_of_this_site_moves_to_the_public_one_first(browser: Browser) -> None:
    moved = browser.client.get(
        "/auth/login",
        params={"provider": encode_provider_token("default")},
        headers={"host": "localhost:8501", "referer": "http://localhost:8501/documents?x=1"},
    )
    assert moved.headers["location"] == f"http://{HOST}/documents?x=1"
    assert STATE_COOKIE not in moved.headers.get("set-cookie", "")


# Refusals


@pytest.mark.parametrize("person", ["u-stranger", "u-unverified"])
@pytest.mark.usefixtures("erin")
def test_somebody_whom_kyo_does_not_know_is_told_so(
    provider: OidcProvider, browser: Browser, auth: dict[str, str], person: str
) -> None:
    refused = browser.signs_on(provider, person, "/documents")
    assert refused.headers["location"].startswith("/documents?")
    assert "administrator" in _sentence(refused, auth)


def test_whoever_registers_by_signing_on_is_told_to_wait(
    with_settings: Callable[..., Kyo], provider: OidcProvider, browser: Browser, auth: dict[str, str]
) -> None:
    with runtime.using(with_settings(KYO_REGISTRATION="approval")):
        for _ in range(2):
            assert "not let you in yet" in _sentence(browser.signs_on(provider, "u-stranger"), auth)


def test_somebody_who_was_deactivated_stays_out(
    kyo: Kyo, provider: OidcProvider, browser: Browser, auth: dict[str, str], erin: Actor
) -> None:
    back = browser.signs_on(provider, "u-erin")
    token = browser.client.get(back.headers["location"]).cookies[SESSION_COOKIE]
    people.deactivate(kyo, OPERATOR, erin.id)
    assert signing_in.actor_of_session(kyo, token) is None
    assert _sentence(browser.signs_on(provider, "u-erin"), auth)


def test_a_ticket_of_somebody_who_is_deactivated_meanwhile_is_worthless(
    kyo: Kyo, provider: OidcProvider, browser: Browser, erin: Actor
) -> None:
    back = browser.signs_on(provider, "u-erin")
    people.deactivate(kyo, OPERATOR, erin.id)
    redeemed = browser.client.get(back.headers["location"])
    assert SESSION_COOKIE not in redeemed.headers.get("set-cookie", "")


@pytest.mark.parametrize(
    "wrong",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"iss": "https://evil.example"},
        {"aud": "another-client"},
        {"aud": ["another-client"]},
        {"aud": "another-client", "azp": CLIENT_ID},
        {"exp": 1},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "a\x00b"},
        {"sub": "x" * 256},
    ],
)
@pytest.mark.usefixtures("erin")
def test_a_token_that_is_not_for_this_sign_on_counts_for_nothing(
    provider: OidcProvider, browser: Browser, auth: dict[str, str], wrong: dict[str, object]
) -> None:
    def twist(claims: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in {**claims, **wrong}.items() if value is not None}

    provider.twist = twist
    assert "did not work" in _sentence(browser.signs_on(provider, "u-erin"), auth)
    assert {cookie.name for cookie in browser.client.cookies.jar} == {BROWSER_COOKIE}


@pytest.mark.usefixtures("erin")
def test_a_token_that_the_provider_did_not_sign_counts_for_nothing(
    provider: OidcProvider, browser: Browser, auth: dict[str, str]
) -> None:
    provider.key = RSAKey.generate_key(2048, parameters={"kid": "1"})
    assert "did not work" in _sentence(browser.signs_on(provider, "u-erin"), auth)


@pytest.mark.usefixtures("erin")
def test_a_return_with_another_state_does_not_even_ask_the_provider(
    provider: OidcProvider, browser: Browser, auth: dict[str, str]
) -> None:
    query = dict(parse_qsl(urlsplit(browser.begins().headers["location"]).query))
    code = provider.code_for("u-erin", query)
    for state in ("forged", "", query["state"][:-1]):
        reply = browser.client.get("/oauth2callback", params={"code": code, "state": state})
        assert "did not work" in _sentence(reply, auth)
    assert provider.token_requests == 0


@pytest.mark.usefixtures("erin")
def test_a_return_in_another_browser_signs_nobody_in(
    provider: OidcProvider, browser: Browser, auth: dict[str, str]
) -> None:
    """Else a link could sign somebody in as the one who made it."""
    assert "did not work" in _sentence(Browser(auth).comes_back(provider, browser.begins(), "u-erin"), auth)
    assert provider.token_requests == 0


@pytest.mark.usefixtures("erin")
def test_a_return_works_once(provider: OidcProvider, browser: Browser, auth: dict[str, str]) -> None:
    begun = browser.begins()
    state_cookie = browser.client.cookies[STATE_COOKIE]
    query = dict(parse_qsl(urlsplit(begun.headers["location"]).query))
    parameters = {"code": provider.code_for("u-erin", query), "state": query["state"]}
    assert "ticket=" in browser.client.get("/oauth2callback", params=parameters).headers["location"]
    assert "did not work" in _sentence(browser.client.get("/oauth2callback", params=parameters), auth)
    browser.client.cookies.set(STATE_COOKIE, state_cookie)
    assert "did not work" in _sentence(browser.client.get("/oauth2callback", params=parameters), auth)


@pytest.mark.usefixtures("erin")
def test_a_neighbouring_site_that_plants_its_own_sign_on_signs_nobody_in(
    provider: OidcProvider, browser: Browser, auth: dict[str, str]
) -> None:
    neighbour = Browser(auth)
    begun = neighbour.begins()
    for name in (STATE_COOKIE, PENDING_COOKIE):
        browser.client.cookies.set(name, neighbour.client.cookies[name])
    assert "did not work" in _sentence(browser.comes_back(provider, begun, "u-erin"), auth)
    assert provider.token_requests == 0


@pytest.mark.usefixtures("erin")
def test_a_return_after_a_long_time_signs_nobody_in(
    provider: OidcProvider, browser: Browser, auth: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, later = browser.begins(), time.time() + 601
    pending = browser.client.cookies[PENDING_COOKIE]
    monkeypatch.setattr(time, "time", lambda: later)
    # Kept for longer than we asked for.
    browser.client.cookies.set(PENDING_COOKIE, pending)
    assert "did not work" in _sentence(browser.comes_back(provider, begun, "u-erin"), auth)
    assert provider.token_requests == 0


@pytest.mark.parametrize("forgets", ["before", "after"])
@pytest.mark.usefixtures("erin")
def test_without_the_browser_s_name_there_is_nothing_to_bind_a_ticket_to(
    provider: OidcProvider, browser: Browser, auth: dict[str, str], forgets: str
) -> None:
    begun = browser.begins()
    browser.client.cookies.delete(BROWSER_COOKIE)
    if forgets == "before":
        assert "cookie" in _sentence(browser.begins(), auth)
    else:
        assert "did not work" in _sentence(browser.comes_back(provider, begun, "u-erin"), auth)


def test_a_refusal_at_the_provider_is_said_and_its_words_are_not_logged(
    browser: Browser, auth: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        state = dict(parse_qsl(urlsplit(browser.begins().headers["location"]).query))["state"]
        said = {"error": "access_denied", "error_description": "planted\x1b[2J", "state": state}
        reply = browser.client.get("/oauth2callback", params=said)
    assert "did not work" in _sentence(reply, auth)
    assert "planted" not in "".join(record.getMessage() for record in caplog.records if record.name != "httpx2")


def test_a_provider_that_is_away_before(provider: OidcProvider, browser: Browser, auth: dict[str, str]) -> None:
    provider.stop()
    assert "cannot be reached" in _sentence(browser.begins("/documents"), auth)


@pytest.mark.usefixtures("erin")
def test_a_provider_that_is_away_afterwards(provider: OidcProvider, browser: Browser, auth: dict[str, str]) -> None:
    begun = browser.begins()
    provider.stop()
    assert "did not work" in _sentence(browser.comes_back(provider, begun, "u-erin"), auth)


# What nobody may use


@pytest.mark.parametrize("token", [None, "", "forged", "a.b.c"])
def test_a_link_begins_nothing(browser: Browser, auth: dict[str, str], token: str | None) -> None:
    reply = browser.client.get("/auth/login", params={} if token is None else {"provider": token})
    assert "did not work" in _sentence(reply, auth)


@pytest.mark.parametrize("path", ["/auth/login", "/oauth2callback", "/auth/logout"])
def test_without_configuration_these_addresses_are_closed(kyo: Kyo, path: str) -> None:
    with runtime.using(kyo):
        client = Browser(None).client
        for query in ("", "?provider=x", "?code=1&state=2", "?error=planted"):
            reply = client.get(path + query)
            assert (reply.status_code, reply.text) == (404, "There is nothing here.")


def test_nobody_is_logged_out_by_streamlit_s_own_route(browser: Browser) -> None:
    assert browser.client.get("/auth/logout").status_code == 404


@pytest.mark.parametrize("path", ["/auth/login", "/oauth2callback"])
def test_only_get_is_answered(browser: Browser, path: str) -> None:
    assert browser.client.post(path).status_code == 404
    assert browser.client.head(path).status_code == 404


@pytest.mark.usefixtures("erin")
def test_an_address_that_is_spelt_otherwise_gives_no_identity_either(provider: OidcProvider, browser: Browser) -> None:
    """Python's `$` matches before a line feed, so Streamlit's route answers here as well."""
    query = dict(parse_qsl(urlsplit(browser.begins().headers["location"]).query))
    code = provider.code_for("u-erin", query)
    reply = browser.client.get(f"/oauth2callback%0A?code={code}&state={query['state']}")
    assert provider.token_requests == 1
    assert "_streamlit_user" not in reply.headers.get("set-cookie", "")


@pytest.mark.parametrize("secret", ["guessed", "ours"])
def test_an_identity_cookie_of_streamlit_s_opens_nothing(browser: Browser, auth: dict[str, str], secret: str) -> None:
    key = auth["cookie_secret"] if secret == "ours" else secret
    value = '{"iss":"x","sub":"u-erin","email":"erin@example.org","email_verified":true,"is_logged_in":true}'
    browser.client.cookies.set("_streamlit_user", create_signed_value(key, "_streamlit_user", value).decode())
    assert browser.client.get("/media/x").status_code == 401
    assert "did not work" in _sentence(browser.client.get("/oauth2callback"), auth)


# The sign-in page


@pytest.fixture
def page(kyo: Kyo, settings_with_sign_on: Settings, auth: dict[str, str]) -> Iterator[Callable[..., AppTest]]:
    """The sign-in page with single sign-on."""

    def at(**query: str) -> AppTest:
        test = AppTest.from_function(_sign_in_page)
        test.secrets["auth"] = auth
        for name, value in query.items():
            test.query_params[name] = value
        return test.run()

    with runtime.using(replace(kyo, settings=settings_with_sign_on)):
        yield at


def _sign_in_page() -> None:
    from kyo_app import sso as shown

    shown.finish()
    shown.button()


def test_the_button_names_the_account(page: Callable[..., AppTest]) -> None:
    assert [button.label for button in page().button] == [r"Sign in with your organisation\'s account"]


def test_pressing_it_begins_the_sign_on(page: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[str] = []
    monkeypatch.setattr("streamlit.login", lambda: begun.append("now"))
    test = page()
    assert begun == []
    test.button(key="sign-on").click().run()
    assert begun == ["now"]


def test_without_configuration_there_is_no_button_and_nothing_is_said(kyo: Kyo) -> None:
    with runtime.using(kyo):
        test = AppTest.from_function(_sign_in_page)
        test.query_params[NOTICE] = "planted"
        test.run()
    assert (list(test.button), list(test.info)) == ([], [])


def test_the_reason_of_a_refusal_is_shown_as_text(page: Callable[..., AppTest], auth: dict[str, str]) -> None:
    notice = sign_on._signer(auth, "notice").dumps("Ask **an admin**.")
    test = page(**{NOTICE: notice})
    assert [info.value for info in test.info] == [r"Ask \*\*an admin\*\*\."]
    assert NOTICE not in test.query_params


@pytest.mark.parametrize("notice", ["Send your password to evil.example", "", "a.b.c", "\x00", "x" * 10_000])
def test_a_link_cannot_put_words_into_our_mouth(page: Callable[..., AppTest], notice: str) -> None:
    (info,) = page(**{NOTICE: notice}).info
    assert "did not work" in info.value
