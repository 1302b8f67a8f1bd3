"""How much one request may bring along, around an app that says how much reached it."""

from collections.abc import Iterator
from typing import Any

import anyio
import pytest
from fastapi import FastAPI, Request
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from kyo_app import runtime
from kyo_app.api import problems
from kyo_app.api.body_limit import (
    FORM_BYTES,
    MAX_HEADER_BYTES,
    MAX_JSON_BYTES,
    MAX_QUERY_BYTES,
    UPLOAD,
    BodyLimitMiddleware,
)
from kyo_pipeline.kyo import Kyo

MEGABYTE = 1024 * 1024


@pytest.fixture
def read() -> list[int]:
    """How many bytes have reached the app, request by request."""
    return []


@pytest.fixture
def client(kyo: Kyo, read: list[int]) -> Iterator[TestClient]:
    api = FastAPI()
    problems.install(api)
    api.add_middleware(BodyLimitMiddleware)

    @api.post("/{path:path}")
    async def take(request: Request) -> int:
        read.append(0)
        async for chunk in request.stream():
            read[-1] += len(chunk)
        return read[-1]

    with runtime.using(kyo):
        yield TestClient(Starlette(routes=[Mount("/api", app=api)]))


def _in_chunks(size: int) -> Iterator[bytes]:
    for start in range(0, size, 65_536):
        yield b"x" * min(65_536, size - start)


@pytest.mark.parametrize("path", ["/retrieval/query/", "/documents/", "/nowhere/", UPLOAD + "x/"])
def test_a_json_body_may_have_256_kilobytes(client: TestClient, path: str) -> None:
    assert client.post(f"/api{path}", content=b"x" * MAX_JSON_BYTES).json() == MAX_JSON_BYTES
    assert client.post(f"/api{path}", content=b"x" * (MAX_JSON_BYTES + 1)).status_code == 413


def test_an_upload_may_have_what_a_file_may_and_its_form(client: TestClient, kyo: Kyo) -> None:
    most = kyo.settings.MAX_FILE_SIZE_MB * MEGABYTE + FORM_BYTES
    assert client.post(f"/api{UPLOAD}", content=b"x" * most).json() == most
    assert client.post(f"/api{UPLOAD}", content=b"x" * (most + 1)).status_code == 413


def test_what_says_that_it_is_too_large_is_not_read(client: TestClient, read: list[int]) -> None:
    reply = client.post("/api/x/", content=b"", headers={"content-length": "1" + "0" * 5000})
    assert (reply.status_code, read) == (413, [])


def test_what_does_not_say_its_size_is_read_so_far_and_no_further(client: TestClient, read: list[int]) -> None:
    reply = client.post("/api/x/", content=_in_chunks(4 * MEGABYTE))
    assert reply.status_code == 413
    assert read[0] <= MAX_JSON_BYTES
    assert client.post("/api/x/", content=_in_chunks(MAX_JSON_BYTES)).json() == MAX_JSON_BYTES


@pytest.mark.parametrize("content", [b"x" * (MAX_JSON_BYTES + 1), _in_chunks(MAX_JSON_BYTES + 1)])
def test_the_refusal_is_a_problem_and_ends_the_connection(client: TestClient, content: bytes) -> None:
    reply = client.post("/api/x/", content=content)
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.headers["connection"] == "close"
    assert (
        reply.json()["detail"] == "The body is larger than 262144 bytes, the most that this address takes. Send less."
    )


@pytest.mark.parametrize(
    ("address", "headers", "status"),
    [
        ("/api/x/?" + "q" * MAX_QUERY_BYTES, {}, 200),
        ("/api/x/?" + "q" * (MAX_QUERY_BYTES + 1), {}, 414),
        ("/api/x/", {"x": "h" * (MAX_HEADER_BYTES // 2)}, 200),
        ("/api/x/", {"authorization": "Bearer " + "h" * MEGABYTE}, 431),
        ("/api/x/", {"content-length": "-1"}, 200),
        ("/api/x/", {"content-length": "²"}, 200),
    ],
)
def test_addresses_and_headers_have_limits_as_well(
    client: TestClient, address: str, headers: dict[str, str], status: int
) -> None:
    encoded = {name.encode(): value.encode("latin-1") for name, value in headers.items()}
    assert client.post(address, headers=encoded).status_code == status


def test_what_is_no_request_goes_through() -> None:
    seen: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ARG001 — as ASGI calls it
        seen.append(scope["type"])

    limited: Any = BodyLimitMiddleware(app)
    anyio.run(limited, {"type": "lifespan"}, None, None)
    assert seen == ["lifespan"]
