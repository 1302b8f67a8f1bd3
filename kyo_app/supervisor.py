"""Runs the processes of the stack together: honcho starts and ends them, a thread beside it watches."""

import re
import shlex
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Protocol

from honcho.manager import Manager  # type: ignore[import-untyped]  # honcho has no type hints

from kyo_app.children import Child
from kyo_pipeline.settings import BASE_FOLDER

_POLL_SECONDS = 0.5
#: honcho says what happens to its processes only in lines like `app started (pid=12)` and `app stopped (rc=0)`.
_REPORT = re.compile(r"(?P<name>\S+) (?P<event>started|stopped) \((?:pid|rc)=(?P<number>-?\d+)\)")


class Message(Protocol):
    """What honcho gives to its printer."""

    name: str
    data: str | bytes


class Supervisor:
    """Runs until a signal, the end of a child, or `watch` says why to stop.

    `watch` is called twice a second once every child has started; a sentence from it ends everything.
    """

    #: honcho sets it, to align its lines; there are none here.
    width = 0

    def __init__(
        self,
        children: Sequence[Child],
        environment: Mapping[str, str],
        logs: Path,
        watch: Callable[[], str | None],
    ) -> None:
        self._logs = logs
        self._watch = watch
        self._waiting_for = {child.name for child in children}
        self._all_started = threading.Event()
        self._stopping = threading.Event()
        self._reason: str | None = None
        self._manager = Manager(printer=self)
        for child in children:
            self._manager.add_process(
                child.name, self._shell(child), env=child.environment(environment), cwd=str(BASE_FOLDER)
            )

    def run(self) -> str | None:
        """Return None after a signal, else why everything ended."""
        self._logs.mkdir(mode=0o700, exist_ok=True)
        for log in self._logs.glob("*.log"):
            log.replace(log.with_suffix(".log.1"))
        # honcho sees to SIGINT and SIGTERM; a terminal that closes is to end the stack as well.
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            signal.signal(signal.SIGHUP, self._hang_up)
        self._manager.terminate = self._terminate(self._manager.terminate)
        watcher = threading.Thread(target=self._watch_until_stopped, daemon=True)
        watcher.start()
        self._manager.loop()
        self._stopping.set()
        watcher.join()
        return self._reason

    def write(self, message: Message) -> None:
        """honcho's printer. The children write to files of their own, so all that comes is about them."""
        report = _REPORT.match(str(message.data))
        if not report:
            return
        name = report["name"]
        if report["event"] == "started":
            self._waiting_for.discard(name)
            if not self._waiting_for:
                self._all_started.set()
                if self._stopping.is_set():
                    self._manager.terminate()
        elif not self._stopping.is_set():
            self._reason = self._obituary(name, int(report["number"]))

    def _terminate(self, honcho_terminate: Callable[[], None]) -> Callable[[], None]:
        """honcho's own, put off until all children have started: before that, it fails half-way."""

        def terminate() -> None:
            self._stopping.set()
            if self._all_started.is_set():
                honcho_terminate()

        return terminate

    def _hang_up(self, _signal: int, _frame: FrameType | None) -> None:
        self._manager.terminate()

    def _watch_until_stopped(self) -> None:
        self._all_started.wait()
        while not self._stopping.wait(_POLL_SECONDS):
            if reason := self._watch():
                self._reason = reason
                self._manager.terminate()

    def _shell(self, child: Child) -> str:
        return f"exec {shlex.join(child.command)} >{shlex.quote(str(self._log(child.name)))} 2>&1"

    def _log(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    def _obituary(self, name: str, code: int) -> str:
        log = self._log(name)
        if code < 0:
            return f"{name} was killed by signal {-code} (log: {log})"
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        said = next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")
        return f"{name} ended by itself with code {code}: {said} (log: {log})"
