"""What all answers have in common, also those to requests that are wrong."""

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.responses import StreamingResponse
from starlette.testclient import TestClient

from kyo_app.api.body_limit import MAX_JSON_BYTES
from kyo_app.identity import SECURE_SESSION_COOKIE, SESSION_COOKIE, IdentityMiddleware
from kyo_pipeline.domain.actor import Actor

ClientOf = Callable[[Actor | None], TestClient]
LOGIN = "/api/auth/login/"


@pytest.fixture
def client(client_of: ClientOf) -> TestClient:
    return client_of(None)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/nowhere", 404),
        ("GET", "/api/auth/profile/", 401),
        ("GET", "/api/auth/login/", 405),
        ("HEAD", "/api/auth/profile/", 405),
        ("OPTIONS", "/api/auth/profile/", 405),
        ("TRACE", "/api/auth/profile/", 405),
        ("POST", "/api/auth/login/", 422),
    ],
)
def test_a_wrong_request_is_answered_with_a_problem_that_names_it(
    client: TestClient, method: str, path: str, status: int
) -> None:
    reply = client.request(method, path)
    assert reply.status_code == status
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.headers["cache-control"] == "no-store"
    if method != "HEAD":
        assert reply.json()["status"] == status
        assert reply.json()["request_id"] == reply.headers["x-request-id"]


@pytest.mark.parametrize(("path", "allowed"), [("/api/auth/login/", "POST"), ("/api/auth/profile/", "GET, PUT")])
def test_a_wrong_method_is_told_all_that_there_are(client: TestClient, path: str, allowed: str) -> None:
    assert client.delete(path).headers["allow"] == allowed


@pytest.mark.parametrize(
    ("content", "status", "detail"),
    [
        (b"{", 400, "The body is not JSON. Look at `errors`."),
        (
            b'{"username": "\xff"}',
            400,
            "The body cannot be read. Send JSON in UTF-8, or the form that this address takes.",
        ),
        (b"[" * 100_000, 400, "The body cannot be read. Send JSON in UTF-8, or the form that this address takes."),
        (b"[]", 422, None),
        (b"null", 422, None),
        (b"NaN", 422, None),
        (b'{"username": "ada", "password": "x", "more": 1}', 422, None),
        (b'{"username": "ada", "password": "\\ud800"}', 422, None),
        (b'{"username": "\\ud800", "password": "x"}', 422, None),
        (b'{"\\ud800": "ada"}', 422, None),
        (b"x" * (MAX_JSON_BYTES + 1), 413, None),
    ],
)
def test_a_wrong_body_is_the_fault_of_whoever_sent_it(
    client: TestClient, content: bytes, status: int, detail: str | None
) -> None:
    reply = client.post(LOGIN, content=content, headers={"content-type": "application/json"})
    assert reply.status_code == status
    assert detail in (None, reply.json()["detail"])


def test_a_password_is_never_repeated(client: TestClient) -> None:
    reply = client.post(LOGIN, json={"username": "ada", "password": "hunter2-" * 200})
    assert reply.status_code == 422
    assert "hunter2" not in reply.text


def test_json_must_say_that_it_is(client: TestClient) -> None:
    body = json.dumps({"username": "ada", "password": "x"})
    assert client.post(LOGIN, content=body, headers={"content-type": "text/plain"}).status_code == 422


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("/api/auth/profile", "/api/auth/profile/"),
        ("/api/auth/profile?next=//evil.example&a=%20", "/api/auth/profile/?next=//evil.example&a=%20"),
        ("/api/auth/profile/?a=1", None),
    ],
)
def test_a_missing_slash_is_added_on_this_site(client: TestClient, asked: str, told: str | None) -> None:
    reply = client.get(asked, headers={"host": "evil.example"})
    assert reply.headers.get("location") == told
    assert reply.status_code == (307 if told else 401)
    assert reply.headers["x-request-id"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": ""},
        {"authorization": "Bearer"},
        {"authorization": "Bearer "},
        {"authorization": "Basic YWRhOnB3"},
        {"authorization": "Token abc"},
        {"cookie": f"{SESSION_COOKIE}=abc; {SECURE_SESSION_COOKIE}=abc"},
        [("authorization", "Bearer a"), ("authorization", "Bearer a")],
    ],
)
def test_without_a_bearer_nobody_is_signed_in(client: TestClient, headers: object) -> None:
    reply = client.get("/api/auth/profile/", headers=headers)  # type: ignore[arg-type]  # httpx takes both
    assert (reply.status_code, reply.headers["www-authenticate"]) == (401, "Bearer")


def test_what_nobody_has_foreseen_is_told_without_its_cause(
    api: FastAPI, client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    @api.get("/broken/")
    async def broken() -> None:
        raise RuntimeError("the secret of the database")

    reply = client.get("/api/broken/")
    assert (reply.status_code, reply.headers["content-type"]) == (500, "application/problem+json")
    assert "secret" not in reply.text
    assert "Traceback" not in reply.text
    [record] = caplog.records
    assert record.levelno == logging.ERROR
    assert record.getMessage() == f"{reply.json()['request_id']}: GET '/api/broken/' failed"
    assert record.exc_info
    assert reply.headers["x-request-id"] == reply.json()["request_id"]


def test_an_answer_that_breaks_off_is_not_ended_as_if_it_were_whole(api: FastAPI, client: TestClient) -> None:
    def parts() -> object:
        yield "one"
        raise RuntimeError("in the middle")

    @api.get("/half/")
    async def half() -> StreamingResponse:
        return StreamingResponse(parts())  # type: ignore[arg-type]  # a generator of text

    with pytest.raises(RuntimeError, match="in the middle"):
        TestClient(client.app).get("/api/half/")


def test_each_request_has_a_name_of_its_own(client: TestClient) -> None:
    first, second = (client.get("/api/nowhere").headers["x-request-id"] for _ in range(2))
    assert first != second


def test_the_audit_log_knows_the_request_by_the_same_name(
    client_of: ClientOf, manager: Actor, sql: Callable[..., list[Any]]
) -> None:
    known = client_of(manager)
    client = TestClient(IdentityMiddleware(known.app), client=("192.0.2.7", 50_000), headers={**known.headers})
    reply = client.put("/api/auth/profile/", json={"name": "Grace", "email": None})
    [row] = sql("select request_id, address from audit_log where event = 'user:change_profile'")
    assert (row.request_id, str(row.address)) == (reply.headers["x-request-id"], "192.0.2.7")


def test_nobody_else_names_a_request(client: TestClient) -> None:
    assert client.get("/api/nowhere", headers={"x-request-id": "mine"}).headers["x-request-id"] != "mine"


def test_an_address_with_an_end_of_line_is_the_apis_too(client: TestClient) -> None:
    reply = client.get("/api/retrieval/history/a%0Ab/")
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.headers["x-request-id"]
