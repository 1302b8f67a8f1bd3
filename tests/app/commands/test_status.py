"""`kyo status`."""

from pathlib import Path

import pytest

from tests.shell import Shell


def test_status_of_what_was_never_started_makes_nothing(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KYO_HOME", str(tmp_path / "never"))
    done = shell("status")
    assert done.code == 3
    assert "kyo up" in done.err
    assert not (tmp_path / "never").exists()


@pytest.mark.usefixtures("database")
def test_status(shell: Shell) -> None:
    shown, data = shell("status"), shell("status", "--json")
    assert (shown.code, data.code) == (3, 3), "no daemon runs here"
    assert ["migrations", "ok", "up", "to", "date"] in [line.split() for line in shown.out.splitlines()]
    assert isinstance(data.data, dict)
    assert data.data["ready"] is False
    assert {check["name"] for check in data.data["checks"]} >= {
        "database",
        "database role",
        "migrations",
        "daemon",
        "redis",
    }
    assert data.data["overview"]["numbers"]["people"] >= 0
