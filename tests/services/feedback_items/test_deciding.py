"""What is decided about an item, and what becomes of that."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from kyo_pipeline.db import evaluation_cases as case_queries
from kyo_pipeline.db import feedback_items as queries
from kyo_pipeline.db import review_items
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.answers import Answer
from kyo_pipeline.domain.documents import Document
from kyo_pipeline.domain.feedback_items import Decision, FeedbackItem, Resolution
from kyo_pipeline.errors import Conflict, Forbidden, Invalid
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import (
    curating,
    expiring,
    feedback_items,
    history,
    library,
    reviewing,
    sharing,
)
from tests.conftest import Clock
from tests.services.feedback_items.conftest import QUESTION, TEXT, Board, Sql, active, sees


def test_a_confirmed_answer_becomes_a_case(
    kyo: Kyo,
    pipeline: Kyo,
    board: Board,
    document: Document,
    item: FeedbackItem,
    details: Callable[[str], list[tuple[Any, str, Any]]],
) -> None:
    resolved = feedback_items.resolve(kyo, board.owner, item.id, Resolution.CONFIRMED, "It is right.")
    assert active(pipeline) == [(QUESTION, {str(document.id): 1})]
    said = {"resolution": "confirmed", "document": str(document.id), "case": str(resolved.case_id)}
    assert details("feedback:resolve") == [(board.owner.id, str(item.id), said)]
    assert details("evaluation_case:add") == [(board.owner.id, str(resolved.case_id), {"origin": "review"})]
    [closed] = feedback_items.list_items(kyo, board.approver, closed=True).items
    assert (closed.resolution, closed.note) == (Resolution.CONFIRMED, "It is right.")
    assert (closed.closed_at, closed.closed_by_name) == (kyo.now(), board.owner.name)
    assert feedback_items.count_open(kyo, board.owner) == 0


def test_a_correction_becomes_a_case_of_the_right_source(
    kyo: Kyo, pipeline: Kyo, board: Board, item: FeedbackItem, put: Callable[[str, str], Document]
) -> None:
    other = put("new.txt", "From this year on the board gets a hundred thousand.")
    resolved = feedback_items.resolve(
        kyo, board.approver, item.id, Resolution.CORRECTED, sources=[other.id, other.id], expected="A hundred thousand"
    )
    assert active(pipeline) == [(QUESTION, {str(other.id): 1})]
    with kyo.db.transaction(board.approver) as tx:
        case = case_queries.read(tx, resolved.case_id) if resolved.case_id else None
    assert case is not None
    assert case.expected_answer == "A hundred thousand"


@pytest.mark.parametrize("resolution", [Resolution.DOCUMENT_UPDATED, Resolution.DISMISSED])
def test_what_says_nothing_about_the_answer_is_no_case(
    kyo: Kyo, pipeline: Kyo, board: Board, item: FeedbackItem, resolution: Resolution
) -> None:
    assert feedback_items.resolve(kyo, board.owner, item.id, resolution, "See there.").case_id is None
    assert active(pipeline) == []


def test_that_it_was_right_to_find_nothing_is_no_case(
    kyo: Kyo, pipeline: Kyo, board: Board, not_found: Answer, document: Document
) -> None:
    history.rate(kyo, board.asker, not_found.id, -1, "", None, document.id)
    [item] = feedback_items.list_items(kyo, board.owner).items
    assert feedback_items.resolve(kyo, board.owner, item.id, Resolution.CONFIRMED).case_id is None
    assert active(pipeline) == []


def test_two_items_of_one_answer_make_one_case_and_the_last_word_counts(
    kyo: Kyo,
    pipeline: Kyo,
    board: Board,
    item: FeedbackItem,
    sql: Sql,
    put: Callable[[str, str], Document],
) -> None:
    other = put("other.txt", "Meetings are on Mondays.")
    sql(
        "insert into review_items (document_id, kind, answer_id, opened_at) "
        "select :other, 'disliked', answer_id, opened_at from review_items",
        other=other.id,
    )
    [second] = [found for found in feedback_items.list_items(kyo, board.approver).items if found.id != item.id]
    feedback_items.resolve(kyo, board.approver, item.id, Resolution.CONFIRMED)
    feedback_items.resolve(kyo, board.approver, second.id, Resolution.CORRECTED, sources=[other.id])
    assert active(pipeline) == [(QUESTION, {str(other.id): 1})]


@pytest.mark.parametrize(
    ("resolution", "note", "sources", "expected"),
    [
        (Resolution.DISMISSED, "  ", 0, ""),
        (Resolution.CONFIRMED, "x" * 1001, 0, ""),
        (Resolution.CORRECTED, "", 0, ""),
        (Resolution.CORRECTED, "", 11, ""),
        (Resolution.CORRECTED, "", 1, "x" * 2001),
        (Resolution.CONFIRMED, "", 1, ""),
        (Resolution.DOCUMENT_UPDATED, "", 0, "It is."),
    ],
)
def test_decisions_that_are_none(
    kyo: Kyo, board: Board, item: FeedbackItem, resolution: Resolution, note: str, sources: int, expected: str
) -> None:
    chosen = [UUID(int=number) for number in range(sources)]
    with pytest.raises(Invalid):
        feedback_items.resolve(kyo, board.owner, item.id, resolution, note, sources=chosen, expected=expected)
    assert sees(kyo, board.owner, item.id)


def test_nobody_corrects_with_what_they_may_not_read(
    kyo: Kyo, board: Board, item: FeedbackItem, manager: Actor, publish: Callable[[str, str], None]
) -> None:
    publish("leave.txt", "Everybody has thirty days of leave.")
    [leave] = [one for one in library.list_documents(kyo, manager).documents if one.title == "leave"]
    sharing.restrict(kyo, manager, leave.id)
    with pytest.raises(Invalid, match="that you may read"):
        feedback_items.resolve(kyo, board.owner, item.id, Resolution.CORRECTED, sources=[leave.id])
    with pytest.raises(Forbidden), kyo.db.transaction(board.owner) as tx:
        queries.resolve(tx, item.id, Decision(Resolution.CORRECTED, "", [leave.id]), kyo.now())


def test_a_decision_is_made_once(kyo: Kyo, board: Board, item: FeedbackItem) -> None:
    feedback_items.resolve(kyo, board.owner, item.id, Resolution.CONFIRMED)
    with pytest.raises(Conflict, match="decided about this already"):
        feedback_items.resolve(kyo, board.approver, item.id, Resolution.DISMISSED, "No.")


def test_the_asker_learns_what_came_of_it(
    kyo: Kyo, board: Board, answer: Answer, item: FeedbackItem, clock: Clock
) -> None:
    assert history.outcome_of_rating(kyo, board.asker, answer.id) is None
    clock.advance(days=1)
    feedback_items.resolve(kyo, board.owner, item.id, Resolution.DOCUMENT_UPDATED, "Between us.")
    found = history.outcome_of_rating(kyo, board.asker, answer.id)
    assert found is not None
    assert (found.resolution, found.at) == (Resolution.DOCUMENT_UPDATED, clock())
    assert history.outcome_of_rating(kyo, board.owner, answer.id) is None


def test_a_new_version_is_pointed_out_and_closes_nothing(
    kyo: Kyo, board: Board, item: FeedbackItem, put: Callable[[str, str], Document], clock: Clock
) -> None:
    assert item.newer_number is None
    clock.advance(days=1)
    put("pay.txt", TEXT.replace("ninety", "a hundred"))
    [found] = feedback_items.list_items(kyo, board.owner).items
    assert (found.id, found.newer_number, found.newer_since) == (item.id, 2, clock())
    [citation] = feedback_items.read_item(kyo, board.owner, item.id).answer.citations
    assert (citation.version_number, citation.current_number) == (1, 2)


def test_an_approval_closes_what_was_overdue_and_leaves_what_was_said(
    kyo: Kyo, pipeline: Kyo, board: Board, item: FeedbackItem, document: Document, sql: Sql, clock: Clock
) -> None:
    sql("update documents set review_by = :day where id = :id", day=clock().date().replace(year=2020), id=document.id)
    expiring.expire(pipeline)
    reviewing.confirm(kyo, board.approver, document.id)
    assert sql("select kind, closed_at is null from review_items order by kind") == [
        ("disliked", True),
        ("overdue", False),
    ]
    with kyo.db.transaction(board.approver) as tx:
        review_items.close(tx, board.approver, document.id, kyo.now())
        assert tx.execute(text("update review_items set closed_at = now() where kind = 'disliked'")).rowcount == 0
    assert sees(kyo, board.owner, item.id)


def test_a_deleted_document_takes_items_and_comments_with_it(
    kyo: Kyo, board: Board, item: FeedbackItem, document: Document, admin: Actor, answer: Answer, sql: Sql
) -> None:
    assert item.is_open
    curating.delete(kyo, admin, document.id)
    assert sql("select from review_items") == []
    assert sql("select comment from feedback") == [("",)]
    assert history.outcome_of_rating(kyo, board.asker, answer.id) is None
    history.withdraw_rating(kyo, board.asker, answer.id)
    assert sql("select from feedback") == []


def test_an_answer_that_is_erased_takes_the_items_of_its_other_documents_with_it(
    kyo: Kyo,
    board: Board,
    item: FeedbackItem,
    admin: Actor,
    sql: Sql,
    put: Callable[[str, str], Document],
) -> None:
    other = put("other.txt", "Meetings are on Mondays.")
    sql(
        "insert into citations (answer_id, marker, version_id, start_offset, end_offset, score) "
        "select id, 9, :version, 0, 5, 1 from answers",
        version=other.latest.id,
    )
    curating.delete(kyo, admin, other.id)
    assert sql("select from review_items") == []
    assert not sees(kyo, board.owner, item.id)


def test_a_right_source_that_is_deleted_is_forgotten(
    kyo: Kyo, board: Board, answer: Answer, admin: Actor, put: Callable[[str, str], Document]
) -> None:
    other = put("other.txt", "Meetings are on Mondays.")
    history.rate(kyo, board.asker, answer.id, -1, "", None, other.id)
    curating.delete(kyo, admin, other.id)
    assert history.read_answer(kyo, board.asker, answer.id).correct_document is None
    [item] = feedback_items.list_items(kyo, board.owner).items
    assert item.correct_document is None
