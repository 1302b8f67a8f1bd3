"""People who sign in with the organisation's account, in a real browser, against a provider that runs here."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.e2e.browser import Person
from tests.oidc_provider import OidcProvider
from tests.stack_process import RunningStack

pytestmark = pytest.mark.e2e

BUTTON = "Sign in with Example account"
PEOPLE = {
    "u-erin": {"email": "erin@example.org", "email_verified": True, "name": "Erin"},
    "u-stranger": {"email": "stranger@example.org", "email_verified": True, "name": "Stranger"},
}


@pytest.fixture(scope="module")
def provider() -> Iterator[OidcProvider]:
    with OidcProvider(PEOPLE) as running:
        yield running


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, provider: OidcProvider) -> Iterator[RunningStack]:
    running = RunningStack(
        tmp_path_factory.mktemp("stack") / "home", {**provider.variables, "KYO_OIDC_NAME": "Example account"}
    )
    running.variables["KYO_PUBLIC_URL"] = running.app_url
    running.start()
    added = running.kyo("users", "add", "erin", "--name", "Erin", "--email", "erin@example.org")
    assert added.returncode == 0, added.stderr
    yield running
    running.stop()


def _cookies(context: BrowserContext) -> dict[str, dict[str, object]]:
    return {cookie["name"]: dict(cookie) for cookie in context.cookies()}


def _signs_on(person: Person, name: str) -> None:
    person.page.get_by_role("button", name=BUTTON).click()
    person.page.get_by_role("link", name=f"I am {name}").click()


def test_from_the_button_to_the_page_that_was_asked_for_and_out_again(
    stack: RunningStack, somebody: Callable[..., Person]
) -> None:
    erin = somebody()
    complaints: list[str] = []
    erin.page.on("console", lambda message: complaints.append(message.text))
    erin.opens("history?answer=1")
    expect(erin.page.get_by_role("button", name=BUTTON)).to_be_visible()
    erin.shows("sign-in with single sign-on")
    _signs_on(erin, "u-erin")
    expect(erin.page.get_by_role("button", name="Sign out")).to_be_visible()
    assert erin.page.url == f"{stack.app_url}/history?answer=1"
    assert [text for text in complaints if "Content Security Policy" in text] == []

    cookies = _cookies(erin.page.context)
    assert cookies["kyo_session"]["httpOnly"]
    assert {name for name in cookies if name.startswith("_streamlit")} == {"_streamlit_xsrf"}

    erin.page.reload()
    expect(erin.page.get_by_role("button", name="Sign out")).to_be_visible()

    erin.signs_out()
    # What the browser held before is worth nothing now, and nobody is signed in again without being asked.
    erin.page.context.add_cookies([{**cookie, "expires": -1} for cookie in cookies.values()])
    erin.opens()
    expect(erin.page.get_by_role("button", name=BUTTON)).to_be_visible()
    expect(erin.page.get_by_role("button", name="Sign out")).to_have_count(0)
    assert erin.page.url == f"{stack.app_url}/"


def test_somebody_whom_kyo_does_not_know_reads_why(somebody: Callable[..., Person]) -> None:
    stranger = somebody(390, 844)
    stranger.opens()
    expect(stranger.page.get_by_role("button", name=BUTTON)).to_be_visible()
    stranger.shows("sign-in with single sign-on, phone")
    _signs_on(stranger, "u-stranger")
    stranger.sees(re.compile("administrator"))
    expect(stranger.page.get_by_role("button", name=BUTTON)).to_be_visible()
    assert "sign-on=" not in stranger.page.url
    assert "kyo_session" not in _cookies(stranger.page.context)
    stranger.shows("single sign-on refused, phone")


def test_whoever_changes_their_mind_at_the_provider_is_asked_again(somebody: Callable[..., Person]) -> None:
    erin = somebody()
    erin.opens("documents")
    erin.page.get_by_role("button", name=BUTTON).click()
    erin.page.get_by_role("link", name="Refuse").click()
    erin.sees(re.compile("That sign-in did not work"))
    _signs_on(erin, "u-erin")
    expect(erin.page).to_have_title(re.compile("Documents"))


def test_an_identity_cookie_of_somebody_s_own_making_opens_nothing(
    stack: RunningStack, somebody: Callable[..., Person]
) -> None:
    forger = somebody()
    forger.page.context.add_cookies(
        [
            {"name": "_streamlit_user", "value": "eyJpc3MiOiJ4In0.aSGi5g.forged", "url": stack.app_url},
            {"name": "kyo_session", "value": "forged", "url": stack.app_url},
        ]
    )
    forger.opens()
    expect(forger.page.get_by_role("button", name=BUTTON)).to_be_visible()


def test_nothing_secret_was_written_down(stack: RunningStack, provider: OidcProvider) -> None:
    secret = provider.variables["KYO_OIDC_CLIENT_SECRET"].encode()
    files = [
        path for path in stack.home.rglob("*") if path.is_file() and not path.is_relative_to(stack.home / "postgres")
    ]
    assert files
    assert [str(path) for path in files if secret in path.read_bytes()] == []
    assert "Traceback" not in stack.output
