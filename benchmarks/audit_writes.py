"""Deeds a second that go on record, by eight writers at once: `python -m benchmarks.audit_writes`.

Each deed is one transaction under the app's role, committed to the disk of an embedded PostgreSQL: a group gets another
name, and the audit log a row about it. In turns with the same transactions without that row. Writers are processes, as
app and pipeline are; afterwards the whole chain is read and must hold.
"""

import argparse
import multiprocessing
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from multiprocessing.synchronize import Barrier
from pathlib import Path
from uuid import UUID

from benchmarks.measuring import at_least, header, how_busy, median, p95, row
from kyo_pipeline.db import audit, groups
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.audit import Event
from kyo_pipeline.domain.database_role import DatabaseRole
from kyo_pipeline.kyo import Kyo, open_database, open_kyo, utc_now
from kyo_pipeline.services import auditing, operations
from kyo_pipeline.settings import Settings

WRITERS = 8
SECONDS = 10.0
TURNS = 3
WANTED = 500.0

#: The milliseconds of each deed of one writer.
Taken = list[float]


@dataclass(frozen=True)
class Task:
    """What a writer does until its time is over."""

    settings: Settings
    group: UUID
    is_on_record: bool
    seconds: float


def write(task: Task, started: Barrier, results: "multiprocessing.Queue[Taken]") -> None:
    """One writer; it connects before the others begin."""
    db = open_database(task.settings, DatabaseRole.APP)
    taken: Taken = []

    def deed(number: int) -> None:
        with db.transaction(OPERATOR) as tx:
            name = f"Group {task.group} {number}"
            groups.rename(tx, task.group, name)
            if task.is_on_record:
                details = {"before": f"Group {task.group} {number - 1}", "after": name}
                audit.record(tx, OPERATOR, Event.GROUP_RENAME, task.group, utc_now(), details)

    deed(0)
    started.wait()
    deadline = time.perf_counter() + task.seconds
    for number in count(1):
        before = time.perf_counter()
        if before >= deadline:
            break
        deed(number)
        taken.append((time.perf_counter() - before) * 1000)
    results.put(taken)
    db.close()


def together(kyo: Kyo, made: Sequence[UUID], seconds: float, *, is_on_record: bool) -> list[float]:
    """The milliseconds of all deeds of all writers."""
    context = multiprocessing.get_context("spawn")
    started, results = context.Barrier(len(made)), context.Queue()
    tasks = [Task(kyo.settings, group, is_on_record, seconds) for group in made]
    writers = [context.Process(target=write, args=(task, started, results)) for task in tasks]
    for writer in writers:
        writer.start()
    taken = [one for _ in writers for one in results.get(timeout=seconds + 120)]
    for writer in writers:
        writer.join()
    return taken


def measured(kyo: Kyo, writers: int, seconds: float) -> None:
    with kyo.db.transaction(OPERATOR) as tx:
        made = [groups.add(tx, f"Writer {number}", utc_now()) for number in range(writers)]
    taken: dict[bool, list[list[float]]] = {True: [], False: []}
    for turn in range(TURNS):
        for is_on_record in (True, False) if turn % 2 == 0 else (False, True):
            taken[is_on_record].append(together(kyo, made, seconds, is_on_record=is_on_record))
    rates = {kind: median([len(one) / seconds for one in runs]) for kind, runs in taken.items()}
    print(header("", "deeds/s, median of three", "slowest", "fastest", "p50 ms", "p95 ms"))
    for kind, name in ((True, "with its audit row"), (False, "the same without")):
        all_taken = [one for run in taken[kind] for one in run]
        each = [len(one) / seconds for one in taken[kind]]
        said = at_least(rates[kind], WANTED, ".0f") if kind else f"{rates[kind]:.0f}"
        print(
            row(name, said, f"{min(each):.0f}", f"{max(each):.0f}", *(f"{of(all_taken):.1f}" for of in (median, p95)))
        )
    print(f"ratio {rates[True] / rates[False]:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--writers", type=int, default=WRITERS)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="kyo-bench-") as home,
        operations.running_servers(Settings(KYO_HOME=Path(home) / "home")) as servers,
    ):
        operations.migrate(servers.settings)
        kyo = open_kyo(servers.settings)
        print(f"{arguments.writers} writers, {how_busy()}")
        measured(kyo, arguments.writers, arguments.seconds)
        found = auditing.verify(kyo, OPERATOR)
        print(f"the chain of {found.rows:,} rows holds" if found.holds else f"BROKEN: {found.tampering}")
        kyo.close()


if __name__ == "__main__":
    main()
