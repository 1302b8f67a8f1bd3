from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from kyo_pipeline.db import sessions, users
from kyo_pipeline.domain.actor import OPERATOR, Actor, Role
from kyo_pipeline.errors import Conflict
from kyo_pipeline.kyo import Kyo
from tests.conftest import Clock

HOUR = timedelta(hours=1)


def test_the_operator_is_nobody_who_signs_in_or_is_listed(kyo: Kyo) -> None:
    with kyo.db.transaction(OPERATOR) as tx:
        assert users.credentials(tx, OPERATOR.username) is None
        assert users.by_username(tx, OPERATOR.username) is None
        assert users.everyone(tx) == ()


def test_a_name_is_taken_once_and_the_transaction_goes_on(kyo: Kyo, employee: Actor) -> None:
    with kyo.db.transaction(OPERATOR) as tx:
        with pytest.raises(Conflict, match=employee.username):
            users.add(tx, employee.username, "Other", Role.ADMIN, "hash", False, kyo.now())
        assert [person.username for person in users.everyone(tx)] == [employee.username]


@pytest.mark.parametrize("name", ["", "Capital", "-dash", "two words", "semi;colon", "ö", "x" * 65])
def test_the_database_refuses_names_that_the_service_would(sql: Callable[..., list[Any]], name: str) -> None:
    with pytest.raises(IntegrityError):
        sql(
            "insert into users (username, name, role, created_at, password_changed_at)"
            " values (:name, 'Name', 'admin', now(), now())",
            name=name,
        )


def test_deactivated_people_have_no_credentials_and_do_not_count(
    kyo: Kyo, manager: Actor, admin: Actor, sql: Callable[..., list[Any]]
) -> None:
    sql("update users set active = false where id = :id", id=manager.id)
    with kyo.db.transaction(OPERATOR) as tx:
        assert users.credentials(tx, manager.username) is None
        assert users.by_username(tx, manager.username) is None
        assert users.count_with_roles(tx, [Role.MANAGER, Role.ADMIN]) == 1
        assert [person.active for person in users.everyone(tx)] == [True, False]
    assert admin.role is Role.ADMIN


@pytest.mark.parametrize(
    ("change", "lives"),
    [
        (None, True),
        ("update sessions set revoked_at = now()", False),
        ("update sessions set expires_at = created_at", False),
        ("update users set active = false", False),
        ("update users set password_changed_at = password_changed_at + interval '1 second'", False),
    ],
    ids=["untouched", "revoked", "over", "deactivated", "older than the password"],
)
def test_when_a_session_lives(
    kyo: Kyo, employee: Actor, sql: Callable[..., list[Any]], change: str | None, lives: bool
) -> None:
    with kyo.db.transaction(OPERATOR) as tx:
        sessions.add(tx, b"token", employee.id, kyo.now(), kyo.now() + HOUR)
    if change:
        sql(change)
    with kyo.db.transaction(OPERATOR) as tx:
        assert sessions.actor_of(tx, b"token", kyo.now()) == (employee if lives else None)


def test_revoking_says_whose_session_it_was_once(kyo: Kyo, employee: Actor) -> None:
    with kyo.db.transaction(OPERATOR) as tx:
        sessions.add(tx, b"token", employee.id, kyo.now(), kyo.now() + HOUR)
        assert sessions.revoke(tx, b"token", kyo.now()) == employee.id
        assert sessions.revoke(tx, b"token", kyo.now()) is None
        assert sessions.revoke(tx, b"unknown", kyo.now()) is None


def test_tickets_that_have_expired_are_forgotten(
    kyo: Kyo, employee: Actor, clock: Clock, sql: Callable[..., list[Any]]
) -> None:
    for ticket in (b"old", b"new"):
        with kyo.db.transaction(OPERATOR) as tx:
            sessions.add_ticket(tx, ticket, employee.id, b"browser", clock(), clock() + timedelta(seconds=30))
        clock.advance(minutes=1)
    assert [bytes(row.ticket_hash) for row in sql("select ticket_hash from sign_in_tickets")] == [b"new"]


def test_ending_all_sessions_ends_sign_ins_under_way_too(kyo: Kyo, employee: Actor) -> None:
    with kyo.db.transaction(OPERATOR) as tx:
        sessions.add_ticket(tx, b"ticket", employee.id, b"browser", kyo.now(), kyo.now() + HOUR)
        sessions.revoke_all(tx, employee.id, kyo.now())
        assert sessions.use_ticket(tx, b"ticket", b"browser", kyo.now()) is None
