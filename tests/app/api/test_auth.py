"""Accounts and tokens as a program sees them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from kyo_app import runtime
from kyo_pipeline.adapters import passwords
from kyo_pipeline.db import users
from kyo_pipeline.domain import throttling
from kyo_pipeline.domain.actor import OPERATOR, Actor
from kyo_pipeline.domain.scopes import Scope
from kyo_pipeline.domain.throttling import Kind
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import accounts

ClientOf = Callable[[Actor | None], TestClient]
PASSWORD = "copper lantern wades north"
ADA = {"username": "ada", "name": "Ada Lovelace", "email": "ada@example.org", "password": PASSWORD}


@pytest.fixture
def registering(client_of: ClientOf, with_settings: Callable[..., Kyo]) -> Iterator[Callable[[str], TestClient]]:
    """A client where registration is set so."""
    with ExitStack() as stack:

        def client(registration: str) -> TestClient:
            stack.enter_context(runtime.using(with_settings(KYO_REGISTRATION=registration)))
            return client_of(None)

        yield client


@pytest.mark.parametrize(("registration", "awaiting"), [("open", False), ("approval", True)])
def test_people_register_themselves(
    registering: Callable[[str], TestClient], audited: Callable[[], list[str]], registration: str, awaiting: bool
) -> None:
    reply = registering(registration).post("/api/auth/register/", json={**ADA, "username": " Ada "})
    assert reply.status_code == 201
    assert reply.json() == {"username": "ada", "awaiting_approval": awaiting}
    assert audited()[-1] == "user:register"


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"email": ""}, 422),
        ({"email": "ada at example.org"}, 422),
        ({"username": "Ada Lovelace"}, 422),
        ({"username": "a\x00b"}, 422),
        ({"name": "Ada\nLovelace"}, 422),
        ({"password": "ada lovelace 1815"}, 422),
        ({"password": "short"}, 422),
        ({"password": "copper\x00lantern wades north"}, 422),
        ({"role": "admin"}, 422),
        ({"username": None}, 422),
    ],
)
def test_who_registers_must_say_who_they_are(
    registering: Callable[[str], TestClient], change: dict[str, Any], status: int
) -> None:
    assert registering("open").post("/api/auth/register/", json={**ADA, **change}).status_code == status


def test_where_registration_is_off_nobody_registers(registering: Callable[[str], TestClient]) -> None:
    reply = registering("off").post("/api/auth/register/", json=ADA)
    assert reply.status_code == 403
    assert "invitation" in reply.json()["detail"]


def test_what_is_taken_is_taken(registering: Callable[[str], TestClient]) -> None:
    client = registering("open")
    assert client.post("/api/auth/register/", json=ADA).status_code == 201
    assert client.post("/api/auth/register/", json={**ADA, "email": "other@example.org"}).status_code == 409
    assert client.post("/api/auth/register/", json={**ADA, "username": "other"}).status_code == 409


def test_whoever_registers_many_has_to_wait(
    registering: Callable[[str], TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(throttling.FREE, Kind.REGISTRATION, 1)
    client = TestClient(registering("open").app, client=("192.0.2.7", 50_000))
    replies = [
        client.post("/api/auth/register/", json={**ADA, "username": f"ada{n}", "email": f"{n}@example.org"})
        for n in range(3)
    ]
    assert replies[-1].status_code == 429
    assert int(replies[-1].headers["retry-after"]) > 0
    assert replies[-1].json()["retry_at"]


def test_a_profile_is_read_and_changed(
    client_of: ClientOf, employee: Actor, collection: Callable[..., str], audited: Callable[[], list[str]]
) -> None:
    collection("Handbook", members={employee: "write"})
    client = client_of(employee)
    before = client.get("/api/auth/profile/").json()
    assert (before["username"], before["role"], before["email"]) == (employee.username, "employee", None)
    assert {"name": "Handbook", "access": "write"} in before["collections"]
    reply = client.put("/api/auth/profile/", json={"name": "Grace Hopper", "email": "grace@example.org"})
    assert reply.status_code == 200
    assert reply.json() == {**before, "name": "Grace Hopper", "email": "grace@example.org"}
    assert audited()[-1] == "user:change_profile"
    assert client.put("/api/auth/profile/", json={"name": "Grace", "email": None}).json()["email"] is None


@pytest.mark.parametrize(
    "body",
    [
        {"name": "Grace"},
        {"email": None},
        {"name": "", "email": None},
        {"name": "Grace\u2028Hopper", "email": None},
        {"name": "G" * 201, "email": None},
        {"name": "Grace", "email": "nowhere"},
        {"name": "Grace", "email": None, "role": "admin"},
        {"name": "Grace", "email": None, "username": "grace"},
    ],
)
def test_a_profile_that_cannot_be_is_refused(client_of: ClientOf, employee: Actor, body: dict[str, Any]) -> None:
    assert client_of(employee).put("/api/auth/profile/", json=body).status_code == 422


def test_an_address_of_somebody_else_is_taken(client_of: ClientOf, employee: Actor, manager: Actor) -> None:
    body = {"name": "Grace", "email": "grace@example.org"}
    assert client_of(manager).put("/api/auth/profile/", json=body).status_code == 200
    assert client_of(employee).put("/api/auth/profile/", json=body).status_code == 409


def test_an_api_key_reads_the_profile_and_does_not_change_it(
    client_with: Callable[[str], TestClient], key_of: Callable[..., str], employee: Actor
) -> None:
    client = client_with(key_of(employee, Scope.DOCUMENTS_READ))
    assert client.get("/api/auth/profile/").status_code == 200
    reply = client.put("/api/auth/profile/", json={"name": "Grace", "email": None})
    assert (reply.status_code, reply.json()["detail"]) == (
        403,
        "An API key cannot change the account. Sign in for that.",
    )


# Tokens --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def ada(kyo: Kyo, owner: Kyo, employee: Actor) -> Actor:
    """Somebody who knows their password."""
    with owner.db.transaction(OPERATOR) as tx:
        users.set_password(tx, employee.id, passwords.hash_password(PASSWORD), kyo.now())
    return employee


@pytest.fixture
def nobody(client_of: ClientOf) -> TestClient:
    return TestClient(client_of(None).app, client=("192.0.2.7", 50_000), headers={"user-agent": "nightly-report/2.1"})


def _logged_in(nobody: TestClient, ada: Actor) -> dict[str, Any]:
    reply = nobody.post("/api/auth/login/", json={"username": ada.username, "password": PASSWORD})
    assert reply.status_code == 200
    pair: dict[str, Any] = reply.json()
    return pair


def _profile(nobody: TestClient, access_token: str) -> int:
    headers = {"authorization": f"Bearer {access_token}"}
    return nobody.get("/api/auth/profile/", headers=headers).status_code


def _sent(nobody: TestClient, what: str, refresh_token: str) -> Any:
    return nobody.post(f"/api/auth/{what}/", json={"refresh_token": refresh_token})


def test_a_password_gives_tokens_that_nothing_keeps(nobody: TestClient, ada: Actor, kyo: Kyo) -> None:
    reply = nobody.post("/api/auth/login/", json={"username": f" {ada.username.upper()} ", "password": PASSWORD})
    assert reply.headers["cache-control"] == "no-store"
    assert "set-cookie" not in reply.headers
    body = reply.json()
    assert (body["token_type"], body["expires_in"]) == ("Bearer", kyo.settings.JWT_ACCESS_TOKEN_LIFETIME_MINUTES * 60)
    assert datetime.fromisoformat(body["refresh_expires_at"]) == kyo.now() + timedelta(
        days=kyo.settings.JWT_REFRESH_TOKEN_LIFETIME_DAYS
    )
    assert _profile(nobody, body["access_token"]) == 200


def test_a_family_of_tokens_is_listed_as_a_session(nobody: TestClient, ada: Actor, kyo: Kyo) -> None:
    _logged_in(nobody, ada)
    [session] = accounts.list_sessions(kyo, ada, None)
    assert (session.device, session.address) == ("nightly-report/2.1", "192.0.2.7")


@pytest.mark.parametrize("username", ["", "nobody", "a\x00b", "A B"])
def test_a_wrong_password_and_a_wrong_name_are_told_the_same(nobody: TestClient, ada: Actor, username: str) -> None:
    wrong = nobody.post("/api/auth/login/", json={"username": username or ada.username, "password": "wrong"})
    assert wrong.status_code == 401
    assert wrong.json()["detail"] == "The user name or the password is wrong."


def test_whoever_guesses_has_to_wait(nobody: TestClient, ada: Actor) -> None:
    guess = {"username": ada.username, "password": "wrong"}
    statuses = [nobody.post("/api/auth/login/", json=guess).status_code for _ in range(6)]
    assert (statuses[0], statuses[-1]) == (401, 429)
    right = nobody.post("/api/auth/login/", json={**guess, "password": PASSWORD})
    assert right.status_code == 429
    assert int(right.headers["retry-after"]) > 0


def test_a_one_time_password_opens_the_app_alone(nobody: TestClient, ada: Actor, sql: Callable[..., list[Any]]) -> None:
    sql("update users set must_change_password = true where id = :id", id=ada.id)
    reply = nobody.post("/api/auth/login/", json={"username": ada.username, "password": PASSWORD})
    assert reply.status_code == 403
    assert "Choose a password of your own in the app" in reply.json()["detail"]


def test_a_refresh_token_counts_once(nobody: TestClient, ada: Actor) -> None:
    first = _logged_in(nobody, ada)
    reply = _sent(nobody, "refresh", first["refresh_token"])
    second = reply.json()
    assert (reply.status_code, reply.headers["cache-control"]) == (200, "no-store")
    assert first["refresh_token"] != second["refresh_token"]
    assert _profile(nobody, second["access_token"]) == 200
    assert _sent(nobody, "refresh", first["refresh_token"]).status_code == 401
    assert _sent(nobody, "refresh", second["refresh_token"]).status_code == 401
    assert _profile(nobody, second["access_token"]) == 401


def test_logging_out_ends_a_family_at_once_and_no_other(nobody: TestClient, ada: Actor) -> None:
    one, other = _logged_in(nobody, ada), _logged_in(nobody, ada)
    replies = [_sent(nobody, "logout", one["refresh_token"]) for _ in range(2)]
    assert [(reply.status_code, reply.content) for reply in replies] == [(204, b"")] * 2
    assert _profile(nobody, one["access_token"]) == 401
    assert _sent(nobody, "refresh", one["refresh_token"]).status_code == 401
    assert _profile(nobody, other["access_token"]) == 200


@pytest.mark.parametrize("what", ["refresh", "logout"])
def test_only_a_refresh_token_refreshes_or_ends(nobody: TestClient, ada: Actor, what: str) -> None:
    pair = _logged_in(nobody, ada)
    for wrong in (pair["access_token"], "x", "ä.ö.ü", "kyo_abc", f"{pair['refresh_token']}x", "\x00"):
        assert _sent(nobody, what, wrong).status_code == 401
    assert _profile(nobody, pair["access_token"]) == 200
