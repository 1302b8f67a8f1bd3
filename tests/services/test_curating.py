"""What documents are called, to whom and where they belong, and how they leave the answers and come back."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from kyo_pipeline.domain.actor import OPERATOR, Actor, Role
from kyo_pipeline.domain.documents import Document, DocumentState
from kyo_pipeline.errors import Conflict, Invalid, NotFound
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import (
    asking,
    curating,
    expiring,
    library,
    reviewing,
    sharing,
)
from tests.conftest import Clock
from tests.recipients import a_person

Run = Callable[[], None]
Sql = Callable[..., list[Any]]
Details = Callable[[str], list[tuple[Any, str, Any]]]

NOBODY = UUID(int=0)


def change(kyo: Kyo, actor: Actor, document: Document, **changed: Any) -> Document:
    """Everything as it was, but for this."""
    said = {
        "title": document.title,
        "owner": document.owner_id,
        "tags": document.tags,
        "review_by": document.review_by,
        **changed,
    }
    return curating.change(kyo, actor, document.id, **said)


# What is said of a document -----------------------------------------------------------------------------------------


def test_title_owner_tags_and_review_date_are_changed_together(
    kyo: Kyo, manager: Actor, person: Callable[[Role], Actor], clock: Clock, document: Document, details: Details
) -> None:
    owner, day = person(Role.EMPLOYEE), clock().date() + timedelta(days=30)
    changed = change(kyo, manager, document, title=" Leave ", owner=owner.id, tags=["HR ", "hr", "a b"], review_by=day)
    assert (changed.title, changed.owner_id, changed.owner_name) == ("Leave", owner.id, owner.name)
    assert (changed.tags, changed.review_by) == (("a b", "hr"), day)
    [(by, about, told)] = details("document:change")
    assert (by, about) == (manager.id, str(document.id))
    assert told == {
        "before": {"title": "leave", "owner": document.owner_name, "tags": [], "review_by": None},
        "after": {"title": "Leave", "owner": owner.name, "tags": ["a b", "hr"], "review_by": day.isoformat()},
    }
    assert curating.list_tags(kyo, owner) == ("a b", "hr")


def test_saving_what_is_there_already_is_no_deed(
    kyo: Kyo, manager: Actor, document: Document, audited: Callable[[], list[str]]
) -> None:
    assert change(kyo, manager, document).title == document.title
    assert "document:change" not in audited()


def test_another_title_reaches_what_is_searched_when_the_document_has_been_read_again(
    kyo: Kyo, manager: Actor, document: Document, run_pipeline: Run, found: Callable[[str], list[str]], sql: Sql
) -> None:
    by_title = """
        select count(*)
        from documents d
        join chunks c on c.version_id = d.current_version_id
        where c.lexical @@ 'sabbat'
    """
    change(kyo, manager, document, title="Sabbatical")
    assert found("thirty days") == ["Everybody has thirty days of leave."]
    assert sql(by_title) == [(0,)]
    run_pipeline()
    assert found("thirty days") == ["Everybody has thirty days of leave."]
    assert sql(by_title) == [(1,)]
    assert library.read_document(kyo, manager, document.id).state is DocumentState.APPROVED
    assert sql("select count(*) from cuttings where chunk_count = 1") == [(1,)]


def test_other_changes_leave_the_index_alone(
    kyo: Kyo, manager: Actor, document: Document, audited: Callable[[], list[str]]
) -> None:
    change(kyo, manager, document, tags=["hr"])
    assert "document:reprocess" not in audited()
    assert library.read_document(kyo, manager, document.id).latest.number == 1


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"title": " "}, "A title has 1 to 300 characters"),
        ({"title": "a\nb"}, "A title has 1 to 300 characters"),
        ({"title": "\u202ex"}, "A title has 1 to 300 characters"),
        ({"title": "x" * 301}, "A title has 1 to 300 characters"),
        ({"tags": ["x" * 41]}, "A tag has 1 to 40 characters"),
        ({"tags": ["a, b"]}, "no comma"),
        ({"tags": [str(n) for n in range(21)]}, "20 tags at most"),
        ({"owner": NOBODY}, "Choose an owner"),
        ({"owner": OPERATOR.id}, "Choose an owner"),
        ({"review_by": date(2020, 1, 1)}, "Choose a day after today"),
        ({"review_by": date(9999, 12, 31)}, "Choose a day after today"),
    ],
)
def test_what_cannot_be_said_of_a_document_changes_nothing(
    kyo: Kyo, manager: Actor, document: Document, changed: dict[str, Any], says: str
) -> None:
    with pytest.raises(Invalid, match=says):
        change(kyo, manager, document, **changed)
    assert library.read_document(kyo, manager, document.id) == document


def test_the_owner_is_somebody_who_may_upload_there(
    kyo: Kyo,
    manager: Actor,
    person: Callable[[Role], Actor],
    collection: Callable[..., str],
    sql: Sql,
) -> None:
    reader, writer, gone = person(Role.EMPLOYEE), person(Role.EMPLOYEE), person(Role.EMPLOYEE)
    sql("update users set active = false where id = :id", id=gone.id)
    access = {manager: "approve", reader: "read", writer: "write", gone: "write"}
    name = collection("Board", None, access)
    uploaded = library.upload(kyo, manager, "plan.txt", b"The plan.", name).document
    may = {found.id for found in curating.owners(kyo, manager, uploaded.id)}
    assert may & {reader.id, writer.id, gone.id, manager.id, OPERATOR.id} == {writer.id, manager.id}
    for nobody in (reader, gone):
        with pytest.raises(Invalid, match="Choose an owner"):
            change(kyo, manager, uploaded, owner=nobody.id)
    assert change(kyo, manager, uploaded, owner=writer.id).owner_id == writer.id
    # Whoever has lost the access since may stay the owner.
    sql("update collection_members set access = 'read' where user_id = :id", id=writer.id)
    uploaded = library.read_document(kyo, manager, uploaded.id)
    assert change(kyo, manager, uploaded, tags=["plan"]).owner_id == writer.id


def test_the_new_owner_of_a_restricted_document_finds_it(
    kyo: Kyo, manager: Actor, employee: Actor, person: Callable[[Role], Actor], document: Document
) -> None:
    other = person(Role.EMPLOYEE)
    sharing.restrict(kyo, manager, document.id)
    assert asking.search(kyo, other, "leave").passages == ()
    change(kyo, manager, document, owner=other.id)
    assert asking.search(kyo, other, "leave").passages
    assert asking.search(kyo, employee, "leave").passages == ()


def test_tags_are_added_to_those_that_are_there(
    kyo: Kyo, manager: Actor, document: Document, audited: Callable[[], list[str]]
) -> None:
    change(kyo, manager, document, tags=["hr"])
    assert curating.add_tags(kyo, manager, document.id, ["Travel", "hr"]).tags == ("hr", "travel")
    assert curating.add_tags(kyo, manager, document.id, ["TRAVEL"]).tags == ("hr", "travel")
    assert audited().count("document:change") == 2


def test_tags_of_what_one_may_not_see_are_not_listed(
    kyo: Kyo, manager: Actor, employee: Actor, person: Callable[[Role], Actor], document: Document
) -> None:
    other = person(Role.EMPLOYEE)
    draft = library.upload(kyo, employee, "draft.txt", b"Not approved.").document
    curating.add_tags(kyo, manager, draft.id, ["secret"])
    curating.add_tags(kyo, manager, document.id, ["hr"])
    assert curating.list_tags(kyo, other) == ("hr",)
    assert curating.list_tags(kyo, employee) == curating.list_tags(kyo, manager) == ("hr", "secret")
    sharing.restrict(kyo, manager, document.id)
    assert curating.list_tags(kyo, other) == ()
    sharing.add_reader(kyo, manager, document.id, a_person(other.id))
    assert curating.list_tags(kyo, other) == ("hr",)


# Where it belongs ---------------------------------------------------------------------------------------------------


def test_a_document_moves_and_is_read_by_those_who_may_read_there(
    kyo: Kyo,
    manager: Actor,
    collection: Callable[..., str],
    document: Document,
    found: Callable[[str], list[str]],
    details: Details,
) -> None:
    name = collection("Board", None, {manager: "approve"})
    moved = curating.move(kyo, manager, document.id, name)
    assert (moved.collection, moved.state, moved.searchable) == ("Board", DocumentState.APPROVED, True)
    assert found("leave") == []
    assert asking.search(kyo, manager, "leave").passages
    assert details("document:move") == [
        (manager.id, str(document.id), {"title": "leave", "before": "General", "after": "Board"})
    ]
    assert curating.move(kyo, manager, document.id, "Board") == moved
    assert len(details("document:move")) == 1
    curating.move(kyo, manager, document.id, "General")
    assert found("leave")


@pytest.mark.parametrize("access", [None, "read", "write"])
def test_a_document_moves_only_where_one_may_approve(
    kyo: Kyo, manager: Actor, collection: Callable[..., str], document: Document, access: str | None
) -> None:
    name = collection("Board", None, {manager: access} if access else None)
    for target in (name, "Nowhere", "nul\x00"):
        with pytest.raises(NotFound, match="no such collection"):
            curating.move(kyo, manager, document.id, target)
    assert library.read_document(kyo, manager, document.id).collection == "General"


# Archived and back --------------------------------------------------------------------------------------------------


def test_what_was_archived_comes_back_and_answers_again(
    kyo: Kyo, manager: Actor, document: Document, found: Callable[[str], list[str]], audited: Callable[[], list[str]]
) -> None:
    with pytest.raises(Conflict, match="not archived"):
        curating.restore(kyo, manager, document.id)
    curating.archive(kyo, manager, document.id)
    assert found("leave") == []
    restored = curating.restore(kyo, manager, document.id)
    assert (restored.state, restored.searchable) == (DocumentState.APPROVED, True)
    assert found("leave") == ["Everybody has thirty days of leave."]
    assert audited()[-2:] == ["document:archive", "document:restore"]


def test_what_became_ready_in_the_archive_answers_when_it_comes_back(
    kyo: Kyo,
    employee: Actor,
    manager: Actor,
    document: Document,
    run_pipeline: Run,
    found: Callable[[str], list[str]],
    sql: Sql,
) -> None:
    new = library.upload(kyo, employee, "leave.txt", b"Everybody has forty days of leave.").document
    reviewing.approve(kyo, manager, new.latest.id)
    curating.archive(kyo, manager, document.id)
    run_pipeline()
    assert found("leave") == []
    assert curating.restore(kyo, manager, document.id).current_number == 2
    assert found("leave") == ["Everybody has forty days of leave."]
    assert sql("select chunk_count from cuttings") == [(1,)]


@pytest.mark.parametrize("decision", ["none", "rejected", "approved, not ready"])
def test_what_never_answered_comes_back_as_what_it_was(
    kyo: Kyo, employee: Actor, manager: Actor, run_pipeline: Run, decision: str
) -> None:
    uploaded = library.upload(kyo, employee, "new.txt", b"Something new.").document
    before = uploaded.state
    if decision == "rejected":
        before = reviewing.reject(kyo, manager, uploaded.latest.id, "No.").state
    elif decision.startswith("approved"):
        before = reviewing.approve(kyo, manager, uploaded.latest.id).state
    curating.archive(kyo, manager, uploaded.id)
    assert curating.restore(kyo, manager, uploaded.id).state is before
    run_pipeline()
    searchable = decision.startswith("approved")
    assert library.read_document(kyo, employee, uploaded.id).searchable is searchable


def test_an_archived_document_keeps_its_title(kyo: Kyo, manager: Actor, document: Document) -> None:
    archived = curating.archive(kyo, manager, document.id)
    with pytest.raises(Conflict, match="Restore it before"):
        change(kyo, manager, archived, title="Another")
    assert change(kyo, manager, archived, tags=["old"]).tags == ("old",)


# Reviews that are due -----------------------------------------------------------------------------------------------


@pytest.fixture
def overdue(kyo: Kyo, pipeline: Kyo, manager: Actor, clock: Clock, document: Document) -> Document:
    change(kyo, manager, document, review_by=clock().date() + timedelta(days=1))
    clock.advance(days=2)
    assert expiring.expire(pipeline) == 1
    return library.read_document(kyo, manager, document.id)


def test_an_overdue_review_is_not_put_off_by_another_date(
    kyo: Kyo, manager: Actor, clock: Clock, overdue: Document
) -> None:
    for day in (None, clock().date() + timedelta(days=9)):
        with pytest.raises(Conflict, match="overdue: confirm"):
            change(kyo, manager, overdue, review_by=day)
    assert change(kyo, manager, overdue, tags=["hr"]).stale_since is not None


def test_a_new_owner_gets_the_task(
    kyo: Kyo, pipeline: Kyo, manager: Actor, person: Callable[[Role], Actor], overdue: Document, sql: Sql
) -> None:
    other = person(Role.EMPLOYEE)
    change(kyo, manager, overdue, owner=other.id)
    assert expiring.expire(pipeline) == 0
    assert sql("select assigned_to from review_items where closed_at is null") == [(other.id,)]


def test_the_task_ends_in_the_archive_and_begins_again_after_it(
    kyo: Kyo, pipeline: Kyo, manager: Actor, overdue: Document, sql: Sql
) -> None:
    assert library.read_passage(kyo, manager, overdue.latest.id, 0, 5).is_stale
    assert not curating.archive(kyo, manager, overdue.id).is_overdue
    assert not library.read_passage(kyo, manager, overdue.latest.id, 0, 5).is_stale
    assert expiring.expire(pipeline) == 0
    assert sql("select closed_by from review_items where closed_at is not null") == [(manager.id,)]
    assert sql("select count(*) from review_items where closed_at is null") == [(0,)]
    assert curating.restore(kyo, manager, overdue.id).is_overdue
    expiring.expire(pipeline)
    assert sql("select count(*) from review_items where closed_at is null") == [(1,)]


# Who may ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("access", "allowed"), [(None, False), ("read", False), ("write", False), ("approve", True)])
def test_managers_look_after_documents_where_they_may_approve(
    kyo: Kyo, manager: Actor, collection: Callable[..., str], access: str | None, allowed: bool
) -> None:
    name = collection("Board", None, {manager: access} if access else None)
    uploaded = library.upload(kyo, OPERATOR, "a.txt", b"text", name).document
    assert curating.may_curate(kyo, manager, uploaded.id) is allowed
    verbs: list[Callable[[], object]] = [
        lambda: curating.owners(kyo, manager, uploaded.id),
        lambda: change(kyo, manager, uploaded, tags=["a"]),
        lambda: curating.add_tags(kyo, manager, uploaded.id, ["b"]),
        lambda: curating.archive(kyo, manager, uploaded.id),
        lambda: curating.restore(kyo, manager, uploaded.id),
        lambda: curating.move(kyo, manager, uploaded.id, "General"),
    ]
    for verb in verbs:
        if allowed:
            verb()
            continue
        with pytest.raises(NotFound):
            verb()


def test_employees_look_after_nothing(kyo: Kyo, employee: Actor, document: Document) -> None:
    assert not curating.may_curate(kyo, employee, document.id)


@pytest.mark.parametrize("nothing", [NOBODY, UUID(int=2**128 - 1)])
def test_what_does_not_exist_is_not_found(kyo: Kyo, admin: Actor, document: Document, nothing: UUID) -> None:
    assert not curating.may_curate(kyo, admin, nothing)
    for verb in (
        lambda: curating.owners(kyo, admin, nothing),
        lambda: change(kyo, admin, replace(document, id=nothing)),
        lambda: curating.add_tags(kyo, admin, nothing, ["b"]),
        lambda: curating.move(kyo, admin, nothing, "General"),
        lambda: curating.archive(kyo, admin, nothing),
        lambda: curating.restore(kyo, admin, nothing),
        lambda: curating.delete(kyo, admin, nothing),
    ):
        with pytest.raises(NotFound):
            verb()
