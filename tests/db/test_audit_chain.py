"""The audit log on a database whose transactions are committed, and what somebody with all rights can do to it."""

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from kyo_pipeline.db import audit, audit_chain
from kyo_pipeline.db.engine import Database
from kyo_pipeline.domain import request
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.audit import Event
from kyo_pipeline.domain.audit_chain import GENESIS, End
from kyo_pipeline.domain.audit_check import Checker, Kind, Tampering
from kyo_pipeline.domain.database_role import DatabaseRole
from kyo_pipeline.errors import Forbidden, Invalid, Unavailable

KEY = b"the key of the tests, 32 bytes.."
AT = datetime(2026, 11, 30, 12, tzinfo=timezone.utc)

#: More than 8 open connections at once, so that writers wait for the chain and not for the pool.
WRITERS, DEEDS = 8, 25


@pytest.fixture(scope="module")
def url(migrated_database: Callable[[], str]) -> str:
    return migrated_database()


@pytest.fixture
def app(url: str) -> Iterator[Database]:
    database = Database(url, DatabaseRole.APP, audit_key=lambda: KEY)
    yield database
    database.close()


@pytest.fixture
def pipeline(url: str) -> Iterator[Database]:
    database = Database(url, DatabaseRole.PIPELINE, audit_key=lambda: KEY)
    yield database
    database.close()


@pytest.fixture
def tamper(url: str) -> Iterator[Callable[[str], Any]]:
    """Runs statements as the owner of the tables, whom no policy stops, and who can switch off the trigger as well."""
    database = Database(url)

    def run(statement: str) -> Any:
        with database.transaction(OPERATOR) as tx:
            tx.execute(text("alter table audit_log disable trigger audit_log_is_append_only"))
            result = tx.execute(text(statement))
            rows = result.all() if result.returns_rows else None
            tx.execute(text("alter table audit_log enable trigger audit_log_is_append_only"))
            return rows

    yield run
    run("truncate audit_log")
    database.close()


@pytest.fixture
def log(app: Database, tamper: Callable[[str], Any]) -> Database:  # noqa: ARG001 — which empties the log afterwards
    """Six rows, of three transactions."""
    for number in (1, 3, 5):
        with app.transaction(OPERATOR) as tx:
            note(tx, number)
            note(tx, number + 1)
    return app


def note(tx: Any, number: int, at: datetime = AT) -> None:
    audit.record(tx, OPERATOR, Event.DOCUMENT_UPLOAD, number, at, {"file_name": f"{number}.txt", "size": number / 3})


def found(database: Database) -> Tampering | None:
    with database.transaction(OPERATOR) as tx:
        checker = Checker([KEY], audit_chain.Whole(tx))
        while (rows := audit_chain.read(tx, checker.last.id if checker.rows else 0, 2)) and checker.feed(rows):
            pass
        return checker.finish() or audit_chain.changed_before(tx)


def kind(database: Database) -> tuple[Kind, int] | None:
    tampering = found(database)
    return None if tampering is None else (tampering.kind, tampering.row)


def test_rows_stand_in_the_log_as_they_were_hashed(log: Database) -> None:
    with log.transaction(OPERATOR) as tx:
        rows = audit_chain.read(tx, 0, 10)
    assert [row.id for row in rows] == [1, 2, 3, 4, 5, 6]
    assert [row.entry.object_id for row in rows] == ["1", "2", "3", "4", "5", "6"]
    assert rows[0].previous_hash == GENESIS
    assert all(later.previous_hash == row.hash for row, later in pairwise(rows))
    assert all(row.is_intact() and row.is_sealed([KEY]) for row in rows)
    assert found(log) is None


@pytest.mark.parametrize(
    ("deed", "expected"),
    [
        ("update audit_log set actor_name = 'nobody' where id = 3", (Kind.CHANGED, 3)),
        ("update audit_log set details = details || '{\"size\": 0}' where id = 6", (Kind.CHANGED, 6)),
        ("update audit_log set at = at - interval '1 second' where id = 1", (Kind.CHANGED, 1)),
        ("update audit_log set seal = null where id = 2", (Kind.CHANGED, 2)),
        ("update audit_log set hash = sha256('x') where id = 4", (Kind.CHANGED, 4)),
        ("update audit_log set hash = null, previous_hash = null, seal = null where id = 3", (Kind.REMOVED, 3)),
        ("delete from audit_log where id = 4", (Kind.REMOVED, 4)),
        ("delete from audit_log where id = 1", (Kind.REMOVED, 1)),
        (
            "delete from audit_log where id = 2; update audit_log set id = -id where id > 2; "
            "update audit_log set id = -id - 1 where id < 0",
            (Kind.REMOVED, 2),
        ),
        (
            "update audit_log set id = -id where id > 2; update audit_log set id = 1 - id where id < 0; "
            "insert into audit_log select 3, at, actor_id, actor_name, event, object_type, 'invented', outcome, "
            "details, address, address_digest, request_id, previous_hash, hash, seal from audit_log where id = 4",
            (Kind.INSERTED, 3),
        ),
        (
            "update audit_log set id = 99 where id = 2; update audit_log set id = 2 where id = 5; "
            "update audit_log set id = 5 where id = 99",
            (Kind.MOVED, 2),
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{value[0].value}-{value[1]}",
)
def test_what_the_owner_of_the_database_does_to_the_log_is_named(
    log: Database, tamper: Callable[[str], Any], deed: str, expected: tuple[Kind, int]
) -> None:
    tamper(deed)
    assert kind(log) == expected


def test_a_transaction_that_is_rolled_back_leaves_no_row_and_no_gap(log: Database) -> None:
    def break_off() -> None:
        with log.transaction(OPERATOR) as tx:
            note(tx, 7)
            tx.execute(text("select 1 / 0"))

    with pytest.raises(Invalid):
        break_off()
    with log.transaction(OPERATOR) as tx:
        note(tx, 8)
        assert audit_chain.last(tx).id == 6  # it is written in the end
    with log.transaction(OPERATOR) as tx:
        assert audit_chain.read(tx, 6, 10)[0].entry.object_id == "8"
    assert found(log) is None


def test_a_connection_that_is_killed_before_the_commit_is_a_sentence_and_leaves_no_row(
    log: Database, tamper: Callable[[str], Any]
) -> None:
    def be_killed() -> None:
        with log.transaction(OPERATOR) as tx:
            note(tx, 7)
            process = tx.scalar(text("select pg_backend_pid()"))
            tamper(f"select pg_terminate_backend({process})")
            tx.execute(text("select 1"))

    with pytest.raises(Unavailable):
        be_killed()
    with log.transaction(OPERATOR) as tx:
        note(tx, 8)
    with log.transaction(OPERATOR) as tx:
        assert [row.entry.object_id for row in audit_chain.read(tx, 6, 10)] == ["8"]
    assert found(log) is None


def test_many_writers_at_once_make_one_chain(log: Database, pipeline: Database) -> None:
    start = threading.Barrier(WRITERS)

    def work(number: int) -> None:
        database = pipeline if number % 2 else log
        start.wait()
        for deed in range(DEEDS):
            with database.transaction(OPERATOR) as tx:
                note(tx, deed)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    with log.transaction(OPERATOR) as tx:
        assert audit_chain.last(tx).id == 6 + WRITERS * DEEDS
    assert found(log) is None


def test_where_a_deed_came_from_and_what_belongs_together_stands_in_its_row(log: Database) -> None:
    begun = request.begin("192.0.2.7")
    try:
        with log.transaction(OPERATOR) as tx:
            note(tx, 7)
    finally:
        request.forget()
    with log.transaction(OPERATOR) as tx:
        [row] = audit_chain.read(tx, 6, 1)
    assert (row.entry.address, row.entry.request_id) == ("192.0.2.7", begun.id)


def test_addresses_are_forgotten_and_the_chain_holds(
    log: Database, pipeline: Database, tamper: Callable[[str], Any]
) -> None:
    request.begin("192.0.2.7")
    try:
        for at in (AT, AT + timedelta(days=1)):
            with log.transaction(OPERATOR) as tx:
                note(tx, 7, at)
    finally:
        request.forget()
    with pipeline.transaction(OPERATOR) as tx:
        assert audit_chain.forget_addresses(tx, AT + timedelta(hours=1)) == 1
    assert [row.address for row in tamper("select address from audit_log where id > 6 order by id")] == [
        None,
        "192.0.2.7",
    ]
    assert found(log) is None


def test_what_is_pruned_leaves_a_log_that_says_where_it_begins(log: Database, pipeline: Database) -> None:
    with log.transaction(OPERATOR) as tx:
        note(tx, 7, AT + timedelta(days=2))
    with pipeline.transaction(OPERATOR) as tx:
        through = audit_chain.last_before(tx, AT + timedelta(days=1))
        assert through is not None
        assert through.id == 6
        assert audit_chain.prune(tx, through.id) == 6
    assert kind(log) == (Kind.REMOVED, 1)  # as long as nobody says that it was meant
    with pipeline.transaction(OPERATOR) as tx:
        details = {"through": through.id, "hash": through.hash.hex()}
        audit.record(tx, OPERATOR, Event.AUDIT_PRUNE, "log", AT, details)
    assert found(log) is None


def test_the_last_row_is_never_pruned(log: Database, pipeline: Database) -> None:
    with pipeline.transaction(OPERATOR) as tx:
        through = audit_chain.last_before(tx, AT + timedelta(days=999))
        assert through is not None
        assert through.id == 5
        assert audit_chain.last_before(tx, AT - timedelta(days=1)) is None
    assert found(log) is None


@pytest.mark.parametrize("statement", ["select prune_audit_log(3)", "select forget_audit_addresses('2030-01-01')"])
def test_the_app_cannot_let_go_of_history(log: Database, statement: str) -> None:
    with pytest.raises(Forbidden), log.transaction(OPERATOR) as tx:
        tx.execute(text(statement))
    assert found(log) is None


@pytest.mark.parametrize("role", list(DatabaseRole))
@pytest.mark.parametrize("purpose", ["prune", "forget"])
@pytest.mark.parametrize("statement", ["delete from audit_log", "update audit_log set actor_name = 'x'"])
def test_saying_that_it_is_for_retention_helps_nobody(
    log: Database, url: str, role: DatabaseRole, purpose: str, statement: str
) -> None:
    database = Database(url, role)

    def change() -> None:
        with database.transaction(OPERATOR) as tx:
            tx.execute(text("select set_config('kyo.audit_retention', :purpose, true)"), {"purpose": purpose})
            tx.execute(text(statement))

    with pytest.raises(Forbidden):
        change()
    database.close()
    assert found(log) is None


def test_rows_from_before_there_was_a_chain_are_part_of_what_is_proved(
    app: Database, tamper: Callable[[str], Any], url: str
) -> None:
    old = """
        insert into audit_log (id, at, actor_name, event, object_type, object_id, outcome, details)
        select n * 2, '2026-01-01', 'anna', 'document:upload', 'document', n::text, 'done', '{}'
        from generate_series(1, 4) as n
    """
    tamper(old)
    owner = Database(url, audit_key=lambda: KEY)
    with owner.transaction(OPERATOR) as tx:
        assert audit_chain.begin_chain(tx, AT)
    with owner.transaction(OPERATOR) as tx:
        assert not audit_chain.begin_chain(tx, AT)  # once
        note(tx, 1)
    owner.close()
    with app.transaction(OPERATOR) as tx:
        assert [row.id for row in audit_chain.read(tx, 0, 10)] == [9, 10]
    assert found(app) is None
    tamper("update audit_log set actor_name = 'eric' where id = 4")
    assert kind(app) == (Kind.CHANGED, 1)
    tamper("update audit_log set actor_name = 'anna' where id = 4")
    assert found(app) is None
    tamper("delete from audit_log where id < 9")
    assert kind(app) == (Kind.CHANGED, 1)
    tamper("delete from audit_log where id < 10")
    assert kind(app) == (Kind.REMOVED, 1)


def test_a_log_without_rows_from_before_begins_with_its_first_deed(app: Database, url: str) -> None:
    owner = Database(url, audit_key=lambda: KEY)
    with owner.transaction(OPERATOR) as tx:
        assert not audit_chain.begin_chain(tx, AT)
        assert audit_chain.last(tx) == End()
    owner.close()
    assert found(app) is None


def test_the_trigger_stops_the_owner_too(url: str, log: Database) -> None:
    owner = Database(url)
    with pytest.raises(DBAPIError, match="append-only"), owner.transaction(OPERATOR) as tx:
        tx.execute(text("delete from audit_log"))
    owner.close()
    assert found(log) is None
