"""The guard in front of Dagster's UI; and that Dagster still builds its app where we put the guard around it."""

import inspect
from collections.abc import Iterator

import pytest
from dagster_webserver import app, cli
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from kyo_pipeline.defs import webserver
from kyo_pipeline.defs.webserver import Guard, names_of
from kyo_pipeline.settings import Settings

HOST = "127.0.0.1:3000"
OWN, FOREIGN = f"http://{HOST}", ["http://evil.example", "null", "http://127.0.0.1:8501", "http://localhost:3000"]
METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"]


async def _done(_request: Request) -> Response:
    return PlainTextResponse("done")


async def _socket(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text("done")
    await socket.close()


@pytest.fixture
def client() -> Iterator[TestClient]:
    inner = Starlette(
        routes=[WebSocketRoute("/graphql", _socket), Route("/{rest:path}", _done, methods=METHODS)],
    )
    with TestClient(Guard(inner, names_of(Settings(ALLOWED_HOSTS="kyo.example"))), base_url=OWN) as client:
        yield client


def _over_websocket(client: TestClient, **headers: str) -> str:
    with client.websocket_connect(f"ws://{HOST}/graphql", headers=headers) as socket:
        return socket.receive_text()


@pytest.mark.parametrize("host", ["127.0.0.1:3000", "localhost:3000", "[::1]:3000", "kyo.example", "KYO.example:3000"])
def test_it_answers_to_names_that_it_knows(client: TestClient, host: str) -> None:
    assert client.get("/", headers={"host": host}).status_code == 200
    assert _over_websocket(client, host=host) == "done"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:3000", "", "127.0.0.1.evil.example", "x@127.0.0.1"])
def test_a_name_that_it_does_not_know_is_somebody_elses_trick(client: TestClient, host: str) -> None:
    assert client.get("/", headers={"host": host}).status_code == 421
    with pytest.raises(WebSocketDisconnect) as refused:
        _over_websocket(client, host=host)
    assert refused.value.code == 1008


def test_it_may_be_opened_by_the_address_that_it_listens_on() -> None:
    assert "192.0.2.7" in names_of(Settings(KYO_DAGSTER_HOST="192.0.2.7"))


@pytest.mark.parametrize("origin", FOREIGN)
def test_other_pages_can_command_nothing(client: TestClient, origin: str) -> None:
    for method in METHODS:
        assert client.request(method, "/graphql", headers={"origin": origin}).status_code == 403
        assert client.request(method, "/report_asset_materialization/x", headers={"origin": origin}).status_code == 403
    with pytest.raises(WebSocketDisconnect) as refused:
        _over_websocket(client, origin=origin)
    assert refused.value.code == 1008


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("mode", "destination"), [("no-cors", "image"), ("navigate", "iframe"), ("cors", "empty"), ("", "")]
)
def test_nor_can_what_has_no_origin(client: TestClient, site: str, method: str, mode: str, destination: str) -> None:
    headers = {"sec-fetch-site": site, "sec-fetch-mode": mode, "sec-fetch-dest": destination}
    assert client.request(method, "/runs", headers=headers).status_code == 403
    with pytest.raises(WebSocketDisconnect):
        _over_websocket(client, **headers)


def test_a_link_to_the_ui_may_be_followed_but_not_posted_to(client: TestClient) -> None:
    headers = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    assert client.get("/runs", headers=headers).status_code == 200
    assert client.post("/runs", headers=headers).status_code == 403


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", ["/graphql", "/graphql/"])
def test_an_address_is_no_command(client: TestClient, method: str, path: str) -> None:
    assert client.request(method, path, params={"query": "mutation{x}"}).status_code == 405


@pytest.mark.parametrize("headers", [{}, {"origin": OWN, "sec-fetch-site": "same-origin"}, {"sec-fetch-site": "none"}])
def test_the_ui_and_the_command_line_go_through(client: TestClient, headers: dict[str, str]) -> None:
    assert client.post("/graphql", headers=headers).text == "done"
    assert client.get("/assets", headers=headers).text == "done"
    assert _over_websocket(client, **headers) == "done"


def test_no_other_page_may_frame_the_ui(client: TestClient) -> None:
    assert client.get("/").headers["x-frame-options"] == "SAMEORIGIN"


def test_dagster_builds_its_app_where_we_replace_that(monkeypatch: pytest.MonkeyPatch) -> None:
    source = inspect.getsource(cli.host_dagster_ui_with_workspace_process_context)
    assert "app = create_app_from_workspace_process_context(" in source
    assert "uvicorn.run(\n            app," in source
    built: list[object] = []
    monkeypatch.setattr(cli, "create_app_from_workspace_process_context", app.create_app_from_workspace_process_context)
    monkeypatch.setattr(webserver, "create_app_from_workspace_process_context", lambda *_, **__: _done)
    monkeypatch.setattr(webserver, "make_tables", lambda: None)
    monkeypatch.setattr(
        cli, "dagster_webserver", lambda _: built.append(cli.create_app_from_workspace_process_context())
    )
    webserver.main()
    assert isinstance(built[0], Guard)
