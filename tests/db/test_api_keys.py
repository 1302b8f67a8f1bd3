"""API keys and families of tokens in the database: its queries, and what it refuses whoever asks."""

import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from kyo_pipeline.db import api_keys, sessions
from kyo_pipeline.domain.actor import OPERATOR, Actor
from kyo_pipeline.domain.api_keys import ApiKey
from kyo_pipeline.domain.people import SessionKind
from kyo_pipeline.domain.scopes import Scope
from kyo_pipeline.errors import Conflict, Forbidden
from kyo_pipeline.kyo import Kyo
from tests.conftest import Clock

Sql = Callable[..., list[Any]]

ASK = frozenset({Scope.ANSWERS_ASK})
DAY = timedelta(days=1)


def add(kyo: Kyo, actor: Actor, name: str = "agent", owner: Actor | None = None, key_hash: bytes = b"") -> ApiKey:
    """A key for one day."""
    now = kyo.now()
    key_hash = key_hash or secrets.token_bytes(32)
    with kyo.db.transaction(actor) as tx:
        return api_keys.add(tx, (owner or actor).id, name, "kyo_abcd", key_hash, ASK, now, now + DAY)


def execute(kyo: Kyo, actor: Actor, statement: str, **values: object) -> int:
    """How many rows it changed or returned."""
    with kyo.db.transaction(actor) as tx:
        return int(tx.execute(text(statement), values).rowcount)


class TestQueries:
    def test_those_of_a_person_are_the_unrevoked_ones_the_newest_first(
        self, kyo: Kyo, employee: Actor, manager: Actor, clock: Clock
    ) -> None:
        expired = add(kyo, employee, "expired")
        clock.advance(days=2)
        revoked, live = add(kyo, employee, "revoked"), add(kyo, employee, "live")
        add(kyo, manager)
        with kyo.db.transaction(employee) as tx:
            assert api_keys.revoke(tx, employee.id, revoked.id, kyo.now()) == "revoked"
            assert api_keys.revoke(tx, employee.id, revoked.id, kyo.now()) is None
            assert api_keys.of_person(tx, employee.id) == (live, expired)

    def test_a_hash_presents_a_live_key_of_somebody_active(
        self, kyo: Kyo, employee: Actor, clock: Clock, sql: Sql
    ) -> None:
        key = add(kyo, employee, key_hash=b"hash")

        def presented(key_hash: bytes = b"hash", seconds: float = 0) -> api_keys.Presented | None:
            with kyo.db.transaction(OPERATOR) as tx:
                return api_keys.use(tx, key_hash, kyo.now() + timedelta(seconds=seconds), "")

        assert presented() == api_keys.Presented(key.id, "agent", employee, ASK)
        assert presented(b"another") is None
        assert presented(seconds=DAY.total_seconds()) is None
        sql("update users set active = false where id = :id", id=employee.id)
        assert presented() is None
        sql("update users set active = true where id = :id", id=employee.id)
        sql("update api_keys set revoked_at = :now", now=clock())
        assert presented() is None

    def test_a_scope_that_nobody_knows_any_more_is_left_out(self, kyo: Kyo, employee: Actor, sql: Sql) -> None:
        add(kyo, employee)
        sql("update api_keys set scopes = '{answers:ask, moon:read}'")
        with kyo.db.transaction(employee) as tx:
            [key] = api_keys.of_person(tx, employee.id)
        assert key.scopes == ASK

    def test_all_of_a_person_are_revoked_and_nobody_elses(self, kyo: Kyo, employee: Actor, manager: Actor) -> None:
        for actor, name in ((employee, "a"), (employee, "b"), (manager, "a")):
            add(kyo, actor, name)
        with kyo.db.transaction(OPERATOR) as tx:
            assert api_keys.revoke_all(tx, employee.id, kyo.now()) == 2
            assert api_keys.revoke_all(tx, employee.id, kyo.now()) == 0
            assert len(api_keys.of_person(tx, manager.id)) == 1


class TestRefusals:
    def test_nobody_reads_or_revokes_the_keys_of_somebody_else(self, kyo: Kyo, employee: Actor, manager: Actor) -> None:
        key = add(kyo, employee)
        assert execute(kyo, employee, "select from api_keys") == 1
        assert execute(kyo, manager, "select from api_keys") == 0
        assert execute(kyo, manager, "update api_keys set revoked_at = now()") == 0
        with kyo.db.transaction(manager) as tx:
            assert api_keys.of_person(tx, employee.id) == ()
            assert api_keys.revoke(tx, employee.id, key.id, kyo.now()) is None
            assert api_keys.revoke_all(tx, employee.id, kyo.now()) == 0

    def test_an_admin_revokes_and_makes_none_for_somebody_else(self, kyo: Kyo, employee: Actor, admin: Actor) -> None:
        key = add(kyo, employee)
        for actor in (admin, OPERATOR):
            with pytest.raises(Forbidden):
                add(kyo, actor, "another", owner=employee)
        with kyo.db.transaction(admin) as tx:
            assert api_keys.revoke(tx, employee.id, key.id, kyo.now()) == "agent"

    def test_nobody_makes_one_for_an_admin(self, kyo: Kyo, employee: Actor, admin: Actor) -> None:
        with pytest.raises(Forbidden):
            add(kyo, employee, owner=admin)

    def test_the_operator_has_none(self, kyo: Kyo) -> None:
        with pytest.raises(Exception, match="api_keys_user_id_check"):
            add(kyo, OPERATOR)

    @pytest.mark.parametrize(
        "change",
        [
            "expires_at = now() + interval '10 years'",
            "scopes = '{audit:read}'",
            "key_hash = '\\x00'",
            "user_id = current_actor()",
            "name = 'another'",
        ],
    )
    def test_a_key_stays_what_it_was_made(self, kyo: Kyo, employee: Actor, admin: Actor, change: str) -> None:
        add(kyo, employee)
        for actor in (employee, admin):
            with pytest.raises(Forbidden):
                execute(kyo, actor, f"update api_keys set {change}")  # noqa: S608 — cases of this test

    def test_what_is_revoked_stays_so(self, kyo: Kyo, employee: Actor, admin: Actor) -> None:
        key = add(kyo, employee)
        with kyo.db.transaction(employee) as tx:
            api_keys.revoke(tx, employee.id, key.id, kyo.now())
        for actor in (employee, admin):
            assert execute(kyo, actor, "update api_keys set revoked_at = null") == 0

    def test_nobody_deletes_one(self, kyo: Kyo, employee: Actor, admin: Actor) -> None:
        add(kyo, employee)
        for actor in (employee, admin, OPERATOR):
            with pytest.raises(Forbidden):
                execute(kyo, actor, "delete from api_keys")

    @pytest.mark.parametrize(
        "statement",
        [
            "select from api_keys",
            "update api_keys set revoked_at = now()",
            "select exchange_refresh_token(gen_random_uuid(), '', '', now(), now())",
        ],
    )
    def test_the_pipeline_has_nothing_to_do_with_it(self, pipeline: Kyo, statement: str) -> None:
        with pytest.raises(Forbidden):
            execute(pipeline, OPERATOR, statement)

    def test_two_live_keys_of_one_person_have_two_names(self, kyo: Kyo, employee: Actor, manager: Actor) -> None:
        add(kyo, employee)
        add(kyo, manager)
        with pytest.raises(Conflict):
            add(kyo, employee, "AGENT")


class TestExchange:
    """Of refresh tokens, whose hashes name the family."""

    def family(self, kyo: Kyo, owner: Actor, token: bytes = b"old", kind: SessionKind = SessionKind.API) -> UUID:
        now = kyo.now()
        with kyo.db.transaction(OPERATOR) as tx:
            return sessions.add(tx, token, owner.id, now, now + DAY, kind=kind)

    def exchange(self, kyo: Kyo, actor: Actor, family: UUID, old: bytes = b"old", new: bytes = b"new") -> bool:
        now = kyo.now()
        with kyo.db.transaction(actor) as tx:
            return sessions.exchange(tx, family, old, new, now, now + 2 * DAY)

    def test_the_token_that_counts_is_exchanged_once(self, kyo: Kyo, employee: Actor, clock: Clock, sql: Sql) -> None:
        family = self.family(kyo, employee)
        clock.advance(hours=1)
        assert self.exchange(kyo, employee, family)
        [row] = sql("select token_hash, last_seen_at, expires_at, revoked_at from sessions")
        assert (bytes(row.token_hash), row.last_seen_at, row.expires_at) == (b"new", clock(), clock() + 2 * DAY)
        assert not self.exchange(kyo, employee, family)
        assert self.exchange(kyo, employee, family, b"new", b"newer")

    def test_an_admin_may_and_others_may_not(self, kyo: Kyo, employee: Actor, manager: Actor, admin: Actor) -> None:
        family = self.family(kyo, employee)
        assert not self.exchange(kyo, manager, family)
        assert self.exchange(kyo, admin, family)
        assert self.exchange(kyo, OPERATOR, family, b"new", b"newer")

    def test_a_session_of_a_browser_keeps_its_token_and_its_end(self, kyo: Kyo, employee: Actor, sql: Sql) -> None:
        session = self.family(kyo, employee, kind=SessionKind.BROWSER)
        before = sql("select token_hash, expires_at from sessions")
        for actor in (employee, OPERATOR):
            assert not self.exchange(kyo, actor, session)
        assert sql("select token_hash, expires_at from sessions") == before

    def test_what_is_revoked_or_another_family_is_left(self, kyo: Kyo, employee: Actor) -> None:
        family, other = self.family(kyo, employee), self.family(kyo, employee, b"other")
        assert not self.exchange(kyo, employee, other)
        with kyo.db.transaction(employee) as tx:
            sessions.revoke_one(tx, employee.id, family, kyo.now())
        assert not self.exchange(kyo, employee, family)

    def test_nobody_exchanges_nothing(self, kyo: Kyo, employee: Actor, manager: Actor) -> None:
        family = self.family(kyo, employee)
        with kyo.db.transaction(manager) as tx:
            tx.execute(text("select set_config('kyo.actor', '', true)"))
            assert not tx.scalar(text("select exchange_refresh_token(:id, 'old', 'new', now(), now())"), {"id": family})
