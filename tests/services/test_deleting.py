"""How documents are deleted: what is left of them, and what happens to those who work with them at that moment."""

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillWaiting
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Event, current_thread, main_thread
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, text

from kyo_pipeline.adapters.files import FolderFiles
from kyo_pipeline.db import citations, claims, documents, questions, versions
from kyo_pipeline.db.embedding_sets import EmbeddingSet
from kyo_pipeline.db.engine import Database
from kyo_pipeline.domain.access import Access
from kyo_pipeline.domain.actor import OPERATOR, Actor
from kyo_pipeline.domain.answers import ERASED_TEXT, Draft, DraftCitation, Outcome
from kyo_pipeline.domain.documents import Document, DocumentState, VersionStatus
from kyo_pipeline.domain.retrieval import Passage, Retrieval
from kyo_pipeline.errors import Conflict, Forbidden, NotAllowed, NotFound, Unavailable
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import (
    asking,
    collections,
    curating,
    history,
    indexing,
    library,
    reviewing,
)

Publish = Callable[[str, str], None]
Run = Callable[[], None]
Sql = Callable[..., list[Any]]
Details = Callable[[str], list[tuple[Any, str, Any]]]


def add_chunks(url: str, version_id: UUID, count: int) -> Sequence[int]:
    """As many passages of a version as an answer may cite; returns their ids in order."""
    with Database(url).transaction(OPERATOR) as tx:
        return tx.scalars(
            text(
                "insert into cuttings (name, size, overlap) values ('any', 500, 50) on conflict (name) do nothing; "
                "insert into chunks (version_id, cutting_id, ordinal, text, start_offset, end_offset, tokens, "
                "heading_path, lexical, lexeme_count) "
                "select :version, c.id, n, 'some text', 0, 9, 2, '{}', '', 0 "
                "from cuttings c, generate_series(1, :count) as n where c.name = 'any' order by n returning id"
            ),
            {"version": version_id, "count": count},
        ).all()


def test_of_a_deleted_document_nothing_is_left_but_that_it_was_there(
    kyo: Kyo,
    manager: Actor,
    admin: Actor,
    publish: Publish,
    document: Document,
    found: Callable[[str], list[str]],
    details: Details,
    sql: Sql,
) -> None:
    publish("leave.txt", "Everybody has forty days of leave.")
    publish("pay.txt", "Pay day is the last Friday.")
    paths = [kyo.files.path(row.sha256) for row in sql("select sha256 from document_versions order by number, sha256")]
    curating.add_tags(kyo, manager, document.id, ["hr"])

    deleted = curating.delete(kyo, admin, document.id)

    assert (deleted.state, deleted.deleted_by_name, deleted.tags) == (DocumentState.DELETED, admin.name, ())
    assert found("leave") == found("pay day") == ["Pay day is the last Friday."]
    [(vectors,)] = sql("select format('chunk_embeddings_%s', id) from embedding_sets where state = 'active'")
    for table in ("version_texts", "chunks", vectors):
        assert sql(f"select count(*) from {table}") == [(1,)]  # noqa: S608 — names of tables
    counted = sql("select count(*), sum(lexeme_count) from chunks")
    assert sql("select chunk_count, lexeme_count from cuttings") == counted
    still = "select from lexeme_counts n join lexemes l on l.id = n.lexeme_id where n.chunk_count > 0 and l.lexeme in"
    assert sql(f"{still} ('leav', 'forti', 'thirti')") == []
    assert sorted(path.exists() for path in paths) == [False, False, True]
    [(by, about, told)] = details("document:delete")
    assert (by, about) == (admin.id, str(document.id))
    assert told == {"title": "leave", "collection": "General", "versions": 2, "files": 2}
    assert len(details("document:upload")) == 3


def test_a_tombstone_is_for_admins_alone(
    kyo: Kyo, employee: Actor, manager: Actor, admin: Actor, document: Document
) -> None:
    curating.delete(kyo, admin, document.id)
    for actor, count in ((employee, 0), (manager, 0), (admin, 1), (OPERATOR, 1)):
        listed = library.list_documents(kyo, actor, state=DocumentState.DELETED)
        assert (listed.total, len(listed.documents)) == (count, count)
        assert library.list_documents(kyo, actor).documents == ()
        with pytest.raises(NotFound):
            library.read_document(kyo, actor, document.id)
        with pytest.raises(NotFound):
            library.read_passage(kyo, actor, document.latest.id, 0, 5)
        assert library.preview(kyo, actor, document.latest.id) == ""


def test_nothing_more_can_be_done_to_a_deleted_document(
    kyo: Kyo, employee: Actor, manager: Actor, admin: Actor, document: Document
) -> None:
    curating.delete(kyo, admin, document.id)
    with pytest.raises(Conflict, match="was deleted"):
        curating.delete(kyo, admin, document.id)
    for actor in (employee, manager, admin):
        for verb in (
            lambda actor=actor: curating.change(
                kyo, actor, document.id, title="Back", owner=document.owner_id, tags=(), review_by=None
            ),
            lambda actor=actor: curating.restore(kyo, actor, document.id),
            lambda actor=actor: curating.archive(kyo, actor, document.id),
            lambda actor=actor: reviewing.roll_back(kyo, actor, document.latest.id),
            lambda actor=actor: reviewing.confirm(kyo, actor, document.id),
            lambda actor=actor: library.retry(kyo, actor, document.latest.id),
        ):
            with pytest.raises((NotFound, Conflict, NotAllowed)):
                verb()


def test_only_admins_delete(kyo: Kyo, employee: Actor, manager: Actor, document: Document) -> None:
    for actor in (employee, manager):
        with pytest.raises(Forbidden, match="document:delete"):
            curating.delete(kyo, actor, document.id)
    assert library.read_document(kyo, employee, document.id).searchable


def test_an_answer_that_quoted_it_says_that_it_was_deleted(
    kyo: Kyo, employee: Actor, admin: Actor, publish: Publish, document: Document
) -> None:
    publish("pay.txt", "Pay day is the last Friday.")
    answer = asking.ask(kyo, employee, "How many days of leave?")
    assert "thirty" in answer.text
    history.rate(kyo, employee, answer.id, 1, "So it is thirty days.")
    kept = asking.ask(kyo, employee, "When is pay day?")

    curating.delete(kyo, admin, document.id)

    read = history.read_answer(kyo, employee, answer.id)
    assert (read.question, read.outcome, read.text) == ("How many days of leave?", Outcome.ERASED, ERASED_TEXT)
    [citation] = {(one.title, one.quote, one.is_deleted, one.current_number) for one in read.citations}
    assert citation == ("leave", "", True, None)
    assert (read.rating, read.comment) == (1, "")
    listed = {one.question: one for one in history.list_answers(kyo, employee).answers}
    assert (listed[read.question].outcome, listed[read.question].text) == (Outcome.ERASED, ERASED_TEXT)
    for gone in ("thirty", "since been deleted"):
        assert history.list_answers(kyo, employee, text=gone).total == 0
    assert history.list_answers(kyo, employee, text="days of leave").total == 1
    assert history.read_answer(kyo, employee, kept.id).text == kept.text
    with pytest.raises(NotFound):
        history.rate(kyo, employee, answer.id, -1)


def test_an_answer_is_not_stored_that_quotes_what_was_deleted_while_it_was_written(
    kyo: Kyo, employee: Actor, admin: Actor, document: Document, sql: Sql
) -> None:
    inner = kyo.generator

    class Slow:
        name, model = inner.name, inner.model

        def generate(self, question: str, retrieval: Retrieval) -> Generator[str, None, Draft]:
            curating.delete(kyo, admin, document.id)
            return (yield from inner.generate(question, retrieval))

    with pytest.raises(Conflict, match="at the same moment"):
        asking.ask(replace(kyo, generator=Slow()), employee, "How many days of leave?")
    assert sql("select text from answers where text like '%thirty%'") == []
    assert sql("select from citations") == []


def test_an_answer_that_is_being_stored_while_a_document_is_deleted_is_erased_or_refused(
    committed: Kyo, own_database: str
) -> None:
    """A citation holds its chunk: a delete waits for it and then erases it; later ones find no chunk any more."""
    kyo = committed
    cited = library.upload(kyo, OPERATOR, "old.txt", b"some text").document
    [chunk] = add_chunks(own_database, cited.latest.id, 1)

    def store(tx: Connection) -> None:
        question = questions.add_question(tx, OPERATOR, "Why?", kyo.now())
        made = questions.Production("", "", None, {})
        answer = questions.add_answer(tx, question, Draft("Some text.", Outcome.ANSWERED), made, kyo.now())
        tx.execute(
            text("insert into citations values (:answer, 1, :version, :chunk, 0, 9, 1)"),
            {"answer": answer, "version": cited.latest.id, "chunk": chunk},
        )

    with ThreadPoolExecutor(1) as other, kyo.db.transaction(OPERATOR) as tx:
        store(tx)
        deletion = other.submit(curating.delete, kyo, OPERATOR, cited.id)
        with pytest.raises(StillWaiting):
            deletion.result(0.5)
        tx.commit()
        deletion.result(20)
    with kyo.db.transaction(OPERATOR) as tx:
        assert tx.execute(text("select text, outcome from answers")).all() == [("", "erased")]
    with pytest.raises(Conflict, match="at the same moment"), kyo.db.transaction(OPERATOR) as tx:
        store(tx)


def test_an_answer_with_two_citations_and_a_delete_do_not_wait_for_each_other(
    committed: Kyo, own_database: str
) -> None:
    kyo = committed
    cited = library.upload(kyo, OPERATOR, "old.txt", b"some text").document
    chunks = add_chunks(own_database, cited.latest.id, 2)
    with ThreadPoolExecutor(1) as other, kyo.db.transaction(OPERATOR) as tx:
        deletions = []

        class Found(list[Passage]):
            """The deletion begins when the first citation holds its chunk."""

            def __getitem__(self, place: Any) -> Any:
                if tx.scalar(text("select exists (select from citations)")) and not deletions:
                    deletions.append(other.submit(curating.delete, kyo, OPERATOR, cited.id))
                    with pytest.raises(StillWaiting):
                        deletions[0].result(0.5)
                return super().__getitem__(place)

        somewhere = Passage(0, cited.id, cited.latest.id, 1, "old", "", "", 0, 9, None, None, (), 1.0, 1.0, 1.0)
        drafted = (DraftCitation(1, 1, 0, 4), DraftCitation(2, 0, 5, 9))
        question = questions.add_question(tx, OPERATOR, "Why?", kyo.now())
        draft = Draft("Some text [1] [2].", Outcome.ANSWERED, drafted)
        answer = questions.add_answer(tx, question, draft, questions.Production("", "", None, {}), kyo.now())
        citations.add(tx, answer, draft, Found(replace(somewhere, chunk_id=chunk) for chunk in chunks))
        tx.commit()
        deletions[0].result(20)
    with kyo.db.transaction(OPERATOR) as tx:
        assert tx.execute(text("select text, outcome from answers")).all() == [("", "erased")]


def test_the_same_file_can_be_uploaded_again(
    kyo: Kyo, admin: Actor, publish: Publish, document: Document, found: Callable[[str], list[str]]
) -> None:
    curating.delete(kyo, admin, document.id)
    publish("leave.txt", "Everybody has thirty days of leave.")
    assert found("leave") == ["Everybody has thirty days of leave."]
    [again] = library.list_documents(kyo, admin).documents
    assert (again.id != document.id, again.latest.number) == (True, 1)
    assert kyo.files.path(again.latest.sha256).read_bytes() == b"Everybody has thirty days of leave."


def test_a_file_that_another_document_has_as_well_stays(
    kyo: Kyo, admin: Actor, employee: Actor, document: Document
) -> None:
    same = library.upload(kyo, employee, "copy.txt", b"Everybody has thirty days of leave.").document
    curating.delete(kyo, admin, document.id)
    assert kyo.files.path(same.latest.sha256).is_file()
    curating.delete(kyo, admin, same.id)
    with pytest.raises(NotFound):
        kyo.files.path(same.latest.sha256)


def test_what_is_archived_is_deleted_without_being_counted_twice(
    kyo: Kyo, manager: Actor, admin: Actor, document: Document, sql: Sql
) -> None:
    curating.archive(kyo, manager, document.id)
    curating.delete(kyo, admin, document.id)
    assert sql("select chunk_count, lexeme_count from cuttings") == [(0, 0)]


@pytest.mark.parametrize("step", ["uploaded", "parsed", "chunked", "embedded"])
def test_what_is_deleted_while_it_is_processed_leaves_nothing_behind(
    kyo: Kyo, pipeline: Kyo, employee: Actor, manager: Actor, admin: Actor, sql: Sql, step: str
) -> None:
    uploaded = library.upload(kyo, employee, "new.txt", b"Something new.").document
    reviewing.approve(kyo, manager, uploaded.latest.id)
    steps = [indexing.parse, indexing.cut, indexing.embed, indexing.publish_ready]
    done = ["uploaded", "parsed", "chunked", "embedded"].index(step)
    for one in steps[:done]:
        one(pipeline, "run:1")
    curating.delete(kyo, admin, uploaded.id)
    for one in steps[done:]:
        one(pipeline, "run:1")
    assert sql("select count(*) from version_texts") == sql("select count(*) from chunks") == [(0,)]
    assert sql("select status, claimed_by from document_versions") == [("failed", None)]
    assert indexing.count_waiting(pipeline) == 0


@pytest.mark.parametrize("step", [1, 2], ids=["cut", "embed"])
def test_what_is_deleted_after_a_run_had_claimed_it_is_left_out(
    kyo: Kyo,
    pipeline: Kyo,
    employee: Actor,
    manager: Actor,
    admin: Actor,
    sql: Sql,
    monkeypatch: pytest.MonkeyPatch,
    step: int,
) -> None:
    gone, stays = (
        library.upload(kyo, employee, name, f"Of {name}.".encode()).document for name in ("gone.txt", "stays.txt")
    )
    for document in (gone, stays):
        reviewing.approve(kyo, manager, document.latest.id)
    steps = [indexing.parse, indexing.cut, indexing.embed, indexing.publish_ready]
    for one in steps[:step]:
        one(pipeline, "run:1")
    asked_between = indexing.serving_set

    def delete_then_ask(pipeline: Kyo) -> EmbeddingSet:
        monkeypatch.setattr(indexing, "serving_set", asked_between)
        curating.delete(kyo, admin, gone.id)
        return asked_between(pipeline)

    monkeypatch.setattr(indexing, "serving_set", delete_then_ask)
    for one in steps[step:]:
        assert one(pipeline, "run:1").failures == []
    assert sql("select v.status from document_versions v join chunks c on c.version_id = v.id") == [("ready",)]


def test_a_file_that_cannot_be_removed_is_said_and_the_document_is_gone_all_the_same(
    kyo: Kyo, admin: Actor, document: Document, found: Callable[[str], list[str]], tmp_path: Path
) -> None:
    class Stubborn(FolderFiles):
        def remove(self, sha256: str) -> None:  # noqa: ARG002 — the port's signature
            raise Unavailable("The file cannot be removed: Read-only file system.")

    with pytest.raises(Unavailable, match=r"deleted, but not its file yet.*kyo doctor --repair.*Read-only"):
        curating.delete(replace(kyo, files=Stubborn(tmp_path / "files")), admin, document.id)
    assert found("leave") == []
    assert library.list_documents(kyo, admin, state=DocumentState.DELETED).total == 1


def test_a_collection_of_which_only_tombstones_are_left_can_be_deleted(
    kyo: Kyo, employee: Actor, admin: Actor, collection: Callable[..., str], sql: Sql, run_pipeline: Run
) -> None:
    name = collection("Board", "write")
    uploaded = library.upload(kyo, employee, "plan.txt", b"The plan is secret.", name).document
    run_pipeline()
    reviewing.approve(kyo, admin, uploaded.latest.id)
    answer = asking.ask(kyo, employee, "What is the plan?")
    board = collections.named(kyo, admin, name)
    assert board.documents == 1
    with pytest.raises(Conflict, match="Board holds 1 document"):
        collections.delete(kyo, admin, board.id)
    curating.delete(kyo, admin, uploaded.id)
    assert collections.named(kyo, admin, name).documents == 0
    collections.delete(kyo, admin, board.id)
    assert sql("select state, collection_id from documents") == [("deleted", None)]
    assert "secret" not in history.read_answer(kyo, employee, answer.id).text


# At the same moment -------------------------------------------------------------------------------------------------


def test_a_file_that_is_uploaded_while_the_last_document_with_it_is_deleted_is_there_afterwards(
    committed: Kyo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The upload has stored the bytes already when they are removed, and adds its row after that."""
    kyo = committed
    old = library.upload(kyo, OPERATOR, "old.txt", b"the same bytes").document
    at_the_lock, go_on = Event(), Event()
    lock = versions.lock_digest

    def slow(tx: Connection, sha256: str) -> None:
        if current_thread() is not main_thread():
            at_the_lock.set()
            go_on.wait(20)
        lock(tx, sha256)

    monkeypatch.setattr(versions, "lock_digest", slow)
    with ThreadPoolExecutor(1) as other:
        upload = other.submit(library.upload, kyo, OPERATOR, "new.txt", b"the same bytes")
        assert at_the_lock.wait(20)
        curating.delete(kyo, OPERATOR, old.id)
        with pytest.raises(NotFound):
            kyo.files.path(old.latest.sha256)
        go_on.set()
        new = upload.result(20).document
    assert kyo.files.path(new.latest.sha256).read_bytes() == b"the same bytes"


def test_deleting_waits_for_an_upload_of_the_same_bytes_and_leaves_them_to_it(committed: Kyo) -> None:
    kyo = committed
    old = library.upload(kyo, OPERATOR, "old.txt", b"the same bytes").document
    with ThreadPoolExecutor(1) as other, kyo.db.transaction(OPERATOR) as tx:
        versions.lock_digest(tx, old.latest.sha256)
        deletion = other.submit(curating.delete, kyo, OPERATOR, old.id)
        with pytest.raises(StillWaiting):
            deletion.result(0.5)
        [general] = [one for one in library.list_collections(kyo, OPERATOR, Access.WRITE) if one.is_default]
        made = documents.add(tx, general.id, OPERATOR.id, "new", DocumentState.IN_REVIEW, kyo.now())
        tx.execute(
            text(
                "insert into document_versions (document_id, number, file_name, sha256, size_bytes, media_type, "
                "uploaded_by, uploaded_at) values (:id, 1, 'new.txt', :sha256, 14, 'text/plain', :by, now())"
            ),
            {"id": made, "sha256": old.latest.sha256, "by": OPERATOR.id},
        )
        tx.commit()
        deletion.result(20)
    assert kyo.files.path(old.latest.sha256).is_file()


def test_a_run_that_writes_and_somebody_who_deletes_do_not_wait_for_each_other(committed: Kyo) -> None:
    """Of a document with two versions the run writes to the later one, and renews its claims on both."""
    kyo = committed
    old = library.upload(kyo, OPERATOR, "old.txt", b"the first").document
    library.upload(kyo, OPERATOR, "old.txt", b"the second", document_id=old.id)
    with kyo.db.transaction(OPERATOR) as tx:
        claimed = claims.claim(tx, VersionStatus.UPLOADED, "run:1", 9, kyo.now(), kyo.now() + timedelta(minutes=1))
    last = max(version.version_id for version in claimed)
    with ThreadPoolExecutor(1) as other, kyo.db.transaction(OPERATOR) as tx:
        assert claims.keep(tx, [last], "run:1", VersionStatus.UPLOADED) == {last}
        deletion = other.submit(curating.delete, kyo, OPERATOR, old.id)
        with pytest.raises(StillWaiting):
            deletion.result(0.5)  # it has locked the other one, and waits for this
        claims.renew(tx, "run:1", kyo.now() + timedelta(minutes=2))
        tx.commit()
        assert deletion.result(20).state is DocumentState.DELETED
