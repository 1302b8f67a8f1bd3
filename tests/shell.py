"""The console script, called in this process as a shell would call it."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kyo_app import cli


@dataclass(frozen=True)
class Done:
    """What a command has left: its exit code, and what it printed where."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """Of a command with `--json`."""
        return json.loads(self.out)


@dataclass(frozen=True)
class Shell:
    """Calls `kyo`, then `before`, then what a test names, in the environment that the test has made."""

    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]
    before: tuple[str, ...] = ()

    def __call__(self, *arguments: str | Path) -> Done:
        self.monkeypatch.setattr(sys, "argv", ["kyo", *self.before, *map(str, arguments)])
        self.capsys.readouterr()
        with pytest.raises(SystemExit) as exit_:
            cli.main()
        printed = self.capsys.readouterr()
        assert "Traceback" not in printed.err
        code = exit_.value.code
        return Done(code if isinstance(code, int) else 0, printed.out, printed.err)
