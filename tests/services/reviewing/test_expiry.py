"""Until when an approval holds."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest

from kyo_pipeline.domain.actor import OPERATOR, Actor, Role
from kyo_pipeline.domain.documents import Document, Review
from kyo_pipeline.errors import Conflict, Invalid, NotAllowed
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import collections, curating, expiring, library, reviewing
from tests.conftest import Clock
from tests.services.reviewing.conftest import Details, Run, Sql, upload


def set_months(kyo: Kyo, months: int | None) -> None:
    found = collections.named(kyo, OPERATOR, "General")
    collections.change(kyo, OPERATOR, found.id, found.name, "", review_months=months, downloadable=True)


def test_the_collection_says_until_when_an_approval_holds_unless_somebody_does(
    kyo: Kyo, employee: Actor, manager: Actor, clock: Clock, details: Details
) -> None:
    today = clock().date()
    for_ever = upload(kyo, employee, "one", "1.txt")
    assert reviewing.approve(kyo, manager, for_ever.latest.id).review_by is None
    set_months(kyo, 12)
    for_a_year = upload(kyo, employee, "two", "2.txt")
    approved = reviewing.approve(kyo, manager, for_a_year.latest.id)
    assert approved.review_by is not None
    assert 365 <= (approved.review_by - today).days <= 366
    day = today + timedelta(days=10)
    chosen = upload(kyo, employee, "three", "3.txt")
    assert reviewing.approve(kyo, manager, chosen.latest.id, day).review_by == day
    assert [told["review_by"] for _, _, told in details("document:approve")] == [
        None,
        approved.review_by.isoformat(),
        day.isoformat(),
    ]
    assert library.read_document(kyo, manager, for_ever.id).review_by is None


def test_a_day_that_was_set_for_a_document_outlives_the_approval_of_its_next_version(
    kyo: Kyo, employee: Actor, manager: Actor, clock: Clock
) -> None:
    day = clock().date() + timedelta(days=10)
    document = upload(kyo, employee, "one")
    reviewing.approve(kyo, manager, document.latest.id, day)
    again = upload(kyo, employee, "two")
    assert reviewing.approve(kyo, manager, again.latest.id).review_by == day
    clock.advance(days=11)
    last = upload(kyo, employee, "three")
    assert reviewing.approve(kyo, manager, last.latest.id).review_by is None


@pytest.mark.parametrize("days", [-1, 0, 4015])
def test_the_last_day_of_an_approval_lies_ahead(
    kyo: Kyo, employee: Actor, manager: Actor, clock: Clock, days: int
) -> None:
    document = upload(kyo, employee, "text")
    with pytest.raises(Invalid, match="Choose a day after today"):
        reviewing.approve(kyo, manager, document.latest.id, clock().date() + timedelta(days=days))
    assert library.read_document(kyo, manager, document.id).latest.review is Review.PENDING


@pytest.fixture
def overdue(kyo: Kyo, pipeline: Kyo, employee: Actor, manager: Actor, clock: Clock, run_pipeline: Run) -> Document:
    """Uploaded by the employee, approved for a day by the manager, which was the day before yesterday."""
    document = upload(kyo, employee, "Thirty days of leave.")
    run_pipeline()
    reviewing.approve(kyo, manager, document.latest.id, clock().date() + timedelta(days=1))
    clock.advance(days=3)
    assert expiring.expire(pipeline) == 1
    return library.read_document(kyo, employee, document.id)


def open_items(sql: Sql) -> list[tuple[UUID, UUID]]:
    return [tuple(row) for row in sql("select document_id, assigned_to from review_items where closed_at is null")]


def test_what_is_overdue_is_listed_for_its_owner_and_those_who_may_decide(
    kyo: Kyo, employee: Actor, manager: Actor, person: Callable[[Role], Actor], overdue: Document, sql: Sql
) -> None:
    assert open_items(sql) == [(overdue.id, employee.id)]
    for actor, count in ((employee, 1), (manager, 1), (person(Role.ADMIN), 1), (person(Role.EMPLOYEE), 0)):
        page = reviewing.overdue(kyo, actor)
        assert ([one.id for one in page.documents], page.total) == ([overdue.id] * count, count)


def test_what_is_still_right_is_confirmed(
    kyo: Kyo,
    employee: Actor,
    manager: Actor,
    clock: Clock,
    overdue: Document,
    found: Callable[[str], list[str]],
    sql: Sql,
    details: Details,
) -> None:
    day = clock().date() + timedelta(days=100)
    assert overdue.stale_since is not None
    assert reviewing.may_confirm(kyo, manager, overdue) is None
    confirmed = reviewing.confirm(kyo, manager, overdue.id, day)
    assert (confirmed.stale_since, confirmed.review_by, confirmed.current_number) == (None, day, 1)
    assert reviewing.overdue(kyo, employee).documents == ()
    assert open_items(sql) == []
    assert found("leave") == ["Thirty days of leave."]
    told = {"title": "leave", "version": 1, "review_by": day.isoformat()}
    assert details("document:confirm") == [(manager.id, str(overdue.id), told)]


def test_the_collection_says_how_long_a_confirmation_holds(kyo: Kyo, manager: Actor, overdue: Document) -> None:
    assert reviewing.confirm(kyo, manager, overdue.id).review_by is None
    set_months(kyo, 1)
    assert reviewing.confirm(kyo, manager, overdue.id).review_by is not None


def test_one_does_not_confirm_what_one_has_uploaded(
    kyo: Kyo, person: Callable[[Role], Actor], manager: Actor, run_pipeline: Run
) -> None:
    other = person(Role.MANAGER)
    document = upload(kyo, manager, "text")
    run_pipeline()
    approved = reviewing.approve(kyo, other, document.latest.id)
    # Somebody else's newer version that nobody has decided about changes nothing: what counts is what answers.
    upload(kyo, other, "newer text")
    says = "You uploaded this yourself; somebody else has to approve it."
    assert reviewing.may_confirm(kyo, manager, approved) == says
    with pytest.raises(NotAllowed, match="somebody else"):
        reviewing.confirm(kyo, manager, document.id)
    assert reviewing.may_confirm(kyo, other, approved) is None
    reviewing.confirm(kyo, other, document.id)


def test_reading_a_document_again_makes_it_nobody_elses_upload(
    kyo: Kyo, person: Callable[[Role], Actor], manager: Actor, run_pipeline: Run
) -> None:
    other = person(Role.MANAGER)
    document = upload(kyo, manager, "text")
    run_pipeline()
    reviewing.approve(kyo, other, document.latest.id)
    curating.change(kyo, manager, document.id, title="Another", owner=manager.id, tags=[], review_by=None)
    run_pipeline()
    assert library.read_document(kyo, manager, document.id).current_number == 2
    with pytest.raises(NotAllowed, match="somebody else"):
        reviewing.confirm(kyo, manager, document.id)


@pytest.mark.parametrize("what", ["waits", "archived", "not ready"])
def test_only_what_answers_questions_is_confirmed(kyo: Kyo, employee: Actor, manager: Actor, what: str) -> None:
    document = upload(kyo, employee, "text")
    if what == "not ready":
        document = reviewing.approve(kyo, manager, document.latest.id)
    if what == "archived":
        document = curating.archive(kyo, manager, document.id)
    assert "nothing to confirm" in (reviewing.may_confirm(kyo, manager, document) or "")
    with pytest.raises(Conflict, match="nothing to confirm"):
        reviewing.confirm(kyo, manager, document.id)


def test_approving_a_new_version_ends_the_overdue_review_and_turning_it_down_does_not(
    kyo: Kyo, employee: Actor, manager: Actor, overdue: Document, sql: Sql
) -> None:
    first = upload(kyo, employee, "Forty days of leave.")
    rejected = reviewing.reject(kyo, manager, first.latest.id, "No.")
    assert rejected.stale_since is not None
    assert open_items(sql) == [(overdue.id, employee.id)]
    second = upload(kyo, employee, "Fifty days of leave.")
    assert reviewing.approve(kyo, manager, second.latest.id).stale_since is None
    assert open_items(sql) == []
    assert sql("select closed_by from review_items") == [(manager.id,)]
