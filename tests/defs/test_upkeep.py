"""The job `upkeep` in this process, as its schedule starts it."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import dagster as dg
import pytest
from dagster._utils.schedules import is_valid_cron_string
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from kyo_pipeline.db import table_health
from kyo_pipeline.definitions import defs
from kyo_pipeline.defs import upkeep
from kyo_pipeline.defs.schedules import nightly_upkeep
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.table_health import Index, TableHealth
from kyo_pipeline.kyo import Kyo, utc_now
from kyo_pipeline.services import asking, library, maintaining, reviewing
from kyo_pipeline.settings import Settings

STEPS = ["check_index_health", "find_orphans", "forget_runs", "refresh_statistics", "retain"]


def launch(instance: dg.DagsterInstance, *, fails: bool = False) -> dg.ExecuteInProcessResult:
    return defs.resolve_job_def("upkeep").execute_in_process(instance=instance, raise_on_error=not fails)


def said(result: dg.ExecuteInProcessResult) -> dict[str, dict[str, Any]]:
    """The metadata of each step."""
    outputs = [event for event in result.all_events if event.event_type is dg.DagsterEventType.STEP_OUTPUT]
    return {
        str(event.step_key): {name: value.value for name, value in event.step_output_data.metadata.items()}
        for event in outputs
    }


def warnings(instance: dg.DagsterInstance, result: dg.ExecuteInProcessResult) -> list[str]:
    return [entry.user_message for entry in instance.all_logs(result.run_id) if entry.level == 30]


@pytest.fixture
def replaced(stack: Kyo, instance: dg.DagsterInstance) -> str:
    """A document whose first version was replaced sixty days ago; gives back that version's digest."""
    earlier = replace(stack, now=lambda: utc_now() - timedelta(days=60))
    digests = []
    for content in (b"Everybody has thirty days of leave.", b"Everybody has forty days of leave."):
        document = library.upload(earlier, OPERATOR, "leave.txt", content).document
        digests.append(document.latest.sha256)
        defs.resolve_job_def("ingest").execute_in_process(instance=instance)
        reviewing.approve(earlier, OPERATOR, document.latest.id)
    return digests[0]


@pytest.mark.usefixtures("replaced")
def test_it_says_what_it_did_in_numbers(stack: Kyo, instance: dg.DagsterInstance) -> None:
    stack.files.put(b"of nobody")
    result = launch(instance)
    done = said(result)
    assert sorted(done) == STEPS
    assert done["refresh_statistics"] == {
        "totals_corrected": 0,
        "chunks_weighed": done["refresh_statistics"]["chunks_weighed"],
        "tables_analysed": done["refresh_statistics"]["tables_analysed"],
        "tables_busy": 0,
    }
    assert done["refresh_statistics"]["tables_analysed"] > 20
    health = done["check_index_health"]
    assert (health["warnings"], health["dead_rows"] >= 0, health["index_megabytes"] >= 0) == (0, True, True)
    assert "| chunks | " in health["tables"]
    assert "(hnsw, " in health["tables"]
    assert done["find_orphans"] == {"files_have_versions": 0, "no_leftovers": 0}  # it is too young to be one
    assert done["retain"] == {
        "sessions": 0,
        "sign_in_tickets": 0,
        "failed_sign_ins": 0,
        "versions": 0,
        "chunks": 0,
        "files": 0,
        "versions_left": 0,
        "files_left": 0,
        "embedding_sets": 0,
        "passages": 0,
    }
    assert done["forget_runs"] == {"runs": 0, "runs_kept": 0, "runs_left": 0}
    assert warnings(instance, result) == []


def test_old_versions_go_where_that_is_wanted_and_once(
    stack: Kyo, instance: dg.DagsterInstance, replaced: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KYO_RETAIN_VERSIONS_DAYS", "30")
    for versions in (1, 0):
        done = said(launch(instance))["retain"]
        assert (done["versions"], done["chunks"], done["files"], done["versions_left"]) == (versions,) * 3 + (0,)
        assert replaced not in [file.sha256 for file in stack.files.stored()]
        assert [one.version_number for one in asking.search(stack, OPERATOR, "leave").passages] == [2]


@pytest.mark.usefixtures("stack")
@pytest.mark.parametrize("broken", STEPS)
def test_a_step_that_fails_stops_no_other(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    def fall_over(*_: object, **__: object) -> None:
        raise RuntimeError("on purpose")

    service = {
        "check_index_health": (maintaining, "read_tables"),
        "find_orphans": (upkeep.doctor, "check_store"),
        "forget_runs": (upkeep, "forget"),
        "refresh_statistics": (maintaining, "analyse"),
        "retain": (upkeep.retaining, "expire_versions"),
    }
    monkeypatch.setattr(*service[broken], fall_over)
    result = launch(instance, fails=True)
    assert not result.success
    assert sorted(said(result)) == [step for step in STEPS if step != broken]


@pytest.mark.usefixtures("stack")
def test_a_worn_table_is_a_warning_with_what_to_run(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    worn = TableHealth("chunk_embeddings_7", 1000, 3000, (Index("graph", "hnsw", 5_000_000, is_valid=True),))
    monkeypatch.setattr(table_health, "read", lambda _: (worn,))
    result = launch(instance)
    [warning] = warnings(instance, result)
    assert "REINDEX INDEX CONCURRENTLY kyo.graph; VACUUM (ANALYZE) kyo.chunk_embeddings_7;" in warning
    health = said(result)["check_index_health"]
    assert (health["dead_rows"], health["largest_dead_share"], health["warnings"]) == (3000, 0.75, 1)
    assert "| chunk_embeddings_7 | 1000 | 3000 | 75.0% | graph (hnsw, 5.0 MB) | 75% of the rows" in health["tables"]


def test_orphans_are_named_and_stay(stack: Kyo, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = stack.files.put(b"of nobody")
    monkeypatch.setattr(upkeep.doctor, "OLD_ENOUGH", timedelta(seconds=-5))
    result = launch(instance)
    done = said(result)["find_orphans"]
    assert (done["files_have_versions"], digest in done["examples"]) == (1, True)
    assert [("no document has" in one, "kyo doctor --repair" in one) for one in warnings(instance, result)] == [
        (True, True)
    ]
    assert stack.files.path(digest).exists()


# When -------------------------------------------------------------------------------------------------------------

FIELDS = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 7)]


def parts(least: int, most: int) -> st.SearchStrategy[str]:
    number = st.integers(least - 1, most + 1)
    step = st.sampled_from(["", *(f"/{one}" for one in range(most + 2))])
    span = st.builds("{}-{}".format, number, number)
    return st.one_of(st.builds("*{}".format, step), number.map(str), st.builds("{}{}".format, span, step))


def fields(least: int, most: int) -> st.SearchStrategy[str]:
    return st.lists(parts(least, most), min_size=1, max_size=3).map(",".join)


@given(st.tuples(*(fields(*allowed) for allowed in FIELDS)).map(" ".join))
def test_dagster_understands_what_the_settings_allow(cron: str) -> None:
    try:
        allowed = Settings(KYO_UPKEEP_CRON=cron).KYO_UPKEEP_CRON
    except ValidationError:
        return
    *_, day, month, _ = allowed.split()
    assert is_valid_cron_string(allowed) or (month == "2" and day in ("30", "31"))  # never, says Dagster


def test_a_schedule_that_never_comes_is_refused_by_dagster() -> None:
    with pytest.raises(dg.DagsterInvalidDefinitionError, match="nightly_upkeep"):
        nightly_upkeep("0 0 30 2 *")


def test_each_tick_of_the_schedule_asks_for_one_run(instance: dg.DagsterInstance) -> None:
    schedule = defs.get_repository_def().get_schedule_def("nightly_upkeep")
    at = datetime(2027, 3, 28, 2, 30, tzinfo=timezone.utc)
    with dg.build_schedule_context(instance=instance, scheduled_execution_time=at) as context:
        tick = schedule.evaluate_tick(context)
    assert (schedule.job_name, len(tick.run_requests or []), tick.skip_message) == ("upkeep", 1, None)
