"""The job in this process, from uploaded files to searchable documents."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import dagster as dg
import pytest
from sqlalchemy import text

from kyo_pipeline.db.engine import Database
from kyo_pipeline.definitions import defs
from kyo_pipeline.defs.assets import ASSETS
from kyo_pipeline.defs.checks import CHECKS
from kyo_pipeline.defs.resources import KyoResource
from kyo_pipeline.defs.run_once import _materialize, run_until_done
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.database_role import DatabaseRole
from kyo_pipeline.domain.documents import VersionStatus
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import asking, indexing, library, reviewing


def metadata(result: dg.ExecuteInProcessResult, asset: str) -> dict[str, Any]:
    [event] = result.asset_materializations_for_node(asset)
    return {name: value.value for name, value in event.metadata.items()}


def test_uploaded_files_become_searchable_and_the_run_says_what_it_did(
    stack: Kyo, instance: dg.DagsterInstance
) -> None:
    good = library.upload(stack, OPERATOR, "leave.txt", b"Everybody has thirty days of leave.").document
    bad = library.upload(stack, OPERATOR, "[evil](x)|.txt", b" \n \n ").document
    reviewing.approve(stack, OPERATOR, good.latest.id)

    result = defs.resolve_job_def("ingest").execute_in_process(instance=instance)

    assert result.success
    found = {one.id: one.latest for one in library.list_documents(stack, OPERATOR).documents}
    assert (found[good.id].status, found[bad.id].status) == (VersionStatus.READY, VersionStatus.FAILED)
    assert len(asking.search(stack, OPERATOR, "leave").passages) == 1
    texts = metadata(result, "document_texts")
    assert (texts["documents"], texts["pages"], texts["failed"]) == (1, 1, 1)
    assert "evil" in texts["failures"]
    assert "[evil]" not in texts["failures"]
    assert found[bad.id].error
    assert metadata(result, "document_chunks")["chunks"] == 1
    assert metadata(result, "document_chunks")["tokens"] > 0
    assert metadata(result, "chunk_vectors")["vectors"] == 1
    assert metadata(result, "searchable_documents")["searchable"] == 1
    assert metadata(result, "searchable_documents")["seconds"] > 0
    assert metadata(result, "lexical_weights")["chunks_weighed"] == 1
    assert len(result.get_asset_check_evaluations()) == 8
    assert all(check.passed for check in result.get_asset_check_evaluations())


def test_with_nothing_to_do_it_succeeds(stack: Kyo, instance: dg.DagsterInstance) -> None:
    result = defs.resolve_job_def("ingest").execute_in_process(instance=instance)
    assert result.success
    assert metadata(result, "document_texts")["documents"] == 0
    assert stack.settings.KYO_BATCH_SIZE


@pytest.fixture
def searchable(stack: Kyo, own_database: str) -> Iterator[Kyo]:
    """One searchable document, made without Dagster, and the rights of the pipeline."""
    document = library.upload(stack, OPERATOR, "a.txt", b"Some text.").document
    reviewing.approve(stack, OPERATOR, document.latest.id)
    pipeline = replace(stack, db=Database(own_database, DatabaseRole.PIPELINE))
    for step in (indexing.parse, indexing.cut, indexing.embed, indexing.publish_ready):
        step(pipeline, "run:1")
    yield pipeline
    pipeline.db.close()


@pytest.mark.parametrize(
    ("statement", "failing"),
    [
        (None, set()),
        ("delete from {vectors}", {"chunks_have_vectors"}),
        ("delete from chunks", {"ready_versions_have_chunks", "statistics_agree"}),
        ("update chunks set bm25 = null", {"chunks_have_weights"}),
        ("update cuttings set chunk_count = 17", {"statistics_agree"}),
        ("update document_versions set review = 'pending'", {"current_versions_are_ready"}),
        ("update document_versions set sha256 = repeat('0', 64)", {"versions_have_files"}),
        (
            "insert into document_versions"
            " (document_id, number, file_name, sha256, size_bytes, media_type, uploaded_by, uploaded_at)"
            " select document_id, 2, file_name, sha256, 1, media_type, uploaded_by, now() - interval '2 hours'"
            " from document_versions",
            {"nothing_is_stuck"},
        ),
    ],
    ids=lambda value: "" if isinstance(value, set) else str(value)[:40],
)
def test_checks_fail_when_the_index_is_not_what_it_should_be(
    searchable: Kyo,
    instance: dg.DagsterInstance,
    resources: dict[str, KyoResource],
    statement: str | None,
    failing: set[str],
    own_database: str,
) -> None:
    if statement:
        vectors = f"chunk_embeddings_{indexing.serving_set(searchable).id}"
        with Database(own_database).transaction(OPERATOR) as tx:
            tx.execute(text(statement.format(vectors=vectors)))
    result = dg.materialize(
        [*ASSETS, *CHECKS],
        selection=dg.AssetSelection.checks(*CHECKS),
        instance=instance,
        resources=resources,
    )
    evaluations = {check.check_name: check for check in result.get_asset_check_evaluations()}
    assert {name for name, check in evaluations.items() if not check.passed} == failing
    assert {name for name, check in evaluations.items() if check.severity is dg.AssetCheckSeverity.WARN} == {
        "nothing_is_stuck"
    }
    for name in failing - {"nothing_is_stuck"}:
        assert "kyo doctor --repair" in (evaluations[name].description or "")
        assert evaluations[name].metadata["problems"].value


def test_without_a_daemon_batch_after_batch_is_taken_until_nothing_waits(
    stack: Kyo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KYO_BATCH_SIZE", "2")
    for number in range(3):
        library.upload(stack, OPERATOR, f"{number}.txt", f"Text number {number}.".encode())
    assert run_until_done(stack, [], _materialize, lambda: None)
    statuses = [one.latest.status for one in library.list_documents(stack, OPERATOR).documents]
    assert statuses == [VersionStatus.READY] * 3
