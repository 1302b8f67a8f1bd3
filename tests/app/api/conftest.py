"""The API as a client sees it, without a network: asked as somebody who has come with a token."""

import secrets
from collections.abc import Callable, Iterator

import pytest
from fastapi import FastAPI
from schemathesis.pytest.plugin import SchemathesisFunction
from starlette.applications import Starlette
from starlette.testclient import TestClient

from kyo_app import runtime
from kyo_app.api.app import create_api, mounted
from kyo_pipeline import proof
from kyo_pipeline.db.users import Credentials
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.api_keys import TokenPair
from kyo_pipeline.domain.scopes import Scope
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.proof import Proof
from kyo_pipeline.services import api_keys, token_access


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Each test that schemathesis makes gets an id of its own: since pytest 9.2, those of one function share one."""
    for item in items:
        if isinstance(item, SchemathesisFunction) and item.id.params is None:
            item._id = item.id.with_params(item.operation_label)


@pytest.fixture
def api(kyo: Kyo) -> Iterator[FastAPI]:
    with runtime.using(kyo):
        yield create_api()


@pytest.fixture
def token_of(kyo: Kyo) -> Callable[[Actor], str]:
    """An access token of a new sign-in, as from `POST /auth/login/`, without the password."""
    return lambda actor: pair_of(kyo, actor).access_token


@pytest.fixture
def key_of(kyo: Kyo) -> Callable[..., str]:
    """A new API key with these scopes."""

    def make(actor: Actor, *scopes: Scope) -> str:
        name = secrets.token_hex(4)
        return api_keys.create(kyo, actor, name, frozenset(scopes), 30).secret

    return make


@pytest.fixture
def client_with(api: FastAPI) -> Callable[[str | None], TestClient]:
    """A client that comes with this token, or with none. Its addresses begin with `/api`."""

    def client(bearer: str | None) -> TestClient:
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        site = Starlette(routes=[mounted(api)])
        return TestClient(site, raise_server_exceptions=False, follow_redirects=False, headers=headers)

    return client


@pytest.fixture
def client_of(
    client_with: Callable[[str | None], TestClient], token_of: Callable[[Actor], str]
) -> Callable[[Actor | None], TestClient]:
    """A client that asks as this person, or as nobody."""
    return lambda actor: client_with(token_of(actor) if actor else None)


def pair_of(kyo: Kyo, actor: Actor) -> TokenPair:
    """What a sign-in of this person gives, whose password nobody knows."""
    known = Credentials(actor, "", kyo.now())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(proof, "prove", lambda *_: Proof(known, None, ()))
        patch.setattr(proof, "accept", lambda *_: None)
        return token_access.log_in(kyo, actor.username, "")
