"""Decisions, and the moment a version begins to answer questions."""

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import pytest

from kyo_pipeline.domain.actor import OPERATOR, Actor, Role
from kyo_pipeline.domain.documents import Document, DocumentState, Review
from kyo_pipeline.errors import Conflict, Invalid, NotAllowed, NotFound
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import asking, indexing, library, reviewing
from tests.conftest import Clock

Publish = Callable[[str, str], None]
Run = Callable[[], None]


@pytest.fixture
def found(kyo: Kyo, employee: Actor) -> Callable[[str], list[str]]:
    """The texts that a question finds."""
    return lambda question: [passage.text for passage in asking.search(kyo, employee, question).passages]


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
    archived = reviewing.archive(kyo, manager, document.id)
    assert (archived.state, archived.searchable) == (DocumentState.ARCHIVED, False)
    assert found("leave") == []
    passage = library.read_passage(kyo, employee, document.latest.id, 0, 6)
    assert (passage.quote, passage.is_current) == ("Thirty", False)
    with pytest.raises(Conflict, match="archived already"):
        reviewing.archive(kyo, manager, document.id)


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
    reviewing.archive(kyo, manager, new.id)
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
    reviewing.archive(kyo, manager, document.id)
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
        assert reviewing.archive(kyo, manager, document.id)
        return
    for decide in (
        lambda: reviewing.approve(kyo, manager, document.latest.id),
        lambda: reviewing.reject(kyo, manager, document.latest.id, "No."),
        lambda: reviewing.archive(kyo, manager, document.id),
    ):
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
    for decide in (
        lambda: reviewing.approve(kyo, manager, version),
        lambda: reviewing.reject(kyo, manager, version, "No."),
        lambda: reviewing.archive(kyo, manager, version),
    ):
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
