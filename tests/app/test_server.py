"""The deployed app, in a process of its own and from a strange working directory."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

_SCRIPT = """
import json
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from streamlit import config, net_util
from kyo_app.server import create_app

asked = []
net_util.get_external_ip = lambda: asked.append("the internet")

app = create_app()
options = ["runner.postScriptGC", "browser.gatherUsageStats", "client.showErrorDetails", "client.toolbarMode",
           "server.enableXsrfProtection", "server.maxUploadSize", "server.trustedUserHeaders", "server.fileWatcherType",
           "client.allowedOrigins"]
found = {name: config.get_option(name) for name in options}
with TestClient(app, base_url="http://kyo.example:8501") as client:
    def get(path, **headers):
        reply = client.get(path, headers=headers)
        return [reply.status_code, dict(reply.headers)]
    replies = {
        "page": get("/documents", accept="text/html"),
        "health": get("/healthz"),
        "ready": get("/readyz"),
        "api": get("/api/x"),
        "api, nobody": get("/api/auth/profile/"),
        "api, cookie": get("/api/auth/profile/", cookie="kyo_session=abc; __Host-kyo_session=abc"),
        "api, no database": get("/api/auth/profile/", authorization="Bearer kyo_abc"),
        "api, other site": get("/api/auth/profile/", origin="http://evil.example"),
        "api, long header": get("/api/auth/profile/", authorization="Bearer " + "x" * 1_000_000),
        "api, long query": get("/api/auth/profile/?" + "x" * 60_000),
        "media": get("/media/x"),
        "sign-on": get("/oauth2callback?error=planted"),
        "stranger": get("/healthz", host="evil.example"),
        "no database": get("/media/x", cookie="kyo_session=abc"),
        "odd": get("/%2e%2e/"),
        "host config": get("/_stcore/host-config"),
        "sources": get("/.git/config"),
        "folder": get("/static/js"),
    }
    slash = client.get("/api/auth/profile?a=1", follow_redirects=False)
    replies["api, no slash"] = [slash.status_code, dict(slash.headers)]
    echo = client.request("TRACE", "/healthz")
    replies["echo"] = [echo.status_code, dict(echo.headers)]
    def connect(host, origin):
        try:
            with client.websocket_connect(f"ws://{host}/_stcore/stream", headers={"origin": origin}):
                return "connected"
        except WebSocketDisconnect as refused:
            return refused.code
    origins = {}
    for host, origin in [("kyo.example:8501", "http://kyo.example:8501"), ("app:8501", "https://kyo.example"),
                         ("kyo.example:8501", "http://evil.example"), ("kyo.example:8501", "null")]:
        statuses = [get(path, host=host, origin=origin)[0] for path in ("/_stcore/health", "/_stcore/host-config")]
        origins[f"{origin} at {host}"] = [*statuses, connect(host, origin)]
print(json.dumps({"options": found, "replies": replies, "origins": origins, "asked": asked,
                  "messages": client.get("/_stcore/host-config", headers={"host": "app"}).json()["allowedOrigins"]}))
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, object]]:
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "ALLOWED_HOSTS": "kyo.example,app",
        "MAX_FILE_SIZE_MB": "7",
        "DATABASE_URL": "postgresql+psycopg2://nobody@127.0.0.1:1/none",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "KYO_HOME": str(tmp_path_factory.mktemp("home")),
        "HOME": str(tmp_path_factory.mktemp("user")),
    }
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT],
        env=environment,
        cwd="/",
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, dict[str, object]] = json.loads(done.stdout.splitlines()[-1])
    return result


def test_our_configuration_is_found_from_anywhere(served: dict[str, dict[str, object]]) -> None:
    assert served["options"] == {
        "runner.postScriptGC": False,
        "browser.gatherUsageStats": False,
        "client.showErrorDetails": "none",
        "client.toolbarMode": "minimal",
        "server.enableXsrfProtection": True,
        "server.maxUploadSize": 7,
        "server.trustedUserHeaders": {"x-kyo-session": "session"},
        "server.fileWatcherType": "none",
        "client.allowedOrigins": [],
    }


def test_no_page_may_steer_the_app_by_messages(served: dict[str, object]) -> None:
    assert served["messages"] == []


def test_origins_are_judged_without_asking_the_internet(served: dict[str, object]) -> None:
    assert served["origins"] == {
        "http://kyo.example:8501 at kyo.example:8501": [200, 200, "connected"],
        "https://kyo.example at app:8501": [200, 200, "connected"],
        "http://evil.example at kyo.example:8501": [403, 403, 1008],
        "null at kyo.example:8501": [403, 403, 1008],
    }
    assert served["asked"] == []


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("page", 200),
        ("health", 200),
        ("ready", 503),
        ("api", 404),
        ("api, nobody", 401),
        ("api, cookie", 401),
        ("api, no database", 503),
        ("api, other site", 403),
        ("api, long header", 431),
        ("api, long query", 414),
        ("api, no slash", 307),
        ("media", 401),
        ("sign-on", 404),
        ("stranger", 400),
        ("no database", 503),
        ("echo", 405),
    ],
)
def test_what_is_answered(served: dict[str, dict[str, list[object]]], name: str, status: int) -> None:
    assert served["replies"][name][0] == status


@pytest.mark.parametrize("name", ["page", "health", "api", "api, nobody", "media", "stranger", "odd"])
def test_every_reply_has_the_security_headers(served: dict[str, dict[str, list[dict[str, str]]]], name: str) -> None:
    headers = served["replies"][name][1]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["content-type"]
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["frame-ancestors"] == "'none'"
    assert policy["img-src"] == "'self' data: blob:"
    assert "sha256-" in policy["script-src"]
    assert "unsafe" not in policy["script-src"]


@pytest.mark.parametrize("name", ["api", "api, nobody", "api, cookie", "api, no database", "api, long header"])
def test_the_api_answers_with_problems_that_have_a_name(
    served: dict[str, dict[str, list[dict[str, str]]]], name: str
) -> None:
    headers = served["replies"][name][1]
    assert headers["content-type"] == "application/problem+json"
    assert headers["cache-control"] == "no-store"
    assert headers["x-request-id"]


def test_a_missing_slash_of_the_api_does_not_lead_to_another_host(
    served: dict[str, dict[str, list[dict[str, str]]]],
) -> None:
    assert served["replies"]["api, no slash"][1]["location"] == "/api/auth/profile/?a=1"


@pytest.mark.parametrize("name", ["sources", "folder"])
def test_other_paths_are_the_start_page_and_no_file_or_list(
    served: dict[str, dict[str, list[dict[str, str]]]], name: str
) -> None:
    replies = served["replies"]
    assert replies[name][1]["etag"] == replies["page"][1]["etag"]
