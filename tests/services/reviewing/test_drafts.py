"""Drafts."""

from collections.abc import Callable

import pytest

from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.documents import Document, DocumentState
from kyo_pipeline.errors import Conflict
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import curating, reviewing
from tests.services.reviewing.conftest import Publish, Run, Sql, upload


def make_draft(sql: Sql, document: Document) -> None:
    sql("update document_versions set review = 'draft' where id = :id", id=document.latest.id)


def test_a_draft_does_not_wait_and_is_not_decided_about(kyo: Kyo, employee: Actor, manager: Actor, sql: Sql) -> None:
    document = upload(kyo, employee, "text")
    make_draft(sql, document)
    assert reviewing.waiting(kyo, manager).documents == ()
    decisions: list[Callable[[], object]] = [
        lambda: reviewing.approve(kyo, manager, document.latest.id),
        lambda: reviewing.reject(kyo, manager, document.latest.id, "No."),
    ]
    for decide in decisions:
        with pytest.raises(Conflict, match="is a draft"):
            decide()


def test_a_draft_does_not_hide_the_version_below_it_that_waits(
    kyo: Kyo, employee: Actor, manager: Actor, sql: Sql
) -> None:
    waits = upload(kyo, employee, "one")
    make_draft(sql, upload(kyo, employee, "two"))
    [listed] = reviewing.waiting(kyo, manager).documents
    assert listed.latest.id == waits.latest.id
    assert reviewing.approve(kyo, manager, listed.latest.id).state is DocumentState.APPROVED


def test_a_version_that_waits_below_a_draft_can_be_approved_after_the_document_was_read_again(
    kyo: Kyo,
    employee: Actor,
    manager: Actor,
    publish: Publish,
    run_pipeline: Run,
    found: Callable[[str], list[str]],
    sql: Sql,
) -> None:
    publish("leave.txt", "Twenty days of leave.")
    waits = upload(kyo, employee, "Thirty days of leave.")
    make_draft(sql, upload(kyo, employee, "Forty days of leave."))
    curating.change(kyo, manager, waits.id, title="Another", owner=employee.id, tags=[], review_by=None)
    run_pipeline()
    assert found("leave") == ["Twenty days of leave."]
    assert [one.latest.id for one in reviewing.waiting(kyo, manager).documents] == [waits.latest.id]
    reviewing.approve(kyo, manager, waits.latest.id)
    assert found("leave") == ["Thirty days of leave."]
