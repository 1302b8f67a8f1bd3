"""What opens an item, and who takes it back."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from kyo_pipeline.db import feedback_items as queries
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.answers import Answer, Outcome
from kyo_pipeline.domain.documents import Document
from kyo_pipeline.domain.feedback import Reason
from kyo_pipeline.domain.feedback_items import FeedbackItem, Resolution
from kyo_pipeline.errors import Forbidden, Invalid, NotFound
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import (
    feedback_items,
    history,
    library,
    sharing,
)
from tests.conftest import Clock
from tests.services.feedback_items.conftest import Board, Sql, sees


def test_a_thumb_up_opens_nothing(kyo: Kyo, board: Board, answer: Answer, sql: Sql) -> None:
    history.rate(kyo, board.asker, answer.id, 1)
    assert sql("select from review_items") == []


def test_one_answer_makes_one_item_however_often_it_is_rated(
    kyo: Kyo, board: Board, answer: Answer, item: FeedbackItem, clock: Clock
) -> None:
    clock.advance(hours=1)
    history.rate(kyo, board.asker, answer.id, -1, "Still.", Reason.WRONG)
    [again] = feedback_items.list_items(kyo, board.owner).items
    assert again == replace(item, comment="Still.", reason=Reason.WRONG), "the last word counts, the item stays"


@pytest.mark.parametrize("way_back", ["thumb up", "withdrawn"])
def test_whoever_changes_their_mind_takes_the_item_back(
    kyo: Kyo, board: Board, answer: Answer, item: FeedbackItem, way_back: str, audited: Callable[[], list[str]]
) -> None:
    if way_back == "thumb up":
        history.rate(kyo, board.asker, answer.id, 1)
    else:
        history.withdraw_rating(kyo, board.asker, answer.id)
        assert audited()[-1] == "answer:unrate"
        assert history.read_answer(kyo, board.asker, answer.id).rating is None
        with pytest.raises(NotFound):
            history.withdraw_rating(kyo, board.asker, answer.id)
    assert not sees(kyo, board.owner, item.id)
    with pytest.raises(NotFound, match="Perhaps it was taken back"):
        feedback_items.resolve(kyo, board.owner, item.id, Resolution.CONFIRMED)


def test_what_somebody_has_decided_stays_when_the_asker_changes_their_mind(
    kyo: Kyo, board: Board, answer: Answer, item: FeedbackItem
) -> None:
    feedback_items.resolve(kyo, board.owner, item.id, Resolution.DOCUMENT_UPDATED, "Done.")
    history.rate(kyo, board.asker, answer.id, 1)
    history.rate(kyo, board.asker, answer.id, -1)
    assert feedback_items.list_items(kyo, board.owner).total == 0, "the same answer is not asked about twice"
    [closed] = feedback_items.list_items(kyo, board.owner, closed=True).items
    assert (closed.note, closed.closed_by_name) == ("Done.", board.owner.name)


def test_an_opinion_is_taken_back_also_where_the_answer_is_withheld(
    kyo: Kyo, board: Board, answer: Answer, item: FeedbackItem, sql: Sql
) -> None:
    sql("delete from collection_members where user_id = :user", user=board.asker.id)
    assert history.read_answer(kyo, board.asker, answer.id).outcome is Outcome.WITHHELD
    assert sees(kyo, board.owner, item.id), "the owner goes on, whether the asker may still read it or not"
    with pytest.raises(NotFound):
        history.rate(kyo, board.asker, answer.id, 1)
    history.withdraw_rating(kyo, board.asker, answer.id)
    assert not sees(kyo, board.owner, item.id)


def test_nobody_takes_back_what_somebody_else_said(kyo: Kyo, board: Board, answer: Answer, item: FeedbackItem) -> None:
    with pytest.raises(NotFound):
        history.withdraw_rating(kyo, board.owner, answer.id)
    with pytest.raises(Forbidden), kyo.db.transaction(board.owner) as tx:
        queries.follow(tx, answer.id, kyo.now())
    assert sees(kyo, board.owner, item.id)


def test_what_was_not_found_has_an_item_where_the_asker_says_which_document_has_it(
    kyo: Kyo, board: Board, not_found: Answer, document: Document, put: Callable[[str, str], Document]
) -> None:
    history.rate(kyo, board.asker, not_found.id, -1)
    assert feedback_items.list_items(kyo, board.owner).total == 0
    history.rate(kyo, board.asker, not_found.id, -1, "", Reason.INCOMPLETE, document.id)
    [item] = feedback_items.list_items(kyo, board.owner).items
    assert (item.document_id, item.outcome) == (document.id, Outcome.NOT_FOUND)
    assert item.correct_document is not None
    assert (item.correct_document.id, item.correct_document.title) == (document.id, "pay")
    other = put("chair.txt", "Ms Stone chairs the board.")
    history.rate(kyo, board.asker, not_found.id, -1, "", Reason.INCOMPLETE, other.id)
    [item] = feedback_items.list_items(kyo, board.owner).items
    assert item.document_id == other.id, "the item goes where the asker says now"


def test_the_right_source_is_one_that_the_asker_may_read_and_that_answers(
    kyo: Kyo,
    board: Board,
    answer: Answer,
    manager: Actor,
    publish: Callable[[str, str], None],
) -> None:
    publish("leave.txt", "Everybody has thirty days of leave.")
    [leave] = [one for one in library.list_documents(kyo, manager).documents if one.title == "leave"]
    sharing.restrict(kyo, manager, leave.id)
    for unknown in (leave.id, UUID(int=7)):
        with pytest.raises(Invalid, match="that you may read"):
            history.rate(kyo, board.asker, answer.id, -1, "", None, unknown)
    history.rate(kyo, board.asker, answer.id, -1)
    with pytest.raises(Forbidden), kyo.db.transaction(board.asker) as tx:
        tx.execute(text("update feedback set correct_document_id = :id"), {"id": leave.id})
    sharing.unrestrict(kyo, manager, leave.id)
    history.rate(kyo, board.asker, answer.id, -1, "", Reason.WRONG_SOURCE, leave.id)
    found = history.read_answer(kyo, board.asker, answer.id)
    assert found.reason is Reason.WRONG_SOURCE
    assert found.correct_document is not None
    assert found.correct_document.title == "leave"


@pytest.mark.parametrize(("reason", "names_source"), [(Reason.WRONG, False), (None, True)])
def test_a_thumb_up_has_no_reason_and_no_other_source(
    kyo: Kyo, board: Board, answer: Answer, document: Document, reason: Reason | None, names_source: bool
) -> None:
    with pytest.raises(Invalid):
        history.rate(kyo, board.asker, answer.id, 1, "", reason, document.id if names_source else None)


def test_the_audit_log_has_rating_and_reason_and_no_words(
    item: FeedbackItem, board: Board, answer: Answer, details: Callable[[str], list[tuple[Any, str, Any]]]
) -> None:
    assert item.is_open
    assert details("answer:rate") == [(board.asker.id, str(answer.id), {"rating": -1, "reason": "outdated"})]
