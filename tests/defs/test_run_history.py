"""What Dagster still knows when old runs have gone. On its real storage."""

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.compute_log_manager import ComputeIOType
from dagster._core.storage.dagster_run import FINISHED_STATUSES

from kyo_pipeline.defs import run_history
from kyo_pipeline.defs.run_history import ForgottenRuns, forget

DAYS = 30


@dg.asset
def one(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]  # no value is passed on
    context.log.info("one")
    return dg.MaterializeResult(metadata={"number": 1})


@dg.asset
def other() -> dg.MaterializeResult:  # type: ignore[type-arg]  # as above
    return dg.MaterializeResult()


@dg.op(out=dg.Out(dg.Nothing))
def work() -> None:
    """Neither makes nor needs anything."""


@dg.op(out=dg.Out(dg.Nothing))
def fail() -> None:
    raise dg.Failure("on purpose")


@dg.job
def working() -> None:
    work()


@dg.job
def failing() -> None:
    fail()


DEFS = dg.Definitions(
    assets=[one, other],
    jobs=[working, failing, dg.define_asset_job("make_one", [one]), dg.define_asset_job("make_other", [other])],
)


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """With storage and compute logs on the disk."""
    with dg.DagsterInstance.local_temp(str(tmp_path)) as made:
        yield made


@pytest.fixture
def later() -> datetime:
    """When all that is finished now is too old."""
    return datetime.now(timezone.utc) + timedelta(days=DAYS, minutes=1)


def run(instance: dg.DagsterInstance, job: str) -> str:
    return DEFS.resolve_job_def(job).execute_in_process(instance=instance, raise_on_error=False).run_id


def test_what_is_young_stays(instance: dg.DagsterInstance, later: datetime) -> None:
    made = [run(instance, "working"), run(instance, "failing")]
    assert forget(instance, later - timedelta(minutes=2), DAYS) == ForgottenRuns(0, 0, 0)
    assert sorted(instance.get_run_ids()) == sorted(made)


def test_what_is_old_goes_whatever_came_of_it_with_its_events_and_logs(
    instance: dg.DagsterInstance, later: datetime
) -> None:
    gone = [run(instance, job) for job in ("working", "failing", "working")]
    for run_id in gone:
        with instance.compute_log_manager.open_log_stream([run_id, "compute_logs", "x"], ComputeIOType.STDOUT) as log:
            assert log is not None
            log.write("printed")
    assert forget(instance, later, DAYS) == ForgottenRuns(3, 0, 0)
    assert instance.get_run_ids() == []
    for run_id in gone:
        assert instance.all_logs(run_id) == []
        assert not Path(instance.storage_directory(), run_id).exists()  # where what they print lies as well


def test_twice_is_once(instance: dg.DagsterInstance, later: datetime) -> None:
    run(instance, "working")
    assert [forget(instance, later, DAYS).runs for _ in range(2)] == [1, 0]


def test_finished_is_what_dagster_calls_so() -> None:
    assert set(run_history._FINISHED) == set(FINISHED_STATUSES)


#: Queued ones come from a code location alone.
ALIVE = [one for one in dg.DagsterRunStatus if one not in (*FINISHED_STATUSES, dg.DagsterRunStatus.QUEUED)]


@pytest.mark.parametrize("status", ALIVE, ids=lambda one: one.value)
def test_one_that_lives_stays_however_old(
    instance: dg.DagsterInstance, later: datetime, status: dg.DagsterRunStatus
) -> None:
    made = instance.create_run_for_job(DEFS.resolve_job_def("working"), status=status)
    assert forget(instance, later + timedelta(days=1000), DAYS) == ForgottenRuns(0, 0, 0)
    assert instance.get_run_ids() == [made.run_id]


def test_each_asset_keeps_the_run_that_has_last_made_it(instance: dg.DagsterInstance, later: datetime) -> None:
    made = [run(instance, job) for job in ("make_one", "make_other", "make_one", "make_one", "working")]
    assert forget(instance, later, DAYS) == ForgottenRuns(3, 2, 0)
    assert sorted(instance.get_run_ids()) == sorted([made[1], made[3]])
    event = instance.get_latest_materialization_event(dg.AssetKey("one"))
    assert event is not None
    assert event.run_id == made[3]
    assert event.asset_materialization is not None
    assert event.asset_materialization.metadata["number"].value == 1
    assert instance.get_run_by_id(event.run_id) is not None
    assert forget(instance, later, DAYS) == ForgottenRuns(0, 2, 0)


def test_they_are_listed_in_batches(
    instance: dg.DagsterInstance, later: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_history, "BATCH", 2)
    made = [run(instance, job) for job in ("make_one", "working", "working", "working", "working", "working")]
    assert forget(instance, later, DAYS) == ForgottenRuns(5, 1, 0)
    assert instance.get_run_ids() == [made[0]]


def test_what_there_is_no_time_for_is_left_for_the_next_night(
    instance: dg.DagsterInstance, later: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(instance, "working")
    run(instance, "make_one")
    monkeypatch.setattr(run_history, "SECONDS", 0.0)
    assert forget(instance, later, DAYS) == ForgottenRuns(0, 1, 1)
