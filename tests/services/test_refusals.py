from collections.abc import Callable
from typing import Any

from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import refusals


def test_a_refusal_is_on_record_once_a_minute(
    kyo: Kyo, employee: Actor, manager: Actor, sql: Callable[..., list[Any]]
) -> None:
    for _ in range(3):
        refusals.record(kyo, employee, "people")
        refusals.record(kyo, employee, "collections")
        refusals.record(kyo, manager, "people")
    rows = sql("select actor_name, event, outcome, details ->> 'what' as what from audit_log order by id")
    assert [tuple(row) for row in rows] == [
        (employee.username, "access:refuse", "refused", "people"),
        (employee.username, "access:refuse", "refused", "collections"),
        (manager.username, "access:refuse", "refused", "people"),
    ]
