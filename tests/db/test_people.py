"""Who is listed: what the service does not show of it is tested there."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from kyo_pipeline.db import invitations, people, sessions, users
from kyo_pipeline.domain.actor import OPERATOR, Actor, Role
from kyo_pipeline.domain.people import PersonState
from kyo_pipeline.kyo import Kyo

HOUR = timedelta(hours=1)


def test_nobody_but_admins_sees_others(kyo: Kyo, employee: Actor, manager: Actor, admin: Actor) -> None:
    for actor, seen in (
        (employee, {employee.id}),
        (manager, {manager.id}),
        (admin, {employee.id, manager.id, admin.id}),
    ):
        with kyo.db.transaction(actor) as tx:
            page = people.page(tx, "", None, kyo.now(), HOUR, limit=10, offset=0)
        assert {person.id for person in page.people} == seen
        assert page.total == len(seen)


def test_sessions_are_counted_that_let_in(
    kyo: Kyo, employee: Actor, admin: Actor, sql: Callable[..., list[Any]]
) -> None:
    with kyo.db.transaction(OPERATOR) as tx:
        sessions.add(tx, b"token", employee.id, kyo.now(), kyo.now() + HOUR)

    def counted() -> int:
        with kyo.db.transaction(admin) as tx:
            person = people.person(tx, employee.id, kyo.now(), HOUR)
            assert person is not None
            return person.sessions

    assert counted() == 1
    sql("update users set password_changed_at = password_changed_at + interval '1 second'")
    assert counted() == 0


def test_an_invitation_that_has_expired_is_still_one(kyo: Kyo, admin: Actor) -> None:
    with kyo.db.transaction(OPERATOR) as tx:
        cleo = users.add(tx, "cleo", "Cleo", Role.EMPLOYEE, kyo.now())
        invitations.replace(tx, b"token", cleo.id, admin.id, kyo.now(), kyo.now())
        page = people.page(tx, "cleo", PersonState.INVITED, kyo.now(), HOUR, limit=10, offset=0)
        assert page.total == 1
        assert invitations.find(tx, b"token", kyo.now()) is None
        assert not invitations.use(tx, b"token", kyo.now())
