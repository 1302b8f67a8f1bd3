"""New versions: for one document, as drafts, of bytes that are there already; and all that a document has had."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from kyo_pipeline.db import versions
from kyo_pipeline.domain.actor import OPERATOR, Actor, Role
from kyo_pipeline.domain.documents import Document, DocumentState, Review
from kyo_pipeline.errors import Conflict, NotAllowed, NotFound
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import curating, library, reviewing

Sql = Callable[..., list[Any]]
Publish = Callable[[str, str], None]

NOBODY = UUID(int=0)


class TestNewVersion:
    """A file for one document, whatever the file is called."""

    def test_is_the_next_one(
        self, kyo: Kyo, employee: Actor, publish: Publish, audited: Callable[[], list[str]]
    ) -> None:
        publish("plan.txt", "one")
        [document] = library.list_documents(kyo, employee).documents
        uploaded = library.upload(kyo, employee, "Plan 2027 (final).txt", b"two", document_id=document.id)
        latest = uploaded.document.latest
        assert (uploaded.created, uploaded.document.id, uploaded.document.title) == (True, document.id, "plan")
        assert (latest.number, latest.file_name, latest.review) == (2, "Plan 2027 (final).txt", Review.PENDING)
        assert (uploaded.document.current_number, uploaded.document.searchable) == (1, True)
        assert audited()[-1] == "document:upload"

    def test_the_bytes_that_it_has_change_nothing(self, kyo: Kyo, employee: Actor, manager: Actor) -> None:
        document = library.upload(kyo, employee, "plan.txt", b"one").document
        again = library.upload(kyo, employee, "other.txt", b"one", document_id=document.id)
        assert (again.created, again.document) == (False, document)
        reviewing.reject(kyo, manager, document.latest.id, "Not yet.")
        assert library.upload(kyo, employee, "other.txt", b"one", document_id=document.id).created

    @pytest.mark.parametrize("who", ["employee", "manager", "admin"])
    def test_is_for_those_who_may_write_there(
        self, kyo: Kyo, collection: Callable[..., str], request: pytest.FixtureRequest, who: str, sql: Sql
    ) -> None:
        actor = request.getfixturevalue(who)
        name = collection("Board", "read", {actor: "write"})
        document = library.upload(kyo, OPERATOR, "a.txt", b"one", name).document
        sql("update documents set state = 'approved'")
        sql("update document_versions set review = 'approved', status = 'ready'")
        sql("update documents set current_version_id = :id", id=document.latest.id)
        assert library.upload(kyo, actor, "b.txt", b"two", document_id=document.id).document.latest.number == 2

    @pytest.mark.parametrize("everyone", [None, "read"])
    def test_is_refused_to_readers_and_nobody_else_hears_of_the_document(
        self,
        kyo: Kyo,
        employee: Actor,
        publish: Publish,
        sql: Sql,
        person: Callable[[Role], Actor],
        everyone: str | None,
    ) -> None:
        publish("plan.txt", "one")
        [document] = library.list_documents(kyo, employee).documents
        sql("update collections set everyone_access = :access", access=everyone)
        refusal, message = (NotAllowed, "but not replace it") if everyone else (NotFound, "no such document")
        with pytest.raises(refusal, match=message):
            library.upload(kyo, person(Role.EMPLOYEE), "plan.txt", b"two", document_id=document.id)
        assert len(sql("select from document_versions")) == 1

    def test_is_refused_to_a_writer_who_was_only_given_a_restricted_document(
        self, kyo: Kyo, employee: Actor, publish: Publish, sql: Sql, person: Callable[[Role], Actor]
    ) -> None:
        publish("plan.txt", "one")
        [document] = library.list_documents(kyo, employee).documents
        other = person(Role.EMPLOYEE)
        sql("update documents set restricted = true")
        with pytest.raises(NotFound):
            library.upload(kyo, other, "plan.txt", b"two", document_id=document.id)
        sql("insert into document_readers (document_id, user_id) values (:id, :user)", id=document.id, user=other.id)
        with pytest.raises(NotAllowed):
            library.upload(kyo, other, "plan.txt", b"two", document_id=document.id)
        assert library.upload(kyo, employee, "plan.txt", b"two", document_id=document.id).created

    def test_of_somebody_elses_unseen_document_there_is_none(
        self, kyo: Kyo, employee: Actor, person: Callable[[Role], Actor]
    ) -> None:
        document = library.upload(kyo, employee, "plan.txt", b"one").document
        for unseen in (document.id, NOBODY):
            with pytest.raises(NotFound):
                library.upload(kyo, person(Role.EMPLOYEE), "plan.txt", b"two", document_id=unseen)

    def test_of_an_archived_or_deleted_one_there_is_none(
        self, kyo: Kyo, employee: Actor, manager: Actor, admin: Actor, publish: Publish, sql: Sql
    ) -> None:
        publish("plan.txt", "one")
        [document] = library.list_documents(kyo, employee).documents
        curating.archive(kyo, manager, document.id)
        with pytest.raises(Conflict, match="is archived"):
            library.upload(kyo, employee, "plan.txt", b"two", document_id=document.id)
        curating.delete(kyo, admin, document.id)
        for actor in (employee, admin):
            with pytest.raises(Conflict, match="was deleted"):
                library.upload(kyo, actor, "plan.txt", b"two", document_id=document.id)
        assert len(sql("select from document_versions")) == 1


class TestDraft:
    @pytest.fixture
    def draft(self, kyo: Kyo, employee: Actor) -> Document:
        return library.upload(kyo, employee, "plan.txt", b"one", draft=True).document

    def test_asks_for_no_decision_until_it_is_sent(
        self, kyo: Kyo, employee: Actor, manager: Actor, draft: Document, sql: Sql
    ) -> None:
        assert (draft.state, draft.latest.review) == (DocumentState.DRAFT, Review.DRAFT)
        assert reviewing.waiting(kyo, manager).total == 0
        sent = library.send_for_review(kyo, employee, draft.latest.id)
        assert (sent.state, sent.latest.review) == (DocumentState.IN_REVIEW, Review.PENDING)
        assert reviewing.waiting(kyo, manager).documents == (sent,)
        rows = sql("select event, object_id, details from audit_log order by id")
        assert [(row.event, row.object_id) for row in rows] == [
            ("document:upload", str(draft.latest.id)),
            ("document:submit", str(draft.latest.id)),
        ]
        assert rows[0].details["draft"] is True

    def test_of_an_approved_document_leaves_it_as_it_is(
        self, kyo: Kyo, employee: Actor, manager: Actor, publish: Publish, run_pipeline: Callable[[], None]
    ) -> None:
        publish("plan.txt", "one")
        second = library.upload(kyo, employee, "plan.txt", b"two", draft=True).document
        run_pipeline()
        assert (second.state, second.current_number, second.latest.number) == (DocumentState.APPROVED, 1, 2)
        assert library.send_for_review(kyo, employee, second.latest.id).state is DocumentState.APPROVED
        assert reviewing.approve(kyo, manager, second.latest.id).current_number == 2

    def test_is_sent_by_uploading_it_for_review(self, kyo: Kyo, employee: Actor, draft: Document) -> None:
        again = library.upload(kyo, employee, "plan.txt", b"one")
        assert (again.created, again.document.latest.id) == (False, draft.latest.id)
        assert (again.document.state, again.document.latest.review) == (DocumentState.IN_REVIEW, Review.PENDING)

    def test_is_still_one_when_it_is_uploaded_as_one_again(self, kyo: Kyo, employee: Actor, draft: Document) -> None:
        again = library.upload(kyo, employee, "plan.txt", b"one", draft=True)
        assert (again.created, again.document) == (False, draft)

    def test_is_sent_by_its_uploader_alone(
        self,
        kyo: Kyo,
        manager: Actor,
        draft: Document,
        person: Callable[[Role], Actor],
        audited: Callable[[], list[str]],
    ) -> None:
        with pytest.raises(NotAllowed, match="Only whoever uploaded"):
            library.send_for_review(kyo, manager, draft.latest.id)
        for version in (draft.latest.id, NOBODY):
            with pytest.raises(NotFound):
                library.send_for_review(kyo, person(Role.EMPLOYEE), version)
        assert audited() == ["document:upload"]

    def test_is_sent_once(self, kyo: Kyo, employee: Actor, draft: Document) -> None:
        library.send_for_review(kyo, employee, draft.latest.id)
        with pytest.raises(Conflict, match="no draft any more: it is pending"):
            library.send_for_review(kyo, employee, draft.latest.id)

    def test_is_not_sent_when_something_newer_was(self, kyo: Kyo, employee: Actor, draft: Document) -> None:
        library.upload(kyo, employee, "plan.txt", b"two")
        with pytest.raises(Conflict, match="There is a newer version"):
            library.send_for_review(kyo, employee, draft.latest.id)

    def test_is_not_sent_for_an_archived_document(
        self, kyo: Kyo, employee: Actor, manager: Actor, draft: Document
    ) -> None:
        curating.archive(kyo, manager, draft.id)
        with pytest.raises(Conflict, match="is archived"):
            library.send_for_review(kyo, employee, draft.latest.id)


class TestSameBytes:
    def test_in_another_document_are_pointed_out(self, kyo: Kyo, employee: Actor, publish: Publish) -> None:
        publish("a.txt", "text")
        [first] = library.list_documents(kyo, employee).documents
        second = library.upload(kyo, employee, "b.txt", b"text")
        assert second.created
        assert second.same_as == first
        assert library.upload(kyo, employee, "c.txt", b"other text").same_as is None

    def test_of_an_older_version_are_not(self, kyo: Kyo, employee: Actor) -> None:
        library.upload(kyo, employee, "a.txt", b"text")
        library.upload(kyo, employee, "a.txt", b"newer text")
        assert library.upload(kyo, employee, "b.txt", b"text").same_as is None

    def test_that_the_uploader_may_not_see_stay_secret(
        self, kyo: Kyo, employee: Actor, manager: Actor, person: Callable[[Role], Actor]
    ) -> None:
        first = library.upload(kyo, employee, "a.txt", b"text").document
        second = library.upload(kyo, person(Role.EMPLOYEE), "b.txt", b"text")
        assert second.same_as is None
        found = library.upload(kyo, manager, "c.txt", b"text").same_as
        assert found in (first, second.document)

    def test_of_a_version_that_is_not_shown_hide_nothing(
        self, kyo: Kyo, employee: Actor, publish: Publish, person: Callable[[Role], Actor]
    ) -> None:
        """What others see of the document is the approved version, which has these bytes."""
        publish("a.txt", "text")
        library.upload(kyo, employee, "a.txt", b"waits for approval")
        found = library.upload(kyo, person(Role.EMPLOYEE), "b.txt", b"text").same_as
        assert found is not None
        assert found.latest.number == 1

    def test_of_a_deleted_document_are_nothing_any_more(
        self, kyo: Kyo, employee: Actor, admin: Actor, publish: Publish
    ) -> None:
        publish("a.txt", "text")
        curating.delete(kyo, admin, library.list_documents(kyo, employee).documents[0].id)
        again = library.upload(kyo, admin, "b.txt", b"text")
        assert again.same_as is None
        assert kyo.files.path(again.document.latest.sha256).read_bytes() == b"text"


def test_bytes_that_somebody_removes_meanwhile_are_stored_again(
    kyo: Kyo, employee: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A deletion of the last document that had them may come between the storing and the row."""
    lock = versions.lock_digest

    def lock_after_a_deletion(tx: Any, sha256: str) -> None:
        kyo.files.path(sha256).unlink()
        lock(tx, sha256)

    monkeypatch.setattr(versions, "lock_digest", lock_after_a_deletion)
    latest = library.upload(kyo, employee, "a.txt", b"text").document.latest
    assert kyo.files.path(latest.sha256).read_bytes() == b"text"


class TestHistory:
    def test_shows_each_version_to_those_who_may_know_of_it(
        self, kyo: Kyo, employee: Actor, manager: Actor, publish: Publish, person: Callable[[Role], Actor]
    ) -> None:
        publish("a.txt", "one")
        publish("a.txt", "two")
        [document] = library.list_documents(kyo, employee).documents
        rejected = library.upload(kyo, employee, "a.txt", b"three").document.latest.id
        reviewing.reject(kyo, manager, rejected, "No.")
        library.upload(kyo, employee, "b.txt", b"four", document_id=document.id, draft=True)
        for actor in (employee, manager):
            found = library.list_history(kyo, actor, document.id)
            assert [(version.number, version.review) for version in found] == [
                (4, Review.DRAFT),
                (3, Review.REJECTED),
                (2, Review.APPROVED),
                (1, Review.APPROVED),
            ]
            assert found[0] == library.read_document(kyo, actor, document.id).latest
            assert (found[1].review_reason, found[1].reviewed_by_name) == ("No.", manager.name)
        others = library.list_history(kyo, person(Role.EMPLOYEE), document.id)
        assert [version.number for version in others] == [2, 1]

    def test_of_a_document_that_one_may_not_see_there_is_none(
        self, kyo: Kyo, employee: Actor, person: Callable[[Role], Actor]
    ) -> None:
        document = library.upload(kyo, employee, "a.txt", b"one").document
        for unseen in (document.id, NOBODY):
            with pytest.raises(NotFound):
                library.list_history(kyo, person(Role.EMPLOYEE), unseen)

    def test_of_a_deleted_one_is_for_admins(self, kyo: Kyo, employee: Actor, admin: Actor, publish: Publish) -> None:
        publish("a.txt", "one")
        [document] = library.list_documents(kyo, employee).documents
        curating.delete(kyo, admin, document.id)
        assert [version.number for version in library.list_history(kyo, admin, document.id)] == [1]
        with pytest.raises(NotFound):
            library.list_history(kyo, employee, document.id)
