"""Approvals that run out: what becomes overdue, when, and who is told."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from kyo_pipeline.domain.actor import OPERATOR, Actor
from kyo_pipeline.domain.documents import Document
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import asking, expiring, library, reviewing
from tests.conftest import Clock

Sql = Callable[..., list[Any]]


@pytest.fixture
def approved(kyo: Kyo, employee: Actor, manager: Actor, clock: Clock, run_pipeline: Callable[[], None]) -> Document:
    """Approved until tomorrow."""
    uploaded = library.upload(kyo, employee, "leave.txt", b"Thirty days of leave.").document
    run_pipeline()
    return reviewing.approve(kyo, manager, uploaded.latest.id, clock().date() + timedelta(days=1))


def test_an_approval_holds_to_the_end_of_its_last_day(
    kyo: Kyo,
    pipeline: Kyo,
    employee: Actor,
    approved: Document,
    clock: Clock,
    sql: Sql,
    details: Callable[[str], list[tuple[Any, str, Any]]],
) -> None:
    for days in (0, 1):
        clock.advance(days=days)
        assert (expiring.count_due(pipeline), expiring.expire(pipeline)) == (0, 0)
    clock.advance(days=1)
    assert (expiring.count_due(pipeline), expiring.expire(pipeline)) == (1, 1)
    expired = library.read_document(kyo, employee, approved.id)
    assert (expired.stale_since, expired.searchable) == (clock(), True)
    assert details("document:expire") == [(OPERATOR.id, str(approved.id), {})]
    assert sql("select document_id, kind, assigned_to, opened_at, closed_at from review_items") == [
        (approved.id, "overdue", employee.id, clock(), None)
    ]


def test_it_goes_on_answering_and_the_answer_says_so(
    kyo: Kyo, pipeline: Kyo, employee: Actor, approved: Document, clock: Clock
) -> None:
    assert approved.searchable
    clock.advance(days=2)
    expiring.expire(pipeline)
    [citation, *_] = asking.ask(kyo, employee, "How many days of leave?").citations
    assert citation.is_stale


def test_twice_is_once(
    pipeline: Kyo, approved: Document, clock: Clock, audited: Callable[[], list[str]], sql: Sql
) -> None:
    assert approved.stale_since is None
    clock.advance(days=2)
    assert [expiring.expire(pipeline) for _ in range(2)] == [1, 0]
    clock.advance(days=1)
    assert (expiring.count_due(pipeline), expiring.expire(pipeline)) == (0, 0)
    assert audited().count("document:expire") == 1
    assert sql("select count(*) from review_items") == [(1,)]


def test_only_what_is_approved_becomes_overdue(pipeline: Kyo, approved: Document, clock: Clock, sql: Sql) -> None:
    assert approved.stale_since is None
    clock.advance(days=2)
    for state in ("draft", "in_review", "rejected", "archived"):
        sql("update documents set state = :state", state=state)
        assert expiring.expire(pipeline) == 0
    sql("update documents set state = 'approved', review_by = null")
    assert expiring.expire(pipeline) == 0


def test_all_of_them_become_overdue_some_at_a_time(
    kyo: Kyo,
    pipeline: Kyo,
    employee: Actor,
    manager: Actor,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    sql: Sql,
) -> None:
    monkeypatch.setattr(expiring, "DOCUMENTS_A_TRANSACTION", 2)
    for number in range(5):
        uploaded = library.upload(kyo, employee, f"{number}.txt", b"text").document
        reviewing.approve(kyo, manager, uploaded.latest.id, clock().date() + timedelta(days=1))
    clock.advance(days=2)
    assert expiring.expire(pipeline) == 5
    assert sql("select count(*) from review_items where closed_at is null") == [(5,)]
