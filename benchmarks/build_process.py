"""A process that builds an embedding set, as a run of the pipeline does, with what may make it less of a burden."""

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import IntEnum
from multiprocessing.context import SpawnProcess
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path

from sqlalchemy import text

from benchmarks import builds
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import indexing, reembedding
from kyo_pipeline.services.reembedding import WorkReport
from kyo_pipeline.settings import Settings

_SPAWN = multiprocessing.get_context("spawn")


class Phase(IntEnum):
    STARTING = 0
    EMBEDDING = 1
    INDEXING = 2
    DONE = 3


@dataclass(frozen=True)
class Manners:
    """How considerate the process is.

    `session`: it has one of its own, as whatever `kyo up` starts has; where the kernel groups processes by session
    (autogroup), niceness counts within one alone. `group`: it tells the kernel so of its session as well. `backends`:
    it makes its connections of the embedded PostgreSQL nice too. `rest`: it rests so many times as long as it worked.
    `seconds`: it embeds so long at most, and then makes no index.
    """

    nice: int = 0
    session: bool = False
    group: bool = False
    backends: bool = False
    rest: float = 0.0
    cores: int | None = None
    memory_mb: int | None = 512
    workers: int | None = 0
    seconds: float | None = None


@dataclass(frozen=True)
class Building:
    """The process, from outside."""

    process: SpawnProcess
    shared: "Synchronized[int]"

    @property
    def phase(self) -> Phase:
        return Phase(self.shared.value) if self.process.is_alive() else Phase.DONE


@contextmanager
def building(settings: Settings, manners: Manners) -> Iterator[Building]:
    """It goes on with the set that is begun already."""
    shared = _SPAWN.Value("i", int(Phase.STARTING))
    process = _SPAWN.Process(target=_build, args=(settings, manners, shared), daemon=True)
    process.start()
    try:
        yield Building(process, shared)
    finally:
        if process.is_alive():
            process.kill()
        process.join()


def _build(settings: Settings, manners: Manners, phase: "Synchronized[int]") -> None:
    _behave(manners)
    with builds.pipeline(settings) as kyo:
        if manners.backends:
            _quieten_backends(kyo, manners.nice)
        phase.value = Phase.EMBEDDING
        run = indexing.claim_name(f"benchmark-{os.getpid()}")
        reembedding.work(kyo, run, _pace(manners))
        if manners.seconds is None:
            phase.value = Phase.INDEXING
            for one in reembedding.complete(kyo):
                reembedding.finish(kyo, one.id, manners.memory_mb, manners.workers)
        phase.value = Phase.DONE


def _behave(manners: Manners) -> None:
    if manners.session:
        os.setsid()
    if manners.cores is not None:
        os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[-manners.cores :]))
    os.nice(manners.nice)
    if manners.group:
        with suppress(OSError):  # a kernel without autogroups has no such file
            Path("/proc/self/autogroup").write_text(str(manners.nice))


def _quieten_backends(kyo: Kyo, nice: int) -> None:
    """Both connections that a run uses; the server belongs to the same user, or we are root."""
    with kyo.db.transaction(OPERATOR) as one, kyo.db.transaction(OPERATOR) as other:
        for tx in (one, other):
            pid = int(str(tx.scalar(text("select pg_backend_pid()"))))
            os.setpriority(os.PRIO_PROCESS, pid, nice)


def _pace(manners: Manners) -> Callable[[WorkReport], bool]:
    began = resumed = time.monotonic()

    def pace(_: WorkReport) -> bool:
        nonlocal resumed
        time.sleep(manners.rest * (time.monotonic() - resumed))
        resumed = time.monotonic()
        return manners.seconds is None or resumed - began < manners.seconds

    return pace
