from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from kyo_pipeline.db import audit
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.audit import Event
from kyo_pipeline.kyo import Kyo


@pytest.fixture
def row(kyo: Kyo, employee: Actor, sql: Callable[..., list[Any]]) -> Any:
    with kyo.db.transaction(employee) as tx:
        audit.record(tx, employee, Event.DOCUMENT_UPLOAD, 7, kyo.now(), {"file_name": 'a "quoted" :name 100 %'})
    [found] = sql("select * from audit_log")
    return found


def test_a_row_says_who_did_what_to_which_thing_and_when(row: Any, employee: Actor, kyo: Kyo) -> None:
    assert (row.actor_id, row.actor_name, row.at) == (employee.id, employee.username, kyo.now())
    assert (row.event, row.object_type, row.object_id) == ("document:upload", "document", "7")
    assert (row.outcome, row.details) == ("done", {"file_name": 'a "quoted" :name 100 %'})


@pytest.mark.usefixtures("row")
@pytest.mark.parametrize(
    "statement",
    [
        "update audit_log set actor_name = 'somebody else'",
        "update audit_log set actor_name = '' where false",
        "delete from audit_log",
        "delete from audit_log where id < 0",
        "truncate audit_log",
    ],
)
def test_the_database_itself_refuses_to_change_history(sql: Callable[..., list[Any]], statement: str) -> None:
    with pytest.raises(DBAPIError, match="append-only"):
        sql(statement)
    assert len(sql("select from audit_log")) == 1


def test_deleting_a_person_leaves_their_deeds(row: Any, employee: Actor, sql: Callable[..., list[Any]]) -> None:
    sql("update users set active = false, awaiting_approval = true where id = :id", id=employee.id)
    sql("delete from users where id = :id", id=employee.id)  # only who waits can be deleted
    assert sql("select actor_name from audit_log where id = :id", id=row.id) == [(employee.username,)]


def test_every_event_has_the_grammar_resource_action_and_stands_in_order() -> None:
    values = [event.value for event in Event]
    assert values == sorted(values)
    assert all(value.count(":") == 1 and value.islower() for value in values)
