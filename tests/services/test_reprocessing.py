from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from kyo_pipeline.db import reprocessing as db_reprocessing
from kyo_pipeline.domain.actor import OPERATOR, Actor
from kyo_pipeline.domain.documents import Document, Review, VersionStatus
from kyo_pipeline.errors import Forbidden, Invalid, NotFound
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import asking, curating, indexing, library, reprocessing, reviewing
from tests.soundness import unsound

Sql = Callable[..., list[Any]]


@pytest.fixture
def published(kyo: Kyo, employee: Actor, publish: Callable[[str, str], None]) -> Document:
    publish("leave.txt", "Everybody has thirty days of leave.")
    [document] = library.list_documents(kyo, employee).documents
    return document


@pytest.fixture
def versions(sql: Sql) -> Callable[[], list[tuple[Any, ...]]]:
    return lambda: [
        tuple(row)
        for row in sql(
            """
            select v.number, v.status, v.review, o.number as reprocess_of, d.current_version_id = v.id as is_current
            from document_versions v
            join documents d on d.id = v.document_id
            left join document_versions o on o.id = v.reprocess_of
            order by d.created_at, d.id, v.number
            """
        )
    ]


def totals(done: reprocessing.Reprocessed) -> tuple[int, int, int, int]:
    return (done.again, done.restarted, done.waiting, len(done.skipped))


def test_what_is_approved_is_read_again_beside_the_old_reading_and_takes_its_place(
    kyo: Kyo,
    admin: Actor,
    employee: Actor,
    manager: Actor,
    published: Document,
    versions: Callable[[], list[tuple[Any, ...]]],
    run_pipeline: Callable[[], None],
    pipeline: Kyo,
    sql: Sql,
    audited: Callable[[], list[str]],
) -> None:
    assert totals(reprocessing.reprocess(kyo, admin, document_id=published.id)) == (1, 0, 0, 0)
    assert versions() == [(1, "ready", "approved", None, True), (2, "uploaded", "approved", 1, False)]
    assert [passage.version_number for passage in asking.search(kyo, employee, "leave").passages] == [1]

    run_pipeline()

    assert versions() == [(1, "ready", "approved", None, False), (2, "ready", "approved", 1, True)]
    assert [passage.version_number for passage in asking.search(kyo, employee, "leave").passages] == [2]
    assert unsound(pipeline) == {}
    [(uploader, reviewer)] = sql("select uploaded_by, reviewed_by from document_versions where number = 2")
    assert (uploader, reviewer) == (employee.id, manager.id)
    assert "document:reprocess" in audited()


def test_twice_is_once_while_it_waits(
    kyo: Kyo, admin: Actor, published: Document, versions: Callable[[], list[tuple[Any, ...]]]
) -> None:
    assert totals(reprocessing.reprocess(kyo, admin, everything=True)) == (1, 0, 0, 0)
    assert totals(reprocessing.reprocess(kyo, admin, everything=True)) == (0, 0, 1, 0)
    assert totals(reprocessing.reprocess(kyo, admin, document_id=published.id)) == (0, 0, 1, 0)
    assert len(versions()) == 2


def test_a_reading_that_failed_is_restarted_in_its_place(
    kyo: Kyo,
    admin: Actor,
    published: Document,
    run_pipeline: Callable[[], None],
    versions: Callable[[], list[tuple[Any, ...]]],
    sql: Sql,
) -> None:
    reprocessing.reprocess(kyo, admin, document_id=published.id)
    sql("update document_versions set status = 'failed', error = 'No.' where number = 2")
    assert totals(reprocessing.reprocess(kyo, admin, document_id=published.id)) == (0, 1, 0, 0)
    run_pipeline()
    assert versions()[1:] == [(2, "ready", "approved", 1, True)]


def test_what_waits_for_a_decision_stays_the_newest_and_can_be_approved(
    kyo: Kyo,
    admin: Actor,
    employee: Actor,
    manager: Actor,
    published: Document,
    run_pipeline: Callable[[], None],
    versions: Callable[[], list[tuple[Any, ...]]],
) -> None:
    newer = library.upload(kyo, employee, "leave.txt", b"Everybody has forty days of leave.").document.latest
    run_pipeline()
    assert totals(reprocessing.reprocess(kyo, admin, document_id=published.id)) == (1, 1, 0, 0)
    run_pipeline()
    assert versions() == [
        (1, "ready", "approved", None, False),
        (2, "ready", "approved", 1, True),
        (3, "ready", "pending", None, False),
    ]
    assert library.read_document(kyo, manager, published.id).latest.id == newer.id
    reviewing.approve(kyo, manager, newer.id)
    [passage] = asking.search(kyo, employee, "leave").passages
    assert "forty" in passage.text


def test_after_a_roll_back_the_text_that_answers_is_what_is_read_again(
    kyo: Kyo,
    admin: Actor,
    employee: Actor,
    manager: Actor,
    published: Document,
    run_pipeline: Callable[[], None],
    versions: Callable[[], list[tuple[Any, ...]]],
    sql: Sql,
) -> None:
    newer = library.upload(kyo, employee, "leave.txt", b"Everybody has forty days of leave.").document.latest
    reviewing.approve(kyo, manager, newer.id)
    run_pipeline()
    sql("update documents set current_version_id = :id", id=published.latest.id)
    assert totals(reprocessing.reprocess(kyo, admin, document_id=published.id)) == (1, 0, 0, 0)
    run_pipeline()
    assert versions()[1:] == [(2, "ready", "approved", None, False), (3, "ready", "approved", 1, True)]
    [passage] = asking.search(kyo, employee, "leave").passages
    assert "thirty" in passage.text


def test_what_never_answered_anything_starts_again_in_place_and_what_was_rejected_stays(
    kyo: Kyo,
    admin: Actor,
    employee: Actor,
    manager: Actor,
    run_pipeline: Callable[[], None],
    versions: Callable[[], list[tuple[Any, ...]]],
) -> None:
    library.upload(kyo, employee, "waits.txt", b"It waits.")
    library.upload(kyo, employee, "fails.txt", b"broken")
    rejected = library.upload(kyo, employee, "rejected.txt", b"Not wanted.").document.latest
    run_pipeline()
    reviewing.reject(kyo, manager, rejected.id, "No.")
    assert totals(reprocessing.reprocess(kyo, admin, everything=True)) == (0, 2, 1, 0)
    assert sorted(versions()) == [
        (1, "ready", "rejected", None, None),
        (1, "uploaded", "pending", None, None),
        (1, "uploaded", "pending", None, None),
    ]


def test_a_document_whose_bytes_are_gone_is_left_as_it_is_and_named(
    kyo: Kyo, admin: Actor, published: Document, versions: Callable[[], list[tuple[Any, ...]]]
) -> None:
    kyo.files.path(published.latest.sha256).unlink()
    [skipped] = reprocessing.reprocess(kyo, admin, everything=True).skipped
    assert (skipped.document_id, skipped.title) == (published.id, "leave")
    assert "Upload the file again" in skipped.reason
    assert versions() == [(1, "ready", "approved", None, True)]


def test_only_the_collection_that_is_named_and_nothing_archived(
    kyo: Kyo, admin: Actor, published: Document, collection: Callable[..., str]
) -> None:
    library.upload(kyo, admin, "other.txt", b"Other text.", collection("Board"))
    assert totals(reprocessing.reprocess(kyo, admin, collection="General")) == (1, 0, 0, 0)
    curating.archive(kyo, admin, published.id)
    assert totals(reprocessing.reprocess(kyo, admin, collection="General")) == (0, 0, 0, 0)
    with pytest.raises(NotFound, match="archived or deleted"):
        reprocessing.reprocess(kyo, admin, document_id=published.id)
    with pytest.raises(NotFound, match="no collection called Nowhere"):
        reprocessing.reprocess(kyo, admin, collection="Nowhere")


@pytest.mark.parametrize(
    "wanted", [{}, {"everything": True, "collection": "General"}, {"document_id": uuid4(), "everything": True}]
)
def test_exactly_one_thing_must_be_said(kyo: Kyo, admin: Actor, wanted: dict[str, Any]) -> None:
    with pytest.raises(Invalid, match="one document, one collection, or everything"):
        reprocessing.reprocess(kyo, admin, **wanted)


def test_pages_of_documents_are_all_taken(
    kyo: Kyo, admin: Actor, employee: Actor, monkeypatch: pytest.MonkeyPatch, run_pipeline: Callable[[], None]
) -> None:
    monkeypatch.setattr(reprocessing, "DOCUMENTS_A_PAGE", 2)
    for number in range(5):
        library.upload(kyo, employee, f"{number}.txt", f"Text {number}.".encode())
    run_pipeline()
    assert totals(reprocessing.reprocess(kyo, admin, everything=True)) == (0, 5, 0, 0)


# requeue: what a changed title does --------------------------------------------------------------------------------


def test_who_may_approve_may_cause_it_and_acts_as_themselves_afterwards(
    kyo: Kyo, manager: Actor, published: Document, sql: Sql
) -> None:
    with kyo.db.transaction(manager) as tx:
        done = db_reprocessing.requeue(tx, manager, published.id, kyo.now())
        [(actor,)] = tx.exec_driver_sql("select current_setting('kyo.actor')").all()
    assert done.again is not None
    assert UUID(actor) == manager.id
    assert sql("select actor_id from audit_log where event = 'document:reprocess'") == [(manager.id,)]


def test_who_may_not_approve_is_refused_by_the_database(kyo: Kyo, employee: Actor, published: Document) -> None:
    with pytest.raises(Forbidden), kyo.db.transaction(employee) as tx:
        db_reprocessing.requeue(tx, employee, published.id, kyo.now())


@pytest.mark.parametrize(("even_under_way", "status"), [(True, "uploaded"), (False, "parsed")])
def test_what_is_under_way_begins_again_only_when_its_title_has_changed(
    kyo: Kyo, manager: Actor, published: Document, pipeline: Kyo, sql: Sql, even_under_way: bool, status: str
) -> None:
    with kyo.db.transaction(manager) as tx:
        db_reprocessing.requeue(tx, manager, published.id, kyo.now())
    indexing.parse(pipeline, "run:1")
    with kyo.db.transaction(manager) as tx:
        done = db_reprocessing.requeue(tx, manager, published.id, kyo.now(), even_under_way=even_under_way)
    assert (done.again, len(done.restarted)) == (None, int(even_under_way))
    assert sql("select status, claimed_by is null from document_versions where number = 2") == [
        (status, even_under_way)
    ]


def test_the_run_that_held_it_changes_nothing_any_more(
    kyo: Kyo, manager: Actor, published: Document, pipeline: Kyo, sql: Sql
) -> None:
    with kyo.db.transaction(manager) as tx:
        db_reprocessing.requeue(tx, manager, published.id, kyo.now())
    indexing.parse(pipeline, "run:1")
    with kyo.db.transaction(manager) as tx:
        db_reprocessing.requeue(tx, manager, published.id, kyo.now())
    indexing.cut(pipeline, "run:1")
    assert sql("select status from document_versions where number = 2") == [("uploaded",)]


def test_reading_again_uses_up_no_upload(kyo: Kyo, manager: Actor, sql: Sql, run_pipeline: Callable[[], None]) -> None:
    document = library.upload(kyo, manager, "a.txt", b"Some text.").document
    reviewing.approve(kyo, manager, document.latest.id)
    run_pipeline()
    reprocessing.reprocess(kyo, OPERATOR, document_id=document.id)
    assert sql("select count(*) from document_versions where uploaded_by = :id", id=manager.id) == [(2,)]
    from kyo_pipeline.db import usage

    with kyo.db.transaction(manager) as tx:
        assert usage.files_uploaded(tx, manager, kyo.now()) == 1


def test_a_reading_again_is_told_from_an_upload(kyo: Kyo, manager: Actor, published: Document) -> None:
    reprocessing.reprocess(kyo, OPERATOR, document_id=published.id)
    latest = library.read_document(kyo, manager, published.id).latest
    assert (latest.number, latest.reprocess_of, latest.status, latest.review) == (
        2,
        1,
        VersionStatus.UPLOADED,
        Review.APPROVED,
    )
