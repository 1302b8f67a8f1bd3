"""Every command in docs/api.md, in a real shell, against the app in a process of its own."""

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kyo_app.api.app import create_api
from kyo_pipeline.adapters.passwords import hash_password
from kyo_pipeline.db import users
from kyo_pipeline.db.engine import Database
from kyo_pipeline.domain.actor import OPERATOR, Role
from kyo_pipeline.domain.database_role import DatabaseRole
from kyo_pipeline.kyo import open_kyo, utc_now
from kyo_pipeline.services import indexing, upkeep
from kyo_pipeline.settings import Settings
from tests.app_process import running_app

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "api.md"
SECONDS = 60
PASSWORD = "amber kettle sings at dawn"


def commands() -> str:
    found = re.findall(r"^```bash\n(.*?)^```$", GUIDE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return "\n".join(found)


def test_there_is_a_command_for_every_address() -> None:
    asked = re.sub(r"\$(DOCUMENT|ID)\b", "{}", commands())
    for path, methods in create_api().openapi()["paths"].items():
        address = re.escape("$KYO/api" + re.sub(r"{\w+}", "{}", path)) + '(\\?[^"]*)?"'
        assert re.search(address, asked), path
        for method in methods.keys() & {"put", "delete"}:
            assert re.search(f'-X {method.upper()} "{address}', asked), (method, path)


def test_lines_are_no_wider_than_the_code() -> None:
    assert [line for line in GUIDE.read_text(encoding="utf-8").splitlines() if len(line) > 120] == []


def test_every_command_does_what_it_says(own_database: str, tmp_path: Path, process: Callable[[], None]) -> None:
    printed = tmp_path / "printed"
    environment = {"PATH": os.environ["PATH"], "ADMIN": "head", "ADMIN_PASSWORD": PASSWORD}
    with running_app(tmp_path / "home", own_database, KYO_REGISTRATION="open") as app, printed.open("wb") as output:
        command = ["bash", "-euxo", "pipefail", "-c", commands()]
        environment["KYO"] = app.url
        shell = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=output, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + SECONDS
        while shell.poll() is None and time.monotonic() < deadline:
            process()
        shell.terminate()
        assert shell.wait(SECONDS) == 0, printed.read_text() + app.log


@pytest.fixture
def process(own_database: str, tmp_path: Path) -> Iterator[Callable[[], None]]:
    """Dagster's steps, for whatever waits; and there is an admin."""
    settings = Settings.model_validate({"KYO_HOME": tmp_path / "home", "DATABASE_URL": own_database})
    owner = Database(own_database)
    with owner.transaction(OPERATOR) as tx:
        users.add(tx, "head", "Head", Role.ADMIN, utc_now(), password_hash=hash_password(PASSWORD))
    owner.close()
    kyo = open_kyo(settings, DatabaseRole.PIPELINE)

    def run() -> None:
        claim = indexing.claim_name("docs")
        for step in (indexing.parse, indexing.cut, indexing.embed, indexing.publish_ready):
            step(kyo, claim)
        upkeep.refresh_weights(kyo)

    yield run
    kyo.close()
