"""The deployed app for tests, as `kyo up` starts it, without the rest of the stack."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from kyo_app.children import children
from kyo_app.readiness import app_address
from kyo_pipeline.settings import PROJECT_ROOT, Settings
from tests.stack_process import free_ports

#: Nobody answers there, for tests that need no database.
NO_DATABASE = "postgresql+psycopg2://nobody@127.0.0.1:1/none"

_SECONDS = 60


@dataclass(frozen=True)
class RunningApp:
    url: str
    log_file: Path

    @property
    def log(self) -> str:
        return self.log_file.read_text()


@contextmanager
def running_app(home: Path, database_url: str, **variables: str) -> Iterator[RunningApp]:
    """Our app on a port of its own, until the end of the block. There is no Redis; nothing that it does needs one."""
    [port] = free_ports(1)
    home.mkdir(exist_ok=True)
    settings = Settings.model_validate({"KYO_HOME": home, "KYO_PORT": port, **variables})
    command = children(settings, None)[-1].command
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "PYTHONUNBUFFERED": "1",
        "KYO_HOME": str(home),
        "DATABASE_URL": database_url,
        "REDIS_URL": "redis://127.0.0.1:1/0",
        **variables,
    }
    app = RunningApp(app_address(settings), home / "app.log")
    with app.log_file.open("wb") as log:
        process = subprocess.Popen(command, env=environment, cwd=PROJECT_ROOT, stdout=log, stderr=subprocess.STDOUT)
    try:
        _wait_for(app, process)
        yield app
    finally:
        process.terminate()
        process.wait(_SECONDS)


def _wait_for(app: RunningApp, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            # Its certificate, if it has one, is by nobody whom this machine knows.
            if httpx.get(f"{app.url}/healthz", verify=False).status_code == 200:  # noqa: S501 — see above
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(f"the app did not start:\n{app.log}")
