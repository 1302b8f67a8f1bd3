"""What the console script says of itself, and of what is wrong before a command can begin."""

from collections.abc import Callable
from pathlib import Path

import pytest

from kyo_app import cli
from kyo_pipeline.services import health
from tests.shell import Shell


def test_help_tells_the_exit_codes_and_all_commands(shell: Shell) -> None:
    done = shell("--help")
    assert done.code == 0
    assert "Exit codes:" in done.out
    for name in cli._COMMANDS:
        assert f"\n  {name} " in done.out
        assert shell(name, "--help").code == 0


def test_version(shell: Shell) -> None:
    assert shell("version").out.count(".") == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("users", "add"),
        ("search", "x", "-k", "0"),
        ("ingest", "/nowhere"),
        ("users", "add", "x", "--role", "king"),
    ],
)
def test_a_wrong_command_line(shell: Shell, arguments: tuple[str, ...]) -> None:
    done = shell(*arguments)
    assert (done.code, done.out) == (2, "")
    assert "Error:" in done.err


def test_all_wrong_settings_are_named(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KYO_PORT", "x")
    monkeypatch.setenv("CHUNK_SIZE", "1")
    done = shell("users", "list")
    assert done.code == 1
    assert {line.split(":")[1].strip() for line in done.err.splitlines()} == {"KYO_PORT", "CHUNK_SIZE"}


def test_a_database_that_is_down(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    done = shell("users", "list")
    assert (done.code, done.out) == (3, "")
    assert done.err.startswith("kyo: The database does not answer")
    assert done.err.count("\n") == 1


def test_a_database_that_is_behind(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, new_database: Callable[[], str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", new_database())
    done = shell("search", "holiday")
    assert done.code == 3
    assert "kyo migrate" in done.err


@pytest.mark.usefixtures("database")
def test_what_nobody_expected_leaves_a_line_here_and_the_rest_in_a_log(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    def explode(*_: object) -> None:
        raise ZeroDivisionError("not even this")

    monkeypatch.setattr(health, "check_health", explode)
    done = shell("status")
    assert done.code == 1
    assert done.err == f"kyo: something unexpected went wrong (ZeroDivisionError). Details: {home}/logs/cli.log\n"
    assert "not even this" in (home / "logs" / "cli.log").read_text()


def test_migrate_says_what_it_applied_and_once(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, new_database: Callable[[], str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", new_database())
    first, second = shell("migrate"), shell("migrate", "--json")
    assert first.out.splitlines()[0].startswith("0001_")
    assert second.data == {"applied": []}
