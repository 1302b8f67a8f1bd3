"""Ending parts of a running stack without a warning, and looking at its database."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from kyo_pipeline.domain.database_role import DatabaseRole
from kyo_pipeline.kyo import Kyo, open_kyo
from kyo_pipeline.services import operations
from kyo_pipeline.settings import Settings
from tests.stack_process import RunningStack


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


def run_processes(stack: RunningStack) -> list[psutil.Process]:
    """The processes in which Dagster runs work: forked off the warm one that its code server has started."""
    server = stack.find("kyo_pipeline.defs.code_server")
    found = [run for child in server.children() for run in child.children()]
    assert found, "no run was under way"
    return found


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
