"""Sensors that tell whoever runs KYO what needs them."""

from collections.abc import Iterable

import dagster as dg

from kyo_pipeline.defs.resources import KyoResource
from kyo_pipeline.domain.alerts import Condition, Kind
from kyo_pipeline.errors import KyoError
from kyo_pipeline.services import alerting

#: What Dagster calls a run that was started on assets, not on a job.
_ASSETS = "__ASSET_JOB"

#: A failed run that nobody has followed by another one is no news any more after this time.
FORGOTTEN_SECONDS = 7 * 24 * 3600

_FINISHED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE]


@dg.run_failure_sensor(
    name="failed_runs",
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Notes each run that failed as an alert; the sensor `alerts` tells of it, and sees when it is over.",
)
def failed_runs(context: dg.RunFailureSensorContext, kyo: KyoResource) -> None:
    """Notes a run that failed: the name of its job, and where it failed. No message of an error is told."""
    if (condition := condition_of(context.instance, context.dagster_run)) is not None:
        alerting.begin(kyo.open, condition)


@dg.sensor(
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Every minute: looks for failed runs, files that wait for too long, answers that became worse and an "
    "audit log that was changed; tells it to the log, KYO_ALERT_WEBHOOK and KYO_ALERT_EMAILS.",
)
def alerts(context: dg.SensorEvaluationContext, kyo: KyoResource) -> dg.SkipReason:
    """Looks for what whoever runs KYO should know, and tells it: once when it begins, once when it ends.

    What lasts is told again once a day. A channel that does not take its messages is tried again later.
    """
    try:
        said = alerting.watch(kyo.open, failing(context.instance, _jobs(context), kyo.open.now().timestamp()))
        done = alerting.deliver(kyo.open)
    except KyoError as error:
        return dg.SkipReason(error.message)
    for sentence in said:
        context.log.warning(sentence)
    for one in done:
        if one.problem is not None:
            context.log.error("%s: %s", one.channel.value, one.problem)
    sent = ", ".join(f"{one.alerts} to {one.channel.value}" for one in done if one.problem is None)
    return dg.SkipReason(f"{len(said)} news; sent: {sent or 'nothing'}.")


def failing(instance: dg.DagsterInstance, jobs: Iterable[str], now: float) -> tuple[Condition, ...]:
    """The jobs whose last finished run failed, and did so lately. `now` is in seconds since 1970."""
    newest = [
        record
        for name in jobs
        for record in instance.get_run_records(dg.RunsFilter(job_name=name, statuses=_FINISHED), limit=1)
    ]
    conditions = (
        condition_of(instance, record.dagster_run)
        for record in newest
        if record.dagster_run.status is dg.DagsterRunStatus.FAILURE
        and now - (record.end_time or now) < FORGOTTEN_SECONDS
    )
    return tuple(condition for condition in conditions if condition is not None)


def _jobs(context: dg.SensorEvaluationContext) -> list[str]:
    """All that there are; runs of assets belong to one without a name of ours."""
    return sorted({_ASSETS, *(context.repository_def.job_names if context.repository_def else ())})


def condition_of(instance: dg.DagsterInstance, run: dg.DagsterRun) -> Condition | None:
    """What is told of a run that failed; None where Dagster starts it again by itself."""
    if run.tags.get("dagster/will_retry") == "true":
        return None
    steps = sorted(
        stats.step_key
        for stats in instance.get_run_step_stats(run.run_id)
        if stats.status is not None and stats.status.value == "FAILURE"
    )
    job = "a run of assets" if run.job_name == _ASSETS else f"the job {run.job_name}"
    where = f" in {', '.join(steps)}" if steps else ""
    return Condition(
        Kind.FAILED_RUN,
        run.job_name,
        f"In Dagster {job} failed{where}: run {run.run_id}. The UI says why; it is over when the next one succeeds.",
    )


ALERT_SENSORS = [alerts, failed_runs]
