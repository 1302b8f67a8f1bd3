from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from kyo_pipeline.defs.resources import KyoResource
from kyo_pipeline.defs.schedules import expire, overdue_reviews
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.kyo import Kyo, utc_now
from kyo_pipeline.services import library, reviewing


def approve_until_yesterday(stack: Kyo) -> None:
    earlier = replace(stack, now=lambda: utc_now() - timedelta(days=2))
    uploaded = library.upload(earlier, OPERATOR, "a.txt", b"text").document
    reviewing.approve(earlier, OPERATOR, uploaded.latest.id, (utc_now() - timedelta(days=1)).date())


def evaluate(instance: dg.DagsterInstance, resources: dict[str, KyoResource]) -> object:
    with dg.build_schedule_context(instance=instance, resources=resources) as context:
        return overdue_reviews(context)


def test_an_approval_that_has_run_out_starts_a_run_which_marks_it(
    stack: Kyo, instance: dg.DagsterInstance, resources: dict[str, KyoResource]
) -> None:
    approve_until_yesterday(stack)
    requested = evaluate(instance, resources)
    assert isinstance(requested, dg.RunRequest)
    assert requested.tags["kyo/overdue"] == "1"
    assert expire.execute_in_process(instance=instance, resources=resources).success
    assert reviewing.overdue(stack, OPERATOR).total == 1
    assert isinstance(evaluate(instance, resources), dg.SkipReason)


def test_without_any_nothing_is_run(
    stack: Kyo, instance: dg.DagsterInstance, resources: dict[str, KyoResource]
) -> None:
    library.upload(stack, OPERATOR, "a.txt", b"text")
    assert isinstance(evaluate(instance, resources), dg.SkipReason)


@pytest.mark.usefixtures("stack")
def test_a_database_that_is_away_is_a_reason_to_skip(
    instance: dg.DagsterInstance,
    resources: dict[str, KyoResource],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql://kyo@/kyo?host={tmp_path}")
    skipped = evaluate(instance, resources)
    assert isinstance(skipped, dg.SkipReason)
    assert "database" in (skipped.skip_message or "")
