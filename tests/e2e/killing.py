"""Holding parts of a running stack up, ending them without a warning, and looking at its database."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType

import psutil
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from kyo_pipeline.domain.database_role import DatabaseRole
from kyo_pipeline.kyo import Kyo, open_kyo
from kyo_pipeline.services import operations
from kyo_pipeline.settings import Settings
from tests.stack_process import RunningStack

PATIENCE_SECONDS = 120.0

#: What a step needs last, so that it can be held up there: the version stays in the stage before.
HELD_UP_BY = {
    "uploaded": "lock table kyo.version_texts in share mode",
    "parsed": "lock table kyo.chunks in share mode",
    "chunked": "lock table kyo.{vectors} in share mode",
    "embedded": "select from kyo.corpus for update",
    "another set": "lock table kyo.{candidate} in share mode",
}

#: pg_locks, since what pg_stat_activity says stays the same for a whole transaction.
_IS_WAITED_FOR = """
    select exists (
      select
      from pg_locks w
      where not w.granted
        and pg_backend_pid() = any(pg_blocking_pids(w.pid))
        and (
          cast(:after_writing as text) is null
          or exists (
            select
            from pg_locks h
            where h.pid = w.pid
              and h.granted
              and h.relation = to_regclass(:after_writing)
              and h.mode = 'RowExclusiveLock'
          )
        )
    )
"""


@contextmanager
def opened(stack: RunningStack, role: DatabaseRole = DatabaseRole.PIPELINE) -> Iterator[Kyo]:
    """A Kyo of this process on the database of the stack; with the rights of the pipeline it looks at all rows."""
    settings = Settings(KYO_HOME=stack.home)
    with operations.running_servers(settings) as servers:
        kyo = open_kyo(servers.settings, role)
        try:
            yield kyo
        finally:
            kyo.close()


def kill_runs(stack: RunningStack) -> None:
    """Kill the processes in which Dagster runs work: forked off the warm one that its code server has started."""
    # With `-m`, since the warm one and the runs have the module's name in their command lines too.
    server = stack.find("-m kyo_pipeline.defs.code_server")
    killed = 0
    for run in [run for child in server.children() for run in child.children()]:
        with suppress(psutil.NoSuchProcess):
            run.kill()
            killed += 1
    assert killed, "no run was under way"


def kill(stack: RunningStack, victim: str) -> None:
    if victim == "kyo up":
        stack.kill()
        return
    if victim == "postgres":
        psutil.Process(int((stack.home / "postgres" / "postmaster.pid").read_text().split()[0])).kill()
    else:
        stack.find(victim).send_signal(signal.SIGKILL)
    assert stack.wait() != 0
    assert "kyo: " in stack.output.splitlines()[-1]


def wait_until(done: Callable[[], bool], complaint: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not done():
        assert time.monotonic() < deadline, complaint
        time.sleep(0.05)


class Barrier:
    """Nothing gets past this stage before it is lifted, or its `with` is left."""

    def __init__(self, stack: RunningStack, stage: str) -> None:
        self.stage = stage
        with operations.running_servers(Settings(KYO_HOME=stack.home)) as servers:
            assert servers.settings.DATABASE_URL
            engine = create_engine(servers.settings.DATABASE_URL.get_secret_value(), poolclass=NullPool)
            self._connection = engine.connect()
        named = "select 'chunk_embeddings_' || id from kyo.embedding_sets where state = :state"
        vectors, candidate = (self._connection.scalar(text(named), {"state": one}) for one in ("active", "building"))
        self._connection.execute(text(HELD_UP_BY[stage].format(vectors=vectors, candidate=candidate)))

    def __enter__(self) -> "Barrier":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def is_met(self, after_writing: str | None = None) -> bool:
        """Whether somebody waits for it; with `after_writing`, somebody whose transaction has written to that table."""
        return bool(self._connection.scalar(text(_IS_WAITED_FOR), {"after_writing": after_writing}))

    def lift(self) -> None:
        self._connection.rollback()
        self._connection.close()

    def forget(self) -> None:
        """Its server is gone, and with it what held anybody up."""
        self._connection.invalidate()
