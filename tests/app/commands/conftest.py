"""The command line, called in this process, in a KYO_HOME of the test's own."""

from collections.abc import Callable
from pathlib import Path

import pytest

from kyo_pipeline.settings import Settings
from tests.shell import Shell


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """KYO_HOME, which nobody has made yet."""
    return tmp_path / "home"


@pytest.fixture
def _environment(home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing is set but KYO_HOME."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KYO_HOME", str(home))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def database(_environment: None, migrated_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of a migrated one, which is set."""
    url = migrated_database()
    monkeypatch.setenv("DATABASE_URL", url)
    return url


@pytest.fixture
def shell(_environment: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    """Calls the console script as a shell would."""
    return Shell(monkeypatch, capsys)
