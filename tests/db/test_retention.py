"""What is deleted because its time is over, to the moment; and who may have it deleted."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from kyo_pipeline.db import invitations, retention, sessions
from kyo_pipeline.domain.actor import OPERATOR, Actor
from kyo_pipeline.domain.retention import Forgotten
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
