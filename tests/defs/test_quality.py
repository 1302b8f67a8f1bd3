"""The job that measures the organisation's own questions, in this process, as its schedule starts it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from sqlalchemy import text

from kyo_pipeline.db.engine import Database
from kyo_pipeline.definitions import defs
from kyo_pipeline.defs.jobs import measure_quality
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.database_role import DatabaseRole
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import quality
from tests.office import OFFICE, open_office, write_set

Launch = Callable[[], dg.ExecuteInProcessResult]


@pytest.fixture
def pipeline_db(stack: Kyo, own_database: str) -> Iterator[Kyo]:
    pipeline = replace(stack, db=Database(own_database, DatabaseRole.PIPELINE))
    yield pipeline
    owner = Database(own_database)
    with owner.transaction(OPERATOR) as tx:
        tx.execute(text("truncate quality_runs cascade"))
    owner.close()
    pipeline.db.close()


@pytest.fixture
def launch(pipeline_db: Kyo, instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Launch:
    """Starts the job on documents that answer, and on as many questions."""
    open_office(pipeline_db)
    folder = tmp_path / "labelled"
    folder.mkdir()
    monkeypatch.setenv("KYO_EVAL_DIR", str(write_set(folder, len(OFFICE))))
    return lambda: defs.resolve_job_def(measure_quality.name).execute_in_process(
        instance=instance, raise_on_error=False
    )


def metadata(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    [event] = result.asset_materializations_for_node("answer_quality")
    return {name: value.value for name, value in event.metadata.items()}


def test_a_night_is_plotted_and_checked(launch: Launch) -> None:
    for nights in range(2):
        result = launch()
        assert result.success
        said = metadata(result)
        assert (said["questions"], said["unanswerable"], said["nights_compared"]) == (len(OFFICE), 2, nights)
        assert said["ndcg_at_10"] == said["ndcg_at_10_kyo_eval_dir"] > 0.9
        assert said["p95_ms"] >= said["p50_ms"] > 0
        assert "data:image/svg+xml;base64," in said["nights"]
        assert "| KYO_EVAL_DIR | 22 + 2 |" in said["by_origin"]
        [check] = result.get_asset_check_evaluations()
        assert (check.check_name, check.passed) == ("quality_has_not_dropped", True)


def test_a_drop_warns_and_fails_no_run(launch: Launch, pipeline_db: Kyo, monkeypatch: pytest.MonkeyPatch) -> None:
    launch()
    with pipeline_db.db.transaction(OPERATOR) as tx:
        tx.execute(text("update embedding_sets set dense_weight = 0, similarity_threshold = 1"))
    monkeypatch.setenv("SIMILARITY_THRESHOLD", "1")
    monkeypatch.setattr("kyo_pipeline.known.would_answer", lambda *_: False)
    result = launch()
    assert result.success
    [check] = result.get_asset_check_evaluations()
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert "refused although they have an answer rose from" in str(check.description)
    assert "similarity threshold" in str(check.description)


def test_with_a_few_questions_it_says_so_and_materialises_nothing(
    launch: Launch, tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    write_set(tmp_path / "labelled", 3)
    result = launch()
    assert result.success
    assert result.asset_materializations_for_node("answer_quality") == []
    assert result.get_asset_check_evaluations() == []
    [seen] = instance.fetch_observations(dg.AssetKey("answer_quality"), limit=5).records
    observed = seen.asset_observation
    assert observed is not None
    assert str(observed.metadata["not_measured"].value).startswith("Not measured: 3 of at least 20 questions are known")


def test_no_question_stands_in_what_dagster_keeps(
    launch: Launch, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(question: str, *_: object) -> bool:
        raise ValueError(f"Cannot weigh {question!r}.")

    results = [launch()]
    monkeypatch.setattr("kyo_pipeline.known.would_answer", fail)
    results.append(launch())
    assert [one.success for one in results] == [True, False]
    kept = " ".join(str(entry) for one in results for entry in instance.all_logs(one.run_id))
    assert "A question could not be asked: ValueError." in kept
    assert [question for _, _, question in OFFICE if question in kept] == []


def test_what_is_measured_is_in_the_history(launch: Launch, pipeline_db: Kyo) -> None:
    launch()
    [found] = quality.history(pipeline_db, OPERATOR)
    assert found.figures.questions == len(OFFICE)
