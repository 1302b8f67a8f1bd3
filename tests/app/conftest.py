"""Pages as somebody who is signed in sees them, without a browser."""

import hashlib
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from kyo_app import main, runtime
from kyo_app.identity import BROWSER_COOKIE, SESSION_COOKIE
from kyo_pipeline.db import sessions
from kyo_pipeline.domain.actor import OPERATOR, Actor
from kyo_pipeline.kyo import Kyo


@pytest.fixture(scope="session", autouse=True)
def components_are_looked_for_once() -> Iterator[None]:
    """Each AppTest would read the metadata of all installed packages again, which takes longer than the page."""
    found = manifest_scanner.scan_component_manifests()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", lambda: found)
        yield


@pytest.fixture
def session_of(kyo: Kyo) -> Callable[[Actor], str]:
    """The token of a new session, as the cookie holds it."""

    def start(actor: Actor) -> str:
        token, now = secrets.token_urlsafe(), kyo.now()
        with kyo.db.transaction(OPERATOR) as tx:
            digest = hashlib.sha256(token.encode()).digest()
            sessions.add(tx, digest, actor.id, now, now + timedelta(hours=1))
        return token

    return start


@pytest.fixture
def visit(kyo: Kyo, session_of: Callable[[Actor], str]) -> Iterator[Callable[..., AppTest]]:
    """Opens the app at an address, as somebody or as nobody. What is opened last is who acts."""
    with ExitStack() as stack:

        def at(path: str = "", actor: Actor | None = None, *, token: str | None = None, **query: str) -> AppTest:
            token = token or (session_of(actor) if actor else None)
            cookies = {BROWSER_COOKIE: "this-browser", **({SESSION_COOKIE: token} if token else {})}
            stack.enter_context(runtime.using(kyo, cookies))
            page = AppTest.from_file(str(Path(main.__file__)), default_timeout=20)
            page._page_hash = calc_hash(path)  # AppTest.switch_page knows pages that are files only
            for name, value in query.items():
                page.query_params[name] = value
            return page.run()

        yield at
