"""Who is told what of a thumb down."""

from datetime import datetime, time, timezone

import pytest
from sqlalchemy import text

from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.answers import Answer, Outcome
from kyo_pipeline.domain.documents import Document
from kyo_pipeline.domain.feedback import Reason
from kyo_pipeline.domain.feedback_items import FeedbackItem
from kyo_pipeline.errors import Forbidden
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import (
    curating,
    feedback_items,
    history,
    people,
    sharing,
)
from tests.services.feedback_items.conftest import QUESTION, Board, Sql, sees


def test_the_owner_sees_question_answer_passage_reason_and_comment(
    kyo: Kyo, board: Board, document: Document, answer: Answer, item: FeedbackItem
) -> None:
    assert (item.question, item.title, item.collection, item.outcome) == (QUESTION, "pay", "Board", Outcome.ANSWERED)
    assert (item.reason, item.comment, item.is_open) == (Reason.OUTDATED, "It is a hundred now.", True)
    found = feedback_items.read_item(kyo, board.owner, item.id)
    assert found.item == item
    assert found.answer.text == answer.text
    [citation] = found.answer.citations
    assert (citation.document_id, citation.quote) == (document.id, answer.citations[0].quote)
    assert feedback_items.count_open(kyo, board.owner) == 1


def test_who_asked_is_told_to_nobody(kyo: Kyo, board: Board, answer: Answer, item: FeedbackItem, admin: Actor) -> None:
    for actor in (board.owner, board.approver, admin):
        said = repr(feedback_items.read_item(kyo, actor, item.id))
        for private in (board.asker.id, board.asker.name, board.asker.username, answer.id, answer.question_id):
            assert str(private) not in said
        with kyo.db.transaction(actor) as tx:
            for table in ("questions", "answers", "feedback", "citations"):
                assert tx.execute(text(f"select * from {table}")).all() == []  # noqa: S608 — one of ours


def test_when_somebody_asked_and_said_something_is_told_to_the_day(
    kyo: Kyo, board: Board, answer: Answer, item: FeedbackItem, admin: Actor
) -> None:
    """The audit log has the moment and the answer beside the name: neither may be found at an item."""
    day = kyo.now().astimezone(timezone.utc).date()
    assert (item.asked_on, item.opened_on) == (day, day)
    midnight = datetime.combine(day, time(), timezone.utc)
    for actor in (board.owner, board.approver, admin):
        assert feedback_items.read_item(kyo, actor, item.id).answer.asked_at == midnight
        with kyo.db.transaction(actor) as tx:
            [row] = tx.execute(text("select * from feedback_items(null, null, 9)")).all()
            assert (row.asked_at, row.opened_at) == (midnight, midnight)
            cited = tx.execute(text("select * from feedback_citations(:id)"), {"id": item.id}).all()
            assert [one.answer_id for one in cited] == [item.id]
            assert str(answer.id) not in repr((row, cited))
        for column in ("answer_id", "opened_at"):
            with pytest.raises(Forbidden), kyo.db.transaction(actor) as tx:
                tx.execute(text(f"select {column} from review_items"))  # noqa: S608 — one of ours


def test_only_owner_and_approvers_see_an_item(
    kyo: Kyo, board: Board, item: FeedbackItem, admin: Actor, manager: Actor, employee: Actor
) -> None:
    assert all(sees(kyo, actor, item.id) for actor in (board.owner, board.approver, admin))
    assert not any(sees(kyo, actor, item.id) for actor in (board.outsider, board.asker, manager, employee))


def test_whoever_may_not_read_all_that_is_cited_sees_no_item(
    kyo: Kyo, board: Board, item: FeedbackItem, admin: Actor, sql: Sql, employee: Actor
) -> None:
    """The answer cites a second document, of another collection: its owner and approvers are told only if they may."""
    sql(
        """
        with other as (
          insert into collections (name, created_at) values ('Secret', now()) returning id
        ), copy as (
          insert into documents (collection_id, owner_id, title, state, created_at, updated_at)
          select id, :owner, 'Secret', 'approved', now(), now() from other
          returning id
        ), version as (
          insert into document_versions
            (document_id, number, file_name, sha256, size_bytes, media_type, uploaded_by, uploaded_at, review, status)
          select id, 1, 's.txt', repeat('2', 64), 1, 'text/plain', :owner, now(), 'approved', 'ready' from copy
          returning id, document_id
        )
        insert into citations (answer_id, marker, version_id, start_offset, end_offset, score)
        select a.id, 99, v.id, 0, 1, 1 from answers a, version v
        """,
        owner=employee.id,
    )
    assert not sees(kyo, board.owner, item.id)
    assert not sees(kyo, board.approver, item.id)
    assert sees(kyo, admin, item.id)


def test_what_a_model_was_shown_must_be_readable_too(
    kyo: Kyo, board: Board, item: FeedbackItem, sql: Sql, admin: Actor
) -> None:
    sql("update answers set generator = 'huggingface', shown_documents = null")
    assert not sees(kyo, board.owner, item.id)
    assert not sees(kyo, admin, item.id), "nobody knows what it has seen"
    sql("update answers set shown_documents = array(select id from documents)")
    assert sees(kyo, board.owner, item.id)


def test_a_restricted_document_is_for_its_owner_and_approvers(
    kyo: Kyo, board: Board, item: FeedbackItem, document: Document
) -> None:
    sharing.restrict(kyo, board.approver, document.id)
    assert sees(kyo, board.owner, item.id)
    assert sees(kyo, board.approver, item.id)


def test_an_owner_who_may_read_no_more_sees_no_more(kyo: Kyo, board: Board, item: FeedbackItem, sql: Sql) -> None:
    sql("delete from collection_members where user_id = :user", user=board.owner.id)
    assert not sees(kyo, board.owner, item.id)
    assert sees(kyo, board.approver, item.id)


def test_a_new_owner_sees_the_items_of_the_document(
    kyo: Kyo, board: Board, item: FeedbackItem, document: Document
) -> None:
    curating.change(kyo, board.approver, document.id, title="pay", owner=board.approver.id, tags=(), review_by=None)
    assert not sees(kyo, board.owner, item.id)
    assert sees(kyo, board.approver, item.id)


def test_where_the_owner_has_left_it_is_for_those_who_may_approve(
    kyo: Kyo, board: Board, answer: Answer, admin: Actor, sql: Sql
) -> None:
    people.deactivate(kyo, admin, board.owner.id)
    history.rate(kyo, board.asker, answer.id, -1)
    assert sql("select assigned_to from review_items") == [(None,)]
    assert feedback_items.list_items(kyo, board.approver).total == 1


def test_it_is_the_task_of_the_owner(item: FeedbackItem, board: Board, sql: Sql) -> None:
    assert item.owner_name == board.owner.name
    assert sql("select assigned_to, kind from review_items") == [(board.owner.id, "disliked")]
