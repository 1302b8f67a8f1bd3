"""A real `kyo up` for tests: its own folder, its own ports, started, asked, stopped, killed."""

import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from urllib.error import URLError

import psutil

KYO = Path(sys.executable).with_name("kyo")

_READY_SECONDS = 120
_STOP_SECONDS = 60
_OWN = ("KYO_", "DATABASE_URL", "DB_", "REDIS_URL", "HF_", "DAGSTER_", "SECRET_KEY")


class RunningStack:
    """`kyo up` on `home`. What it prints is in `output`; `password` is known after a first start only."""

    def __init__(self, home: Path, variables: Mapping[str, str] | None = None) -> None:
        self.home = home
        self.app_port, self.dagster_port = free_ports(2)
        self.username = "admin"
        self.password: str | None = None
        self.variables = {
            **{name: value for name, value in os.environ.items() if not name.startswith(_OWN)},
            "KYO_HOME": str(home),
            "KYO_PORT": str(self.app_port),
            "KYO_DAGSTER_PORT": str(self.dagster_port),
            **(variables or {}),
        }
        self._printed = home.with_suffix(".out")
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def app_url(self) -> str:
        return f"http://127.0.0.1:{self.app_port}"

    @property
    def dagster_url(self) -> str:
        return f"http://127.0.0.1:{self.dagster_port}"

    @property
    def output(self) -> str:
        """All that this start has printed, errors too."""
        return self._printed.read_text() if self._printed.exists() else ""

    def __enter__(self) -> "RunningStack":
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> "RunningStack":
        """Start and wait until the app says that it is ready; fail with what was printed when it does not."""
        self.launch()
        deadline = time.monotonic() + _READY_SECONDS
        while not self.is_ready() or "Ctrl-C stops everything." not in self.output:
            if self.process is None or self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise AssertionError(f"kyo up did not become ready:\n{self.output}")
            time.sleep(0.2)
        if found := re.search(r"First sign-in +(\S+)\s+Password +(\S+)", self.output):
            self.username, self.password = found[1], found[2]
        return self

    def launch(self) -> None:
        """Start without waiting."""
        with self._printed.open("wb") as output:
            self.process = subprocess.Popen(
                [KYO, "up"], env=self.variables, cwd=self.home.parent, stdout=output, stderr=subprocess.STDOUT
            )

    def is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.app_url}/readyz", timeout=5) as answer:  # noqa: S310 - http, see app_url
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Ask it to end, as Ctrl-C does, and return its exit code."""
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """Wait for its own end and return its exit code."""
        assert self.process is not None
        return self.process.wait(_STOP_SECONDS)

    def kill(self) -> None:
        """kill -9 of `kyo up` alone: it has no chance to end anything."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(_STOP_SECONDS)

    def kyo(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Another command of the command line, on the same folder."""
        return subprocess.run(
            [KYO, *arguments], env=self.variables, cwd=self.home.parent, capture_output=True, text=True, check=False
        )

    def processes(self) -> list[psutil.Process]:
        """Everything that belongs to this stack and lives."""
        return [process for process in psutil.process_iter() if _mentions(process, str(self.home))]

    def find(self, words: str) -> psutil.Process:
        """The process of the stack with these words in its command line. In no other: ids start over some time."""
        return next(process for process in self.processes() if words in _command_line(process))


def free_ports(count: int) -> list[int]:
    """Below the range that outgoing connections get theirs from: one of them could take a port before it is bound."""
    ports: set[int] = set()
    while len(ports) < count:
        port = secrets.choice(range(15_000, 32_000))
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            ports.add(port)
    return list(ports)


def _command_line(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:  # it has just ended
        return ""


def _mentions(process: psutil.Process, home: str) -> bool:
    try:
        if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
            return False
        return home in (
            process.environ().get("KYO_STACK"),
            process.environ().get("KYO_HOME"),
        ) or process.cwd().startswith(home)
    except (psutil.Error, OSError):
        return False
