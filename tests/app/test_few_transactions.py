"""Pages of many rows ask the database little more than pages of one: they are drawn anew every few seconds."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, event

from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import expiring, library, reviewing
from tests.app.pages import Visit
from tests.conftest import Clock


@pytest.fixture
def transactions(connection: Connection) -> Callable[..., int]:
    """How many are begun while a page is visited, each for one call of a service."""

    @contextmanager
    def counted(found: list[str]) -> Iterator[None]:
        def note(*about: Any) -> None:
            if "'kyo.actor'" in about[2]:
                found.append(about[2])

        event.listen(connection, "before_cursor_execute", note)
        yield
        event.remove(connection, "before_cursor_execute", note)

    def count(visit: Visit, *where: Any) -> int:
        found: list[str] = []
        with counted(found):
            page = visit(*where)
        assert not page.exception
        return len(found)

    return count


@pytest.fixture
def upload(kyo: Kyo, employee: Actor, run_pipeline: Callable[[], None]) -> Callable[..., list[Any]]:
    def put(first: int, last: int) -> list[Any]:
        found = []
        for number in range(first, last + 1):
            text = f"Note {number} is about shelf {number}."
            found.append(library.upload(kyo, employee, f"note-{number}.txt", text.encode()).document.latest.id)
        run_pipeline()
        return found

    return put


def test_a_row_of_the_documents_costs_nothing_before_it_is_opened(
    visit: Visit, employee: Actor, upload: Callable[..., list[Any]], transactions: Callable[..., int]
) -> None:
    upload(1, 1)
    one = transactions(visit, "documents", employee)
    upload(2, 15)
    assert transactions(visit, "documents", employee) == one


def test_an_overdue_review_costs_the_question_who_may_confirm_it(
    visit: Visit,
    kyo: Kyo,
    pipeline: Kyo,
    manager: Actor,
    clock: Clock,
    upload: Callable[..., list[Any]],
    transactions: Callable[..., int],
    sql: Callable[..., list[Any]],
) -> None:
    def make_overdue(first: int, last: int) -> None:
        for version_id in upload(first, last):
            reviewing.approve(kyo, manager, version_id)
        sql("update documents set review_by = :day", day=clock().date() - timedelta(days=9))
        assert expiring.expire(pipeline) == last - first + 1

    make_overdue(1, 1)
    one = transactions(visit, "approvals", manager)
    make_overdue(2, 6)
    assert transactions(visit, "approvals", manager) == one + 5
