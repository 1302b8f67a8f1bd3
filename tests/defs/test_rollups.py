"""Usage by day in Dagster: the asset, its check, the schedule and the sensor."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from uuid import uuid4

import dagster as dg
import pytest
from sqlalchemy import text

from kyo_pipeline.db.engine import Database
from kyo_pipeline.definitions import defs
from kyo_pipeline.defs import rollups
from kyo_pipeline.defs.resources import KyoResource
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.database_role import DatabaseRole
from kyo_pipeline.kyo import Kyo, utc_now
from kyo_pipeline.services import rolling_up
from tests.usage import Use, at


@pytest.fixture
def sql(own_database: str) -> Iterator[Callable[..., list[Any]]]:
    """One statement as the owner, committed."""
    owner = Database(own_database)

    def run(statement: str, **values: object) -> list[Any]:
        with owner.transaction(OPERATOR) as tx:
            result = tx.execute(text(statement), values)
            return list(result.all()) if result.returns_rows else []

    yield run
    owner.close()


@pytest.fixture
def today() -> date:
    return utc_now().date()


@pytest.fixture
def pipeline(stack: Kyo, own_database: str) -> Iterator[Kyo]:
    db = Database(own_database, DatabaseRole.PIPELINE)
    yield replace(stack, db=db)
    db.close()


@pytest.fixture
def run(stack: Kyo, instance: dg.DagsterInstance) -> Callable[..., dg.ExecuteInProcessResult]:
    assert stack

    def execute(
        first: date, last: date | None = None, *, fails: bool = False, **tags: str
    ) -> dg.ExecuteInProcessResult:
        ends = {
            "dagster/asset_partition_range_start": first.isoformat(),
            "dagster/asset_partition_range_end": (last or first).isoformat(),
        }
        return defs.resolve_job_def("roll_up").execute_in_process(
            instance=instance, tags={**ends, **tags}, raise_on_error=not fails
        )

    return execute


@pytest.fixture
def look(stack: Kyo, instance: dg.DagsterInstance, resources: dict[str, KyoResource]) -> Callable[[], Any]:
    assert stack

    def evaluate() -> Any:
        with dg.build_sensor_context(instance=instance, resources=resources) as context:
            return rollups.stale_days(context)

    return evaluate


def told(result: dg.ExecuteInProcessResult) -> dict[str, dict[str, Any]]:
    """The metadata of each day."""
    return {
        str(event.partition): {name: value.value for name, value in event.materialization.metadata.items()}
        for event in result.get_asset_materialization_events()
    }


def test_one_run_rolls_up_a_range_and_tells_each_days_figures(
    run: Callable[..., dg.ExecuteInProcessResult], sql: Callable[..., list[Any]], today: date, pipeline: Kyo
) -> None:
    use = Use(sql)
    document = use.document(use.collection(f"One {uuid4()}"), "1", at(today - timedelta(days=3)))
    use.ask(OPERATOR, at(today - timedelta(days=2)), about=[document])
    result = run(today - timedelta(days=3), today - timedelta(days=1))
    found = told(result)
    assert [found[(today - timedelta(days=n)).isoformat()]["questions"] for n in (3, 2, 1)] == [0, 1, 0]
    assert found[(today - timedelta(days=3)).isoformat()]["files"] == 1
    [check] = result.get_asset_check_evaluations()
    assert check.passed
    assert check.metadata["days"].value == 3
    assert rolling_up.days_to_roll_up(pipeline) == ()


def test_a_wrong_rollup_fails_the_check_and_a_backfill_puts_it_right(
    run: Callable[..., dg.ExecuteInProcessResult], sql: Callable[..., list[Any]], today: date
) -> None:
    day, yesterday = today - timedelta(days=2), today - timedelta(days=1)
    Use(sql).ask(OPERATOR, at(day))
    run(day, yesterday)
    sql("update usage set questions = 5 where day = :day", day=day)
    [check] = run(yesterday).get_asset_check_evaluations()
    assert not check.passed
    assert day.isoformat() in (check.description or "")
    assert "questions 5 instead of 1" in str(check.metadata["examples"].value)
    [check] = run(day).get_asset_check_evaluations()
    assert check.passed


def test_the_sensor_catches_up_after_days_without_a_rollup(
    look: Callable[[], Any],
    run: Callable[..., dg.ExecuteInProcessResult],
    sql: Callable[..., list[Any]],
    today: date,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rollups, "GRACE", timedelta())  # whatever time it is while this runs
    assert "Every day" in look().skip_message
    use = Use(sql)
    asked = use.ask(OPERATOR, at(today - timedelta(days=9)))
    use.ask(OPERATOR, utc_now())
    first = look()
    assert first.tags["kyo/stale_days"] == "9"
    assert first.tags["dagster/asset_partition_range_start"] == (today - timedelta(days=9)).isoformat()
    assert first.tags["dagster/asset_partition_range_end"] == (today - timedelta(days=1)).isoformat()
    run(today - timedelta(days=9), today - timedelta(days=1), **{rollups.STALE_TAG: "9"})
    assert "Every day" in look().skip_message
    use.rate(asked, 1)
    use.ask(OPERATOR, at(today - timedelta(days=5)))
    late = look()
    assert late.tags["kyo/stale_days"] == "2"
    found = told(run(today - timedelta(days=9), today - timedelta(days=5), **{rollups.STALE_TAG: "2"}))
    assert [day for day, figures in found.items() if "questions" in figures] == [
        (today - timedelta(days=n)).isoformat() for n in (9, 5)
    ]
    assert "Every day" in look().skip_message


def test_the_day_that_has_just_ended_is_left_to_the_schedule(
    look: Callable[[], Any], sql: Callable[..., list[Any]], today: date, monkeypatch: pytest.MonkeyPatch
) -> None:
    Use(sql).ask(OPERATOR, at(today - timedelta(days=1)))
    since_midnight = utc_now() - datetime.combine(today, datetime.min.time(), timezone.utc)
    monkeypatch.setattr(rollups, "GRACE", since_midnight + timedelta(hours=1))
    assert isinstance(look(), dg.SkipReason)


@pytest.mark.parametrize("status", [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.FAILURE])
def test_while_a_run_is_under_way_or_has_just_failed_none_is_started(
    look: Callable[[], Any],
    instance: dg.DagsterInstance,
    sql: Callable[..., list[Any]],
    today: date,
    status: dg.DagsterRunStatus,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Use(sql).ask(OPERATOR, at(today - timedelta(days=5)))
    made = instance.create_run_for_job(defs.resolve_job_def("roll_up"), status=dg.DagsterRunStatus.STARTED)
    if status is dg.DagsterRunStatus.FAILURE:
        instance.report_run_failed(made)
    assert "run" in look().skip_message
    if status is dg.DagsterRunStatus.FAILURE:
        monkeypatch.setattr(rollups, "RETRY_SECONDS", 0.0)
        assert isinstance(look(), dg.RunRequest)


def test_a_database_that_is_away_is_a_reason_to_skip(
    look: Callable[[], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql://kyo@/kyo?host={tmp_path}")
    assert "database does not answer" in look().skip_message


@pytest.mark.parametrize(
    ("zone", "moment", "day"),
    [
        ("UTC", "2027-03-28T00:10:00+00:00", "2027-03-27"),
        ("Europe/Berlin", "2027-03-28T22:10:00+00:00", "2027-03-28"),
        ("Pacific/Auckland", "2027-01-01T11:10:00+00:00", "2027-01-01"),
    ],
)
def test_the_schedule_rolls_up_the_day_that_has_ended_in_the_zone(zone: str, moment: str, day: str) -> None:
    schedule = rollups.nightly_rollup(zone)
    ticks = schedule.execution_timezone, schedule.cron_schedule
    assert ticks == (zone, "10 0 * * *")
    with dg.build_schedule_context(scheduled_execution_time=datetime.fromisoformat(moment)) as context:
        request = schedule(context)
    assert isinstance(request, dg.RunRequest)
    assert request.partition_key == day


def test_dagster_takes_what_schedule_and_sensor_ask_for(
    stack: Kyo, instance: dg.DagsterInstance, resources: dict[str, KyoResource], sql: Callable[..., list[Any]]
) -> None:
    """It resolves partitions against the assets of the job, which calling them does not."""
    assert stack
    repository = defs.get_repository_def()
    moment = datetime(2027, 3, 28, 0, 10, tzinfo=timezone.utc)
    with dg.build_schedule_context(scheduled_execution_time=moment, repository_def=repository) as context:
        [request] = repository.get_schedule_def("nightly_rollup").evaluate_tick(context).run_requests or []
    assert request.tags["dagster/partition"] == "2027-03-27"
    Use(sql).ask(OPERATOR, at(utc_now().date() - timedelta(days=5)))
    with dg.build_sensor_context(instance=instance, repository_def=repository, resources=resources) as looking:
        [request] = repository.get_sensor_def("stale_days").evaluate_tick(looking).run_requests or []
    assert request.tags[rollups.STALE_TAG] in ("4", "5")  # the first half hour of a day waits for the schedule


def test_days_are_partitions_in_the_zone() -> None:
    partitions = rollups.usage_by_day("Europe/Berlin").partitions_def
    assert isinstance(partitions, dg.DailyPartitionsDefinition)
    assert partitions.timezone == "Europe/Berlin"
    now = datetime(2027, 3, 28, 22, 30, tzinfo=timezone.utc)
    with dg.partition_loading_context(effective_dt=now):
        assert partitions.get_last_partition_key() == "2027-03-28"
