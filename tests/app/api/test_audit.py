"""The audit log over HTTP: which rows, page by page, and that nothing about it can be forged."""

import base64
import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from kyo_pipeline.db import audit_chain
from kyo_pipeline.domain.actor import OPERATOR, Actor
from kyo_pipeline.domain.audit_chain import Entry
from kyo_pipeline.domain.pages import MAX_PAGE
from kyo_pipeline.kyo import Kyo

ClientOf = Callable[[Actor | None], TestClient]
Put = Callable[..., None]

PATH = "/api/audit/logs/"
NOON = datetime(2026, 11, 2, 12, tzinfo=timezone.utc)
ANNA, BERT = uuid4(), uuid4()


@pytest.fixture
def put(kyo: Kyo) -> Put:
    """Puts rows into the log; what is not said of one is what an upload by Anna has."""

    def write(*rows: dict[str, Any]) -> None:
        with kyo.db.transaction(OPERATOR) as tx:
            for row in rows:
                audit_chain.await_commit(tx, entry(**row))

    return write


def entry(
    minute: float = 0,
    actor: UUID = ANNA,
    event: str = "document:upload",
    object_id: str = "7",
    outcome: str = "done",
    request: str | None = None,
) -> Entry:
    at = NOON + timedelta(minutes=minute)
    return Entry(at, actor, "anna", event, object_id, outcome, {"is": "here"}, "192.0.2.1", request)


@pytest.fixture
def empty(sql: Callable[..., list[Any]]) -> Callable[[], None]:
    """Forgets all rows."""

    def forget() -> None:
        sql("alter table audit_log disable trigger audit_log_is_append_only")
        sql("truncate audit_log")
        sql("alter table audit_log enable trigger audit_log_is_append_only")

    return forget


@pytest.fixture
def client(client_of: ClientOf, admin: Actor, empty: Callable[[], None]) -> TestClient:
    """An admin, whose own sign-in is not in the log any more."""
    client = client_of(admin)
    empty()
    return client


def read(client: TestClient, address: str = PATH, **wanted: Any) -> Any:
    response = client.get(address, params=wanted or None)
    assert response.status_code == 200, response.text
    return response.json()


def minutes(page: Any) -> list[int]:
    """Which rows these are, by the minutes after noon."""
    return [round((datetime.fromisoformat(one["at"]) - NOON).total_seconds() / 60) for one in page["items"]]


def walk(client: TestClient, between: Callable[[], None] = lambda: None, **wanted: Any) -> list[Any]:
    """All pages; `between` is done before each but the first."""
    pages = [read(client, **wanted)]
    while pages[-1]["next"] is not None:
        between()
        pages.append(read(client, pages[-1]["next"]))
    return pages


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, [5, 4, 3, 2, 1, 0]),
        ({"actor_id": ANNA}, [5, 4, 2, 0]),
        ({"actor_id": uuid4()}, []),
        ({"event": "document:upload"}, [3, 1, 0]),
        ({"event": "document"}, []),
        ({"object_type": "document"}, [4, 3, 1, 0]),
        ({"object_id": "7"}, [5, 1, 0]),
        ({"outcome": "refused"}, [5, 3]),
        ({"request_id": "r1"}, [2, 1]),
        ({"since": "2026-11-02T12:02:00Z"}, [5, 4, 3, 2]),
        ({"since": "2026-11-02T13:02:00+01:00"}, [5, 4, 3, 2]),
        ({"until": "2026-11-02T12:02:00Z"}, [1, 0]),
        ({"since": "2026-11-02T12:01:00Z", "until": "2026-11-02T12:03:00Z"}, [2, 1]),
        ({"since": "2026-11-02T12:03:00Z", "until": "2026-11-02T12:01:00Z"}, []),
        ({"since": "0001-01-01T00:00:00+14:00", "until": "9999-12-31T23:59:59-14:00"}, [5, 4, 3, 2, 1, 0]),
        ({"actor_id": BERT, "event": "document:upload", "outcome": "refused"}, [3]),
        ({"object_id": "'; drop table audit_log; --"}, []),
        ({"object_id": ""}, []),
    ],
)
def test_rows_have_all_that_is_wanted(client: TestClient, put: Put, wanted: dict[str, Any], found: list[int]) -> None:
    put(
        {},
        {"minute": 1, "actor": BERT, "request": "r1"},
        {"minute": 2, "event": "session:start", "object_id": str(ANNA), "request": "r1"},
        {"minute": 3, "actor": BERT, "object_id": "8", "outcome": "refused"},
        {"minute": 4, "event": "document:approve", "object_id": "8"},
        {"minute": 5, "event": "access:refuse", "outcome": "refused"},
    )
    page = read(client, **wanted)
    assert (minutes(page), page["total"], page["total_is_exact"], page["next"]) == (found, len(found), True, None)
    assert [row for one in walk(client, **wanted, limit=1) for row in minutes(one)] == found


def test_a_row_has_all_that_is_known_of_it_and_proves_the_one_before(client: TestClient, put: Put) -> None:
    put({"request": "r1"}, *({"minute": minute} for minute in range(1, 5)))
    rows = read(client)["items"]
    first = rows[-1]
    assert (first["at"], first["actor_id"], first["actor_name"]) == ("2026-11-02T12:00:00Z", str(ANNA), "anna")
    assert (first["event"], first["object_type"], first["object_id"]) == ("document:upload", "document", "7")
    assert (first["outcome"], first["details"]) == ("done", {"is": "here"})
    assert (first["address"], first["request_id"], first["previous_hash"]) == ("192.0.2.1", "r1", "0" * 64)
    assert [row["id"] for row in rows] == [first["id"] + number for number in (4, 3, 2, 1, 0)]
    assert all(newer["previous_hash"] == older["hash"] != newer["hash"] for newer, older in pairwise(rows))


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(0, 3), st.sampled_from([ANNA, BERT])), max_size=8),
    st.integers(1, 5),
    st.sampled_from([{}, {"actor_id": ANNA}, {"event": "document:upload", "until": "2026-11-02T12:03:00Z"}]),
)
def test_each_row_is_on_one_page_while_rows_are_added(
    client: TestClient,
    put: Put,
    empty: Callable[[], None],
    rows: list[tuple[int, UUID]],
    limit: int,
    wanted: dict[str, Any],
) -> None:
    empty()
    put(*({"minute": minute, "actor": actor} for minute, actor in rows))
    before = [one["id"] for page in walk(client, **wanted, limit=MAX_PAGE) for one in page["items"]]
    pages = walk(client, lambda: put({"minute": 1000, "event": "document:approve"}), **wanted, limit=limit)
    assert [one["id"] for page in pages for one in page["items"]] == before
    assert all(len(page["items"]) == limit for page in pages[:-1])


def test_the_next_address_keeps_what_is_wanted(client: TestClient, put: Put) -> None:
    put(*({"minute": minute, "object_id": "a&b=c d/é"} for minute in range(3)), {"minute": 1})
    wanted: dict[str, Any] = {"object_id": "a&b=c d/é", "since": "2026-11-02T14:00:00+02:00", "limit": "2"}
    pages = walk(client, **wanted)
    assert [minutes(page) for page in pages] == [[2, 1], [0]]
    assert pages[0]["next"].startswith(f"{PATH}?")


def cursor_of(*values: object) -> str:
    written = json.dumps(values[0] if len(values) == 1 else values).encode()
    return base64.urlsafe_b64encode(written).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "é",
        "A" * 200,
        "A" * 201,
        base64.urlsafe_b64encode(b"\xff\xfe").decode(),
        base64.urlsafe_b64encode(b"[" * 140).decode(),
        cursor_of(1),
        cursor_of(None),
        cursor_of({"at": 1, "id": 2}),
        cursor_of("2026-11-02T12:00:00+00:00"),
        cursor_of("2026-11-02T12:00:00", 1),
        cursor_of("2026-11-02", 1),
        cursor_of("soon", 1),
        cursor_of(1, 1),
        cursor_of(None, 1),
        cursor_of("2026-11-02T12:00:00+00:00", -1),
        cursor_of("2026-11-02T12:00:00+00:00", 2**63),
        cursor_of("2026-11-02T12:00:00+00:00", "1"),
        cursor_of("2026-11-02T12:00:00+00:00", True),
        cursor_of("2026-11-02T12:00:00+00:00", 1.0),
        cursor_of("2026-11-02T12:00:00+00:00", None),
        cursor_of("2026-11-02T12:00:00+00:00", 1, True),
        cursor_of("2026-11-02T12:00:00\x00+00:00", 1),
        cursor_of("2026-11-02T12:00:00Z", 1),
        cursor_of("0001-01-01T00:00:00+23:59", 1),
        cursor_of("9999-12-31T23:59:59-23:59", 1),
        cursor_of("2026-11-02T12:00:00+00:00:01.500000", 1),
        cursor_of("2026-11-02T12:00:00+00:00", 1) + "!",
    ],
)
def test_a_cursor_that_is_not_ours_is_refused(client: TestClient, put: Put, cursor: str) -> None:
    put({})
    response = client.get(PATH, params={"cursor": cursor})
    assert response.status_code == 422, response.text
    assert response.headers["content-type"] == "application/problem+json"


@given(st.text(max_size=40) | st.binary(max_size=60).map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_cursor_is_a_fault_of_ours(client: TestClient, cursor: str) -> None:
    assert client.get(PATH, params={"cursor": cursor}).status_code == 422


@pytest.mark.parametrize(
    "wanted",
    [
        {"since": "2026-11-02T12:00:00"},
        {"until": "2026-11-02T12:00:00"},
        {"since": "2026-11-02"},
        {"since": "yesterday"},
        {"actor_id": "anna"},
        {"limit": "0"},
        {"limit": str(MAX_PAGE + 1)},
        {"limit": "x"},
        {"event": "x" * 201},
        {"object_id": "a\x00b"},
    ],
)
def test_what_cannot_be_meant_is_refused(client: TestClient, wanted: dict[str, str]) -> None:
    response = client.get(PATH, params=wanted)
    assert response.status_code == 422, response.text
    assert response.headers["content-type"] == "application/problem+json"


def test_it_is_for_admins_alone(client_of: ClientOf, employee: Actor, manager: Actor) -> None:
    assert [client_of(actor).get(PATH).status_code for actor in (None, employee, manager)] == [401, 403, 403]
