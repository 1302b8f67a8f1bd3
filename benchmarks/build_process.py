"""A process that builds an embedding set, as a run of the pipeline does, with what may make it less of a burden."""

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from enum import IntEnum
from multiprocessing.context import SpawnProcess
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path

from sqlalchemy import text

from benchmarks import builds
from kyo_pipeline import progress
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.embedding import EmbeddingSpec
from kyo_pipeline.domain.ports import Embedder, Tokenizer, Vectors
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
    counted: "Synchronized[int]"

    @property
    def phase(self) -> Phase:
        return Phase(self.shared.value) if self.process.is_alive() else Phase.DONE

    @property
    def asked(self) -> int:
        """Passages that its model was asked for, whatever became of them."""
        return self.counted.value


@dataclass(frozen=True)
class Counting:
    """An embedder that says how much it was asked for."""

    embedder: Embedder
    counted: "Synchronized[int]"

    @property
    def spec(self) -> EmbeddingSpec:
        return self.embedder.spec

    @property
    def tokenizer(self) -> Tokenizer:
        return self.embedder.tokenizer

    @property
    def calls(self) -> int:
        return self.embedder.calls

    def embed_query(self, text: str) -> Vectors:
        return self.embedder.embed_query(text)

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        self.counted.value += len(texts)
        return self.embedder.embed_passages(texts)


@contextmanager
def building(settings: Settings, manners: Manners) -> Iterator[Building]:
    """It goes on with the set that is begun already."""
    shared, counted = _SPAWN.Value("i", int(Phase.STARTING)), _SPAWN.Value("i", 0)
    process = _SPAWN.Process(target=_build, args=(settings, manners, shared, counted), daemon=True)
    process.start()
    try:
        yield Building(process, shared, counted)
    finally:
        if process.is_alive():
            process.kill()
        process.join()


def _build(settings: Settings, manners: Manners, phase: "Synchronized[int]", counted: "Synchronized[int]") -> None:
    _behave(manners)
    with builds.pipeline(settings) as opened:
        kyo = replace(opened, embedder=Counting(opened.embedder, counted))
        if manners.backends:
            _quieten_backends(kyo, manners.nice)
        phase.value = Phase.EMBEDDING
        run = indexing.claim_name(f"benchmark-{os.getpid()}")
        reembedding.work(kyo, run, _pace(manners))
        if manners.seconds is None:
            phase.value = Phase.INDEXING
            for one in progress.complete(kyo):
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
