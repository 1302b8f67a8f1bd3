"""What is counted for whom; how it is used is tested with the services."""

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from kyo_pipeline.db import questions, usage
from kyo_pipeline.domain.actor import OPERATOR, Actor
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import library
from tests.conftest import Clock

NOON = datetime(2026, 11, 2, 12, 0, 30, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("asked_at", "today", "this_minute"),
    [
        (NOON, 1, 1),
        (NOON.replace(second=0), 1, 1),
        (NOON.replace(second=59, microsecond=999_999), 1, 1),
        (NOON.replace(minute=1, second=0), 1, 0),
        (NOON - timedelta(seconds=31), 1, 0),
        (NOON.replace(hour=0, second=0), 1, 0),
        (NOON.replace(hour=0, second=0) - timedelta(microseconds=1), 0, 0),
        (NOON.replace(day=3, hour=0, second=0), 0, 0),
    ],
)
def test_questions_are_counted_in_the_day_and_the_minute_that_they_are_in(
    kyo: Kyo, employee: Actor, manager: Actor, asked_at: datetime, today: int, this_minute: int
) -> None:
    for actor in (employee, manager):
        with kyo.db.transaction(actor) as tx:
            questions.add_question(tx, actor, "Why?", asked_at)
    with kyo.db.transaction(employee) as tx:
        assert usage.questions_asked(tx, employee, NOON) == usage.Asked(today, this_minute)


@pytest.mark.parametrize("state", ["waiting", "rejected", "failed", "archived", "superseded"])
def test_an_upload_counts_whatever_became_of_it(
    kyo: Kyo, employee: Actor, clock: Clock, sql: Callable[..., list[Any]], state: str
) -> None:
    clock.time = NOON
    latest = library.upload(kyo, employee, "a.txt", b"One.").document.latest
    change = {
        "rejected": "update document_versions set review = 'rejected', review_reason = 'No.', reviewed_by = :actor,"
        " reviewed_at = uploaded_at where id = :id",
        "failed": "update document_versions set status = 'failed', error = 'Broken.' where id = :id",
        "archived": "update documents set state = 'archived' where owner_id = :actor and cast(:id as uuid) is not null",
    }.get(state)
    if change:
        sql(change, id=latest.id, actor=employee.id)
    if state == "superseded":
        library.upload(kyo, employee, "a.txt", b"Two.")
    with kyo.db.transaction(employee) as tx:
        assert usage.files_uploaded(tx, employee, NOON) == (2 if state == "superseded" else 1)
        assert usage.files_uploaded(tx, employee, NOON + timedelta(hours=1)) == 0
        assert usage.files_uploaded(tx, OPERATOR, NOON) == 0
