"""The nightly look for knowledge gaps, as data engineers see it."""

from datetime import datetime, timezone
from typing import Any

import dagster as dg
import pytest

from kyo_pipeline.db import users
from kyo_pipeline.definitions import defs
from kyo_pipeline.domain.actor import OPERATOR, Actor, Role
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import gap_finding, library, reviewing
from tests.gaps import DOGS, ROOMS, not_found


def launch(instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    return defs.resolve_job_def("find_knowledge_gaps").execute_in_process(instance=instance)


def said(result: dg.ExecuteInProcessResult) -> list[dict[str, Any]]:
    """The metadata of each materialisation."""
    return [
        {name: value.value for name, value in event.materialization.metadata.items()}
        for event in result.get_asset_materialization_events()
    ]


@pytest.fixture
def asker(stack: Kyo, instance: dg.DagsterInstance) -> Actor:
    """Somebody, where something is searchable."""
    document = library.upload(stack, OPERATOR, "leave.txt", b"Everybody has thirty days of leave.").document
    defs.resolve_job_def("ingest").execute_in_process(instance=instance)
    reviewing.approve(stack, OPERATOR, document.latest.id)
    with stack.db.transaction(OPERATOR) as tx:
        return users.add(tx, "asker", "Asker", Role.EMPLOYEE, stack.now(), password_hash="none")


def test_it_says_in_numbers_what_it_found_and_shows_no_question(
    stack: Kyo, instance: dg.DagsterInstance, asker: Actor
) -> None:
    for question in (*DOGS, *ROOMS):
        not_found(stack, asker, question)
    result = launch(instance)
    [found] = said(result)
    assert {name: value for name, value in found.items() if name not in ("seconds", "largest")} == {
        "questions": 5,
        "not_found": 5,
        "disliked": 0,
        "doubtful": 0,
        "gaps": 2,
        "gaps_open": 2,
        "gaps_planned": 0,
        "gaps_answered": 0,
        "gaps_declined": 0,
        "gaps_new": 2,
        "gaps_reopened": 0,
        "questions_embedded": 5,
    }
    assert [row.split(" | ")[1:] for row in found["largest"].splitlines()[2:]] == [
        ["open", "3", "0", "0 |"],
        ["open", "2", "0", "0 |"],
    ]
    logged = " ".join(entry.user_message for entry in instance.all_logs(result.run_id))
    assert "5 of 5 questions embedded" in logged
    shown = repr(found) + logged
    assert not any(question in shown for question in (*DOGS, *ROOMS))
    [again] = said(launch(instance))
    assert (again["gaps_new"], again["questions_embedded"], again["largest"]) == (0, 0, found["largest"])


@pytest.mark.usefixtures("stack")
def test_before_anything_is_searchable_it_finds_nothing(instance: dg.DagsterInstance) -> None:
    result = launch(instance)
    assert result.success
    assert said(result) == []


def test_what_was_left_out_is_a_warning(
    stack: Kyo, instance: dg.DagsterInstance, asker: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gap_finding, "MOST", 1)
    for question in DOGS:
        not_found(stack, asker, question)
    result = launch(instance)
    assert said(result)[0]["questions"] == 1
    assert any("KYO_GAP_DAYS" in one.user_message for one in instance.all_logs(result.run_id) if one.level == 30)


def test_it_is_looked_for_every_night(instance: dg.DagsterInstance) -> None:
    schedule = defs.get_repository_def().get_schedule_def("nightly_knowledge_gaps")
    at = datetime(2027, 3, 28, 1, 15, tzinfo=timezone.utc)
    with dg.build_schedule_context(instance=instance, scheduled_execution_time=at) as context:
        tick = schedule.evaluate_tick(context)
    assert (schedule.job_name, len(tick.run_requests or [])) == ("find_knowledge_gaps", 1)
