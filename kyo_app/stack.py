"""`kyo up`: everything on this machine, started, watched and stopped together. Light, since it stays in memory."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import click
import psutil

from kyo_app.children import children, environment
from kyo_app.commands.exits import UNAVAILABLE
from kyo_app.leftovers import end_leftovers
from kyo_app.preflight import check_ports, check_tls, make_home, only_stack
from kyo_app.readiness import app_address, dagster_address, missing
from kyo_app.supervisor import Supervisor
from kyo_pipeline.errors import Invalid, Unavailable
from kyo_pipeline.services import operations
from kyo_pipeline.settings import BASE_FOLDER, PROJECT_ROOT, Settings

_SLOW_SECONDS = 60


@dataclass(frozen=True)
class _Prepared:
    """What the child that migrates found out (see `prepare`)."""

    dagster_url: str
    migrations: list[str]
    username: str | None
    password: str | None


def up(settings: Settings) -> None:
    """Run everything until a signal. Raises `KyoError` when something cannot start, or ended by itself."""
    settings = settings.model_copy(update={"KYO_HOME": settings.KYO_HOME.absolute()})
    home = settings.KYO_HOME
    make_home(home)
    with only_stack(home), _ended_by_signals():
        _say_leftovers(end_leftovers(home))
        check_ports(settings)
        check_tls(settings)
        click.echo("Starting. The first start takes a little longer.")
        with operations.running_servers(settings) as servers:
            prepared = _prepare(servers.settings)
            try:
                _run(servers, prepared)
            finally:
                _ignore_signals()
                end_leftovers(home)
    click.echo("Stopped.")


def _run(servers: operations.Servers, prepared: _Prepared) -> None:
    settings = servers.settings
    _fill_dagster_home(settings.KYO_HOME / "dagster")
    watch = _Watch(servers, prepared)
    logs = settings.KYO_HOME / "logs"
    variables = environment(settings, prepared.dagster_url, os.environ)
    supervisor = Supervisor(children(settings, servers.redis_command), variables, logs, watch)
    reason = supervisor.run()
    watch.tell_first_admin()  # somebody may have waited in vain for the rest, but the password is shown only once
    if reason:
        raise Unavailable(reason)


class _Watch:
    """Looks after the stack twice a second: says once that it is ready, and why it must end."""

    def __init__(self, servers: operations.Servers, prepared: _Prepared) -> None:
        self._servers = servers
        self._prepared = prepared
        self._began = time.monotonic()
        self._ready = False
        self._warned = False
        self._told = False

    def __call__(self) -> str | None:
        pid = self._servers.postmaster
        if pid is not None and not _is_alive(pid):
            return f"PostgreSQL ended by itself (log: {self._servers.settings.KYO_HOME / 'postgres.log'})"
        if not self._ready:
            self._look_whether_ready()
        return None

    def tell_first_admin(self) -> None:
        if self._prepared.password is None or self._told:
            return
        self._told = True
        click.echo(f"  First sign-in  {self._prepared.username}")
        click.echo(f"  Password       {self._prepared.password}  (once: you choose your own then)")

    def _look_whether_ready(self) -> None:
        lacking = missing(self._servers.settings)
        self._ready = not lacking
        if self._ready:
            self._tell_ready()
        elif not self._warned and time.monotonic() - self._began > _SLOW_SECONDS:
            self._warned = True
            logs = self._servers.settings.KYO_HOME / "logs"
            click.echo(f"Still waiting for: {', '.join(lacking)} (logs: {logs})", err=True)

    def _tell_ready(self) -> None:
        settings = self._servers.settings
        click.echo("KYO is ready.")
        click.echo(f"  App            {app_address(settings)}")
        click.echo(f"  Dagster        {dagster_address(settings)}")
        click.echo(f"  State and logs {settings.KYO_HOME}")
        self.tell_first_admin()
        click.echo("Ctrl-C stops everything.")


def _prepare(settings: Settings) -> _Prepared:
    """Migrate and make the first admin, in a process that is gone afterwards."""
    done = subprocess.run(
        [sys.executable, "-m", "kyo_app.prepare"],
        env=environment(settings, "", os.environ),
        cwd=BASE_FOLDER,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        kind = Unavailable if done.returncode == UNAVAILABLE else Invalid
        raise kind(said[-1] if said else "The database could not be prepared.")
    return _Prepared(**json.loads(done.stdout))


def _fill_dagster_home(folder: Path) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(0o700)  # the code server's socket lies here, and whoever reaches it may start runs
    shutil.copyfile(PROJECT_ROOT / "dagster.yaml", folder / "dagster.yaml")


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """SIGTERM ends what is under way as Ctrl-C does, and either is a good end."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    except KeyboardInterrupt:
        click.echo("Stopped before it was ready.", err=True)
        raise SystemExit(0) from None


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _ignore_signals() -> None:
    """The end has begun: impatience must not leave half of it behind."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def _say_leftovers(names: list[str]) -> None:
    if names:
        click.echo(f"Ended {len(names)} processes that an earlier start had left: {', '.join(sorted(set(names)))}.")


def _is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
