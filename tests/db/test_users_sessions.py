from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from kyo_pipeline.db import sessions, users
from kyo_pipeline.domain.actor import OPERATOR, Actor, Role
from kyo_pipeline.domain.people import PersonState
from kyo_pipeline.errors import Conflict, NotAllowed
from kyo_pipeline.kyo import Kyo
from tests.conftest import Clock

HOUR = timedelta(hours=1)
NOW = datetime(2026, 5, 1, tzinfo=timezone.utc)


def test_the_operator_is_nobody_who_signs_in_or_is_listed(kyo: Kyo) -> None:
    with kyo.db.transaction(OPERATOR) as tx:
        assert users.credentials(tx, OPERATOR.username) is None
        assert users.by_username(tx, OPERATOR.username) is None
        assert users.find(tx, OPERATOR.username) is None
        assert users.lock(tx, OPERATOR.id) is None
        assert not users.is_anybody_there(tx)


def test_a_name_is_taken_once_and_the_transaction_goes_on(kyo: Kyo, employee: Actor) -> None:
    with kyo.db.transaction(OPERATOR) as tx:
        with pytest.raises(Conflict, match=employee.username):
            users.add(tx, employee.username, "Other", Role.ADMIN, kyo.now(), password_hash="hash")
        assert users.by_username(tx, employee.username) == employee


@pytest.mark.parametrize("name", ["", "Capital", "-dash", "two words", "semi;colon", "ö", "x" * 65])
def test_the_database_refuses_names_that_the_service_would(sql: Callable[..., list[Any]], name: str) -> None:
    with pytest.raises(IntegrityError):
        sql(
            "insert into users (username, name, role, created_at, password_changed_at)"
            " values (:name, 'Name', 'admin', now(), now())",
            name=name,
        )


def test_an_address_is_taken_once_however_it_is_written(kyo: Kyo) -> None:
    with kyo.db.transaction(OPERATOR) as tx:
        users.add(tx, "one", "One", Role.ADMIN, kyo.now(), email="one@example.org")
        with pytest.raises(Conflict, match="this e-mail address"):
            users.add(tx, "two", "Two", Role.ADMIN, kyo.now(), email="ONE@example.org")
        assert users.find(tx, "two") is None


def test_deactivated_people_are_nobody_to_act_as_and_are_found_all_the_same(
    kyo: Kyo, manager: Actor, sql: Callable[..., list[Any]]
) -> None:
    sql("update users set active = false where id = :id", id=manager.id)
    with kyo.db.transaction(OPERATOR) as tx:
        assert users.by_username(tx, manager.username) is None
        found = users.find(tx, manager.username)
    assert found is not None
    assert (found.actor, found.state) == (manager, PersonState.DEACTIVATED)


@pytest.mark.parametrize(
    ("change", "unchanged"),
    [
        (None, True),
        ("update users set active = false where role = 'employee'", False),
        ("update users set password_changed_at = password_changed_at + interval '1 microsecond'", False),
    ],
)
def test_a_password_that_was_checked_may_have_changed_since(
    kyo: Kyo, employee: Actor, sql: Callable[..., list[Any]], change: str | None, unchanged: bool
) -> None:
    with kyo.db.transaction(OPERATOR) as tx:
        known = users.credentials(tx, employee.username)
    assert known is not None
    if change:
        sql(change)
    with kyo.db.transaction(OPERATOR) as tx:
        assert users.lock_unchanged(tx, known) is unchanged


def test_an_address_that_people_typed_is_not_confirmed(kyo: Kyo, sql: Callable[..., list[Any]]) -> None:
    with kyo.db.transaction(OPERATOR) as tx:
        one = users.add(tx, "one", "One", Role.EMPLOYEE, kyo.now(), email="a@b", email_confirmed=True)
    for name, email, confirmed in (("New", "a@b", True), ("New", "c@d", False), ("New", "a@b", False)):
        with kyo.db.transaction(one) as tx:
            users.set_profile(tx, one.id, name, email)
        assert sql("select email, email_confirmed from users where id = :id", id=one.id) == [(email, confirmed)]


CHANGES: dict[str, Callable[[Connection, UUID], None]] = {
    "role": lambda tx, user_id: users.set_role(tx, user_id, Role.MANAGER),
    "active": lambda tx, user_id: users.set_active(tx, user_id, False),
    "password": lambda tx, user_id: users.set_password(tx, user_id, "hash", NOW),
    "delete": users.delete,
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_that_row_level_security_passes_over_is_refused(
    kyo: Kyo, employee: Actor, manager: Actor, change: str
) -> None:
    """So is that of an admin who was deactivated a moment ago."""
    with kyo.db.transaction(manager) as tx, pytest.raises(NotAllowed, match="at the same moment"):
        CHANGES[change](tx, employee.id)


def test_only_a_registration_can_be_deleted(kyo: Kyo, employee: Actor) -> None:
    with kyo.db.transaction(OPERATOR) as tx:
        waiting = users.add(tx, "one", "One", Role.EMPLOYEE, kyo.now(), awaiting=True)
        users.delete(tx, waiting.id)
        with pytest.raises(NotAllowed):
            users.delete(tx, employee.id)
        assert users.read(tx, waiting.id) is None
        assert users.read(tx, employee.id) is not None


@pytest.mark.parametrize(
    ("change", "lives"),
    [
        (None, True),
        ("update sessions set revoked_at = now()", False),
        ("update sessions set expires_at = created_at", False),
        ("update sessions set last_seen_at = last_seen_at - interval '1 hour'", False),
        ("update users set active = false where role = 'employee'", False),
        ("update users set password_changed_at = password_changed_at + interval '1 second'", False),
    ],
    ids=["untouched", "revoked", "over", "idle", "deactivated", "older than the password"],
)
def test_when_a_session_lives(
    kyo: Kyo, employee: Actor, sql: Callable[..., list[Any]], change: str | None, lives: bool
) -> None:
    with kyo.db.transaction(OPERATOR) as tx:
        sessions.add(tx, b"token", employee.id, kyo.now(), kyo.now() + HOUR)
    if change:
        sql(change)
    with kyo.db.transaction(OPERATOR) as tx:
        assert sessions.actor_of(tx, b"token", kyo.now(), HOUR) == (employee if lives else None)


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
            sessions.forget_old(tx, clock())
            sessions.add_ticket(tx, ticket, employee.id, b"browser", clock() + timedelta(seconds=30))
        clock.advance(minutes=1)
    assert [bytes(row.ticket_hash) for row in sql("select ticket_hash from sign_in_tickets")] == [b"new"]


def test_ending_all_sessions_ends_sign_ins_under_way_too(kyo: Kyo, employee: Actor) -> None:
    with kyo.db.transaction(OPERATOR) as tx:
        sessions.add_ticket(tx, b"ticket", employee.id, b"browser", kyo.now() + HOUR)
        sessions.revoke_all(tx, employee.id, kyo.now())
        assert sessions.use_ticket(tx, b"ticket", b"browser", kyo.now()) is None
