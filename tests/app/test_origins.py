"""The middleware around an app that says which origin reached it. With Streamlit inside: see test_server.py."""

from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from kyo_app.origins import OriginMiddleware

HOST = "kyo.example:8501"
FOREIGN = ["http://evil.example", "null", "", "http://kyo.example:9999", "http://kyo.example.evil.example"]


async def _origin(request: Request) -> Response:
    return PlainTextResponse(request.headers.get("origin", "none"))


async def _socket_origin(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text(socket.headers.get("origin", "none"))
    await socket.close()


@pytest.fixture
def client() -> Iterator[TestClient]:
    routes = [
        WebSocketRoute("/_stcore/stream", _socket_origin),
        Route("/{rest:path}", _origin, methods=["GET", "PUT", "OPTIONS"]),
    ]
    app = Starlette(routes=routes, middleware=[Middleware(OriginMiddleware, names=["kyo.example"])])
    with TestClient(app, base_url=f"http://{HOST}") as client:
        yield client


def _over_websocket(client: TestClient, scheme: str = "ws", **headers: str) -> str:
    with client.websocket_connect(f"{scheme}://{HOST}/_stcore/stream", headers=headers) as socket:
        return socket.receive_text()


@pytest.mark.parametrize("origin", FOREIGN)
@pytest.mark.parametrize("path", ["/", "/_stcore/health", "/_stcore/host-config", "/auth/redeem", "/api/x"])
def test_pages_of_other_sites_get_nothing(client: TestClient, origin: str, path: str) -> None:
    for method in ("GET", "PUT", "OPTIONS"):
        reply = client.request(method, path, headers={"origin": origin})
        assert reply.status_code == 403
        assert "access-control-allow-origin" not in reply.headers


@pytest.mark.parametrize("origin", FOREIGN)
def test_pages_of_other_sites_get_no_websocket(client: TestClient, origin: str) -> None:
    with pytest.raises(WebSocketDisconnect) as refused:
        _over_websocket(client, origin=origin)
    assert refused.value.code == 1008


def test_one_right_origin_does_not_hide_a_wrong_one(client: TestClient) -> None:
    both = [("origin", f"http://{HOST}"), ("origin", "http://evil.example")]
    assert client.get("/", headers=both).status_code == 403


@pytest.mark.parametrize("headers", [{}, {"origin": f"http://{HOST}"}, {"origin": "http://KYO.example:8501"}])
def test_our_own_pages_go_through_and_streamlit_sees_no_origin(client: TestClient, headers: dict[str, str]) -> None:
    assert client.get("/", headers=headers).text == "none"
    assert _over_websocket(client, **headers) == "none"


def test_a_proxy_may_have_another_name_for_us(client: TestClient) -> None:
    headers = {"origin": "https://kyo.example", "host": "app:8501"}
    assert client.get("https://app:8501/", headers=headers).status_code == 200
    assert _over_websocket(client, "wss", **headers) == "none"


def test_over_tls_a_page_that_came_without_is_a_stranger(client: TestClient) -> None:
    assert client.get(f"https://{HOST}/", headers={"origin": f"http://{HOST}"}).status_code == 403
    assert client.get(f"https://{HOST}/", headers={"origin": f"https://{HOST}"}).status_code == 200


def test_where_any_name_will_do_only_host_counts() -> None:
    app = Starlette(routes=[Route("/", _origin)], middleware=[Middleware(OriginMiddleware, names=["*"])])
    client = TestClient(app, base_url=f"http://{HOST}")
    assert client.get("/", headers={"origin": f"http://{HOST}"}).status_code == 200
    assert client.get("/", headers={"origin": "http://evil.example"}).status_code == 403
