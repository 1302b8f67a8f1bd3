"""What is deleted because its time is over, to the moment; and who may have it deleted."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillWaiting
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, create_engine, text

from kyo_pipeline.db import invitations, retention, sessions
from kyo_pipeline.db.engine import Database
from kyo_pipeline.domain.actor import OPERATOR, Actor
from kyo_pipeline.domain.database_role import DatabaseRole
from kyo_pipeline.domain.retention import ExpiredVersion, Forgotten
from kyo_pipeline.domain.throttling import FORGOTTEN_AFTER
from kyo_pipeline.errors import Forbidden
from kyo_pipeline.kyo import Kyo
from tests.conftest import Clock

Sql = Callable[..., list[Any]]
SECOND = timedelta(seconds=1)


def delete_expired(kyo: Kyo) -> Forgotten:
    with kyo.db.transaction(OPERATOR) as tx:
        return retention.delete_expired(tx, kyo.now())


@pytest.mark.parametrize(("too_old_by", "left"), [(-SECOND, 1), (SECOND, 0)])
def test_a_session_is_kept_for_a_while_after_its_end(
    kyo: Kyo, pipeline: Kyo, employee: Actor, clock: Clock, sql: Sql, too_old_by: timedelta, left: int
) -> None:
    end = clock() - sessions.KEPT_FOR - too_old_by
    with kyo.db.transaction(OPERATOR) as tx:
        sessions.add(tx, b"token", employee.id, end - timedelta(hours=12), end)
    assert delete_expired(pipeline) == Forgotten(1 - left, 0, 0)
    assert len(sql("select from sessions")) == left


@pytest.mark.parametrize(("too_old_by", "left"), [(-SECOND, 1), (SECOND, 0)])
def test_one_that_was_ended_is_over_from_then_on(
    kyo: Kyo, pipeline: Kyo, employee: Actor, clock: Clock, sql: Sql, too_old_by: timedelta, left: int
) -> None:
    end = clock() - sessions.KEPT_FOR - too_old_by
    with kyo.db.transaction(OPERATOR) as tx:
        sessions.add(tx, b"token", employee.id, end, end + timedelta(hours=12))
        sessions.revoke(tx, b"token", end)
    assert delete_expired(pipeline) == Forgotten(1 - left, 0, 0)
    assert len(sql("select from sessions")) == left


@pytest.mark.parametrize(("too_old_by", "left"), [(-SECOND, 1), (SECOND, 0)])
def test_a_ticket_goes_when_its_time_is_over(
    kyo: Kyo, pipeline: Kyo, employee: Actor, clock: Clock, sql: Sql, too_old_by: timedelta, left: int
) -> None:
    with kyo.db.transaction(OPERATOR) as tx:
        sessions.add_ticket(tx, b"ticket", employee.id, b"browser", clock() - too_old_by)
    assert delete_expired(pipeline) == Forgotten(0, 1 - left, 0)
    assert len(sql("select from sign_in_tickets")) == left


@pytest.mark.parametrize(("too_old_by", "left"), [(-SECOND, 1), (SECOND, 0)])
def test_a_failure_goes_when_it_no_longer_counts(
    pipeline: Kyo, clock: Clock, sql: Sql, too_old_by: timedelta, left: int
) -> None:
    last = clock() - FORGOTTEN_AFTER - too_old_by
    sql("insert into sign_in_failures values ('a', 3, :last, :last)", last=last)
    sql("insert into sign_in_failures values ('b', 3, :last, :later)", last=last, later=clock() + SECOND * 60)
    assert delete_expired(pipeline) == Forgotten(0, 0, 1 - left)
    assert len(sql("select from sign_in_failures")) == left + 1  # what is blocked stays so


def test_an_invitation_that_has_run_out_stays_since_it_says_that_nobody_has_come(
    kyo: Kyo, pipeline: Kyo, employee: Actor, admin: Actor, clock: Clock, sql: Sql
) -> None:
    long_ago = clock() - timedelta(days=900)
    with kyo.db.transaction(OPERATOR) as tx:
        invitations.replace(tx, b"token", employee.id, admin.id, long_ago, long_ago)
    delete_expired(pipeline)
    assert len(sql("select from invitations")) == 1


def test_naming_a_day_to_come_deletes_nothing_that_holds(
    kyo: Kyo, pipeline: Kyo, employee: Actor, clock: Clock, sql: Sql
) -> None:
    """Else whoever has got at the pipeline could sign everybody out, and guess passwords without a pause."""
    sql("insert into sign_in_failures values ('a', 3, :now, :now)", now=clock())
    with kyo.db.transaction(OPERATOR) as tx:
        sessions.add(tx, b"token", employee.id, clock(), clock() + timedelta(hours=12))
    clock.advance(days=1000)
    assert delete_expired(pipeline) == Forgotten(0, 0, 0)


CALLS: dict[str, Callable[[Any], object]] = {
    "delete_expired": lambda tx: retention.delete_expired(tx, tx.scalar(text("select now()"))),
    "expirable_versions": lambda tx: retention.expirable_versions(tx, tx.scalar(text("select now()"))),
    "expire_version": lambda tx: retention.expire_version(tx, UUID(int=1), tx.scalar(text("select now()"))),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("actor", ["", UUID(int=2)], ids=["nobody", "somebody else"])
def test_nobody_but_the_operator_may(pipeline: Kyo, actor: Any, call: Callable[[Any], object]) -> None:
    with pytest.raises(Forbidden), pipeline.db.transaction(replace(OPERATOR, id=actor)) as tx:
        call(tx)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_the_app_may_not_even_as_the_operator(kyo: Kyo, call: Callable[[Any], object]) -> None:
    with pytest.raises(Forbidden), kyo.db.transaction(OPERATOR) as tx:
        call(tx)


@pytest.mark.parametrize(
    "statement",
    ["delete from document_versions", "delete from sessions", "select * from sessions", "select * from citations"],
)
def test_the_pipeline_still_may_not_by_itself(pipeline: Kyo, statement: str) -> None:
    with pytest.raises(Forbidden), pipeline.db.transaction(OPERATOR) as tx:
        tx.execute(text(statement))


# At the same moment ------------------------------------------------------------------------------------------------


@pytest.fixture
def replaced(committed: Kyo, own_database: str) -> Iterator[tuple[Connection, Kyo, UUID]]:
    """The owner of the database, the pipeline, and a version that was replaced; what is written there is committed."""
    engine = create_engine(own_database, connect_args={"options": "-csearch_path=kyo,public"})
    pipeline = replace(committed, db=Database(own_database, DatabaseRole.PIPELINE))
    with engine.connect() as owner:
        version = owner.scalar(text(REPLACED))
        owner.commit()
        yield owner, pipeline, UUID(str(version))
        owner.rollback()
    pipeline.db.close()
    engine.dispose()


#: Two versions of a document, an answer that cites nothing yet, and as the result the first version.
REPLACED = """
    with document as (
      insert into documents (collection_id, owner_id, title, state, created_at, updated_at)
      select c.id, u.id, 'leave', 'draft', now(), now() from collections c, users u limit 1
      returning id, owner_id
    ),
    versions as (
      insert into document_versions (document_id, number, file_name, sha256, size_bytes, media_type, uploaded_by,
        uploaded_at, review, status, published_at)
      select d.id, n, 'a.txt', repeat(cast(n as text), 64), 1, 'text/plain', d.owner_id, now(), 'approved', 'ready',
        now() - interval '9 days'
      from document d, generate_series(1, 2) n
      returning id, number
    ),
    conversation as (
      insert into conversations (user_id, begun_at) select owner_id, now() from document returning id, user_id
    ),
    question as (
      insert into questions (user_id, text, asked_at, conversation_id)
      select user_id, 'How many days?', now(), id from conversation
      returning id
    ),
    answer as (
      insert into answers (question_id, text, outcome, generator, model, timings, prompt_tokens, completion_tokens,
        answered_at)
      select id, 'Thirty.', 'answered', 'extractive', '', '{}', 0, 0, now() from question
    )
    select id from versions where number = 1
"""


def expire(kyo: Kyo, version: UUID) -> ExpiredVersion | None:
    with kyo.db.transaction(OPERATOR) as tx:
        assert retention.expirable_versions(tx, kyo.now()) == (version,)
        return retention.expire_version(tx, version, kyo.now())


def test_an_answer_that_is_being_stored_keeps_what_it_cites(replaced: tuple[Connection, Kyo, UUID]) -> None:
    owner, pipeline, version = replaced
    owner.execute(
        text(
            "insert into citations (answer_id, marker, version_id, start_offset, end_offset, score) "
            "select id, 1, :version, 0, 1, 1 from answers"
        ),
        {"version": version},
    )
    with ThreadPoolExecutor(1) as threads:
        expiring = threads.submit(expire, pipeline, version)
        with pytest.raises(StillWaiting):
            expiring.result(timeout=0.5)  # it waits to hear whether there will be such an answer
        owner.commit()
        assert expiring.result(timeout=10) is None
    assert owner.scalar(text("select count(*) from document_versions")) == 2


def test_nobody_who_works_on_the_document_is_waited_for(replaced: tuple[Connection, Kyo, UUID]) -> None:
    owner, pipeline, version = replaced
    owner.execute(text("select from documents for no key update"))
    assert expire(pipeline, version) is None
    owner.rollback()
    gone = expire(pipeline, version)
    assert gone is not None
    assert (gone.title, gone.number, gone.sha256) == ("leave", 1, "1" * 64)
