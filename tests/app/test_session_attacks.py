"""What somebody may try against sessions, on the real server: with bare websockets, copied cookies, forged headers."""

import hashlib
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from kyo_app.identity import BROWSER_COOKIE, SESSION_COOKIE
from kyo_pipeline.adapters.files import FolderFiles
from kyo_pipeline.adapters.passwords import hash_password
from kyo_pipeline.db.engine import Database
from kyo_pipeline.domain.actor import OPERATOR, Actor, Role
from kyo_pipeline.domain.database_role import DatabaseRole
from kyo_pipeline.kyo import Kyo, utc_now
from kyo_pipeline.services import accounts, indexing, library, people
from tests.app_process import RunningApp, running_app
from tests.streamlit_client import Run, open_tab, pressed, typed

PASSWORD = "correct horse battery staple"
FILES = ["/media/0123abcd.png", "/_stcore/upload_file/0123/4567", "/_stcore/agent/openapi.json"]


@pytest.fixture(scope="module")
def app(own_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    with running_app(tmp_path_factory.mktemp("attacks") / "home", own_database) as running:
        yield running


@pytest.fixture
def kyo(committed: Kyo) -> Kyo:
    """The database of the server, by the clock of the server."""
    return replace(committed, now=utc_now)


@pytest.fixture(scope="module")
def password_hash() -> str:
    return hash_password(PASSWORD)


@pytest.fixture
def owner(own_database: str) -> Iterator[Database]:
    db = Database(own_database)
    yield db
    db.close()


@pytest.fixture
def account(owner: Database, password_hash: str) -> Callable[[Role], Actor]:
    """Adds somebody who can sign in with `PASSWORD`."""

    def add(role: Role) -> Actor:
        name = f"{role.value}{secrets.token_hex(3)}"
        with owner.transaction(OPERATOR) as tx:
            user_id = tx.scalar(
                text(
                    """
                    insert into users (username, name, role, password_hash, created_at, password_changed_at)
                    values (:name, :name, :role, :hash, now(), now() - interval '1 day')
                    returning id
                    """
                ),
                {"name": name, "role": role.value, "hash": password_hash},
            )
        return Actor(user_id, name, name, role)

    return add


@pytest.fixture
def signed_in(app: RunningApp) -> Iterator[Callable[..., httpx.Client]]:
    """Signs somebody in as a browser does; what comes back holds the cookies."""
    browsers = []

    def sign_in(actor: Actor, cookies: dict[str, str] | None = None) -> httpx.Client:
        browser = httpx.Client(base_url=app.url, cookies=cookies, headers={"accept": "text/html"})
        browsers.append(browser)
        browser.get("/")
        with open_tab(app.url, browser.cookies) as tab:
            form = tab.runs()
            words = [typed(form.widget("User name"), actor.username), typed(form.widget("Password"), PASSWORD)]
            sent_on = tab.runs("", *words, pressed(form.widget("Sign in")))
        assert sent_on.redirect.startswith("/auth/redeem?ticket="), sent_on.text
        assert browser.get(sent_on.redirect).status_code == 303
        return browser

    yield sign_in
    for browser in browsers:
        browser.close()


@pytest.fixture
def waiting(kyo: Kyo, own_database: str, account: Callable[[Role], Actor]) -> Callable[[], str]:
    """Puts a text where it waits for approval; returns its state when it is called again."""
    uploader = account(Role.EMPLOYEE)
    version = library.upload(kyo, uploader, "canteen.txt", b"The canteen opens at noon.").document.latest
    pipeline = replace(kyo, db=Database(own_database, DatabaseRole.PIPELINE))
    claim = indexing.claim_name(secrets.token_hex(8))
    for step in (indexing.parse, indexing.cut, indexing.embed, indexing.publish_ready):
        step(pipeline, claim)
    pipeline.db.close()

    def state() -> str:
        with kyo.db.transaction(OPERATOR) as tx:
            query = text("select review from document_versions where id = :id")
            return str(tx.scalar(query, {"id": version.id}))

    return state


def is_sign_in_page(run: Run) -> bool:
    return run.has_widget("User name") and not run.has_widget("Sign out")


def is_signed_in(run: Run) -> bool:
    return run.has_widget("Sign out") and not run.has_widget("User name")


def what_is_seen(app: RunningApp, cookies: httpx.Cookies | dict[str, str], **options: Any) -> Run:
    with open_tab(app.url, cookies, **options) as tab:
        return tab.runs()


def assert_worthless(app: RunningApp, cookies: httpx.Cookies | dict[str, str]) -> None:
    """Nothing is to be had for these cookies, by any way in."""
    for path in FILES:
        for method in ("GET", "PUT", "DELETE"):
            reply = httpx.request(method, app.url + path, cookies=dict(cookies))
            assert (reply.status_code, reply.json()) == (401, {"message": "Sign in first."})
    assert is_sign_in_page(what_is_seen(app, cookies))


# No session, or one of somebody else's making


@pytest.mark.parametrize("token", [None, "forged", hashlib.sha256(b"x").hexdigest(), "../../x", "a" * 4000])
def test_without_a_session_there_is_only_the_form(app: RunningApp, token: str | None) -> None:
    assert_worthless(app, {SESSION_COOKIE: token} if token else {})


def test_the_hash_that_the_database_holds_is_no_token(
    app: RunningApp, signed_in: Callable[..., httpx.Client], account: Callable[[Role], Actor]
) -> None:
    """Whoever has read a backup can sign in as nobody."""
    token = signed_in(account(Role.ADMIN)).cookies[SESSION_COOKIE]
    digest = hashlib.sha256(token.encode())
    for stolen in (digest.hexdigest(), "\\x" + digest.hexdigest()):
        assert_worthless(app, {SESSION_COOKIE: stolen})


def test_a_cookie_from_before_the_sign_in_is_not_the_session_after_it(
    app: RunningApp, signed_in: Callable[..., httpx.Client], account: Callable[[Role], Actor]
) -> None:
    planted = {SESSION_COOKIE: secrets.token_urlsafe(32)}
    browser = signed_in(account(Role.ADMIN), planted)
    assert browser.cookies.get(SESSION_COOKIE, domain="127.0.0.1") != planted[SESSION_COOKIE]
    assert_worthless(app, planted)


def test_the_session_of_somebody_who_signs_in_over_it_is_over(
    app: RunningApp, signed_in: Callable[..., httpx.Client], account: Callable[[Role], Actor]
) -> None:
    """An attacker's own session, planted in a browser, does not live on beside the one that replaces it."""
    planted = dict(signed_in(account(Role.EMPLOYEE)).cookies)
    assert is_signed_in(what_is_seen(app, planted))
    browser = httpx.Client(base_url=app.url, cookies=planted)
    victim = account(Role.ADMIN)
    fresh = {name: value for name, value in planted.items() if name != SESSION_COOKIE}
    with open_tab(app.url, fresh) as tab:
        form = tab.runs()
        words = [typed(form.widget("User name"), victim.username), typed(form.widget("Password"), PASSWORD)]
        sent_on = tab.runs("", *words, pressed(form.widget("Sign in")))
    token = httpx.get(app.url + sent_on.redirect, cookies=planted).cookies[SESSION_COOKIE]
    browser.close()
    assert token != planted[SESSION_COOKIE]
    assert_worthless(app, planted)
    assert is_signed_in(what_is_seen(app, {SESSION_COOKIE: token}))


def test_a_ticket_is_of_no_use_in_another_browser_or_twice(app: RunningApp, account: Callable[[Role], Actor]) -> None:
    actor, cookies = account(Role.ADMIN), {BROWSER_COOKIE: secrets.token_urlsafe(24)}
    with open_tab(app.url, cookies) as tab:
        form = tab.runs()
        words = [typed(form.widget("User name"), actor.username), typed(form.widget("Password"), PASSWORD)]
        address = app.url + tab.runs("", *words, pressed(form.widget("Sign in"))).redirect
    for other in ({}, {BROWSER_COOKIE: "another"}):
        assert SESSION_COOKIE not in httpx.get(address, cookies=other).cookies
    assert SESSION_COOKIE in httpx.get(address, cookies=cookies).cookies
    assert SESSION_COOKIE not in httpx.get(address, cookies=cookies).cookies
    ticket = address.split("ticket=")[1].split("&")[0]
    assert ticket not in app.log


# A copy of a cookie whose session has ended


def _sign_out(app: RunningApp, _kyo: Kyo, _actor: Actor, cookies: dict[str, str]) -> None:
    with open_tab(app.url, cookies) as tab:
        page = tab.runs()
        assert tab.runs("", pressed(page.widget("Sign out"))).redirect == "/auth/sign-out"


def _change_password(_app: RunningApp, kyo: Kyo, actor: Actor, _cookies: dict[str, str]) -> None:
    accounts.change_password(kyo, actor, PASSWORD, "another long enough phrase")


def _deactivate(_app: RunningApp, kyo: Kyo, actor: Actor, _cookies: dict[str, str]) -> None:
    people.deactivate(kyo, OPERATOR, actor.id)


def _reset_password(_app: RunningApp, kyo: Kyo, actor: Actor, _cookies: dict[str, str]) -> None:
    people.reset_password(kyo, OPERATOR, actor.id)


def _end_sessions(_app: RunningApp, kyo: Kyo, actor: Actor, _cookies: dict[str, str]) -> None:
    people.end_sessions(kyo, OPERATOR, actor.id)


ENDS = [_sign_out, _change_password, _deactivate, _reset_password, _end_sessions]


@pytest.mark.parametrize("end", ENDS)
def test_a_copied_cookie_is_worthless_after_the_end(
    app: RunningApp,
    kyo: Kyo,
    signed_in: Callable[..., httpx.Client],
    account: Callable[[Role], Actor],
    end: Callable[[RunningApp, Kyo, Actor, dict[str, str]], None],
) -> None:
    actor = account(Role.MANAGER)
    copy = dict(signed_in(actor).cookies)
    assert httpx.get(app.url + FILES[0], cookies=copy).status_code == 404
    assert is_signed_in(what_is_seen(app, copy))
    end(app, kyo, actor, copy)
    assert_worthless(app, copy)


# Over a websocket that was opened before the end


@pytest.mark.parametrize("end", ENDS)
def test_nothing_is_changed_or_delivered_over_a_websocket_from_before(
    app: RunningApp,
    kyo: Kyo,
    signed_in: Callable[..., httpx.Client],
    account: Callable[[Role], Actor],
    waiting: Callable[[], str],
    end: Callable[[RunningApp, Kyo, Actor, dict[str, str]], None],
) -> None:
    actor = account(Role.MANAGER)
    cookies = dict(signed_in(actor).cookies)
    with ExitStack() as stack:
        tabs = [stack.enter_context(open_tab(app.url, cookies)) for _ in range(4)]
        pages = [tab.runs("approvals") for tab in tabs]
        assert all("canteen" in page.text for page in pages)
        approve, [fragment] = pressed(pages[0].widget("Approve")), pages[0].fragments
        end(app, kyo, actor, cookies)
        late = [
            tabs[0].runs("approvals", approve, fragment=fragment),
            tabs[1].runs("approvals", fragment=fragment),
            tabs[2].runs("approvals", approve),
            tabs[3].runs("documents"),
        ]
    for run in late:
        assert "canteen" not in run.text
        assert is_sign_in_page(run)
    assert waiting() == "pending"


def test_the_same_presses_do_something_while_the_session_lives(
    app: RunningApp,
    signed_in: Callable[..., httpx.Client],
    account: Callable[[Role], Actor],
    waiting: Callable[[], str],
) -> None:
    """Else the test above would prove nothing."""
    with open_tab(app.url, signed_in(account(Role.MANAGER)).cookies) as tab:
        page = tab.runs("approvals")
        [fragment] = page.fragments
        assert "canteen" in tab.runs("approvals", fragment=fragment).text
        tab.runs("approvals", pressed(page.widget("Approve")), fragment=fragment)
    assert waiting() == "approved"


# Somebody else's Streamlit session, known by its id


def test_a_tab_is_taken_up_again_by_its_own_browser_alone(
    app: RunningApp,
    signed_in: Callable[..., httpx.Client],
    account: Callable[[Role], Actor],
    waiting: Callable[[], str],
) -> None:
    assert waiting() == "pending"
    victim = account(Role.ADMIN)
    cookies = signed_in(victim).cookies
    token = cookies[SESSION_COOKIE]
    stranger = signed_in(account(Role.EMPLOYEE)).cookies
    other_browser = signed_in(victim).cookies
    with open_tab(app.url, cookies) as tab:
        page = tab.runs("approvals")
        assert victim.name in page.text
        _assert_not_taken_over(app, page.session_id, victim, token, stranger, other_browser)
    _assert_not_taken_over(app, page.session_id, victim, token, stranger, other_browser)  # kept for a while
    assert what_is_seen(app, cookies, session_id=page.session_id).session_id == page.session_id


def _assert_not_taken_over(
    app: RunningApp,
    session_id: str,
    victim: Actor,
    token: str,
    stranger: httpx.Cookies,
    other_browser: httpx.Cookies,
) -> None:
    digest = hashlib.sha256(token.encode()).hexdigest()
    forged = [(name, digest) for name in ("X-Kyo-Session", "x_kyo_session", "X-KYO_Session")]
    for cookies, headers in (({}, []), ({}, forged), ({SESSION_COOKIE: digest}, forged), (stranger, forged)):
        run = what_is_seen(app, cookies, session_id=session_id, headers=headers)
        assert run.session_id != session_id
        assert victim.name not in run.text
        assert is_signed_in(run) == bool(cookies is stranger)
    assert what_is_seen(app, other_browser, session_id=session_id).session_id != session_id


def test_headers_of_our_own_are_not_taken_from_the_browser(
    app: RunningApp, signed_in: Callable[..., httpx.Client], account: Callable[[Role], Actor]
) -> None:
    token = signed_in(account(Role.ADMIN)).cookies[SESSION_COOKIE]
    digest = hashlib.sha256(token.encode()).hexdigest()
    headers = {"X-Kyo-Session": digest, "X-Kyo-Secure": "yes", "X-Kyo-User": "admin"}
    for path in FILES:
        assert httpx.get(app.url + path, headers=headers).status_code == 401
    # Were the second believed, the page would look for the cookie that only comes over TLS.
    cookies = {SESSION_COOKIE: token}
    assert is_signed_in(what_is_seen(app, cookies, headers=[("X-Kyo-Secure", "yes")]))


# Uploads


def test_nobody_uploads_into_a_tab_without_a_session(
    app: RunningApp, signed_in: Callable[..., httpx.Client], account: Callable[[Role], Actor]
) -> None:
    browser = signed_in(account(Role.EMPLOYEE))
    browser.get("/_stcore/health")  # sets Streamlit's own cookie
    with open_tab(app.url, browser.cookies) as tab:
        address = f"{app.url}/_stcore/upload_file/{tab.runs('documents').session_id}/file-1"
        token = {"X-Xsrftoken": browser.cookies["_streamlit_xsrf"]}
        without = {"_streamlit_xsrf": browser.cookies["_streamlit_xsrf"]}
        files = {"file": ("x.txt", b"text", "text/plain")}
        assert httpx.put(address, headers=token, cookies=without, files=files).status_code == 401
        assert httpx.put(address, cookies=dict(browser.cookies), files=files).status_code == 403
        ours: dict[str, Any] = {"headers": token, "cookies": dict(browser.cookies), "files": files}
        assert httpx.put(address, **ours).status_code == 204
        assert httpx.put(address, **{**ours, "headers": {**token, "Origin": "http://evil.example"}}).status_code == 403


# What all this has left behind


def test_the_log_holds_no_secret(
    app: RunningApp, signed_in: Callable[..., httpx.Client], account: Callable[[Role], Actor]
) -> None:
    cookies = signed_in(account(Role.EMPLOYEE)).cookies
    what_is_seen(app, cookies)
    assert app.log
    for secret in (PASSWORD, cookies[SESSION_COOKIE], cookies[BROWSER_COOKIE], "ticket="):
        assert secret not in app.log


# Files


@pytest.fixture
def file_of(kyo: Kyo, app: RunningApp) -> Callable[[Actor], str]:
    """The address of a file that somebody has uploaded and nobody has approved: only approvers may have it as well."""

    beside_the_app = replace(kyo, files=FolderFiles(app.log_file.parent / "files"))

    def upload(actor: Actor) -> str:
        return f"/files/{library.upload(beside_the_app, actor, 'plan.txt', b'The plan is secret.').document.latest.id}"

    return upload


def test_a_file_comes_to_those_who_may_have_it_though_there_is_no_redis(
    signed_in: Callable[..., httpx.Client],
    account: Callable[[Role], Actor],
    file_of: Callable[[Actor], str],
) -> None:
    uploader = account(Role.EMPLOYEE)
    address = file_of(uploader)
    reply = signed_in(uploader).get(address)
    assert (reply.status_code, reply.content) == (200, b"The plan is secret.")
    assert reply.headers["content-security-policy"].startswith("sandbox;")
    assert signed_in(account(Role.MANAGER)).get(address).status_code == 200
    other = signed_in(account(Role.EMPLOYEE)).get(address)
    assert (other.status_code, b"secret" in other.content) == (404, False)


def test_no_header_and_no_other_cookie_stands_in_for_the_session_of_a_file(
    app: RunningApp,
    signed_in: Callable[..., httpx.Client],
    account: Callable[[Role], Actor],
    file_of: Callable[[Actor], str],
) -> None:
    uploader = account(Role.EMPLOYEE)
    address = app.url + file_of(uploader)
    token = signed_in(uploader).cookies[SESSION_COOKIE]
    digest = hashlib.sha256(token.encode()).hexdigest()
    for headers in (
        {"x-kyo-session": digest},
        {"authorization": f"Bearer {token}"},
        {"cookie": f"{SESSION_COOKIE}={digest}"},
        {"cookie": f"{BROWSER_COOKIE}={token}"},
        {"cookie": f"__Host-{SESSION_COOKIE}={token}"},
    ):
        assert httpx.get(address, headers=headers).status_code == 401
    assert httpx.get(f"{address}?{SESSION_COOKIE}={token}").status_code == 401
    foreign = httpx.get(address, headers={"cookie": f"{SESSION_COOKIE}={token}", "origin": "https://evil.example"})
    assert (foreign.status_code, b"secret" in foreign.content) == (403, False)


@pytest.mark.parametrize(
    "path", ["/files/..%2f..%2f..%2fetc%2fpasswd", "/files/%00", "/files/", "/files//etc/passwd", "/files/a/b"]
)
def test_no_path_leads_to_another_file(
    signed_in: Callable[..., httpx.Client], account: Callable[[Role], Actor], path: str
) -> None:
    reply = signed_in(account(Role.ADMIN)).get(path, headers={"accept": "*/*"})
    assert reply.status_code in (400, 404)
    assert b"root:" not in reply.content
