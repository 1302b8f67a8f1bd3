"""Processes of a stack that outlived it, after a `kill -9` or because they ignore the end."""

from contextlib import suppress
from pathlib import Path

import psutil

from kyo_app.children import MARK

_PATIENCE_SECONDS = 5
_REDIS = ("redis-server", "valkey-server")


def end_leftovers(home: Path) -> list[str]:
    """End every process of the stack in `home`, politely and then for good; return what they were called."""
    found = [process for process in psutil.process_iter() if _belongs_to(process, home)]
    names = [_name(process) for process in found]
    for process in found:
        with suppress(psutil.Error):
            process.terminate()
    _, stubborn = psutil.wait_procs(found, timeout=_PATIENCE_SECONDS)
    for process in stubborn:
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(stubborn, timeout=_PATIENCE_SECONDS)
    return names


def _belongs_to(process: psutil.Process, home: Path) -> bool:
    try:
        if process.name() in _REDIS:  # it writes over its environment, but works in our folder
            return Path(process.cwd()) == home.resolve()
        return process.environ().get(MARK) == str(home)
    except (psutil.Error, OSError):
        return False


def _name(process: psutil.Process) -> str:
    try:
        return process.name()
    except psutil.Error:
        return str(process.pid)
