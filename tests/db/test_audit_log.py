"""Lists of the audit log, page by page, on the real database."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kyo_pipeline.db import audit_chain, audit_log
from kyo_pipeline.domain.actor import OPERATOR, Actor, Role
from kyo_pipeline.domain.audit_chain import Entry
from kyo_pipeline.domain.audit_log import EVERYTHING, MOST_COUNTED, OLDEST, AuditFilter, AuditPage, Cursor
from kyo_pipeline.kyo import Kyo

NOON = datetime(2026, 11, 2, 12, tzinfo=timezone.utc)
ANNA, BERT = uuid4(), uuid4()

Put = Callable[..., None]


@pytest.fixture
def put(owner: Kyo) -> Put:
    """Puts rows into the log; what is not said of one is what an upload by Anna has."""

    def write(*rows: dict[str, Any]) -> None:
        with owner.db.transaction(OPERATOR) as tx:
            for row in rows:
                audit_chain.await_commit(tx, entry(**row))

    return write


def entry(
    minute: float = 0,
    actor: UUID | None = ANNA,
    event: str = "document:upload",
    object_id: str = "7",
    outcome: str = "done",
    details: dict[str, object] | None = None,
    address: str | None = None,
    request: str | None = None,
) -> Entry:
    at = NOON + timedelta(minutes=minute)
    return Entry(at, actor, "anna", event, object_id, outcome, details or {}, address, request)


def pages(kyo: Kyo, wanted: AuditFilter, limit: int, *, newer: bool = False) -> list[AuditPage]:
    """All pages, from the first to the last, or back."""
    found = [page(kyo, wanted, OLDEST if newer else None, limit)]
    while (cursor := found[-1].newer if newer else found[-1].older) is not None:
        found.append(page(kyo, wanted, cursor, limit))
    return found


def page(kyo: Kyo, wanted: AuditFilter = EVERYTHING, cursor: Cursor | None = None, limit: int = 10) -> AuditPage:
    with kyo.db.transaction(OPERATOR) as tx:
        return audit_log.page(tx, wanted, cursor, limit)


def ids(found: AuditPage) -> list[int]:
    return [record.id for record in found.records]


def test_a_record_has_all_that_its_row_has(kyo: Kyo, put: Put) -> None:
    put({"details": {"before": 1}, "address": "192.0.2.1", "request": "r1"}, {"actor": None, "outcome": "refused"})
    second, first = page(kyo).records
    assert (first.id, first.at, first.actor_id, first.actor_name) == (1, NOON, ANNA, "anna")
    assert (first.event, first.object_type, first.object_id) == ("document:upload", "document", "7")
    assert (first.outcome, first.details, first.address, first.request_id) == ("done", {"before": 1}, "192.0.2.1", "r1")
    assert (second.actor_id, second.outcome, second.address, second.request_id) == (None, "refused", None, None)
    assert (first.previous_hash, second.previous_hash) == ("0" * 64, first.hash)


def test_rows_from_before_there_was_a_chain_have_no_hash(kyo: Kyo, sql: Callable[..., list[Any]]) -> None:
    sql(
        "insert into audit_log values (1, :at, null, 'anna', 'document:upload', 'document', '7', 'done', '{}')", at=NOON
    )
    [record] = page(kyo).records
    assert (record.hash, record.previous_hash) == (None, None)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (EVERYTHING, [6, 5, 4, 3, 2, 1]),
        (AuditFilter(actor_id=ANNA), [5, 3, 1]),
        (AuditFilter(actor_id=uuid4()), []),
        (AuditFilter(event="document:upload"), [4, 2, 1]),
        (AuditFilter(event="document"), []),
        (AuditFilter(object_type="document"), [5, 4, 2, 1]),
        (AuditFilter(object_id="7"), [6, 2, 1]),
        (AuditFilter(object_type="document", object_id="7"), [2, 1]),
        (AuditFilter(outcome="refused"), [6, 4]),
        (AuditFilter(outcome="done"), [5, 3, 2, 1]),
        (AuditFilter(request_id="r1"), [3, 2]),
        (AuditFilter(since=NOON + timedelta(minutes=2)), [6, 5, 4, 3]),  # the moment itself is within
        (AuditFilter(until=NOON + timedelta(minutes=2)), [2, 1]),  # and here it is not
        (AuditFilter(since=NOON + timedelta(minutes=1), until=NOON + timedelta(minutes=3)), [3, 2]),
        (AuditFilter(since=NOON + timedelta(minutes=3), until=NOON + timedelta(minutes=1)), []),
        (AuditFilter(actor_id=ANNA, object_type="document", since=NOON + timedelta(minutes=1)), [5]),
        (AuditFilter(actor_id=BERT, event="document:upload", outcome="refused"), [4]),
        (AuditFilter(object_id="'; drop table audit_log; --"), []),
    ],
)
def test_rows_have_all_that_is_wanted(kyo: Kyo, put: Put, wanted: AuditFilter, found: list[int]) -> None:
    put(
        {},
        {"minute": 1, "actor": BERT, "request": "r1"},
        {"minute": 2, "event": "session:start", "object_id": str(ANNA), "request": "r1"},
        {"minute": 3, "actor": BERT, "object_id": "8", "outcome": "refused"},
        {"minute": 4, "event": "document:approve", "object_id": "8"},
        {"minute": 5, "actor": None, "event": "access:refuse", "outcome": "refused"},
    )
    shown = page(kyo, wanted)
    assert (ids(shown), shown.total) == (found, len(found))
    assert (shown.newer, shown.older) == (None, None)


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 9])
def test_each_row_is_on_one_page_in_either_direction(kyo: Kyo, put: Put, limit: int) -> None:
    put(*({"minute": number, "actor": (ANNA, BERT)[number % 3 == 0]} for number in range(12)))
    for wanted in (EVERYTHING, AuditFilter(actor_id=ANNA), AuditFilter(event="document:upload", actor_id=BERT)):
        forward, back = pages(kyo, wanted, limit), pages(kyo, wanted, limit, newer=True)
        all_ids = [one for shown in forward for one in ids(shown)]
        assert all_ids == sorted(ids(page(kyo, wanted, limit=100)), reverse=True)
        assert [one for shown in reversed(back) for one in ids(shown)] == all_ids
        assert len(forward) == len(back) == -(-len(all_ids) // limit)


def test_where_there_is_nothing_more_there_is_no_way_on(kyo: Kyo, put: Put) -> None:
    put(*({"minute": number} for number in range(5)))
    first = page(kyo, limit=2)
    assert first.newer is None
    assert first.older is not None
    middle = page(kyo, cursor=first.older, limit=2)
    assert None not in (middle.newer, middle.older)
    last = page(kyo, cursor=OLDEST, limit=2)
    assert ids(last) == [2, 1]
    assert last.older is None
    assert last.newer is not None
    assert ids(page(kyo, cursor=middle.newer, limit=2)) == ids(first)
    assert page(kyo, cursor=middle.newer, limit=2).newer is None


def test_rows_of_the_same_moment_have_the_order_of_the_log(kyo: Kyo, put: Put) -> None:
    put(*({} for _ in range(7)))
    assert [ids(shown) for shown in pages(kyo, EVERYTHING, 3)] == [[7, 6, 5], [4, 3, 2], [1]]


def test_a_page_stays_as_it_is_while_rows_are_added(kyo: Kyo, put: Put) -> None:
    put(*({"minute": number} for number in range(4)))
    older = page(kyo, limit=2).older
    put({"minute": 9})
    assert ids(page(kyo, cursor=older, limit=2)) == [2, 1]


def test_the_oldest_page_of_nothing_is_empty(kyo: Kyo) -> None:
    for cursor in (None, OLDEST):
        assert page(kyo, AuditFilter(object_id="none"), cursor) == AuditPage((), 0, None, None)


def test_no_more_are_counted_than_is_useful(kyo: Kyo, put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    put(*({"minute": number} for number in range(5)))
    assert page(kyo, limit=2).is_counted
    monkeypatch.setattr(audit_log, "MOST_COUNTED", 3)
    assert page(kyo, limit=2).total == 3
    assert not AuditPage((), MOST_COUNTED, None, None).is_counted


@pytest.mark.parametrize("role", [Role.EMPLOYEE, Role.MANAGER])
def test_the_database_shows_it_to_nobody_but_admins(
    kyo: Kyo, put: Put, person: Callable[[Role], Actor], admin: Actor, role: Role
) -> None:
    put({})
    for actor, count in ((person(role), 0), (admin, 1)):
        with kyo.db.transaction(actor) as tx:
            assert len(audit_log.page(tx, EVERYTHING, None, 10).records) == count
            assert len(audit_log.events(tx)) == count
            assert len(audit_chain.read(tx, 0, 10)) == count


def test_events_are_those_that_occur(kyo: Kyo, put: Put) -> None:
    with kyo.db.transaction(OPERATOR) as tx:
        assert audit_log.events(tx) == ()
    put({}, {"event": "answer:ask"}, {"event": "something:new"}, {"event": "answer:ask"})
    with kyo.db.transaction(OPERATOR) as tx:
        assert audit_log.events(tx) == ("answer:ask", "document:upload", "something:new")


def test_people_are_all_there_are_by_name(kyo: Kyo, employee: Actor) -> None:
    with kyo.db.transaction(OPERATOR) as tx:
        found = audit_log.people(tx)
    names = [one.name.lower() for one in found]
    assert names == sorted(names)
    assert {OPERATOR.id, employee.id} <= {one.id for one in found}


def test_an_export_of_some_rows_keeps_their_order(kyo: Kyo, put: Put) -> None:
    put({}, {"actor": BERT}, {}, {"actor": BERT, "minute": -60})
    with kyo.db.transaction(OPERATOR) as tx:
        assert [row.id for row in audit_chain.read(tx, 0, 10, AuditFilter(actor_id=BERT))] == [2, 4]
        assert [row.id for row in audit_chain.read(tx, 2, 10, AuditFilter(actor_id=BERT))] == [4]


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    minutes=st.lists(st.integers(0, 3), min_size=1, max_size=8),
    limit=st.integers(1, 4),
    since=st.none() | st.integers(0, 3),
    until=st.none() | st.integers(0, 3),
)
def test_whatever_the_times_pages_cover_what_is_wanted_once(
    owner: Kyo, minutes: Sequence[int], limit: int, since: int | None, until: int | None
) -> None:
    """Clocks of two machines differ: a row may be older than the one before."""
    wanted = AuditFilter(
        since=None if since is None else NOON + timedelta(minutes=since),
        until=None if until is None else NOON + timedelta(minutes=until),
    )
    with owner.db.undone():  # type: ignore[attr-defined]  # of the test's own database
        with owner.db.transaction(OPERATOR) as tx:
            for minute in minutes:
                audit_chain.await_commit(tx, entry(minute))
        within = [one for one in minutes if (since is None or one >= since) and (until is None or one < until)]
        forward, back = pages(owner, wanted, limit), pages(owner, wanted, limit, newer=True)
        times = [(record.at, record.id) for shown in forward for record in shown.records]
        assert len(times) == len(within)
        assert all(left > right for left, right in pairwise(times))
        assert [(record.at, record.id) for shown in reversed(back) for record in shown.records] == times
