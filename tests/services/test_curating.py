"""What documents are called, to whom and where they belong, and how they go: archived, restored, deleted."""

from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillWaiting
from dataclasses import replace
from datetime import date, timedelta
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
from kyo_pipeline.domain.actor import OPERATOR, Actor, Role
from kyo_pipeline.domain.answers import ERASED_TEXT, Draft, DraftCitation, Outcome
from kyo_pipeline.domain.documents import Document, DocumentState, VersionStatus
from kyo_pipeline.domain.retrieval import Passage, Retrieval
from kyo_pipeline.errors import Conflict, Forbidden, Invalid, NotAllowed, NotFound, Unavailable
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import (
    asking,
    collections,
    curating,
    expiring,
    history,
    indexing,
    library,
    reviewing,
    sharing,
)
from tests.conftest import Clock
from tests.recipients import a_person

Publish = Callable[[str, str], None]
Run = Callable[[], None]
Sql = Callable[..., list[Any]]
Details = Callable[[str], list[tuple[Any, str, Any]]]

NOBODY = UUID(int=0)


@pytest.fixture
def document(kyo: Kyo, employee: Actor, publish: Publish) -> Document:
    """A published one, uploaded by the employee."""
    publish("leave.txt", "Everybody has thirty days of leave.")
    [found] = library.list_documents(kyo, employee).documents
    return found


@pytest.fixture
def found(kyo: Kyo, employee: Actor) -> Callable[[str], list[str]]:
    """The texts that a question finds."""
    return lambda question: [passage.text for passage in asking.search(kyo, employee, question).passages]


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


# Deleted ------------------------------------------------------------------------------------------------------------


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
            lambda actor=actor: change(kyo, actor, document, title="Back"),
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
    with Database(own_database).transaction(OPERATOR) as tx:
        chunk = tx.scalar(
            text(
                "insert into cuttings (name, size, overlap) values ('any', 500, 50) on conflict (name) do nothing; "
                "insert into chunks (version_id, cutting_id, ordinal, text, start_offset, end_offset, tokens, "
                "heading_path, lexical, lexeme_count) "
                "select :version, id, 0, 'some text', 0, 9, 2, '{}', '', 0 from cuttings where name = 'any' "
                "returning id"
            ),
            {"version": cited.latest.id},
        )

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
    with Database(own_database).transaction(OPERATOR) as tx:
        chunks = tx.scalars(
            text(
                "insert into cuttings (name, size, overlap) values ('any', 500, 50) on conflict (name) do nothing; "
                "insert into chunks (version_id, cutting_id, ordinal, text, start_offset, end_offset, tokens, "
                "heading_path, lexical, lexeme_count) "
                "select :version, c.id, n, 'some text', 0, 9, 2, '{}', '', 0 "
                "from cuttings c, generate_series(0, 1) as n where c.name = 'any' order by n returning id"
            ),
            {"version": cited.latest.id},
        ).all()
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
