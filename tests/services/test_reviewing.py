"""Decisions, and the moment a version begins to answer questions."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from kyo_pipeline.domain.actor import OPERATOR, Actor, Role
from kyo_pipeline.domain.documents import Document, DocumentState, Review
from kyo_pipeline.errors import Conflict, Invalid, NotAllowed, NotFound
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import collections, curating, expiring, indexing, library, reviewing
from tests.conftest import Clock

Publish = Callable[[str, str], None]
Run = Callable[[], None]
Sql = Callable[..., list[Any]]
Details = Callable[[str], list[tuple[Any, str, Any]]]


def upload(kyo: Kyo, actor: Actor, text: str, name: str = "leave.txt", collection: str = "General") -> Document:
    return library.upload(kyo, actor, name, text.encode(), collection).document


# When a version answers questions -----------------------------------------------------------------------------------


def test_ready_then_approved(
    kyo: Kyo, employee: Actor, manager: Actor, run_pipeline: Run, found: Callable[[str], list[str]]
) -> None:
    document = upload(kyo, employee, "Thirty days of leave.")
    run_pipeline()
    assert found("leave") == []
    approved = reviewing.approve(kyo, manager, document.latest.id)
    assert (approved.state, approved.searchable, approved.current_number) == (DocumentState.APPROVED, True, 1)
    assert found("leave") == ["Thirty days of leave."]


def test_approved_then_ready(
    kyo: Kyo,
    employee: Actor,
    manager: Actor,
    run_pipeline: Run,
    found: Callable[[str], list[str]],
    audited: Callable[[], list[str]],
) -> None:
    document = upload(kyo, employee, "Thirty days of leave.")
    approved = reviewing.approve(kyo, manager, document.latest.id)
    assert (approved.state, approved.searchable) == (DocumentState.APPROVED, False)
    assert found("leave") == []
    run_pipeline()
    assert found("leave") == ["Thirty days of leave."]
    assert audited() == ["document:upload", "document:approve", "document:publish"]


@pytest.mark.parametrize("first", ["approve", "run"])
def test_the_old_version_answers_until_the_new_is_ready_and_approved_and_then_no_more(
    kyo: Kyo,
    employee: Actor,
    manager: Actor,
    publish: Publish,
    run_pipeline: Run,
    found: Callable[[str], list[str]],
    first: str,
) -> None:
    publish("leave.txt", "Twenty days of leave.")
    new = upload(kyo, employee, "Thirty days of leave.")
    steps = [lambda: reviewing.approve(kyo, manager, new.latest.id), run_pipeline]
    for step in steps if first == "approve" else reversed(steps):
        assert found("leave") == ["Twenty days of leave."]
        step()
    assert found("leave") == ["Thirty days of leave."]


@pytest.mark.parametrize("outcome", ["fails", "is turned down"])
def test_a_new_version_that_does_not_make_it_changes_nothing(
    kyo: Kyo,
    employee: Actor,
    manager: Actor,
    publish: Publish,
    run_pipeline: Run,
    found: Callable[[str], list[str]],
    outcome: str,
) -> None:
    publish("leave.txt", "Twenty days of leave.")
    if outcome == "fails":
        new = upload(kyo, employee, "broken")
        reviewing.approve(kyo, manager, new.latest.id)
        run_pipeline()
    else:
        new = upload(kyo, employee, "Thirty days of leave.")
        run_pipeline()
        reviewing.reject(kyo, manager, new.latest.id, "Not decided yet.")
    document = library.read_document(kyo, employee, new.id)
    assert (document.state, document.searchable, document.current_number) == (DocumentState.APPROVED, True, 1)
    assert found("leave") == ["Twenty days of leave."]


def test_an_older_version_that_is_ready_late_does_not_replace_a_newer_one(
    kyo: Kyo,
    pipeline: Kyo,
    employee: Actor,
    manager: Actor,
    run_pipeline: Run,
    clock: Clock,
    found: Callable[[str], list[str]],
) -> None:
    old = upload(kyo, employee, "Twenty days of leave.")
    reviewing.approve(kyo, manager, old.latest.id)
    indexing.parse(pipeline, "run:slow")
    clock.advance(seconds=1)
    new = upload(kyo, employee, "Thirty days of leave.")
    reviewing.approve(kyo, manager, new.latest.id)
    run_pipeline()
    assert found("leave") == ["Thirty days of leave."]
    for step in (indexing.cut, indexing.embed, indexing.publish_ready):
        step(pipeline, "run:slow")
    assert found("leave") == ["Thirty days of leave."]


def test_archiving_takes_a_document_out_of_answers_and_keeps_its_text(
    kyo: Kyo, employee: Actor, manager: Actor, publish: Publish, found: Callable[[str], list[str]]
) -> None:
    publish("leave.txt", "Thirty days of leave.")
    [document] = library.list_documents(kyo, employee).documents
    archived = curating.archive(kyo, manager, document.id)
    assert (archived.state, archived.searchable) == (DocumentState.ARCHIVED, False)
    assert found("leave") == []
    passage = library.read_passage(kyo, employee, document.latest.id, 0, 6)
    assert (passage.quote, passage.is_current) == ("Thirty", False)
    with pytest.raises(Conflict, match="archived already"):
        curating.archive(kyo, manager, document.id)


def test_what_was_under_way_when_its_document_was_archived_stays_out(
    kyo: Kyo,
    employee: Actor,
    manager: Actor,
    publish: Publish,
    run_pipeline: Run,
    found: Callable[[str], list[str]],
) -> None:
    publish("leave.txt", "Twenty days of leave.")
    new = upload(kyo, employee, "Thirty days of leave.")
    reviewing.approve(kyo, manager, new.latest.id)
    curating.archive(kyo, manager, new.id)
    run_pipeline()
    assert found("leave") == []
    assert library.read_document(kyo, employee, new.id).state is DocumentState.ARCHIVED


# Who may decide -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "approvers", "allowed"),
    [
        ("auto", 1, True),
        ("auto", 2, False),
        ("always", 1, True),
        ("always", 2, True),
        ("never", 1, False),
        ("never", 2, False),
    ],
)
def test_own_uploads(
    with_settings: Callable[..., Kyo],
    person: Callable[[Role], Actor],
    audited: Callable[[], list[str]],
    rule: str,
    approvers: int,
    allowed: bool,
) -> None:
    kyo = with_settings(KYO_SELF_APPROVAL=rule)
    person(Role.EMPLOYEE)
    manager, *_ = [person(Role.MANAGER) for _ in range(approvers)]
    document = upload(kyo, manager, "text")
    if allowed:
        assert reviewing.may_approve(kyo, manager, document) is None
        assert reviewing.approve(kyo, manager, document.latest.id).latest.review is Review.APPROVED
    else:
        assert reviewing.may_approve(kyo, manager, document) == (
            "You uploaded this yourself; somebody else has to approve it."
        )
        with pytest.raises(NotAllowed, match="somebody else"):
            reviewing.approve(kyo, manager, document.latest.id)
        assert audited() == ["document:upload"]


def test_the_operator_approves_what_the_operator_uploaded(with_settings: Callable[..., Kyo], manager: Actor) -> None:
    kyo = with_settings(KYO_SELF_APPROVAL="never")
    document = upload(kyo, OPERATOR, "text")
    assert reviewing.approve(kyo, OPERATOR, document.latest.id).state is DocumentState.APPROVED
    assert manager.role is Role.MANAGER


def test_turning_down_an_own_upload_is_always_allowed(with_settings: Callable[..., Kyo], manager: Actor) -> None:
    kyo = with_settings(KYO_SELF_APPROVAL="never")
    document = upload(kyo, manager, "text")
    assert reviewing.reject(kyo, manager, document.latest.id, "A mistake.").state is DocumentState.REJECTED


def test_a_file_that_failed_cannot_be_approved_but_turned_down(
    kyo: Kyo, employee: Actor, manager: Actor, run_pipeline: Run
) -> None:
    document = upload(kyo, employee, "broken")
    run_pipeline()
    with pytest.raises(NotAllowed, match="nothing to approve"):
        reviewing.approve(kyo, manager, document.latest.id)
    assert reviewing.reject(kyo, manager, document.latest.id, "Broken.").state is DocumentState.REJECTED


@pytest.mark.parametrize("decision", ["approve", "reject"])
def test_a_version_is_decided_about_once(
    kyo: Kyo, employee: Actor, manager: Actor, admin: Actor, decision: str
) -> None:
    document = upload(kyo, employee, "text")
    reviewing.approve(kyo, manager, document.latest.id)
    again = {
        "approve": lambda: reviewing.approve(kyo, admin, document.latest.id),
        "reject": lambda: reviewing.reject(kyo, admin, document.latest.id, "No."),
    }
    with pytest.raises(Conflict, match="decided about this version already: it is approved"):
        again[decision]()


def test_only_the_newest_version_is_decided_about(kyo: Kyo, employee: Actor, manager: Actor) -> None:
    old = upload(kyo, employee, "one")
    upload(kyo, employee, "two")
    with pytest.raises(Conflict, match="newer version"):
        reviewing.approve(kyo, manager, old.latest.id)


def test_nothing_is_decided_about_an_archived_document(kyo: Kyo, employee: Actor, manager: Actor) -> None:
    document = upload(kyo, employee, "one")
    curating.archive(kyo, manager, document.id)
    with pytest.raises(Conflict, match="is archived"):
        reviewing.approve(kyo, manager, document.latest.id)
    assert reviewing.waiting(kyo, manager).documents == ()


@pytest.mark.parametrize(("access", "allowed"), [(None, False), ("read", False), ("write", False), ("approve", True)])
def test_managers_decide_where_they_may_approve(
    kyo: Kyo, manager: Actor, collection: Callable[..., str], access: str | None, allowed: bool
) -> None:
    name = collection("Board", None, {manager: access} if access else None)
    document = upload(kyo, OPERATOR, "text", collection=name)
    assert [one.id for one in reviewing.waiting(kyo, manager).documents] == ([document.id] if allowed else [])
    if allowed:
        assert reviewing.approve(kyo, manager, document.latest.id)
        assert curating.archive(kyo, manager, document.id)
        return
    decisions: list[Callable[[], object]] = [
        lambda: reviewing.approve(kyo, manager, document.latest.id),
        lambda: reviewing.reject(kyo, manager, document.latest.id, "No."),
        lambda: curating.archive(kyo, manager, document.id),
    ]
    for decide in decisions:
        with pytest.raises(NotFound):
            decide()


def test_membership_does_not_make_an_employee_an_approver(
    kyo: Kyo, employee: Actor, collection: Callable[..., str]
) -> None:
    name = collection("Board", None, {employee: "approve"})
    document = upload(kyo, OPERATOR, "text", collection=name)
    with pytest.raises(NotAllowed):
        reviewing.approve(kyo, employee, document.latest.id)
    assert reviewing.may_approve(kyo, employee, document) == "Your role does not allow approving documents."


@pytest.mark.parametrize("version", [UUID(int=0), UUID(int=2**128 - 1)])
def test_what_does_not_exist_is_not_found(kyo: Kyo, manager: Actor, version: UUID) -> None:
    decisions: list[Callable[[], object]] = [
        lambda: reviewing.approve(kyo, manager, version),
        lambda: reviewing.reject(kyo, manager, version, "No."),
        lambda: curating.archive(kyo, manager, version),
    ]
    for decide in decisions:
        with pytest.raises(NotFound):
            decide()


@pytest.mark.parametrize("reason", ["", "   ", "\x00", "\ud800", "x" * 1001])
def test_turning_down_needs_a_reason(kyo: Kyo, employee: Actor, manager: Actor, reason: str) -> None:
    document = upload(kyo, employee, "text")
    with pytest.raises(Invalid, match="1 to 1000 characters"):
        reviewing.reject(kyo, manager, document.latest.id, reason)


def test_turning_down_a_version_while_an_approved_one_is_still_processed_does_not_stop_that_one(
    kyo: Kyo, employee: Actor, manager: Actor, run_pipeline: Run, found: Callable[[str], list[str]]
) -> None:
    first = upload(kyo, employee, "Twenty days of leave.")
    reviewing.approve(kyo, manager, first.latest.id)
    second = upload(kyo, employee, "Thirty days of leave.")
    rejected = reviewing.reject(kyo, manager, second.latest.id, "No.")
    assert rejected.state is DocumentState.APPROVED
    run_pipeline()
    assert found("leave") == ["Twenty days of leave."]


def test_what_waits_is_listed_newest_first_and_paged(kyo: Kyo, employee: Actor, manager: Actor, clock: Clock) -> None:
    for number in range(3):
        clock.advance(seconds=1)
        upload(kyo, employee, "text", f"{number}.txt")
    page = reviewing.waiting(kyo, manager, limit=2, offset=0)
    assert [one.latest.file_name for one in page.documents] == ["2.txt", "1.txt"]
    assert page.total == 3
    one_time = replace(manager, must_change_password=True)
    assert reviewing.may_approve(kyo, one_time, page.documents[0]) == "Your role does not allow approving documents."


# Drafts -------------------------------------------------------------------------------------------------------------


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


# Until when an approval holds ---------------------------------------------------------------------------------------


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


# Back to an earlier version -----------------------------------------------------------------------------------------


@pytest.fixture
def twice(publish: Publish, sql: Sql) -> list[UUID]:
    """The ids of two versions of leave.txt, both approved and ready."""
    publish("leave.txt", "Twenty days of leave.")
    publish("leave.txt", "Thirty days of leave.")
    return [row.id for row in sql("select id from document_versions order by number")]


def test_going_back_to_a_version_and_forward_again_takes_effect_at_once(
    kyo: Kyo,
    manager: Actor,
    twice: list[UUID],
    found: Callable[[str], list[str]],
    details: Details,
    audited: Callable[[], list[str]],
) -> None:
    back = reviewing.roll_back(kyo, manager, twice[0])
    assert (back.current_number, back.latest.number, back.searchable) == (1, 2, True)
    assert found("leave") == ["Twenty days of leave."]
    assert reviewing.roll_back(kyo, manager, twice[1]).current_number == 2
    assert found("leave") == ["Thirty days of leave."]
    assert details("document:roll_back") == [
        (manager.id, str(twice[0]), {"title": "leave", "before": 2, "after": 1}),
        (manager.id, str(twice[1]), {"title": "leave", "before": 1, "after": 2}),
    ]
    assert audited().count("document:publish") == 2


def test_an_archived_document_comes_back_with_the_version_that_somebody_went_back_to(
    kyo: Kyo, manager: Actor, twice: list[UUID], found: Callable[[str], list[str]]
) -> None:
    back = reviewing.roll_back(kyo, manager, twice[0])
    curating.archive(kyo, manager, back.id)
    assert curating.restore(kyo, manager, back.id).current_number == 1
    assert found("leave") == ["Twenty days of leave."]


def test_going_back_keeps_the_statistics_right(kyo: Kyo, manager: Actor, twice: list[UUID], sql: Sql) -> None:
    counted = """
      select l.lexeme
      from lexemes l
      join lexeme_counts n on n.lexeme_id = l.id
      where n.chunk_count > 0 and l.lexeme in ('twenti', 'thirti')
    """
    assert sql(counted) == [("thirti",)]
    reviewing.roll_back(kyo, manager, twice[0])
    assert sql(counted) == [("twenti",)]
    assert sql("select chunk_count from cuttings") == [(1,)]


def test_an_approved_version_that_was_late_does_not_come_in_after_going_back_behind_it(
    kyo: Kyo,
    pipeline: Kyo,
    employee: Actor,
    manager: Actor,
    publish: Publish,
    clock: Clock,
    found: Callable[[str], list[str]],
    sql: Sql,
) -> None:
    publish("leave.txt", "Ten days of leave.")
    late = upload(kyo, employee, "Twenty days of leave.")
    reviewing.approve(kyo, manager, late.latest.id)
    indexing.parse(pipeline, "run:slow")
    clock.advance(seconds=1)
    publish("leave.txt", "Thirty days of leave.")
    [first] = sql("select id from document_versions where number = 1")
    reviewing.roll_back(kyo, manager, first.id)
    for step in (indexing.cut, indexing.embed, indexing.publish_ready):
        step(pipeline, "run:slow")
    assert found("leave") == ["Ten days of leave."]
    # What is approved after it does.
    publish("leave.txt", "Forty days of leave.")
    assert found("leave") == ["Forty days of leave."]


def test_only_what_was_approved_and_read_answers_again(
    kyo: Kyo, employee: Actor, manager: Actor, twice: list[UUID], run_pipeline: Run
) -> None:
    with pytest.raises(Conflict, match="already"):
        reviewing.roll_back(kyo, manager, twice[1])
    waiting = upload(kyo, employee, "Forty days of leave.")
    run_pipeline()
    rejected = reviewing.reject(kyo, manager, waiting.latest.id, "No.")
    failed = upload(kyo, employee, "broken")
    reviewing.approve(kyo, manager, failed.latest.id)
    run_pipeline()
    for version in (rejected.latest.id, failed.latest.id):
        with pytest.raises(Conflict, match="was approved, and that could be read"):
            reviewing.roll_back(kyo, manager, version)
    curating.archive(kyo, manager, failed.id)
    with pytest.raises(Conflict, match="Restore it first"):
        reviewing.roll_back(kyo, manager, twice[0])


def test_going_back_is_for_those_who_may_approve_there(
    kyo: Kyo, employee: Actor, manager: Actor, twice: list[UUID], sql: Sql
) -> None:
    with pytest.raises(NotAllowed):
        reviewing.roll_back(kyo, employee, twice[0])
    sql("update collections set everyone_access = 'write'")
    with pytest.raises(NotFound):
        reviewing.roll_back(kyo, manager, twice[0])
    with pytest.raises(NotFound):
        reviewing.confirm(kyo, manager, library.list_documents(kyo, manager).documents[0].id)
    for nothing in (UUID(int=0), UUID(int=2**128 - 1)):
        with pytest.raises(NotFound):
            reviewing.roll_back(kyo, OPERATOR, nothing)
        with pytest.raises(NotFound):
            reviewing.confirm(kyo, OPERATOR, nothing)
