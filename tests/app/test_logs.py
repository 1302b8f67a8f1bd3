"""The log of a real process, after addresses were opened that hold secrets."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.app_process import NO_DATABASE, RunningApp, running_app

ADDRESSES = [
    "/auth/redeem?ticket=verysecret&next=/",
    "/?invitation=verysecret",
    "/nowhere/verysecret",
    "/api/verysecret",
]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    # Far from UTC, so that local time cannot be taken for it.
    with running_app(tmp_path_factory.mktemp("logs") / "home", NO_DATABASE, TZ="Pacific/Kiritimati") as running:
        yield running


def test_addresses_with_secrets_in_them_are_not_logged(app: RunningApp) -> None:
    for address in ADDRESSES:
        httpx.get(app.url + address, headers={"accept": "text/html", "referer": f"{app.url}/?ticket=verysecret"})
    httpx.get(f"{app.url}/readyz")
    assert "Not ready: database" in app.log
    assert "verysecret" not in app.log


def test_each_line_begins_with_its_time_in_utc(app: RunningApp) -> None:
    before = httpx.get(f"{app.url}/readyz").headers["date"]  # such as Sun, 22 Nov 2026 16:07:06 GMT
    lines = [line for line in app.log.splitlines() if "Not ready" in line or "startup" in line]
    assert len(lines) > 1
    for line in lines:
        assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z (INFO|WARNING) \S+: ", line)
    assert lines[-1].split()[1][:2] in (before[17:19], f"{(int(before[17:19]) + 23) % 24:02}")


@pytest.mark.parametrize(("debug", "says"), [("True", True), ("False", False)])
def test_of_its_start_it_tells_with_debug_only(tmp_path: Path, debug: str, says: bool) -> None:
    with running_app(tmp_path / "home", NO_DATABASE, DEBUG=debug) as app:
        httpx.get(f"{app.url}/readyz")
    assert ("Started server process" in app.log, "Application shutdown complete" in app.log) == (says, says)
    assert "Not ready: database" in app.log
