"""The MCP server as it is deployed: over HTTP beside the app, and over stdio as `kyo mcp`."""

import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import httpx
import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from kyo_pipeline.domain.actor import OPERATOR, Actor, Role
from kyo_pipeline.domain.database_role import DatabaseRole
from kyo_pipeline.domain.scopes import Scope
from kyo_pipeline.kyo import Kyo, open_kyo
from kyo_pipeline.services import api_keys, indexing, library, people, reviewing, token_access, upkeep
from kyo_pipeline.settings import Settings
from tests.app_process import RunningApp, running_app

PASSWORD = "plum tree river"
QUESTION = "How many days of leave are there?"


@dataclass(frozen=True)
class Served:
    """A running app with a document, and somebody who may read it."""

    app: RunningApp
    kyo: Kyo
    home: Path
    url: str
    anna: Actor

    @property
    def address(self) -> str:
        return f"{self.app.url}/mcp"

    def key(self, *scopes: Scope) -> str:
        return api_keys.create(self.kyo, self.anna, secrets.token_hex(4), frozenset(scopes), 30).secret


@pytest.fixture(scope="module")
def served(migrated_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    url, home = migrated_database(), tmp_path_factory.mktemp("mcp")
    settings = Settings.model_validate({"KYO_HOME": home, "DATABASE_URL": url, "REDIS_URL": "redis://127.0.0.1:1/0"})
    kyo, pipeline = open_kyo(settings), open_kyo(settings, DatabaseRole.PIPELINE)
    try:
        anna = people.add_person(kyo, OPERATOR, "anna", "Anna", Role.EMPLOYEE, "", PASSWORD).person
        text = b"Everybody has 27 days of paid leave in a year."
        version = library.upload(kyo, OPERATOR, "leave.txt", text).document.latest.id
        claim = indexing.claim_name(secrets.token_hex(8))
        for step in (indexing.parse, indexing.cut, indexing.embed, indexing.publish_ready):
            step(pipeline, claim)
        upkeep.refresh_weights(pipeline)
        reviewing.approve(kyo, OPERATOR, version)
        with running_app(home, url) as app:
            yield Served(app, kyo, home, url, anna)
    finally:
        kyo.close()
        pipeline.close()


def over_http(served: Served, bearer: str, tool: str, **arguments: Any) -> Any:
    async def talk() -> Any:
        headers = {"Authorization": f"Bearer {bearer}"}
        async with httpx2.AsyncClient(headers=headers) as http:
            transport = streamable_http_client(served.address, http_client=http)
            async with Client(transport) as client:
                return await client.call_tool(tool, arguments)

    return anyio.run(talk)


def status(served: Served, **headers: str) -> httpx.Response:
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    accept = {"accept": "application/json, text/event-stream"}
    return httpx.post(served.address, json=call, headers={**accept, **headers})


def test_an_agent_with_a_key_asks_a_real_question(served: Served) -> None:
    result = over_http(served, served.key(Scope.ANSWERS_ASK), "ask", question=QUESTION)
    assert not result.is_error
    assert "27 days" in result.structured_content["text"]
    assert [one["title"] for one in result.structured_content["citations"]] == ["leave"]


def test_a_program_with_an_access_token_too(served: Served) -> None:
    pair = token_access.log_in(served.kyo, "anna", PASSWORD)
    assert status(served, authorization=f"Bearer {pair.access_token}").status_code == 200
    assert status(served, authorization=f"Bearer {pair.refresh_token}").status_code == 401
    token_access.log_out(served.kyo, pair.refresh_token)
    assert status(served, authorization=f"Bearer {pair.access_token}").status_code == 401


def test_a_key_that_is_revoked_opens_nothing_any_more(served: Served) -> None:
    secret = served.key(Scope.DOCUMENTS_READ)
    assert status(served, authorization=f"bearer {secret}").status_code == 200
    for key in api_keys.list_keys(served.kyo, served.anna):
        api_keys.revoke(served.kyo, served.anna, key.id)
    assert status(served, authorization=f"Bearer {secret}").status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"cookie": "kyo_session=x"},
        {"authorization": "Basic YTpi"},
        {"authorization": "Bearer kyo_forged"},
        {"authorization": "Bearer a.b.c"},
    ],
)
def test_nobody_else_gets_in(served: Served, headers: dict[str, str]) -> None:
    reply = status(served, **headers)
    assert reply.status_code == 401
    assert reply.headers["www-authenticate"] == "Bearer"
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
def test_there_is_nothing_but_post(served: Served, method: str) -> None:
    headers = {"authorization": f"Bearer {served.key(Scope.DOCUMENTS_READ)}", "accept": "text/event-stream"}
    reply = httpx.request(method, served.address, headers=headers)
    assert (reply.status_code, reply.headers["allow"]) == (405, "POST")


def test_two_bearers_are_none(served: Served) -> None:
    bearer = f"Bearer {served.key(Scope.DOCUMENTS_READ)}"
    reply = httpx.post(served.address, headers=[("authorization", bearer), ("authorization", bearer)], json={})
    assert reply.status_code == 401


def test_pages_of_other_sites_and_other_hosts_get_nothing(served: Served) -> None:
    bearer = f"Bearer {served.key(Scope.DOCUMENTS_READ)}"
    assert status(served, authorization=bearer, origin="http://evil.example").status_code == 403
    assert status(served, authorization=bearer, host="evil.example").status_code == 400


def test_large_bodies_are_refused(served: Served) -> None:
    headers = {"authorization": f"Bearer {served.key(Scope.DOCUMENTS_READ)}", "content-type": "application/json"}
    assert httpx.post(served.address, content=b"x" * ((1 << 20) + 1), headers=headers).status_code == 413


def over_stdio(served: Served, tool: str, *options: str, **variables: str) -> Any:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(served.home),
        "KYO_HOME": str(served.home),
        "DATABASE_URL": served.url,
        "REDIS_URL": "redis://127.0.0.1:1/0",
        **variables,
    }
    command = StdioServerParameters(
        command=sys.executable, args=["-m", "kyo_app.cli", "mcp", *options], env=environment, cwd=Path.cwd()
    )

    async def talk() -> Any:
        async with Client(command) as client:
            return await client.call_tool(tool, {"question": QUESTION} if tool == "ask" else {})

    return anyio.run(talk)


def test_an_agent_on_the_same_machine_asks_as_somebody(served: Served) -> None:
    result = over_stdio(served, "ask", "--as", "anna")
    assert "27 days" in result.structured_content["text"]


def test_or_with_a_key_from_the_environment(served: Served) -> None:
    result = over_stdio(served, "list_documents", KYO_API_KEY=served.key(Scope.DOCUMENTS_READ))
    assert result.structured_content["total"] == 1


@pytest.mark.parametrize(
    ("options", "variables"), [((), {}), (("--as", "anna"), {"KYO_API_KEY": "kyo_x"})], ids=["nobody", "two"]
)
def test_it_must_be_clear_who_asks(
    served: Served, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], variables: dict[str, str]
) -> None:
    monkeypatch.delenv("KYO_API_KEY", raising=False)
    command = [sys.executable, "-m", "kyo_app.cli", "mcp", *options]
    environment = {"PATH": os.environ["PATH"], "HOME": str(served.home), **variables}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Say who asks" in done.stderr


def test_the_log_knows_no_key(served: Served) -> None:
    secret = served.key(Scope.DOCUMENTS_READ)
    status(served, authorization=f"Bearer {secret}")
    assert "kyo_" not in served.app.log
    assert "Traceback" not in served.app.log
