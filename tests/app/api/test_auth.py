"""Accounts and tokens as a program sees them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest
from starlette.testclient import TestClient

from kyo_app import runtime
from kyo_pipeline.domain import throttling
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.scopes import Scope, granted
from kyo_pipeline.domain.throttling import Kind
from kyo_pipeline.kyo import Kyo

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


@pytest.mark.parametrize("scope", list(Scope))
def test_an_api_key_reads_the_profile_and_does_not_change_it(
    client_of: ClientOf, employee: Actor, scope: Scope
) -> None:
    client = client_of(replace(employee, key="kyo_abc", only=granted(frozenset({scope}))))
    assert client.get("/api/auth/profile/").status_code == 200
    assert client.put("/api/auth/profile/", json={"name": "Grace", "email": None}).status_code == 403


def test_who_must_choose_a_password_does_so_first(client_of: ClientOf, employee: Actor) -> None:
    client = client_of(replace(employee, must_change_password=True))
    assert client.get("/api/auth/profile/").status_code == 403
    assert client.put("/api/auth/profile/", json={"name": "Grace", "email": None}).status_code == 403
