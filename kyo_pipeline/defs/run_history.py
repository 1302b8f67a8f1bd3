"""The history of runs that Dagster keeps for ever: what of it may go."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import dagster as dg

#: How long runs are deleted in one go; the others wait for the next night.
SECONDS = 600.0

#: Runs that are listed at once.
BATCH = 500

_FINISHED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


@dataclass(frozen=True)
class ForgottenRuns:
    """How many runs were deleted; are as old, but have materialised an asset last; and wait for the next time."""

    runs: int
    kept: int
    left: int


def forget(instance: dg.DagsterInstance, now: datetime, days: int) -> ForgottenRuns:
    """Delete runs that ended more than so many days ago, with their events and what they printed.

    Never one that lives, and never the newest that has materialised an asset: its page leads there. Twice is once.
    """
    old = dg.RunsFilter(statuses=_FINISHED, updated_before=now - timedelta(days=days))
    newest = _newest(instance)
    deadline, runs = time.monotonic() + SECONDS, 0
    for run_id in _due(instance, old, newest):
        if time.monotonic() > deadline:
            break
        _forget_one(instance, run_id)
        runs += 1
    remaining = instance.get_run_ids(old)
    kept = len(newest.intersection(remaining))
    return ForgottenRuns(runs, kept, len(remaining) - kept)


def _newest(instance: dg.DagsterInstance) -> frozenset[str]:
    """The runs that have last materialised an asset, one for each; or tried to, which the UI shows too."""
    entries = [record.asset_entry for record in instance.get_asset_records()]
    tried = (entry.last_run_id for entry in entries)
    done = (entry.last_materialization_record and entry.last_materialization_record.run_id for entry in entries)
    return frozenset(run_id for run_id in (*tried, *done) if run_id)


def _due(instance: dg.DagsterInstance, old: dg.RunsFilter, newest: frozenset[str]) -> Iterator[str]:
    """In batches: each is listed when those of the one before have gone."""
    while batch := [one for one in instance.get_run_ids(old, limit=BATCH + len(newest)) if one not in newest]:
        yield from batch


def _forget_one(instance: dg.DagsterInstance, run_id: str) -> None:
    instance.compute_log_manager.delete_logs(prefix=[run_id])  # first: without the run nobody would find them any more
    instance.delete_run(run_id)
