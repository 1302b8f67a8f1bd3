"""`GET /exports/audit.…`: who gets the audit log, as what, and who does not."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from starlette.applications import Starlette
from starlette.datastructures import QueryParams
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from kyo_app import exports, runtime
from kyo_app.headers import SecurityHeadersMiddleware
from kyo_app.identity import SESSION_COOKIE
from kyo_app.routes import routes
from kyo_pipeline.db import audit
from kyo_pipeline.domain.actor import OPERATOR, Actor, Role
from kyo_pipeline.domain.audit import Event
from kyo_pipeline.domain.audit_export import Format
from kyo_pipeline.domain.audit_log import EVERYTHING, AuditFilter
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import auditing
from tests.conftest import Clock

Get = Callable[..., Any]
Audited = Callable[[], list[str]]


@pytest.fixture
def get(kyo: Kyo, session_of: Callable[[Actor], str]) -> Iterator[Get]:
    """Asks for an address as somebody, or as nobody, behind the middleware that may spoil its headers."""
    app = Starlette(routes=routes(), middleware=[Middleware(SecurityHeadersMiddleware)])

    def ask(address: str, actor: Actor | None = None, **headers: str) -> Any:
        client = TestClient(app, follow_redirects=False, raise_server_exceptions=False)
        if actor is not None:
            client.cookies[SESSION_COOKIE] = session_of(actor)
        return client.get(address, headers={name.replace("_", "-"): value for name, value in headers.items()})

    with runtime.using(kyo):
        yield ask


@pytest.fixture
def log(kyo: Kyo, clock: Clock) -> None:
    with kyo.db.transaction(OPERATOR) as tx:
        for number in range(5):
            event = Event.GROUP_RENAME if number % 2 else Event.GROUP_CREATE
            audit.record(tx, OPERATOR, event, number, clock() + timedelta(minutes=number), {"name": "=1+1"})


@pytest.mark.usefixtures("log")
def test_the_chain_comes_as_a_file_and_goes_on_record(get: Get, admin: Actor, audited: Audited) -> None:
    reply = get("/exports/audit.jsonl", admin)
    rows = [json.loads(line) for line in reply.text.splitlines()]
    assert [row["row"] for row in rows] == [1, 2, 3, 4, 5]
    assert audited()[-1] == "audit:export"


@pytest.mark.usefixtures("log")
def test_no_browser_shows_it_as_a_page_of_ours(get: Get, admin: Actor, clock: Clock) -> None:
    headers = get("/exports/audit.csv", admin).headers
    assert headers["content-disposition"] == f'attachment; filename="audit-log-{clock():%Y-%m-%d}.csv"'
    assert headers["content-type"].startswith("text/csv")
    assert headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert headers["cache-control"] == "no-store"


@pytest.mark.usefixtures("log")
def test_some_rows_for_a_spreadsheet(get: Get, admin: Actor, kyo: Kyo) -> None:
    only = AuditFilter(event="group:rename")
    rows = list(csv.DictReader(io.StringIO(get(exports.address_of(Format.CSV, only), admin).text)))
    assert [(row["row"], row["event"]) for row in rows] == [("2", "group:rename"), ("4", "group:rename")]
    [record] = auditing.list_records(kyo, admin, AuditFilter(event="audit:export")).records
    assert record.details == {"through": 5, "format": "csv", "event": "group:rename"}


def test_an_address_says_the_whole_filter(clock: Clock) -> None:
    for only in (
        EVERYTHING,
        AuditFilter(object_id="a&b=c ü", request_id="r", outcome="refused"),
        AuditFilter(uuid4(), "a:b", "a", since=clock(), until=clock()),
    ):
        query = exports.address_of(Format.CSV, only).partition("?")[2]
        assert exports._filter(QueryParams(query)) == only


@pytest.mark.usefixtures("log")
def test_a_long_log_comes_in_pieces(kyo: Kyo, monkeypatch: pytest.MonkeyPatch, admin: Actor) -> None:
    """Each batch is read when the one before is on its way."""
    monkeypatch.setattr(auditing, "_BATCH", 2)
    lines = auditing.export(kyo, admin, Format.JSONL)
    pieces = exports._in_pieces(lines, characters=1)
    assert json.loads(next(pieces))["row"] == 1
    assert len([piece for piece in pieces if piece]) == 4


@pytest.mark.parametrize("role", [Role.EMPLOYEE, Role.MANAGER])
@pytest.mark.usefixtures("log")
def test_others_get_nothing_and_that_is_on_record(
    get: Get, person: Callable[[Role], Actor], audited: Audited, role: Role
) -> None:
    reply = get("/exports/audit.jsonl", person(role))
    assert reply.status_code == 403
    assert "group:" not in reply.text
    assert audited()[-1] == "access:refuse"


@pytest.mark.usefixtures("log")
def test_nobody_gets_nothing(get: Get, audited: Audited) -> None:
    reply = get("/exports/audit.jsonl")
    assert (reply.status_code, reply.json()) == (401, {"message": "Sign in first, then open this address again."})
    assert "audit:export" not in audited()


@pytest.mark.usefixtures("log")
@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_page_of_others_leads_to_ours(get: Get, admin: Actor, audited: Audited, site: str) -> None:
    reply = get("/exports/audit.jsonl", admin, sec_fetch_site=site)
    assert (reply.status_code, reply.headers["location"]) == (303, "/audit")
    assert "audit:export" not in audited()


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/exports/audit.xlsx", 404),
        ("/exports/", 404),
        ("/exports/audit.csv/more", 404),
        ("/exports/audit.csv?actor_id=nobody", 422),
        ("/exports/audit.csv?since=yesterday", 422),
        ("/exports/audit.csv?since=2026-11-02T12:00:00", 422),
    ],
)
def test_what_there_is_not(get: Get, admin: Actor, audited: Audited, address: str, status: int) -> None:
    reply = get(address, admin)
    assert reply.status_code == status
    assert reply.json()["message"].endswith(".")
    assert "audit:export" not in audited()
