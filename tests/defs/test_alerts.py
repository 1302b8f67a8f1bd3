"""The sensors that tell of what goes wrong, on real runs of this process: one that fails, and one that succeeds."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest
from sqlalchemy import text

from kyo_pipeline.db.engine import Database
from kyo_pipeline.definitions import defs
from kyo_pipeline.defs import alerts as sensors
from kyo_pipeline.defs.jobs import upkeep
from kyo_pipeline.defs.resources import KyoResource
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.alerts import Alert, Kind
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import alerting, maintaining
from tests.adapters.model_server import ModelServer, Reply, running

QUESTION = "What does Robin earn?"


@pytest.fixture(autouse=True)
def emptied(stack: Kyo, own_database: str) -> Iterator[None]:
    assert stack
    yield
    owner = Database(own_database)
    with owner.transaction(OPERATOR) as tx:
        tx.execute(text("truncate alerts cascade"))
    owner.close()


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServer]:
    with running(lambda _: Reply("ok")) as server:
        monkeypatch.setenv("KYO_ALERT_WEBHOOK", server.url)
        yield server


class Daemon:
    """As much of Dagster's daemon as evaluates these two sensors, and remembers their cursors."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self.instance = instance
        self.cursors: dict[str, str | None] = {}

    def tick(self, sensor: dg.SensorDefinition) -> str:
        with dg.build_sensor_context(
            instance=self.instance,
            cursor=self.cursors.get(sensor.name),
            definitions=defs,
            resources={"kyo": KyoResource()},
            sensor_name=sensor.name,
        ) as context:
            done = sensor.evaluate_tick(context)
        self.cursors[sensor.name] = done.cursor
        for reaction in done.dagster_run_reactions:
            assert reaction.error is None, reaction.error
        return done.skip_message or ""

    def tick_both(self) -> str:
        self.tick(sensors.failed_runs)
        return self.tick(sensors.alerts)


@pytest.fixture
def daemon(instance: dg.DagsterInstance) -> Daemon:
    found = Daemon(instance)
    found.tick_both()
    return found


def run_upkeep(instance: dg.DagsterInstance, *, fails: bool) -> dg.ExecuteInProcessResult:
    def fall_over(*_: object, **__: object) -> None:
        raise RuntimeError(QUESTION)

    with pytest.MonkeyPatch.context() as patch:
        if fails:
            patch.setattr(maintaining, "read_tables", fall_over)
        return defs.resolve_job_def(upkeep.name).execute_in_process(instance=instance, raise_on_error=False)


def known(kyo: Kyo) -> tuple[Alert, ...]:
    return alerting.overview(kyo, OPERATOR).alerts


def test_a_run_that_fails_is_told_once_with_its_step_and_without_its_error(
    stack: Kyo, daemon: Daemon, instance: dg.DagsterInstance, webhook: ModelServer
) -> None:
    result = run_upkeep(instance, fails=True)
    for _ in range(3):
        daemon.tick_both()
    [message] = webhook.requests
    [told] = message.body["alerts"]
    assert (told["kind"], told["subject"], told["news"]) == ("failed_run", "upkeep", "opened")
    assert f"the job upkeep failed in check_index_health: run {result.run_id}" in told["sentence"]
    assert QUESTION not in str(message.body)
    [alert] = known(stack)
    assert (alert.kind, alert.closed_at) == (Kind.FAILED_RUN, None)


def test_a_failure_that_the_next_run_made_good_within_a_minute_is_told_all_the_same(
    stack: Kyo, daemon: Daemon, instance: dg.DagsterInstance, webhook: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kyo_pipeline.domain.alerts.GONE_AFTER", timedelta())
    run_upkeep(instance, fails=True)
    run_upkeep(instance, fails=False)
    for _ in range(3):
        daemon.tick_both()
    assert [one["news"] for request in webhook.requests for one in request.body["alerts"]] == ["opened", "resolved"]
    assert [alert.closed_at is None for alert in known(stack)] == [False]


def test_without_the_other_sensor_a_failed_run_is_seen_too(
    stack: Kyo, daemon: Daemon, instance: dg.DagsterInstance
) -> None:
    run_upkeep(instance, fails=True)
    assert daemon.tick(sensors.alerts) == "1 news; sent: nothing."
    assert [alert.subject for alert in known(stack)] == ["upkeep"]


def test_a_run_that_dagster_starts_again_is_no_news(stack: Kyo, daemon: Daemon, instance: dg.DagsterInstance) -> None:
    run = run_upkeep(instance, fails=True).dagster_run
    instance.add_run_tags(run.run_id, {"dagster/will_retry": "true"})
    daemon.tick_both()
    assert known(stack) == ()


def test_a_failure_of_last_week_is_forgotten(
    stack: Kyo, daemon: Daemon, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_upkeep(instance, fails=True)
    monkeypatch.setattr(sensors, "FORGOTTEN_SECONDS", 0)
    daemon.tick(sensors.alerts)
    assert known(stack) == ()


def test_assets_that_somebody_materialises_without_a_job_are_watched_too(
    stack: Kyo, daemon: Daemon, instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KYO_EVAL_DIR", str(tmp_path / "nowhere"))
    job = defs.resolve_job_def("__ASSET_JOB")
    failed = job.execute_in_process(
        instance=instance, raise_on_error=False, asset_selection=[dg.AssetKey("answer_quality")]
    )
    assert not failed.success
    daemon.tick(sensors.alerts)
    [alert] = known(stack)
    assert "a run of assets failed in answer_quality: run" in alert.sentence


def test_a_database_that_is_away_is_a_reason_to_skip(
    daemon: Daemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql://kyo@/kyo?host={tmp_path}")
    assert "database does not answer" in daemon.tick(sensors.alerts)


def test_a_dead_webhook_is_said_and_stops_nothing(
    stack: Kyo, daemon: Daemon, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KYO_ALERT_WEBHOOK", "http://127.0.0.1:1/secret")
    run_upkeep(instance, fails=True)
    assert daemon.tick_both() == "0 news; sent: nothing."
    assert len(known(stack)) == 1
    assert alerting.overview(stack, OPERATOR).problems
