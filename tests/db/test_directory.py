"""Who is listed: what the service does not show of it is tested there."""

from datetime import timedelta

from kyo_pipeline.db import directory, invitations, users
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
            page = directory.people(tx, "", None, kyo.now(), HOUR, limit=10, offset=0)
        assert {person.id for person in page.people} == seen
        assert page.total == len(seen)


def test_an_invitation_that_has_expired_is_still_one(kyo: Kyo, admin: Actor) -> None:
    with kyo.db.transaction(OPERATOR) as tx:
        cleo = users.add(tx, "cleo", "Cleo", Role.EMPLOYEE, None, False, kyo.now())
        invitations.replace(tx, b"token", cleo.id, admin.id, kyo.now(), kyo.now())
        page = directory.people(tx, "cleo", PersonState.INVITED, kyo.now(), HOUR, limit=10, offset=0)
        assert page.total == 1
        assert invitations.find(tx, b"token", kyo.now()) is None
        assert not invitations.use(tx, b"token", kyo.now())
