"""What approvers are shown before they decide, and what is done about reviews that are overdue."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from kyo_app.markup import inert
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.collections import default_review_by
from kyo_pipeline.domain.documents import Document, Review
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import collections, curating, expiring, library, reviewing
from tests.app.pages import ODD, Visit, buttons, click, words
from tests.conftest import Clock

LEAVE = "Annual leave\n\nEverybody gets thirty days. <b>Dates</b> are agreed early."


@pytest.fixture
def waiting(kyo: Kyo, employee: Actor, run_pipeline: Callable[[], None]) -> Document:
    document = library.upload(kyo, employee, "leave.txt", LEAVE.encode()).document
    run_pipeline()
    return document


@pytest.fixture
def overdue(
    kyo: Kyo, pipeline: Kyo, clock: Clock, manager: Actor, waiting: Document, sql: Callable[..., list[Any]]
) -> Document:
    reviewing.approve(kyo, manager, waiting.latest.id)
    sql("update documents set review_by = :day", day=clock().date() - timedelta(days=9))
    assert expiring.expire(pipeline) == 1
    return waiting


@pytest.fixture
def twelve_months(kyo: Kyo, admin: Actor) -> None:
    general = collections.named(kyo, admin, "General")
    collections.change(kyo, admin, general.id, "General", "", review_months=12, downloadable=True)


def test_tags_and_scanned_pages_are_shown_before_the_decision(
    visit: Visit, kyo: Kyo, manager: Actor, waiting: Document, sql: Callable[..., list[Any]]
) -> None:
    curating.add_tags(kyo, manager, waiting.id, [ODD])
    sql("update document_versions set pages = 14, empty_pages = 12")
    page = visit("approvals", manager)
    assert not page.exception
    assert inert(ODD.lower()) in words(page)
    assert "12 of 14 pages have no text" in words(page)


@pytest.mark.usefixtures("twelve_months")
def test_an_approval_holds_as_long_as_the_collection_says(
    visit: Visit, kyo: Kyo, manager: Actor, clock: Clock, waiting: Document
) -> None:
    page = visit("approvals", manager)
    expected = default_review_by(clock().date(), 12)
    assert page.date_input[0].value == expected
    click(page, "Approve")
    assert not page.exception
    assert library.read_document(kyo, manager, waiting.id).review_by == expected


@pytest.mark.usefixtures("twelve_months")
def test_an_approver_chooses_another_day(
    visit: Visit, kyo: Kyo, manager: Actor, clock: Clock, waiting: Document
) -> None:
    page = visit("approvals", manager)
    until = clock().date() + timedelta(days=30)
    page.date_input[0].set_value(until)
    click(page, "Approve")
    assert library.read_document(kyo, manager, waiting.id).review_by == until


def test_where_approvals_hold_for_ever_no_day_is_set(visit: Visit, kyo: Kyo, manager: Actor, waiting: Document) -> None:
    page = visit("approvals", manager)
    assert page.date_input[0].value is None
    click(page, "Approve")
    approved = library.read_document(kyo, manager, waiting.id)
    assert (approved.latest.review, approved.review_by) == (Review.APPROVED, None)


@pytest.mark.parametrize("days", [-400, -1, 0])
def test_a_day_that_has_passed_is_said(
    visit: Visit, kyo: Kyo, manager: Actor, clock: Clock, waiting: Document, days: int
) -> None:
    page = visit("approvals", manager)
    page.date_input[0].set_value(clock().date() + timedelta(days=days))
    click(page, "Approve")
    assert not page.exception
    assert "Choose a day after today for the next review" in words(page)
    assert library.read_document(kyo, manager, waiting.id).latest.review is Review.PENDING


def test_what_is_still_being_read_may_be_approved_and_says_so(
    visit: Visit, kyo: Kyo, manager: Actor, employee: Actor, run_pipeline: Callable[[], None]
) -> None:
    version = library.upload(kyo, employee, "leave.txt", LEAVE.encode()).document.latest
    assert "It is still being read." in words(visit("approvals", manager))
    run_pipeline()
    page = visit("approvals", manager)
    assert "It is still being read." not in words(page)
    assert f"approve-{version.id}" in [found.key for found in page.button]


def test_what_a_new_version_changes_is_shown_before_the_decision(
    visit: Visit,
    kyo: Kyo,
    manager: Actor,
    employee: Actor,
    waiting: Document,
    run_pipeline: Callable[[], None],
) -> None:
    reviewing.approve(kyo, manager, waiting.latest.id)
    new = library.upload(kyo, employee, "leave.txt", LEAVE.replace("thirty", "forty").encode()).document.latest
    run_pipeline()
    page = visit("approvals", manager)
    assert "What changes from version 1" in [found.label for found in page.expander]
    assert "forty" not in words(page)
    page.session_state[f"changes-{new.id}"] = True
    said = words(page.run())
    assert not page.exception
    assert "1 word taken out, 1 word put in" in said
    assert ":red-background[~~thirty~~]" in said
    assert ":green-background[**forty**]" in said


@pytest.mark.usefixtures("waiting")
def test_a_first_version_changes_nothing(visit: Visit, manager: Actor) -> None:
    page = visit("approvals", manager)
    assert "leave" in words(page)
    assert not [found.label for found in page.expander if "What changes" in found.label]


def test_what_is_overdue_is_approved_again(
    visit: Visit, kyo: Kyo, manager: Actor, clock: Clock, overdue: Document
) -> None:
    page = visit("approvals", manager)
    assert not page.exception
    assert "Review overdue" in words(page)
    assert "Its review was due on" in words(page)
    until = clock().date() + timedelta(days=30)
    page.date_input[0].set_value(until)
    click(page, "Approve again")
    assert not page.exception
    confirmed = library.read_document(kyo, manager, overdue.id)
    assert (confirmed.stale_since, confirmed.review_by) == (None, until)
    assert "Review overdue" not in words(page)


@pytest.mark.usefixtures("overdue")
def test_owners_who_may_not_approve_are_told_what_to_do(
    visit: Visit, manager: Actor, sql: Callable[..., list[Any]]
) -> None:
    sql("update documents set owner_id = :id", id=manager.id)
    sql("update collections set everyone_access = 'write'")
    page = visit("approvals", manager)
    assert "ask somebody who may approve in General to approve it again" in words(page)
    assert "Approve again" not in buttons(page)
