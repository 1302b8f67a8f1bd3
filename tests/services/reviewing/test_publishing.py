"""When a version answers questions, and how one goes back to an earlier one."""

from collections.abc import Callable
from uuid import UUID

import pytest

from kyo_pipeline.domain.actor import OPERATOR, Actor
from kyo_pipeline.domain.documents import DocumentState
from kyo_pipeline.errors import Conflict, NotAllowed, NotFound
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import curating, indexing, library, reviewing
from tests.conftest import Clock
from tests.services.reviewing.conftest import Details, Publish, Run, Sql, upload


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
