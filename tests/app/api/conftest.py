"""The API as a client sees it, without a network: asked as somebody who has come with a token."""

from collections.abc import Callable, Iterator

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from kyo_app import runtime
from kyo_app.api.app import PREFIX, create_api
from kyo_app.api.caller import caller
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.kyo import Kyo


@pytest.fixture
def api(kyo: Kyo) -> Iterator[FastAPI]:
    with runtime.using(kyo):
        yield create_api()


@pytest.fixture
def client_of(api: FastAPI) -> Callable[[Actor | None], TestClient]:
    """A client that asks as this person, or as nobody. Its addresses begin with `/api`."""

    def client(actor: Actor | None) -> TestClient:
        if actor is not None:
            api.dependency_overrides[caller] = lambda: actor
        site = Starlette(routes=[Mount(PREFIX, app=api)])
        return TestClient(site, raise_server_exceptions=False, follow_redirects=False)

    return client
