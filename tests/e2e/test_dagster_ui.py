"""Dagster's UI works for whoever opens it, and does nothing for other pages in the same browser."""

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from playwright.sync_api import Browser, Page, WebSocket, expect

from tests.stack_process import RunningStack

pytestmark = pytest.mark.e2e

PATIENCE_MS = 60_000

#: What a page can do to another site without being asked: none of it may be carried out.
_ATTACK = """
async address => {
  const command = address + '/graphql?query=' + encodeURIComponent('mutation { reloadWorkspace { __typename } }');
  const shown = source => new Promise(done => {
    const image = new Image();
    image.onload = () => done(true);
    image.onerror = () => done(false);
    image.src = source;
  });
  const connected = new Promise(done => {
    const socket = new WebSocket(address.replace('http', 'ws') + '/graphql', 'graphql-ws');
    socket.onopen = () => done(true);
    socket.onerror = () => done(false);
  });
  for (const method of ['GET', 'HEAD', 'POST'])
    await fetch(command, {method, mode: 'no-cors'}).catch(() => null);
  return {icon: await shown(address + '/favicon.png'), connected: await connected};
}
"""


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1400, "height": 900})
    yield context.new_page()
    context.close()


def test_it_shows_the_assets_and_launches_a_run(stack: RunningStack, page: Page) -> None:
    refused: list[str] = []
    heard: list[WebSocket] = []
    page.on("response", lambda reply: refused.append(reply.url) if reply.status >= 400 else None)
    page.on("websocket", lambda socket: socket.on("framereceived", lambda _: heard.append(socket)))
    # Of one group: with days among the assets, the button of all of them asks which.
    page.goto(f"{stack.dagster_url}/locations/__repository__@kyo/asset-groups/ingestion")
    page.get_by_role("button", name=re.compile("Materialize all")).first.click(timeout=PATIENCE_MS)
    expect(page.get_by_text(re.compile("Launched run"))).to_be_visible(timeout=PATIENCE_MS)
    page.goto(f"{stack.dagster_url}/runs")
    expect(page.get_by_text("Success", exact=True).first).to_be_visible(timeout=PATIENCE_MS)
    assert heard
    assert refused == []


@pytest.fixture
def other_site() -> Iterator[str]:
    """Any page of another program on this machine: one from elsewhere some browsers do not even let try."""

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(b"<p>Win a prize!")

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Site) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"localhost:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_another_page_of_the_browser_can_do_nothing(
    stack: RunningStack, page: Page, other_site: str, name: str
) -> None:
    """To the browser, the first name is another site than the UI's, and the second the same with another port."""
    answers: list[tuple[str, int]] = []
    page.goto(f"http://{other_site.replace('localhost', name)}/")
    page.on("response", lambda reply: answers.append((reply.request.method, reply.status)))
    assert page.evaluate(_ATTACK, stack.dagster_url) == {"icon": False, "connected": False}
    assert sorted(answers) == [("GET", 403), ("GET", 403), ("HEAD", 403), ("POST", 403)]
