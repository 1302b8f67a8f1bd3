"""Which items a page of the list has, and what that costs."""

import pytest

from kyo_pipeline.db import feedback_items as queries
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.documents import Document
from kyo_pipeline.domain.feedback import Reason
from kyo_pipeline.domain.feedback_items import MOST_COUNTED, FeedbackItem
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import (
    asking,
    feedback_items,
    history,
)
from tests.conftest import Clock
from tests.services.feedback_items.conftest import QUESTION, Board, Sql


def test_items_are_found_by_reason_and_words_page_by_page(
    kyo: Kyo, board: Board, document: Document, clock: Clock
) -> None:
    assert document.searchable
    for reason in (Reason.WRONG, Reason.OUTDATED, Reason.WRONG):
        clock.advance(days=1)
        answer = asking.ask(kyo, board.asker, f"{QUESTION} ({reason.value})")
        history.rate(kyo, board.asker, answer.id, -1, "", reason)
    found = feedback_items.list_items(kyo, board.owner, limit=2)
    assert (len(found.items), found.total) == (2, 3)
    assert found.items[0].opened_on > found.items[1].opened_on
    assert len(feedback_items.list_items(kyo, board.owner, limit=2, offset=2).items) == 1
    assert feedback_items.list_items(kyo, board.owner, reason=Reason.WRONG).total == 2
    assert feedback_items.list_items(kyo, board.owner, text="OUTDATED").total == 1
    assert feedback_items.list_items(kyo, board.owner, text="pay").total == 3
    assert feedback_items.list_items(kyo, board.owner, text="%").total == 0
    assert feedback_items.list_items(kyo, board.owner, closed=True).total == 0


@pytest.fixture
def many(item: FeedbackItem, sql: Sql) -> None:
    """A thousand items more, each a second older than the last, of answers like the first."""
    assert item.is_open
    sql(
        """
        with made as (
          select n, gen_random_uuid() as question, gen_random_uuid() as answer from generate_series(1, 1000) n
        ), asked as (
          insert into questions (id, user_id, conversation_id, text, asked_at)
          select m.question, q.user_id, q.conversation_id, q.text, q.asked_at from made m, questions q
        ), answered as (
          insert into answers (id, question_id, text, outcome, generator, model, timings, prompt_tokens,
            completion_tokens, answered_at)
          select m.answer, m.question, a.text, a.outcome, a.generator, a.model, '{}', 0, 0, a.answered_at
          from made m, answers a
        ), cited as (
          insert into citations (answer_id, marker, version_id, start_offset, end_offset, score)
          select m.answer, c.marker, c.version_id, c.start_offset, c.end_offset, c.score from made m, citations c
        )
        insert into review_items (document_id, kind, answer_id, assigned_to, opened_at)
        select i.document_id, i.kind, m.answer, i.assigned_to, i.opened_at - make_interval(secs => m.n)
        from made m, review_items i
        """
    )
    # As the nightly upkeep does: a planner that knows nothing of them may begin with the citations.
    sql("analyze answers, citations, documents, document_versions, questions, review_items")


def scans_of_citations(sql: Sql) -> int:
    [(found,)] = sql(
        "select seq_scan + coalesce(idx_scan, 0) from pg_stat_xact_user_tables where relname = 'citations'"
    )
    return int(found)


@pytest.mark.usefixtures("many")
def test_of_many_items_no_more_are_looked_into_than_are_told(kyo: Kyo, board: Board, sql: Sql) -> None:
    before = scans_of_citations(sql)
    assert feedback_items.count_open(kyo, board.owner) == MOST_COUNTED == 100
    assert scans_of_citations(sql) - before <= 3 * MOST_COUNTED, scans_of_citations(sql) - before
    assert feedback_items.list_items(kyo, board.owner).total == queries.MOST


@pytest.mark.usefixtures("many")
def test_items_that_one_may_not_see_take_no_place_of_older_ones(
    kyo: Kyo, board: Board, item: FeedbackItem, admin: Actor, sql: Sql
) -> None:
    oldest = "select answer_id from review_items order by opened_at limit 1"
    sql(f"update answers set generator = 'huggingface' where id <> ({oldest})")  # noqa: S608 — a constant
    assert feedback_items.count_open(kyo, admin) == 1
    [found] = feedback_items.list_items(kyo, board.owner).items
    assert found.id != item.id
