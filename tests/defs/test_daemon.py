import dagster as dg
import pytest

from kyo_pipeline.definitions import defs
from kyo_pipeline.defs.daemon import fail_dead_runs

STATUS = dg.DagsterRunStatus


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (STATUS.NOT_STARTED, STATUS.FAILURE),
        (STATUS.STARTING, STATUS.FAILURE),
        (STATUS.STARTED, STATUS.FAILURE),
        (STATUS.CANCELING, STATUS.FAILURE),
        (STATUS.SUCCESS, STATUS.SUCCESS),
        (STATUS.FAILURE, STATUS.FAILURE),
        (STATUS.CANCELED, STATUS.CANCELED),
    ],
)
def test_only_runs_that_are_said_to_be_under_way_are_failed(
    instance: dg.DagsterInstance, before: dg.DagsterRunStatus, after: dg.DagsterRunStatus
) -> None:
    run = instance.create_run_for_job(defs.resolve_job_def("ingest"), status=before)
    assert fail_dead_runs(instance) == (before is not after)
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    assert found.status is after
    assert fail_dead_runs(instance) == 0
