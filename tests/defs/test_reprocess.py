"""The job `reprocess` in this process, as the launchpad starts it."""

from typing import Any
from uuid import uuid4

import dagster as dg
import pytest

from kyo_pipeline.definitions import defs
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.documents import Document
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import asking, library, reviewing


def launch(instance: dg.DagsterInstance, *, fails: bool = False, **config: Any) -> dg.ExecuteInProcessResult:
    return defs.resolve_job_def("reprocess").execute_in_process(
        instance=instance, run_config={"ops": {"send_again": {"config": config}}}, raise_on_error=not fails
    )


def counts(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    [handled] = [event for event in result.all_events if event.event_type is dg.DagsterEventType.STEP_OUTPUT]
    return {name: value.value for name, value in handled.step_output_data.metadata.items()}


@pytest.fixture
def searchable(stack: Kyo, instance: dg.DagsterInstance) -> Document:
    document = library.upload(stack, OPERATOR, "leave.txt", b"Everybody has thirty days of leave.").document
    reviewing.approve(stack, OPERATOR, document.latest.id)
    defs.resolve_job_def("ingest").execute_in_process(instance=instance)
    return document


@pytest.mark.parametrize("by", ["document_ids", "collection", "everything"])
def test_what_is_named_is_read_again_by_the_next_run(
    stack: Kyo, instance: dg.DagsterInstance, searchable: Document, by: str
) -> None:
    config = {"document_ids": [str(searchable.id)], "collection": "General", "everything": True}
    assert counts(launch(instance, **{by: config[by]})) == {
        "read_again": 1,
        "restarted": 0,
        "waiting_already": 0,
        "skipped": 0,
    }
    assert counts(launch(instance, everything=True))["waiting_already"] == 1
    defs.resolve_job_def("ingest").execute_in_process(instance=instance)
    assert [passage.version_number for passage in asking.search(stack, OPERATOR, "leave").passages] == [2]


def test_what_cannot_be_read_is_listed_with_its_reason(
    stack: Kyo, instance: dg.DagsterInstance, searchable: Document
) -> None:
    stack.files.remove(searchable.latest.sha256)
    done = counts(launch(instance, document_ids=[str(searchable.id), str(uuid4())]))
    assert (done["read_again"], done["skipped"]) == (0, 2)
    assert "Upload the file again" in done["skipped_documents"].replace("&#46;", ".")
    assert "archived or deleted" in done["skipped_documents"]


def test_the_launchpad_explains_itself() -> None:
    job = defs.resolve_job_def("reprocess")
    assert "send_again:\n    config:\n      collection: General" in (job.description or "")
    config = job.get_node_named("send_again").definition.config_schema.config_type
    assert all(field.description for field in config.fields.values())


@pytest.mark.usefixtures("stack")
@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({}, "one document, one collection, or everything"),
        ({"collection": "General", "everything": True}, "one document, one collection, or everything"),
        ({"document_ids": ["x"], "everything": True}, "only one of"),
        ({"document_ids": ["x"]}, "x is not the id of a document"),
        ({"collection": "Nowhere"}, "no collection called Nowhere"),
    ],
)
def test_a_launchpad_filled_in_wrongly_is_told_so(
    instance: dg.DagsterInstance, config: dict[str, Any], sentence: str
) -> None:
    result = launch(instance, fails=True, **config)
    assert not result.success
    [failed] = [event for event in result.all_events if event.is_step_failure]
    assert sentence in (failed.step_failure_data.error_display_string)
