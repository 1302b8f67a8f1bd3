"""What data engineers see in the Dagster UI before anything has run."""

import dagster as dg
import pytest

from kyo_pipeline.definitions import defs
from kyo_pipeline.defs.assets import ASSETS
from kyo_pipeline.defs.checks import CHECKS
from kyo_pipeline.defs.embedding_sets import EMBEDDING_SET_ASSETS, NOT_WORSE
from kyo_pipeline.defs.gaps import knowledge_gaps
from kyo_pipeline.defs.schedules import scheduled_reembedding

ASSET_KEYS = ["chunk_vectors", "document_chunks", "document_texts", "lexical_weights", "searchable_documents"]
CHECK_NAMES = [
    "chunks_have_vectors",
    "chunks_have_weights",
    "current_versions_are_ready",
    "nothing_is_stuck",
    "ready_versions_have_chunks",
    "statistics_agree",
    "vectors_have_chunks",
    "versions_have_files",
]
SET_KEYS = ["active_embedding_set", "candidate_index", "candidate_quality", "candidate_vectors"]
UPKEEP = ["check_index_health", "find_orphans", "forget_runs", "refresh_statistics", "retain"]


def test_definitions_load() -> None:
    dg.Definitions.validate_loadable(defs)


def test_their_names() -> None:
    """Names are addresses: runs, plots and alerts of the past hang on them."""
    repository = defs.get_repository_def()
    assert sorted(key.to_user_string() for key in repository.asset_graph.get_all_asset_keys()) == sorted(
        [*ASSET_KEYS, *SET_KEYS, "knowledge_gaps"]
    )
    assert sorted(key.name for key in repository.asset_graph.asset_check_keys) == sorted([*CHECK_NAMES, NOT_WORSE])
    jobs = sorted(job.name for job in repository.get_all_jobs() if not job.name.startswith("__"))
    assert jobs == ["expire", "find_knowledge_gaps", "ingest", "reembed", "reprocess", "upkeep"]
    assert sorted(schedule.name for schedule in repository.schedule_defs) == [
        "nightly_knowledge_gaps",
        "nightly_upkeep",
        "overdue_reviews",
    ]
    assert sorted(sensor.name for sensor in repository.sensor_defs) == [
        "inbox_files",
        "other_embedding_sets",
        "waiting_files",
    ]


@pytest.mark.parametrize(
    "asset", [*ASSETS, *EMBEDDING_SET_ASSETS, knowledge_gaps], ids=lambda asset: asset.key.to_user_string()
)
def test_every_asset_says_what_it_is_and_whose(asset: dg.AssetsDefinition) -> None:
    [spec] = asset.specs
    assert spec.description
    assert spec.owners
    assert spec.kinds
    if asset is knowledge_gaps:
        assert spec.group_name == "quality"
    else:
        assert spec.group_name == ("ingestion" if asset in ASSETS else "embedding_sets")


def test_the_job_runs_every_asset_and_every_check() -> None:
    job = defs.resolve_job_def("ingest")
    assert sorted(key.to_user_string() for key in job.asset_layer.selected_asset_keys) == ASSET_KEYS
    assert sorted(key.name for key in job.asset_layer.asset_graph.asset_check_keys) == CHECK_NAMES
    assert job.description


def test_the_other_job_runs_what_embedding_sets_need() -> None:
    job = defs.resolve_job_def("reembed")
    assert sorted(key.to_user_string() for key in job.asset_layer.selected_asset_keys) == SET_KEYS
    assert [key.name for key in job.asset_layer.asset_graph.asset_check_keys] == [NOT_WORSE]


@pytest.mark.parametrize(("cron", "found"), [(None, []), ("0 2 * * 0", ["scheduled_reembedding"])])
def test_everything_is_embedded_anew_when_somebody_says_so(cron: str | None, found: list[str]) -> None:
    made = scheduled_reembedding(cron)
    assert [one.name for one in made] == found
    assert [one.cron_schedule for one in made] == [cron] * len(found)


def test_sensors_run_without_being_switched_on() -> None:
    for sensor in defs.get_repository_def().sensor_defs:
        assert sensor.default_status is dg.DefaultSensorStatus.RUNNING
        assert sensor.description


def test_schedules_run_without_being_switched_on() -> None:
    for schedule in defs.get_repository_def().schedule_defs:
        assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING
        assert schedule.description


def test_the_upkeep_is_nightly_and_its_steps_wait_for_nothing() -> None:
    schedule = defs.get_repository_def().get_schedule_def("nightly_upkeep")
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("30 2 * * *", "UTC")
    job = defs.resolve_job_def("upkeep")
    assert job.description
    assert sorted(node.name for node in job.graph.dependencies) == UPKEEP
    assert not any(job.graph.dependencies.values())
    assert all(node.description for node in job.graph.node_defs)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.node_def.name)
def test_every_check_says_what_must_hold(check: dg.AssetChecksDefinition) -> None:
    assert all(spec.description for spec in check.check_specs)


def test_the_launchpad_of_reprocess_says_what_each_field_is() -> None:
    job = defs.resolve_job_def("reprocess")
    assert job.description
    [op] = job.graph.node_defs
    fields = op.config_schema.config_type.fields  # type: ignore[attr-defined]  # of a Dagster Config, always a shape
    assert sorted(fields) == ["collection", "document_ids", "everything"]
    assert all(field.description and not field.is_required for field in fields.values())
