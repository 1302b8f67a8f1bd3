"""Starts Dagster's daemon, after putting right what a crash has left: `python -m kyo_pipeline.defs.daemon`.

When the whole machine goes down, nobody is left to notice that runs have died, and Dagster would show them as started
for ever. Before the daemon starts nothing can be running here, so every run that is said to be is marked as failed.
"""

import os
import sys
from pathlib import Path

import dagster as dg

from kyo_pipeline.defs.storage import make_tables

_UNFINISHED = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def fail_dead_runs(instance: dg.DagsterInstance) -> int:
    """Mark runs as failed that no process works on any more; returns how many."""
    dead = instance.get_runs(filters=dg.RunsFilter(statuses=_UNFINISHED))
    for run in dead:
        instance.report_run_failed(run, message="KYO was stopped while this run was under way.")
    return len(dead)


def main() -> None:
    make_tables()
    with dg.DagsterInstance.get() as instance:
        fail_dead_runs(instance)
    program = Path(sys.executable).with_name("dagster-daemon")
    os.execv(program, [str(program), "run", *sys.argv[1:]])  # noqa: S606 — no shell is what is wanted


if __name__ == "__main__":
    main()
