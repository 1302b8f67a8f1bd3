"""Health, and the HTTP half of signing in and out."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from kyo_app import runtime
from kyo_app.identity import BROWSER_COOKIE, SECURE_BROWSER_COOKIE, SECURE_SESSION_COOKIE, SESSION_COOKIE
from kyo_app.routes import routes, safe_path
from kyo_pipeline.domain.actor import OPERATOR, Actor, Role
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import people, signing_in
from tests.conftest import Clock

PASSWORD = "plum tree river"
BROWSER = "this-browser"


@pytest.fixture
def client(kyo: Kyo) -> Iterator[TestClient]:
    with runtime.using(kyo):
        yield TestClient(Starlette(routes=routes()), follow_redirects=False, cookies={BROWSER_COOKIE: BROWSER})


@pytest.fixture
def ticket(kyo: Kyo) -> str:
    people.add_person(kyo, OPERATOR, "erin", "Erin", Role.EMPLOYEE, "", PASSWORD)
    return signing_in.sign_in(kyo, "erin", PASSWORD, BROWSER)


def test_alive_without_a_database(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"alive": True}


def test_readiness_tells_what_fails_and_not_why(client: TestClient) -> None:
    reply = client.get("/readyz")
    assert reply.status_code == 503  # no Dagster daemon runs in tests
    expected = {"database": True, "database role": True, "migrations": True, "redis": True, "daemon": False}
    assert reply.json()["checks"] == expected


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_an_unknown_api_path_is_not_found(client: TestClient, method: str) -> None:
    assert client.request(method, "/api/nothing/here").status_code == 404


def test_a_ticket_becomes_a_session_that_scripts_cannot_read(client: TestClient, kyo: Kyo, ticket: str) -> None:
    reply = client.get("/auth/redeem", params={"ticket": ticket, "next": "/documents?x=1"})
    assert (reply.status_code, reply.headers["location"]) == (303, "/documents?x=1")
    cookie = reply.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Secure" not in cookie
    assert "no-store" in reply.headers["cache-control"]
    actor = signing_in.actor_of_session(kyo, reply.cookies[SESSION_COOKIE])
    assert actor is not None
    assert actor.username == "erin"


def test_behind_tls_the_cookie_is_secure_and_bound_to_the_host(kyo: Kyo, ticket: str) -> None:
    with runtime.using(kyo):
        client = TestClient(Starlette(routes=routes()), base_url="https://testserver", follow_redirects=False)
        cookie = client.get(
            "/auth/redeem", params={"ticket": ticket}, headers={"cookie": f"{SECURE_BROWSER_COOKIE}={BROWSER}"}
        )
    assert cookie.headers["set-cookie"].startswith(f"{SECURE_SESSION_COOKIE}=")
    assert "Secure" in cookie.headers["set-cookie"]
    assert "Path=/" in cookie.headers["set-cookie"]


def test_a_session_knows_where_it_began(client: TestClient, ticket: str, sql: Callable[..., list[Any]]) -> None:
    client.get("/auth/redeem", params={"ticket": ticket}, headers={"user-agent": "Fire<b>fox"})
    assert sql("select device, address from sessions") == [("Fire<b>fox", "testclient")]


def test_a_session_that_the_cookie_held_before_has_ended(
    client: TestClient, kyo: Kyo, employee: Actor, session_of: Callable[[Actor], str], ticket: str
) -> None:
    before = session_of(employee)
    client.cookies[SESSION_COOKIE] = before
    reply = client.get("/auth/redeem", params={"ticket": ticket})
    assert signing_in.actor_of_session(kyo, before) is None
    assert signing_in.actor_of_session(kyo, reply.cookies[SESSION_COOKIE]) is not None
    assert reply.cookies[SESSION_COOKIE] != before


def test_a_ticket_that_opens_nothing_ends_nothing(
    client: TestClient, kyo: Kyo, employee: Actor, session_of: Callable[[Actor], str]
) -> None:
    before = session_of(employee)
    client.cookies[SESSION_COOKIE] = before
    client.get("/auth/redeem", params={"ticket": "forged"})
    assert signing_in.actor_of_session(kyo, before) == employee


def test_a_ticket_works_once(client: TestClient, ticket: str) -> None:
    client.get("/auth/redeem", params={"ticket": ticket})
    again = client.get("/auth/redeem", params={"ticket": ticket})
    assert (again.status_code, again.headers["location"]) == (303, "/?why=again")
    assert "set-cookie" not in again.headers


@pytest.mark.parametrize("browser", ["another-browser", None])
def test_a_ticket_works_in_its_own_browser_only(client: TestClient, ticket: str, browser: str | None) -> None:
    client.cookies.clear()
    headers = {"cookie": f"{BROWSER_COOKIE}={browser}"} if browser else {}
    reply = client.get("/auth/redeem", params={"ticket": ticket}, headers=headers)
    assert reply.headers["location"] == "/?why=again"
    assert "set-cookie" not in reply.headers


def test_a_ticket_expires(client: TestClient, ticket: str, clock: Clock) -> None:
    clock.advance(seconds=31)
    assert client.get("/auth/redeem", params={"ticket": ticket}).headers["location"] == "/?why=again"


@pytest.mark.parametrize("ticket_text", ["", "forged", "\x00", "x" * 10_000, "é"])
def test_a_forged_ticket_opens_nothing(client: TestClient, ticket_text: str) -> None:
    reply = client.get("/auth/redeem", params={"ticket": ticket_text})
    assert reply.headers["location"] == "/?why=again"


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "https://evil.example", "/\\evil.example", "\\\\evil", "javascript:alert(1)", "", "documents",
     "/auth/sign-out", "/a\r\nSet-Cookie: x=1", "/a\x00", "/é", "//[", "/ok\t"],
)  # fmt: skip
def test_redirects_stay_on_this_site(target: str) -> None:
    assert safe_path(target) == "/"


@pytest.mark.parametrize("target", ["/", "/documents", "/history?answer=1&x=%2F", "/a//b"])
def test_redirects_to_pages_of_ours(target: str) -> None:
    assert safe_path(target) == target


def test_sign_out_forgets_the_cookie_of_a_session_that_has_ended(
    client: TestClient, kyo: Kyo, employee: Actor, session_of: Callable[[Actor], str]
) -> None:
    token = session_of(employee)
    signing_in.sign_out(kyo, token)
    reply = client.get("/auth/sign-out", headers={"cookie": f"{SESSION_COOKIE}={token}"})
    assert (reply.status_code, reply.headers["location"]) == (303, "/")
    assert 'kyo_session="";' in reply.headers["set-cookie"]
    assert reply.headers["clear-site-data"] == '"cache", "storage"'


@pytest.mark.parametrize(
    ("why", "goes_to"), [("changed", "/?why=changed"), ("ended", "/?why=ended"), ("", "/"), ("//evil.example", "/")]
)
def test_the_form_may_say_why_one_is_to_sign_in(client: TestClient, why: str, goes_to: str) -> None:
    reply = client.get("/auth/sign-out", params={"why": why})
    assert reply.headers["location"] == goes_to


@pytest.mark.parametrize("cookie", ["", f"{SESSION_COOKIE}=", f"{SECURE_SESSION_COOKIE}=x"])
def test_other_sites_cannot_clear_what_the_browser_keeps_of_ours(client: TestClient, cookie: str) -> None:
    """Cookies do not come along with what another page asks for."""
    assert "clear-site-data" not in client.get("/auth/sign-out", headers={"cookie": cookie}).headers


def test_a_link_on_another_site_signs_nobody_out(
    client: TestClient, kyo: Kyo, employee: Actor, session_of: Callable[[Actor], str]
) -> None:
    token = session_of(employee)
    reply = client.get("/auth/sign-out", headers={"cookie": f"{SESSION_COOKIE}={token}"})
    assert not {"set-cookie", "clear-site-data"} & set(reply.headers)
    assert signing_in.actor_of_session(kyo, token) is not None
