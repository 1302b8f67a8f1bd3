"""Usage by day, rolled up every night; what comes late is rolled up anew. Docstrings are the descriptions in the UI."""

import time
from collections.abc import Sequence
from datetime import date, timedelta

import dagster as dg

from kyo_pipeline.defs.assets import OWNERS
from kyo_pipeline.defs.resources import KyoResource
from kyo_pipeline.domain.days import day_of
from kyo_pipeline.domain.rollups import DayFigures
from kyo_pipeline.errors import KyoError
from kyo_pipeline.services import rolling_up

GROUP = "analytics"
KEY = dg.AssetKey("usage_by_day")

#: Before there was KYO: no installation has earlier days.
FIRST_DAY = "2025-01-01"

#: Runs with this tag leave out days that are right: the sensor asks for a range that the stale ones are in.
STALE_TAG = "kyo/stale_days"

#: From midnight until the sensor looks for the day that has ended: it is the schedule's.
GRACE = timedelta(minutes=30)

#: A run that has failed is not tried again before.
RETRY_SECONDS = 300.0

_RANGE = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
_UNDER_WAY = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def usage_by_day(zone: str) -> dg.AssetsDefinition:
    """The asset whose partitions are the days of a time zone, an IANA name."""

    @dg.asset(
        key=KEY,
        group_name=GROUP,
        owners=OWNERS,
        kinds={"postgres"},
        partitions_def=dg.DailyPartitionsDefinition(start_date=FIRST_DAY, timezone=zone),
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def rolled_up(context: dg.AssetExecutionContext, kyo: KyoResource) -> None:
        """What people asked on a day, what came of it, and what was uploaded: counted once, and kept.

        A day counts as `KYO_TIME_ZONE` has it. Each is replaced in one transaction, so it may be rolled up again at any
        time: to put figures right that the check `rollups_are_right` found wrong, launch a backfill of those days; one
        run does them all. What arrives late needs nobody: the sensor `stale_days` sees to it. The app counts days that
        are not rolled up from the base tables, so nobody waits for this.
        """
        days = [date.fromisoformat(key) for key in context.partition_keys]
        if STALE_TAG in context.run.tags:
            stale = set(rolling_up.days_to_roll_up(kyo.open))
            days = [day for day in days if day in stale]
        for n, day in enumerate(days, start=1):
            began = time.monotonic()
            figures = rolling_up.roll_up(kyo.open, day)
            context.add_asset_metadata(_metadata(figures, time.monotonic() - began), KEY, day.isoformat())
            if n % 50 == 0:
                context.log.info("%d of %d days rolled up.", n, len(days))
        context.log.info("%d days rolled up, %d months summed up.", len(days), rolling_up.roll_up_months(kyo.open))

    return rolled_up


def _metadata(figures: DayFigures, seconds: float) -> dict[str, dg.MetadataValue]:
    return {
        "questions": dg.MetadataValue.int(figures.questions),
        "people": dg.MetadataValue.int(figures.people),
        "documents": dg.MetadataValue.int(figures.documents),
        "refused": dg.MetadataValue.int(figures.refused),
        "files": dg.MetadataValue.int(figures.files),
        "seconds": dg.MetadataValue.float(round(seconds, 3)),
    }


@dg.asset_check(asset=KEY, name="rollups_are_right")
def rollups_are_right(kyo: KyoResource) -> dg.AssetCheckResult:
    """What is kept of a day is what the base tables say now: of the last day, and of six not looked at for the longest.

    Where it fails, launch a backfill of the days that it names. Days for which something has just come are left out:
    they are rolled up again anyhow.
    """
    recount = rolling_up.recount(kyo.open)
    wrong = sorted({one.day.isoformat() for one in recount.differences})
    lines = [f"- {str(one).replace('|', ' ')}" for one in recount.differences[:50]]
    return dg.AssetCheckResult(
        passed=not wrong,
        description=f"Roll these days up again, by a backfill: {', '.join(wrong)}." if wrong else None,
        metadata={
            "days": len(recount.days),
            "differences": len(recount.differences),
            **({"examples": dg.MetadataValue.md("\n".join(lines))} if lines else {}),
        },
    )


roll_up = dg.define_asset_job(
    "roll_up",
    selection=dg.AssetSelection.assets(KEY) | dg.AssetSelection.checks_for_assets(KEY),
    description="Rolls up days that are over, and compares some with the base tables. Started by the schedule "
    "`nightly_rollup` and the sensor `stale_days`; may be run by hand for any days, at any time, also twice at once.",
    # The sensor starts a new run where one has failed.
    tags={"dagster/max_retries": "0"},
)


def nightly_rollup(zone: str) -> dg.ScheduleDefinition:
    """Ten minutes after midnight in a time zone: the day that has just ended."""

    @dg.schedule(
        name="nightly_rollup",
        job=roll_up,
        cron_schedule="10 0 * * *",
        execution_timezone=zone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Ten minutes after midnight in `KYO_TIME_ZONE`: rolls up the day that has just ended.",
    )
    def ended(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        day = day_of(context.scheduled_execution_time, zone) - timedelta(days=1)
        return dg.RunRequest(run_key=day.isoformat(), partition_key=day.isoformat())

    return ended


@dg.sensor(
    job=roll_up,
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts a run when a day is not rolled up although it is over, or when something came late for one.",
)
def stale_days(context: dg.SensorEvaluationContext, kyo: KyoResource) -> dg.RunRequest | dg.SkipReason:
    """Starts a run when a day is not rolled up although it is over, or when something came late for one.

    After a week without power it catches up; after a change of `KYO_TIME_ZONE` all days are others. One run takes up
    all of them. The day that has just ended is left to the schedule for half an hour.
    """
    try:
        found = rolling_up.days_to_roll_up(kyo.open, GRACE)
    except KyoError as error:
        return dg.SkipReason(error.message)
    days = [day for day in found if day >= date.fromisoformat(FIRST_DAY)]
    if not days:
        return dg.SkipReason("Every day that is over is rolled up.")
    last = context.instance.get_run_records(filters=dg.RunsFilter(job_name=roll_up.name), limit=1)
    if last and last[0].dagster_run.status in _UNDER_WAY:
        return dg.SkipReason("A run is under way.")
    if last and _has_just_failed(last[0]):
        return dg.SkipReason("The last run failed; the next one begins five minutes later.")
    return _request(days)


def _has_just_failed(record: dg.RunRecord) -> bool:
    is_failed = record.dagster_run.status is dg.DagsterRunStatus.FAILURE
    return is_failed and time.time() - (record.end_time or 0) < RETRY_SECONDS


def _request(days: Sequence[date]) -> dg.RunRequest:
    ends = dict(zip(_RANGE, (days[0].isoformat(), days[-1].isoformat()), strict=True))
    return dg.RunRequest(tags={**ends, STALE_TAG: str(len(days))})


ROLLUP_CHECKS = [rollups_are_right]
ROLLUP_SENSORS = [stale_days]
