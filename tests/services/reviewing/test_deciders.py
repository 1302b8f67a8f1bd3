"""Who may decide."""

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import pytest

from kyo_pipeline.domain.actor import OPERATOR, Actor, Role
from kyo_pipeline.domain.documents import DocumentState, Review
from kyo_pipeline.errors import Conflict, Invalid, NotAllowed, NotFound
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import curating, reviewing
from tests.conftest import Clock
from tests.services.reviewing.conftest import Run, upload


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
