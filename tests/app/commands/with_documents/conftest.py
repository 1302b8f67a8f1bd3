"""Commands on a folder of documents, which is taken in once in each module."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.shell import Shell

HANDBOOK = """Leave

Every employee has thirty days of paid holiday in a calendar year. Unused days expire at the end of March.

Bicycles

Bicycles may be parked in the cellar. The key hangs beside the lift.
"""


@pytest.fixture(scope="module")
def module_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def home(module_home: Path) -> Path:
    return module_home


@pytest.fixture(autouse=True)
def database(_environment: None, own_database: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("DATABASE_URL", own_database)
    return own_database


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two good files, one broken, and some that nobody wants."""
    folder = tmp_path_factory.mktemp("documents")
    (folder / "handbook.txt").write_text(HANDBOOK)
    (folder / "office").mkdir()
    (folder / "office" / "printers.txt").write_text("The printer on the third floor prints in colour.\n")
    (folder / "office" / "broken.pdf").write_text("this is no PDF")
    (folder / "logo.png").write_bytes(b"\x89PNG")
    (folder / ".hidden.txt").write_text("secret")
    (folder / ".git").mkdir()
    (folder / ".git" / "notes.txt").write_text("secret")
    return folder


@pytest.fixture
def ingested(shell: Shell, folder: Path) -> Iterator[Shell]:
    """The folder is in and approved; the first test that needs it does the work."""
    if "handbook" not in shell("search", "holiday").out.lower():
        shell("ingest", folder, "--approve", "--no-daemon")
    return shell
