"""What services do not show of tries that fail: tests of the services show the rest."""

from collections.abc import Callable
from typing import Any

import pytest

from kyo_pipeline import tries
from kyo_pipeline.domain.actor import OPERATOR, Actor
from kyo_pipeline.domain.audit import Event
from kyo_pipeline.domain.throttling import FREE, Kind, of_account, of_address
from kyo_pipeline.errors import TooMany
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.tries import Try

OFFICE = "192.0.2.7"


@pytest.fixture
def attempt(employee: Actor) -> Try:
    subjects = (of_account(employee.username), *of_address(OFFICE))
    return Try(Event.SESSION_REFUSE, OPERATOR, employee, subjects, OFFICE)


def fail(kyo: Kyo, attempt: Try) -> None:
    counted = tries.count(kyo, attempt)
    with kyo.db.transaction(OPERATOR) as tx:
        tries.record_failure(tx, attempt, "wrong", counted, kyo.now())


def test_one_too_many_is_on_record_with_the_address_and_the_next_one_too(
    kyo: Kyo, attempt: Try, employee: Actor, sql: Callable[..., list[Any]]
) -> None:
    for _ in range(FREE[Kind.ACCOUNT] + 1):
        fail(kyo, attempt)
    with pytest.raises(TooMany):
        tries.count(kyo, attempt)
    rows = sql("select event, object_id, address from audit_log order by id")
    refused = ("session:refuse", employee.username, OFFICE)
    assert rows == [refused] * 5 + [("user:block", str(employee.id), OFFICE), refused]


def test_a_good_one_clears_the_account_and_not_the_address(
    kyo: Kyo, attempt: Try, sql: Callable[..., list[Any]]
) -> None:
    for _ in range(3):
        fail(kyo, attempt)
    counted = tries.count(kyo, attempt)
    with kyo.db.transaction(OPERATOR) as tx:
        tries.forgive(tx, counted)
    [left] = sql("select subject, failures from sign_in_failures")
    assert (bytes(left.subject), left.failures) == (of_address(OFFICE)[0].digest, 3)
