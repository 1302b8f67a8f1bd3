"""`kyo doctor`."""

import os
from pathlib import Path

import pytest

from tests.shell import Shell


def test_the_doctor_finds_damage_says_what_to_do_and_repairs(ingested: Shell, home: Path) -> None:
    well = ingested("doctor", "--deep", "--json")
    assert well.code == 3, "all is well but for the daemon, which does not run here"
    assert isinstance(well.data, dict)
    assert all(finding["problems"] == 0 for finding in well.data["findings"])

    stored = home / "files" / "ab" / "cd" / ("abcd" + "0" * 60)
    stored.parent.mkdir(parents=True)
    stored.write_bytes(b"nobody's")
    os.utime(stored, (0, 0))
    found = ingested("doctor")
    assert found.code == 1
    assert "files have versions" in found.out
    assert stored.name in found.out
    assert "kyo doctor --repair" in found.out

    repaired = ingested("doctor", "--repair")
    assert repaired.code == 3
    assert "1 files that no document has are removed" in repaired.out
    assert not stored.exists()


def test_the_doctor_of_what_was_never_started(shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("DATABASE_URL")
    monkeypatch.setenv("KYO_HOME", str(tmp_path / "none"))
    done = shell("doctor")
    assert (done.code, "was never started" in done.err) == (3, True)
    assert not (tmp_path / "none").exists()
