"""`kyo audit`, in this process, on a database of its own."""

import json
import stat
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from kyo_pipeline.db import audit_chain
from kyo_pipeline.domain.actor import OPERATOR, Actor, Role
from kyo_pipeline.domain.audit_chain import Entry
from kyo_pipeline.kyo import open_kyo
from kyo_pipeline.services import people
from kyo_pipeline.settings import load_settings
from tests.shell import Shell

NOON = datetime(2026, 11, 2, 12, tzinfo=timezone.utc)


@pytest.fixture
def database(_environment: None, own_database: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("DATABASE_URL", own_database)
    return own_database


@pytest.fixture
def sql(database: str) -> Iterator[Callable[..., None]]:
    """As the owner, who can switch the trigger off."""
    engine = create_engine(database, connect_args={"options": "-csearch_path=kyo,public"})

    def execute(statement: str, **values: object) -> None:
        with engine.begin() as connection:
            connection.execute(text("alter table audit_log disable trigger audit_log_is_append_only"))
            connection.execute(text(statement), values)
            connection.execute(text("alter table audit_log enable trigger audit_log_is_append_only"))

    yield execute
    engine.dispose()


@pytest.fixture
def run(shell: Shell, sql: Callable[..., None]) -> Shell:
    """On an empty log."""
    sql("truncate audit_log")
    return replace(shell, before=("audit",))


@pytest.fixture
def anna(run: Shell) -> Actor:  # noqa: ARG001 — the environment is its
    """Somebody who was deactivated since; her deeds are still hers."""
    kyo = open_kyo(load_settings())
    try:
        if "anna" not in {one.username for one in people.list_people(kyo, OPERATOR).people}:
            people.deactivate(kyo, OPERATOR, people.add_person(kyo, OPERATOR, "anna", "Anna", Role.EMPLOYEE).person.id)
        found = people.id_of(kyo, OPERATOR, "anna")
    finally:
        kyo.close()
    return Actor(found, "anna", "Anna", Role.EMPLOYEE)


@pytest.fixture
def log(anna: Actor, sql: Callable[..., None]) -> None:
    """Four rows, a minute apart."""
    sql("truncate audit_log")
    kyo = open_kyo(load_settings())
    rows: list[tuple[Actor, str, str, str, str | None]] = [
        (anna, "document:upload", "7", "done", "r-1"),
        (OPERATOR, "document:publish", "7", "done", "r-2"),
        (anna, "access:refuse", "8", "refused", None),
        (anna, "document:upload", "x\x1b[31m", "done", "r-1"),
    ]
    with kyo.db.transaction(OPERATOR) as tx:
        for number, (who, event, thing, outcome, request) in enumerate(rows):
            at = NOON + timedelta(minutes=number)
            audit_chain.await_commit(
                tx, Entry(at, who.id, who.username, event, thing, outcome, {"n": number}, "192.0.2.1", request)
            )
    kyo.close()


def listed(run: Shell, *options: str) -> list[int]:
    return [row["id"] for row in run("list", "--json", *options).data]


# list -----------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("log")
def test_rows_are_listed_for_people_and_for_programs(run: Shell) -> None:
    header, newest, *_, oldest = run("list").out.splitlines()
    assert header.split() == ["ROW", "AT", "WHO", "EVENT", "OBJECT", "OUTCOME"]
    assert oldest.split() == ["1", "2026-11-02", "12:00:00", "anna", "document:upload", "7", "done"]
    assert "\x1b" not in newest
    row = run("list", "--json").data[-1]
    assert (row["id"], row["at"], row["details"]) == (1, NOON.isoformat(), {"n": 0})
    assert (row["address"], row["request_id"], row["previous_hash"]) == ("192.0.2.1", "r-1", "0" * 64)


@pytest.mark.usefixtures("log")
@pytest.mark.parametrize(
    ("options", "rows"),
    [
        ((), [4, 3, 2, 1]),
        (("--by", "anna"), [4, 3, 1]),
        (("--by", "ANNA", "--event", "document:upload"), [4, 1]),
        (("--event", "document:publish"), [2]),
        (("--event", "no:such"), []),
        (("--object", "7"), [2, 1]),
        (("--request", "r-1"), [4, 1]),
        (("--refused",), [3]),
        (("--since", "2026-11-02T12:02"), [4, 3]),
        (("--until", "2026-11-02T12:02:00"), [2, 1]),
        (("--since", "2026-11-03"), []),
        (("-n", "2"), [4, 3]),
        (("-n", "2", "--before", "3"), [2, 1]),
        (("--before", "1"), []),
    ],
)
def test_only_what_is_wanted(run: Shell, options: tuple[str, ...], rows: list[int]) -> None:
    assert listed(run, *options) == rows


@pytest.mark.usefixtures("log")
def test_where_there_is_more_it_says_how_to_go_on(run: Shell) -> None:
    assert run("list", "-n", "3").err.strip() == "There are more: --before 2"
    assert run("list", "-n", "4").err == ""


@pytest.mark.parametrize(
    ("options", "code", "sentence"),
    [
        (("--by", "nobody"), 1, "There is no user called nobody."),
        (("--before", "99"), 1, "There is no row 99 in the audit log."),
        (("--before", "0"), 2, "0 is not in the range"),
        (("--since", "yesterday"), 2, "does not match the formats"),
        (("-n", "0"), 2, "0 is not in the range"),
        (("-n", "1000"), 2, "1000 is not in the range"),
    ],
)
def test_what_cannot_be_is_said(run: Shell, options: tuple[str, ...], code: int, sentence: str) -> None:
    done = run("list", *options)
    assert (done.code, done.out) == (code, "")
    assert sentence in done.err


def test_an_empty_log_has_a_header_alone(run: Shell) -> None:
    assert len(run("list").out.splitlines()) == 1
    assert run("list", "--json").data == []


# verify and anchor ----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("log")
def test_a_log_that_holds(run: Shell) -> None:
    done = run("verify")
    assert (done.code, done.out) == (0, "The log is as it was written.\n")
    assert "4 rows were read, to row 4, beside 0 anchors." in done.err
    assert run("verify", "--json").data == {"holds": True, "rows": 5, "through": 5, "found": None}
    assert run("list", "-n", "1", "--json").data[0]["event"] == "audit:verify"


@pytest.mark.usefixtures("log")
def test_what_was_done_to_it_is_told_with_the_exit_code(run: Shell, sql: Callable[..., None]) -> None:
    sql("update audit_log set object_id = '9' where id = 2")
    done = run("verify")
    assert (done.code, done.out) == (1, "Row 2 is not as it was written.\n")
    done = run("verify", "--json")
    assert (done.code, done.data["holds"], done.data["found"]["row"]) == (1, False, 2)
    assert done.data["found"]["kind"] == "changed"


@pytest.mark.usefixtures("log")
def test_with_an_anchor_a_cut_off_end_is_seen(run: Shell, sql: Callable[..., None], tmp_path: Path) -> None:
    anchor = run("anchor")
    assert set(anchor.data) == {"at", "row", "hash"}
    assert anchor.data["row"] == 4
    kept = tmp_path / "kept.jsonl"
    kept.write_text(anchor.out)
    assert run("verify", "--anchors", kept).code == 0
    sql("delete from audit_log where id > 3")
    assert run("verify").code == 0
    sql("delete from audit_log where id > 3")
    done = run("verify", "--anchors", kept)
    assert done.code == 1
    assert done.out.startswith("The log ends with row 3, and had 4 rows at ")


@pytest.mark.usefixtures("log")
def test_anchors_that_are_none_are_refused(run: Shell, tmp_path: Path) -> None:
    (tmp_path / "kept.jsonl").write_text('\n{"row": 1}\n')
    done = run("verify", "--anchors", tmp_path / "kept.jsonl")
    assert (done.code, done.out) == (1, "")
    assert "Line 2 is no anchor" in done.err
    assert run("verify", "--anchors", tmp_path / "nowhere").code == 2


@pytest.mark.usefixtures("log")
def test_another_key_is_no_key_of_the_log(run: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "another secret than before, and long enough")
    assert run("verify").code == 0  # the file that sealed the rows is still there
    monkeypatch.setenv("KYO_HOME", "elsewhere")
    done = run("verify")
    assert (done.code, done.out) == (1, "Row 1 was not written by KYO, or with another key.\n")


# export ---------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("log")
def test_an_export_is_the_chain_the_oldest_first(run: Shell, tmp_path: Path) -> None:
    rows = [json.loads(line) for line in run("export").out.splitlines()]
    assert [row["row"] for row in rows] == [1, 2, 3, 4]
    assert [row["said"]["previous_hash"] for row in rows[1:]] == [row["hash"] for row in rows[:-1]]
    done = run("export", "--output", tmp_path / "log.jsonl")
    assert (done.code, done.out) == (0, "")
    assert len((tmp_path / "log.jsonl").read_text().splitlines()) == 5  # with the row about the first export


@pytest.mark.usefixtures("log")
def test_an_export_for_a_spreadsheet(run: Shell) -> None:
    header, first, *others = run("export", "--format", "csv").out.splitlines()
    assert header.startswith("row,at,actor,actor_id,event,object,outcome,details,address,request,hash")
    assert first.startswith("1,2026-11-02T12:00:00.000000+00:00,anna,")
    assert len(others) == 3


def test_where_nothing_can_be_written_it_says_so(run: Shell, tmp_path: Path) -> None:
    done = run("export", "--format", "csv", "--output", tmp_path / "no" / "log.csv")
    assert done.code != 0
    assert "No such file or directory" in done.err


def test_without_a_database_nothing_is_written(run: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl"
    file.write_text("of yesterday")
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    for command in (["list"], ["verify"], ["anchor"], ["export", "--output", str(file)]):
        done = run(*command)
        assert (done.code, done.out) == (3, ""), command
    assert file.read_text() == "of yesterday"


def test_the_key_is_for_its_owner_alone(run: Shell, tmp_path: Path, log: Any) -> None:  # noqa: ARG001 — it makes the key
    assert run("verify").code == 0
    assert stat.S_IMODE((tmp_path / "home" / "audit.key").stat().st_mode) == 0o600
