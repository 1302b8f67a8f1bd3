"""The digest of what somebody may read: the same for those who may read the same, and another one after each change."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from kyo_pipeline.db import answer_basis
from kyo_pipeline.domain.actor import OPERATOR, Actor, Role
from kyo_pipeline.kyo import Kyo

Sql = Callable[..., list[Any]]


@pytest.fixture
def rights(kyo: Kyo) -> Callable[[Actor], str]:
    def read(actor: Actor) -> str:
        with kyo.db.transaction(actor) as tx:
            return answer_basis.read(tx, actor).rights

    return read


def test_people_who_may_read_the_same_have_the_same(
    rights: Callable[[Actor], str], person: Callable[[Role], Actor]
) -> None:
    one, other, manager = person(Role.EMPLOYEE), person(Role.EMPLOYEE), person(Role.MANAGER)
    assert rights(one) == rights(other)
    assert rights(one) != rights(manager), "who may approve reads what is restricted"
    assert rights(manager) == rights(person(Role.ADMIN))
    assert len(rights(one)) == 64


CHANGES = [
    "update collections set everyone_access = null",
    "update users set active = false where id = :user",
    "update users set role = 'manager' where id = :user",
    "insert into collection_members select id, :user, 'read' from collections where name = 'Board'",
    "insert into document_readers select id, :user from documents",
    "update documents set restricted = true, owner_id = :user",
]


@pytest.mark.parametrize("change", CHANGES)
def test_another_right_is_another_digest(
    rights: Callable[[Actor], str], employee: Actor, sql: Sql, collection: Callable[..., str], change: str
) -> None:
    collection("Board")
    sql(
        "insert into documents (collection_id, owner_id, title, state, created_at, updated_at) "
        "select id, :owner, 'x', 'in_review', now(), now() from collections where is_default",
        owner=OPERATOR.id,
    )
    before = rights(employee)
    sql(change, user=employee.id) if ":user" in change else sql(change)
    assert rights(employee) != before


def test_versions_that_answer_are_told_from_those_that_do_not(
    kyo: Kyo, employee: Actor, publish: Callable[[str, str], None], sql: Sql
) -> None:
    publish("leave.txt", "Thirty days.")
    publish("leave.txt", "Forty days.")
    first, second = (row.id for row in sql("select id from document_versions order by number"))

    def all_answer(*ids: UUID) -> bool:
        with kyo.db.transaction(employee) as tx:
            return answer_basis.all_answer(tx, employee, ids)

    assert all_answer()
    assert all_answer(second)
    assert not all_answer(first)
    assert not all_answer(first, second)
    assert not all_answer(UUID(int=7))
    sql("update collections set everyone_access = null")
    assert not all_answer(second)
