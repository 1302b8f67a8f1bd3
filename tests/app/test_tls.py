"""The app with a certificate of its own, in a process as `kyo up` starts it."""

import ssl
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from kyo_app.identity import SECURE_BROWSER_COOKIE
from tests.app_process import NO_DATABASE, RunningApp, running_app
from tests.certificates import write_certificate


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = map(str, write_certificate(folder))
    with running_app(folder / "home", NO_DATABASE, KYO_TLS_CERTIFICATE=certificate, KYO_TLS_KEY=key) as running:
        yield running


@pytest.fixture
def browser(app: RunningApp) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=app.url, headers={"accept": "text/html"}, verify=False) as client:  # noqa: S501 — our own certificate, which nobody knows
        yield client


def test_it_speaks_https_and_asks_browsers_to_stay(app: RunningApp, browser: httpx.Client) -> None:
    assert app.url.startswith("https://")
    assert "strict-transport-security" in browser.get("/").headers
    with pytest.raises(httpx.TransportError):
        httpx.get(app.url.replace("https", "http") + "/healthz")


def test_every_cookie_is_kept_to_tls(browser: httpx.Client) -> None:
    set_cookies = [
        cookie for path in ("/", "/_stcore/health") for cookie in browser.get(path).headers.get_list("set-cookie")
    ]
    assert {cookie.split("=")[0] for cookie in set_cookies} == {SECURE_BROWSER_COOKIE, "_streamlit_xsrf"}
    assert [cookie for cookie in set_cookies if "; Secure" not in cookie] == []


def test_the_websocket_is_for_pages_that_came_over_tls(app: RunningApp) -> None:
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    address = app.url.replace("https", "wss") + "/_stcore/stream"
    host = urlsplit(app.url).netloc
    with connect(address, ssl=trusting, origin=f"https://{host}", proxy=None):
        pass
    with (
        pytest.raises(InvalidStatus, match="403"),
        connect(address, ssl=trusting, origin=f"http://{host}", proxy=None),
    ):
        pass


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
def test_old_versions_of_tls_are_refused(app: RunningApp) -> None:
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{app.url}/healthz", verify=_knowing_only(ssl.TLSVersion.TLSv1_1))
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        assert httpx.get(f"{app.url}/healthz", verify=_knowing_only(version)).status_code == 200


def _knowing_only(version: ssl.TLSVersion) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")  # else this side would refuse it already
    context.minimum_version = context.maximum_version = version
    return context
