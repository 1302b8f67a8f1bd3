"""`GET /files/{version}`: who gets the bytes, as what, and who does not."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote
from uuid import UUID

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from kyo_app import runtime
from kyo_app.headers import SecurityHeadersMiddleware
from kyo_app.identity import SECURE_SESSION_COOKIE, SESSION_COOKIE
from kyo_app.routes import routes
from kyo_pipeline.domain.actor import Actor, Role
from kyo_pipeline.domain.audit import Event
from kyo_pipeline.errors import Forbidden
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import library, reviewing, signing_in, sources
from tests.conftest import Clock

OLD, NEW = b"Everybody has 27 days of leave.", b"Everybody has 29 days of leave."
DOWNLOADED = Event.DOCUMENT_DOWNLOAD.value

Get = Callable[..., Any]


@pytest.fixture
def get(kyo: Kyo, session_of: Callable[[Actor], str]) -> Iterator[Get]:
    """Asks for a file as somebody, or as nobody, behind the middleware that may spoil its headers."""
    app = Starlette(routes=routes(), middleware=[Middleware(SecurityHeadersMiddleware)])

    def ask(version: object, actor: Actor | None = None, *, method: str = "GET", **headers: str) -> Any:
        client = TestClient(app, follow_redirects=False, raise_server_exceptions=False)
        if actor is not None:
            client.cookies[SESSION_COOKIE] = session_of(actor)
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return client.request(method, f"/files/{version}", headers=names)

    with runtime.using(kyo):
        yield ask


@pytest.fixture
def versions(
    kyo: Kyo, employee: Actor, manager: Actor, run_pipeline: Callable[[], None]
) -> Callable[[str], tuple[UUID, UUID]]:
    """A document of which the second version answers questions now."""

    def put(file_name: str = "leave.txt") -> tuple[UUID, UUID]:
        ids = []
        for content in (OLD, NEW):
            ids.append(library.upload(kyo, employee, file_name, content).document.latest.id)
            run_pipeline()
            reviewing.approve(kyo, manager, ids[-1])
        return ids[0], ids[1]

    return put


def test_the_file_comes_as_it_was_uploaded_and_goes_on_record(
    get: Get, versions: Callable[[], tuple[UUID, UUID]], person: Callable[[Role], Actor], sql: Callable[..., list[Any]]
) -> None:
    _, current = versions()
    reader = person(Role.EMPLOYEE)
    reply = get(current, reader)
    assert (reply.status_code, reply.content) == (200, NEW)
    query = "select actor_id, object_id from audit_log where event = :event"
    assert [tuple(map(str, row)) for row in sql(query, event=DOWNLOADED)] == [(str(reader.id), str(current))]


def test_no_browser_shows_it_as_a_page_of_ours(get: Get, versions: Callable[[], Any], employee: Actor) -> None:
    headers = get(versions()[1], employee).headers
    assert headers["content-disposition"] == 'attachment; filename="leave.txt"'
    assert headers["content-type"] == "application/octet-stream"
    assert headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize(
    "name",
    [
        'a".txt',
        "a; filename=evil.exe.txt",
        "a'b.txt",
        "a%0d%0aSet-Cookie: x=1.txt",
        "Überstunden – naïve.txt",
        "休暇.txt",
        "😀.txt",
        "<script>.txt",
    ],
)
def test_no_file_name_gets_out_of_its_header(
    get: Get, versions: Callable[[str], Any], kyo: Kyo, employee: Actor, name: str
) -> None:
    _, current = versions(name)
    stored = library.list_documents(kyo, employee).documents[0].latest.file_name
    reply = get(current, employee)
    assert "set-cookie" not in reply.headers
    disposition = reply.headers["content-disposition"]
    kind, _, given = disposition.partition("; ")
    assert kind == "attachment"
    assert given.startswith("filename*=utf-8''")
    assert not set(given.removeprefix("filename*=utf-8''")) & set("\"';\\ <>\r\n")
    assert unquote(given.removeprefix("filename*=utf-8''"), errors="strict") == stored


def test_a_head_says_how_long_it_is_and_sends_nothing(get: Get, versions: Callable[[], Any], employee: Actor) -> None:
    reply = get(versions()[1], employee, method="HEAD")
    assert (reply.status_code, reply.content, reply.headers["content-length"]) == (200, b"", str(len(NEW)))


def test_a_part_may_be_asked_for(get: Get, versions: Callable[[], Any], employee: Actor) -> None:
    reply = get(versions()[1], employee, range="bytes=0-8")
    assert (reply.status_code, reply.content) == (206, NEW[:9])


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_there_is_nothing_else_to_do_with_it(
    get: Get, versions: Callable[[], Any], employee: Actor, method: str
) -> None:
    assert get(versions()[1], employee, method=method).status_code == 405


def test_nobody_without_a_session(
    get: Get, versions: Callable[[], Any], kyo: Kyo, employee: Actor, session_of: Callable[[Actor], str]
) -> None:
    _, current = versions()
    ended = session_of(employee)
    signing_in.sign_out(kyo, ended)
    for cookie in ("", f"{SESSION_COOKIE}=forged", f"{SESSION_COOKIE}={ended}", f"{SESSION_COOKIE}={'x' * 9000}"):
        reply = get(current, cookie=cookie)
        assert (reply.status_code, reply.json()) == (401, {"message": "Sign in first, then open this address again."})


def test_over_plain_http_the_cookie_of_tls_counts_for_nothing(
    get: Get, versions: Callable[[], Any], employee: Actor, session_of: Callable[[Actor], str]
) -> None:
    cookie = f"{SECURE_SESSION_COOKIE}={session_of(employee)}"
    assert get(versions()[1], cookie=cookie).status_code == 401


def test_a_session_that_has_been_idle_for_too_long(
    kyo: Kyo, versions: Callable[[], Any], employee: Actor, session_of: Callable[[Actor], str], clock: Clock
) -> None:
    _, current = versions()
    with runtime.using(kyo):
        client = TestClient(Starlette(routes=routes()), cookies={SESSION_COOKIE: session_of(employee)})
        assert client.get(f"/files/{current}").status_code == 200
        clock.advance(days=2)
        assert client.get(f"/files/{current}").status_code == 401


def test_before_a_password_of_ones_own_there_is_nothing(
    get: Get, versions: Callable[[], Any], employee: Actor, sql: Callable[..., list[Any]]
) -> None:
    _, current = versions()
    sql("update users set must_change_password = true where id = :id", id=employee.id)
    reply = get(current, employee)
    assert (reply.status_code, reply.json()["message"]) == (403, "Choose a password of your own first.")


@pytest.mark.parametrize(
    "version",
    ["00000000-0000-0000-0000-000000000009", "nothing", "1", "%00", "..%2f..%2fetc%2fpasswd", "a/b", "", "%F0%9F%98%80",
     "x" * 4000, "'; drop table documents; --"],
)  # fmt: skip
def test_odd_addresses(get: Get, employee: Actor, version: str) -> None:
    reply = get(version, employee)
    assert reply.status_code == 404
    assert reply.json()["message"]


def test_an_old_version_is_for_those_who_may_see_it_whole(
    get: Get, versions: Callable[[], Any], employee: Actor, manager: Actor, person: Callable[[Role], Actor]
) -> None:
    old, _ = versions()
    assert get(old, person(Role.EMPLOYEE)).status_code == 404
    assert get(old, employee).content == OLD, "their own upload"
    assert get(old, manager).content == OLD, "they may approve"


def test_what_may_not_be_read_may_not_be_taken(
    get: Get,
    versions: Callable[[], Any],
    person: Callable[[Role], Actor],
    sql: Callable[..., list[Any]],
    audited: Callable[[], list[str]],
) -> None:
    _, current = versions()
    sql("update collections set everyone_access = null")
    reply = get(current, person(Role.EMPLOYEE))
    assert (reply.status_code, NEW in reply.content) == (404, False)
    assert DOWNLOADED not in audited()


def test_where_a_collection_keeps_its_files_only_those_who_answer_for_it_take_them_away(
    get: Get,
    versions: Callable[[], Any],
    employee: Actor,
    manager: Actor,
    person: Callable[[Role], Actor],
    sql: Callable[..., list[Any]],
) -> None:
    _, current = versions()
    sql("update collections set downloadable = false")
    reply = get(current, person(Role.EMPLOYEE))
    assert (reply.status_code, "can be read here" in reply.json()["message"]) == (403, True)
    assert get(current, employee).content == NEW
    assert get(current, manager).content == NEW


def test_bytes_that_are_gone_are_said_to_be(get: Get, versions: Callable[[], Any], kyo: Kyo, employee: Actor) -> None:
    _, current = versions()
    kyo.files.path(library.list_documents(kyo, employee).documents[0].latest.sha256).unlink()
    assert get(current, employee).status_code == 404


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_the_page_of_another_site_causes_no_download_and_no_record_of_one(
    get: Get, versions: Callable[[], Any], employee: Actor, audited: Callable[[], list[str]], site: str
) -> None:
    _, current = versions()
    reply = get(current, employee, sec_fetch_site=site)
    assert (reply.status_code, reply.headers["location"]) == (303, f"/source?version={current}")
    odd = get("%0d%0aSet-Cookie:%20x=1", employee, sec_fetch_site=site)
    assert (odd.status_code, odd.headers["location"]) == (303, "/source?version=")
    assert DOWNLOADED not in audited()


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_ones_own_click_and_ones_own_bookmark(
    get: Get, versions: Callable[[], Any], employee: Actor, site: str
) -> None:
    assert get(versions()[1], employee, sec_fetch_site=site).content == NEW


def test_what_a_role_does_not_allow_goes_on_record(
    get: Get, employee: Actor, audited: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise Forbidden("Your role does not allow this.")

    monkeypatch.setattr(sources, "download", refuse)
    assert get(UUID(int=9), employee).status_code == 403
    assert audited() == [Event.ACCESS_REFUSE.value]


def test_people_get_a_page_that_says_what_to_do(get: Get, employee: Actor) -> None:
    refused = get(UUID(int=9), accept="text/html")
    assert refused.status_code == 401
    assert '<a href="/">Sign in</a>' in refused.text
    missing = get(UUID(int=9), employee, accept="text/html")
    assert missing.status_code == 404
    assert '<a href="/documents">' in missing.text
    assert missing.headers["cache-control"] == "no-store"
