"""What data engineers see in the Dagster UI before anything has run."""

import dagster as dg
import pytest

from kyo_pipeline.definitions import defs
from kyo_pipeline.defs.assets import ASSETS
from kyo_pipeline.defs.audit import AUDIT_ASSETS
from kyo_pipeline.defs.checks import CHECKS
from kyo_pipeline.defs.embedding_sets import EMBEDDING_SET_ASSETS, NOT_WORSE
from kyo_pipeline.defs.gaps import knowledge_gaps
from kyo_pipeline.defs.quality import QUALITY_ASSETS, QUALITY_CHECKS
from kyo_pipeline.defs.rollups import ROLLUP_CHECKS, usage_by_day
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
AUDIT_KEYS = ["audit_anchor"]
NOT_DROPPED = "quality_has_not_dropped"
QUALITY_KEYS = ["answer_quality"]
UPKEEP = ["check_index_health", "find_orphans", "forget_runs", "refresh_statistics", "retain"]


def test_definitions_load() -> None:
    dg.Definitions.validate_loadable(defs)


def test_their_names() -> None:
    """Names are addresses: runs, plots and alerts of the past hang on them."""
    repository = defs.get_repository_def()
    assert sorted(key.to_user_string() for key in repository.asset_graph.get_all_asset_keys()) == sorted(
        [*ASSET_KEYS, *SET_KEYS, *AUDIT_KEYS, *QUALITY_KEYS, "knowledge_gaps", "usage_by_day"]
    )
    assert sorted(key.name for key in repository.asset_graph.asset_check_keys) == sorted(
        [*CHECK_NAMES, NOT_WORSE, NOT_DROPPED, "anchors_are_kept", "audit_log_holds", "rollups_are_right"]
    )
    jobs = sorted(job.name for job in repository.get_all_jobs() if not job.name.startswith("__"))
    assert jobs == [
        "expire",
        "find_knowledge_gaps",
        "ingest",
        "measure_quality",
        "prove_audit_log",
        "reembed",
        "reprocess",
        "roll_up",
        "upkeep",
    ]
    assert sorted(schedule.name for schedule in repository.schedule_defs) == [
        "nightly_audit",
        "nightly_knowledge_gaps",
        "nightly_quality",
        "nightly_rollup",
        "nightly_upkeep",
        "overdue_reviews",
    ]
    assert sorted(sensor.name for sensor in repository.sensor_defs) == [
        "alerts",
        "failed_runs",
        "inbox_files",
        "other_embedding_sets",
        "stale_days",
        "waiting_files",
    ]


GROUPS = {
    "ingestion": ASSETS,
    "embedding_sets": EMBEDDING_SET_ASSETS,
    "audit": AUDIT_ASSETS,
    "quality": QUALITY_ASSETS,
    "gaps": [knowledge_gaps],
    "analytics": [usage_by_day("UTC")],
}


@pytest.mark.parametrize(("group", "asset"), [(group, asset) for group, assets in GROUPS.items() for asset in assets])
def test_every_asset_says_what_it_is_and_whose(group: str, asset: dg.AssetsDefinition) -> None:
    [spec] = asset.specs
    assert spec.description
    assert spec.owners
    assert spec.kinds
    assert spec.group_name == group


def test_the_job_runs_every_asset_and_every_check() -> None:
    job = defs.resolve_job_def("ingest")
    assert sorted(key.to_user_string() for key in job.asset_layer.selected_asset_keys) == ASSET_KEYS
    assert sorted(key.name for key in job.asset_layer.asset_graph.asset_check_keys) == CHECK_NAMES
    assert job.description


def test_the_other_job_runs_what_embedding_sets_need() -> None:
    job = defs.resolve_job_def("reembed")
    assert sorted(key.to_user_string() for key in job.asset_layer.selected_asset_keys) == SET_KEYS
    assert [key.name for key in job.asset_layer.asset_graph.asset_check_keys] == [NOT_WORSE]


def test_the_quality_is_measured_nightly_after_the_upkeep() -> None:
    job = defs.resolve_job_def("measure_quality")
    assert sorted(key.to_user_string() for key in job.asset_layer.selected_asset_keys) == QUALITY_KEYS
    assert [key.name for key in job.asset_layer.asset_graph.asset_check_keys] == [NOT_DROPPED]
    schedule = defs.get_repository_def().get_schedule_def("nightly_quality")
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("30 3 * * *", "UTC")


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


@pytest.mark.parametrize("check", [*CHECKS, *ROLLUP_CHECKS, *QUALITY_CHECKS], ids=lambda check: check.node_def.name)
def test_every_check_says_what_must_hold(check: dg.AssetChecksDefinition) -> None:
    assert all(spec.description for spec in check.check_specs)


def test_the_launchpad_of_reprocess_says_what_each_field_is() -> None:
    job = defs.resolve_job_def("reprocess")
    assert job.description
    [op] = job.graph.node_defs
    fields = op.config_schema.config_type.fields  # type: ignore[attr-defined]  # of a Dagster Config, always a shape
    assert sorted(fields) == ["collection", "document_ids", "everything"]
    assert all(field.description and not field.is_required for field in fields.values())
