"""What becomes of a thumb down: who is told what of it, what they decide, and what that becomes."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillWaiting
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, time, timezone
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, text

from kyo_pipeline.db import evaluation_cases as case_queries
from kyo_pipeline.db import feedback_items as queries
from kyo_pipeline.db import review_items, users
from kyo_pipeline.db.engine import Database
from kyo_pipeline.domain.actor import OPERATOR, Actor, Role
from kyo_pipeline.domain.answers import Answer, Draft, Outcome
from kyo_pipeline.domain.database_role import DatabaseRole
from kyo_pipeline.domain.documents import Document
from kyo_pipeline.domain.feedback import Reason
from kyo_pipeline.domain.feedback_items import MOST_COUNTED, Decision, FeedbackItem, Resolution
from kyo_pipeline.errors import Conflict, Forbidden, Invalid, NotFound
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import (
    asking,
    curating,
    expiring,
    feedback_items,
    history,
    indexing,
    library,
    people,
    reviewing,
    sharing,
    upkeep,
)
from tests.conftest import Clock
from tests.fakes import ScriptedGenerator

Sql = Callable[..., list[Any]]

TEXT = "The board is paid ninety thousand a year."
QUESTION = "How much is the board paid a year?"


@dataclass(frozen=True)
class Board:
    """People around the collection of that name. `outsider` approves elsewhere, and may read here."""

    asker: Actor
    owner: Actor
    approver: Actor
    outsider: Actor


@pytest.fixture
def board(person: Callable[[Role], Actor], collection: Callable[..., str]) -> Board:
    found = Board(person(Role.EMPLOYEE), person(Role.EMPLOYEE), person(Role.MANAGER), person(Role.MANAGER))
    members = {found.asker: "read", found.owner: "write", found.approver: "approve", found.outsider: "read"}
    collection("Board", members=members)
    return found


@pytest.fixture
def put(kyo: Kyo, board: Board, run_pipeline: Callable[[], None]) -> Callable[[str, str], Document]:
    """Publishes a text of the owner's in the collection, a new version of it where the name is known."""

    def publish(file_name: str, words: str) -> Document:
        version = library.upload(kyo, board.owner, file_name, words.encode(), "Board").document.latest
        run_pipeline()
        return reviewing.approve(kyo, board.approver, version.id)

    return publish


@pytest.fixture
def document(put: Callable[[str, str], Document]) -> Document:
    return put("pay.txt", TEXT)


@pytest.fixture
def answer(kyo: Kyo, board: Board, document: Document) -> Answer:
    found = asking.ask(kyo, board.asker, QUESTION)
    assert [citation.document_id for citation in found.citations] == [document.id]
    return found


@pytest.fixture
def item(kyo: Kyo, board: Board, answer: Answer) -> FeedbackItem:
    history.rate(kyo, board.asker, answer.id, -1, "It is a hundred now.", Reason.OUTDATED)
    [found] = feedback_items.list_items(kyo, board.owner).items
    return found


def sees(kyo: Kyo, actor: Actor, item_id: UUID) -> bool:
    """By the list, by the item, and by the database with the services left out: all have to say the same."""
    listed = item_id in [found.id for found in feedback_items.list_items(kyo, actor).items]
    try:
        feedback_items.read_item(kyo, actor, item_id)
        read = True
    except NotFound:
        read = False
    with kyo.db.transaction(actor) as tx:
        rows = [
            tx.execute(text(statement), {"id": item_id}).all()
            for statement in (
                "select id from review_items where id = :id",
                "select * from feedback_answer(:id)",
                "select * from feedback_citations(:id)",
            )
        ]
        decided = queries.resolve(tx, item_id, Decision(Resolution.CONFIRMED), kyo.now()) if not read else None
    assert decided is None
    assert {listed, read, *map(bool, rows)} == {read}
    return read


# Who is told what -----------------------------------------------------------------------------------------------------


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


# What opens an item ---------------------------------------------------------------------------------------------------


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


@pytest.fixture
def not_found(kyo: Kyo, board: Board, document: Document) -> Answer:
    assert document.searchable
    refusing = ScriptedGenerator([], Draft("Not here.", Outcome.NOT_FOUND))
    return asking.ask(replace(kyo, generator=refusing), board.asker, "Who chairs the board?")


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


# Deciding -------------------------------------------------------------------------------------------------------------


def active(kyo: Kyo) -> list[tuple[str, dict[str, int]]]:
    with kyo.db.transaction(OPERATOR) as tx:
        return [(case.text, dict(case.grades)) for case in case_queries.active(tx, 10)]


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


# What happens to the document -----------------------------------------------------------------------------------------


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


# Lists ----------------------------------------------------------------------------------------------------------------


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


# At the same moment ---------------------------------------------------------------------------------------------------


@pytest.fixture
def at_once(committed: Kyo, own_database: str) -> tuple[Kyo, Actor, Actor, Answer]:
    """A Kyo of which others see what is committed, an asker, the operator as owner, and an answer."""
    kyo = committed
    with Database(own_database).transaction(OPERATOR) as tx:
        asker = users.add(tx, "asker", "Asker", Role.EMPLOYEE, kyo.now(), password_hash="no password fits")
        owner = users.add(tx, "owner", "Owner", Role.MANAGER, kyo.now(), password_hash="no password fits")
    worker = replace(kyo, db=Database(own_database, DatabaseRole.PIPELINE))
    version = library.upload(kyo, owner, "pay.txt", TEXT.encode()).document.latest
    claim = indexing.claim_name("0" * 16)
    for step in (indexing.parse, indexing.cut, indexing.embed, indexing.publish_ready):
        step(worker, claim)
    upkeep.refresh_weights(worker)
    reviewing.approve(kyo, OPERATOR, version.id)
    worker.db.close()
    return kyo, asker, owner, asking.ask(kyo, asker, QUESTION)


def test_rated_twice_at_once_there_is_one_item(at_once: tuple[Kyo, Actor, Actor, Answer]) -> None:
    kyo, asker, owner, answer = at_once
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: history.rate(kyo, asker, answer.id, -1, "", Reason.WRONG), range(8)))
    assert feedback_items.list_items(kyo, owner).total == 1


def test_of_two_decisions_at_once_one_counts(at_once: tuple[Kyo, Actor, Actor, Answer]) -> None:
    kyo, asker, owner, answer = at_once
    history.rate(kyo, asker, answer.id, -1)
    [item] = feedback_items.list_items(kyo, owner).items

    def decide(note: str) -> bool:
        try:
            feedback_items.resolve(kyo, owner, item.id, Resolution.DISMISSED, note)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(decide, "abcd")) == 1


def test_an_item_that_is_taken_back_meanwhile_is_not_decided(at_once: tuple[Kyo, Actor, Actor, Answer]) -> None:
    kyo, asker, owner, answer = at_once
    history.rate(kyo, asker, answer.id, -1)
    [item] = feedback_items.list_items(kyo, owner).items
    with ThreadPoolExecutor(1) as other:
        with kyo.db.transaction(asker) as tx:
            tx.execute(text("delete from feedback"))
            queries.follow(tx, answer.id, kyo.now())
            deciding = other.submit(feedback_items.resolve, kyo, owner, item.id, Resolution.CONFIRMED)
            with pytest.raises(StillWaiting):
                deciding.result(0.3)
        with pytest.raises(Conflict, match="taken back"):
            deciding.result(10)
    with kyo.db.transaction(OPERATOR) as tx:
        assert case_queries.active(tx, 10) == ()


def test_a_document_that_is_deleted_meanwhile_gets_no_item_and_no_case(
    at_once: tuple[Kyo, Actor, Actor, Answer],
) -> None:
    kyo, asker, owner, answer = at_once
    history.rate(kyo, asker, answer.id, -1)
    [item] = feedback_items.list_items(kyo, owner).items
    with ThreadPoolExecutor(2) as others:
        with kyo.db.transaction(OPERATOR) as tx:
            tx.execute(text("select erase_document(:id, now())"), {"id": item.document_id})
            deciding = others.submit(feedback_items.resolve, kyo, owner, item.id, Resolution.CONFIRMED)
            rating = others.submit(history.rate, kyo, asker, answer.id, -1, "Again.")
            with pytest.raises(StillWaiting):
                deciding.result(0.3)
        with pytest.raises(Conflict):
            deciding.result(10)
        assert rating.exception(10) is None or isinstance(rating.exception(), (Conflict, NotFound))
    with kyo.db.transaction(OPERATOR) as tx:
        assert tx.scalar(text("select count(*) from review_items")) == 0
        assert case_queries.active(tx, 10) == ()


@contextmanager
def being_deleted(owner: Database, document_id: UUID) -> Iterator[Connection]:
    """A deletion that has begun: it has its document. What it does next, the test says."""
    with owner.transaction(OPERATOR) as tx:
        tx.execute(text("select from documents where id = :id for no key update"), {"id": document_id})
        yield tx


@pytest.mark.parametrize("said_before", [False, True], ids=["first", "again"])
@pytest.mark.parametrize("rating", [1, -1])
def test_what_is_said_while_the_document_is_deleted_is_not_kept_and_nobody_waits_forever(
    at_once: tuple[Kyo, Actor, Actor, Answer], own_database: str, rating: int, said_before: bool
) -> None:
    kyo, asker, _, answer = at_once
    if said_before:
        history.rate(kyo, asker, answer.id, -1, "Ninety?")
    owner = Database(own_database)
    with ThreadPoolExecutor(1) as other:
        with being_deleted(owner, answer.citations[0].document_id) as tx:
            saying = other.submit(history.rate, kyo, asker, answer.id, rating, "Ninety thousand?")
            with pytest.raises(StillWaiting):
                saying.result(0.3)
            tx.execute(text("select erase_document(:id, now())"), {"id": answer.citations[0].document_id})
        with pytest.raises(NotFound):
            saying.result(10)
    with owner.transaction(OPERATOR) as tx:
        assert tx.scalars(text("select comment from feedback")).all() == ([""] if said_before else [])
    owner.close()


def test_an_opinion_is_taken_back_after_the_document_is_deleted(
    at_once: tuple[Kyo, Actor, Actor, Answer], own_database: str
) -> None:
    kyo, asker, _, answer = at_once
    history.rate(kyo, asker, answer.id, -1, "Ninety?")
    owner = Database(own_database)
    with ThreadPoolExecutor(1) as other:
        with being_deleted(owner, answer.citations[0].document_id) as tx:
            taking = other.submit(history.withdraw_rating, kyo, asker, answer.id)
            with pytest.raises(StillWaiting):
                taking.result(0.3)
            tx.execute(text("select erase_document(:id, now())"), {"id": answer.citations[0].document_id})
        taking.result(10)
    with owner.transaction(OPERATOR) as tx:
        assert tx.scalar(text("select count(*) from feedback")) == 0
    owner.close()


def test_a_right_source_that_is_deleted_meanwhile_is_none(
    at_once: tuple[Kyo, Actor, Actor, Answer], own_database: str
) -> None:
    kyo, asker, boss, answer = at_once
    named = library.upload(kyo, boss, "new.txt", b"A hundred thousand.").document
    owner = Database(own_database)
    with owner.transaction(OPERATOR) as tx:
        tx.execute(
            text("update documents set state = 'approved', current_version_id = :version where id = :id"),
            {"version": named.latest.id, "id": named.id},
        )
    with ThreadPoolExecutor(1) as other:
        with being_deleted(owner, named.id) as tx:
            saying = other.submit(history.rate, kyo, asker, answer.id, -1, "", Reason.WRONG_SOURCE, named.id)
            with pytest.raises(StillWaiting):
                saying.result(0.3)
            tx.execute(text("select erase_document(:id, now())"), {"id": named.id})
        with pytest.raises(Invalid, match="that you may read"):
            saying.result(10)
    owner.close()
