"""The list of verified answers."""

from collections.abc import Callable
from uuid import UUID

from sqlalchemy import text

from kyo_pipeline.db import verified as queries
from kyo_pipeline.domain.actor import OPERATOR, Actor
from kyo_pipeline.domain.same_question import key_of
from kyo_pipeline.domain.verified import Standing, VerifiedAnswer
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import (
    asking,
    verifying,
)
from tests.conftest import Clock
from tests.services.verifying.conftest import LEAVE, OTHER_WORDS, QUESTION, Publish, Sql


def test_the_list_says_which_hold_and_how_often_they_were_given(
    kyo: Kyo, manager: Actor, employee: Actor, publish: Publish, verified: VerifiedAnswer
) -> None:
    publish("dress.txt", "The dress code of the bakery is white.")
    dress = verifying.verify(
        kyo, manager, asking.ask(kyo, manager, "What is the dress code?").id, "What is the dress code?"
    )
    for _ in range(2):
        asking.ask(kyo, employee, OTHER_WORDS)
    publish("dress.txt", "The dress code of the bakery is blue.")
    page = verifying.list_verified(kyo, manager)
    assert {one.id: one.uses for one in page.answers} == {verified.id: 2, dress.id: 0}
    assert page.counts == {Standing.HOLDS: 1, Standing.CHANGED: 1}
    assert [one.id for one in verifying.list_verified(kyo, manager, standing=Standing.CHANGED).answers] == [dress.id]
    verifying.withdraw(kyo, manager, dress.id)
    assert verifying.list_verified(kyo, manager, standing=Standing.WITHDRAWN).total == 1
    assert verifying.list_verified(kyo, manager, text="ANNUAL").total == 1
    assert verifying.list_verified(kyo, manager, text="no such words").answers == ()
    assert verifying.list_verified(kyo, manager, limit=1, offset=1).total == 2


def test_keys_of_an_earlier_release_are_made_anew(
    owner: Kyo, is_given: Callable[..., bool], employee: Actor, sql: Sql
) -> None:
    sql("update verified_questions set key = '0|old'")
    assert not is_given(employee)
    with owner.db.transaction(OPERATOR) as tx:
        assert queries.rekey(tx) == 1
        assert queries.rekey(tx) == 0
    assert is_given(employee)
    assert sql("select key from verified_questions") == [(key_of(QUESTION),)]


def test_it_outlives_the_answer_and_keeps_the_version_that_it_cites(
    kyo: Kyo,
    pipeline: Kyo,
    manager: Actor,
    employee: Actor,
    publish: Publish,
    verified: VerifiedAnswer,
    sql: Sql,
    clock: Clock,
) -> None:
    def expirable() -> list[UUID]:
        with pipeline.db.transaction(OPERATOR) as tx:
            statement = "select expirable_versions(:before)"
            return list(tx.scalars(text(statement), {"before": clock.time}))

    sql("delete from answers")
    assert verifying.read_verified(kyo, manager, verified.id).answer_id is None
    assert asking.ask(kyo, employee, OTHER_WORDS).text == verified.text
    sql("delete from answers")
    clock.advance(days=1)
    publish("leave.txt", LEAVE.replace("thirty", "twenty-eight"))
    clock.advance(days=9)
    assert expirable() == []
    verifying.withdraw(kyo, manager, verified.id)
    assert expirable() == [verified.citations[0].version_id]
