"""The middleware in front of Streamlit, around an app that says which session header reached it."""

from collections.abc import Callable, Iterator

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket

from kyo_app import runtime
from kyo_app.identity import (
    BROWSER_COOKIE,
    SECURE_BROWSER_COOKIE,
    SECURE_SESSION_COOKIE,
    SESSION_COOKIE,
    IdentityMiddleware,
    address_of,
    browser_name,
)
from kyo_pipeline.domain.actor import OPERATOR, Actor
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import signing_in
from tests.conftest import Clock

GUARDED = ["/media/abc.png", "/_stcore/upload_file/session/file", "/_stcore/agent/openapi.json"]


async def _header(request: Request) -> Response:
    return PlainTextResponse(request.headers.get("x-kyo-session", "none"))


async def _socket_header(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text(socket.headers.get("x-kyo-session", "none"))
    await socket.close()


async def _socket_scheme(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text(socket.headers.get(runtime.SECURE_HEADER, "none"))
    await socket.close()


async def _socket_address(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text(socket.headers.get(runtime.ADDRESS_HEADER, "none"))
    await socket.close()


@pytest.fixture
def client(kyo: Kyo) -> Iterator[TestClient]:
    routes = [
        WebSocketRoute("/_stcore/stream", _socket_header),
        WebSocketRoute("/_stcore/scheme", _socket_scheme),
        WebSocketRoute("/_stcore/address", _socket_address),
        Route("/{rest:path}", _header, methods=["GET", "PUT"]),
    ]
    with runtime.using(kyo):
        app = Starlette(routes=routes, middleware=[Middleware(IdentityMiddleware)])
        yield TestClient(app, client=("192.0.2.7", 50000))


def _over_websocket(client: TestClient, scheme: str = "ws", path: str = "stream", **headers: str) -> str:
    with client.websocket_connect(f"{scheme}://testserver/_stcore/{path}", headers=headers) as socket:
        return socket.receive_text()


@pytest.mark.parametrize("path", GUARDED)
@pytest.mark.parametrize("token", [None, "forged", "", "x" * 5000, "a%00b"])
def test_no_session_no_file(client: TestClient, path: str, token: str | None) -> None:
    headers = {} if token is None else {"cookie": f"{SESSION_COOKIE}={token}"}
    assert client.get(path, headers=headers).status_code == 401


def test_what_streamlit_counts_is_for_nobody(
    client: TestClient, admin: Actor, session_of: Callable[[Actor], str]
) -> None:
    reply = client.get("/_stcore/metrics", headers={"cookie": f"{SESSION_COOKIE}={session_of(admin)}"})
    assert (reply.status_code, "message" in reply.json()) == (404, True)


@pytest.mark.parametrize("path", GUARDED)
def test_with_a_session_the_request_goes_through(
    client: TestClient, employee: Actor, session_of: Callable[[Actor], str], path: str
) -> None:
    token = session_of(employee)
    reply = client.get(path, headers={"cookie": f"{SESSION_COOKIE}={token}"})
    assert reply.status_code == 200
    assert len(reply.text) == 64
    assert token not in reply.text


@pytest.mark.parametrize("end", ["sign out", "expire", "deactivate"])
def test_a_session_that_has_ended_is_none(
    client: TestClient,
    kyo: Kyo,
    clock: Clock,
    employee: Actor,
    session_of: Callable[[Actor], str],
    end: str,
) -> None:
    token = session_of(employee)
    if end == "sign out":
        signing_in.sign_out(kyo, token)
    elif end == "expire":
        clock.advance(hours=2)
    else:
        with kyo.db.transaction(OPERATOR) as tx:
            tx.exec_driver_sql("update users set active = false where id = %s", (employee.id,))
    assert client.get("/media/x", headers={"cookie": f"{SESSION_COOKIE}={token}"}).status_code == 401
    assert _over_websocket(client, cookie=f"{SESSION_COOKIE}={token}") == "none"


@pytest.mark.parametrize("name", ["x-kyo-session", "X-KYO-Session", "x_kyo_session", "X-Kyo-Other"])
def test_a_client_cannot_name_its_own_session(client: TestClient, name: str) -> None:
    assert client.get("/", headers={name: "f" * 64}).text == "none"
    assert _over_websocket(client, **{name: "f" * 64}) == "none"


def test_the_websocket_carries_the_same_name_for_the_same_session_only(
    client: TestClient, employee: Actor, manager: Actor, session_of: Callable[[Actor], str]
) -> None:
    first, second, other = session_of(employee), session_of(employee), session_of(manager)
    names = [
        _over_websocket(client, cookie=f"{SESSION_COOKIE}={token}", **{"x-kyo-session": "f" * 64})
        for token in (first, first, second, other)
    ]
    assert names[0] == names[1]
    assert len(set(names)) == 3


def test_over_tls_only_the_secure_cookie_counts(
    client: TestClient, employee: Actor, manager: Actor, session_of: Callable[[Actor], str]
) -> None:
    planted, real = f"{SESSION_COOKIE}={session_of(manager)}", f"{SECURE_SESSION_COOKIE}={session_of(employee)}"
    assert client.get("https://testserver/media/x", headers={"cookie": planted}).status_code == 401
    assert client.get("https://testserver/media/x", headers={"cookie": real}).status_code == 200
    assert _over_websocket(client, "wss", cookie=planted) == "none"
    both, alone = f"{planted}; {real}", _over_websocket(client, "wss", cookie=real)
    assert _over_websocket(client, "wss", cookie=both) == alone != "none"


def test_without_tls_only_the_plain_cookie_counts(
    client: TestClient, employee: Actor, session_of: Callable[[Actor], str]
) -> None:
    cookie = f"{SECURE_SESSION_COOKIE}={session_of(employee)}"
    assert client.get("/media/x", headers={"cookie": cookie}).status_code == 401


@pytest.mark.parametrize(("scheme", "said"), [("ws", "none"), ("wss", "yes")])
def test_the_page_learns_from_us_alone_whether_it_came_over_tls(client: TestClient, scheme: str, said: str) -> None:
    assert _over_websocket(client, scheme, "scheme", **{runtime.SECURE_HEADER: "forged"}) == said


def test_the_page_learns_from_us_alone_where_it_came_from(client: TestClient) -> None:
    forged = {"x-kyo-address": "203.0.113.9", "X_KYO_Address": "203.0.113.9", "x-forwarded-for": "203.0.113.9"}
    assert _over_websocket(client, path="address", **forged) == "192.0.2.7"


@pytest.mark.parametrize(("client", "address"), [(("192.0.2.7", 1), "192.0.2.7"), (None, "")])
def test_an_address_may_be_unknown(client: tuple[str, int] | None, address: str) -> None:
    assert address_of({"type": "http", "client": client}) == address
    assert address_of({"type": "http"}) == ""


def test_over_tls_only_the_secure_name_of_the_browser_counts() -> None:
    both = {BROWSER_COOKIE: "planted", SECURE_BROWSER_COOKIE: "real"}
    assert browser_name(both, secure=True) == "real"
    assert browser_name({BROWSER_COOKIE: "planted"}, secure=True) is None
    assert browser_name({SECURE_BROWSER_COOKIE: "real"}, secure=False) is None
    assert browser_name({BROWSER_COOKIE: ""}, secure=False) is None


def test_a_page_names_the_browser_once(client: TestClient) -> None:
    cookie = client.get("/", headers={"accept": "text/html"}).headers["set-cookie"]
    assert cookie.startswith(f"{BROWSER_COOKIE}=")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie
    assert "set-cookie" not in client.get("/", headers={"accept": "text/html"}).headers
    client.cookies.clear()
    assert "set-cookie" not in client.get("/static/x.js").headers
    secure = client.get("https://testserver/", headers={"accept": "text/html"}).headers["set-cookie"]
    assert secure.startswith(f"{SECURE_BROWSER_COOKIE}=")
    assert "Secure" in secure
    assert "Path=/" in secure
    assert "Domain" not in secure
