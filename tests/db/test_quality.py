"""Who sees the nights and the alerts, whatever statement is sent: the database's own rules."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from kyo_pipeline.db import quality
from kyo_pipeline.domain.actor import OPERATOR, Actor, Role
from kyo_pipeline.errors import Forbidden
from kyo_pipeline.kyo import Kyo
from tests.nights import add_night

Sql = Callable[..., list[Any]]


@pytest.fixture
def told(sql: Sql) -> None:
    """A night with the score of one question, and an alert with a notice."""
    number = add_night(sql, 0.5, worse=True)
    sql("insert into quality_scores values (:run, '\\x01', 'liked', 1, 1, 1, true, 5)", run=number)
    sql(
        "with one as (insert into alerts (kind, subject, sentence, opened_at, last_sent_at) "
        "values ('queue', 'files', 'Wait.', now(), now()) returning id) "
        "insert into alert_notices (alert_id, channel, news, sentence, noted_at, retry_at) "
        "select id, 'webhook', 'opened', 'Wait.', now(), now() from one"
    )


@pytest.mark.usefixtures("told")
@pytest.mark.parametrize(
    ("role", "seen"),
    [
        (Role.EMPLOYEE, {"quality_runs": 0, "alerts": 0, "alert_notices": 0}),
        (Role.MANAGER, {"quality_runs": 1, "alerts": 0, "alert_notices": 0}),
        (Role.ADMIN, {"quality_runs": 1, "alerts": 1, "alert_notices": 1}),
    ],
)
def test_what_each_role_sees(kyo: Kyo, person: Callable[[Role], Actor], role: Role, seen: dict[str, int]) -> None:
    with kyo.db.transaction(person(role)) as tx:
        assert {name: tx.scalar(text(f"select count(*) from {name}")) for name in seen} == seen  # noqa: S608 — names of tables


@pytest.mark.usefixtures("told")
def test_somebody_who_was_deactivated_sees_nothing(kyo: Kyo, manager: Actor, sql: Sql) -> None:
    sql("update users set active = false where id = :id", id=manager.id)
    with kyo.db.transaction(manager) as tx:
        assert tx.scalar(text("select count(*) from quality_runs")) == 0


@pytest.mark.usefixtures("told")
def test_scores_of_single_questions_are_the_pipelines_alone(kyo: Kyo, pipeline: Kyo, admin: Actor) -> None:
    with pytest.raises(Forbidden), kyo.db.transaction(admin) as tx:
        tx.execute(text("select * from quality_scores"))
    for actor, count in ((admin, 0), (OPERATOR, 1)):
        with pipeline.db.transaction(actor) as tx:
            assert tx.scalar(text("select count(*) from quality_scores")) == count


@pytest.mark.usefixtures("told")
def test_a_night_is_accepted_by_admins_in_their_own_name(kyo: Kyo, manager: Actor, admin: Actor) -> None:
    with kyo.db.transaction(admin) as tx:
        newest = quality.newest(tx, 1)[0].id
    with kyo.db.transaction(manager) as tx:
        assert not quality.accept(tx, newest, manager, kyo.now())
    with pytest.raises(Forbidden), kyo.db.transaction(admin) as tx:
        quality.accept(tx, newest, manager, kyo.now())
    with kyo.db.transaction(admin) as tx:
        assert quality.accept(tx, newest, admin, kyo.now())
        assert not quality.accept(tx, newest, admin, kyo.now())
        assert quality.newest(tx, 1)[0].accepted_at == kyo.now()
