"""The audit log, as administrators read it."""

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from streamlit.testing.v1 import AppTest

from kyo_app import deeds
from kyo_app.markup import inert, inert_line
from kyo_app.views import audit as view
from kyo_pipeline.adapters.audit_key import audit_key
from kyo_pipeline.db import audit_chain
from kyo_pipeline.domain.actor import OPERATOR, Actor, Role
from kyo_pipeline.domain.audit import Event
from kyo_pipeline.domain.audit_chain import Entry
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import auditing
from tests.app.pages import HOSTILE, ODD, Visit, box, buttons, click, field, titles, words
from tests.conftest import Clock

Put = Callable[..., None]
Sql = Callable[..., list[Any]]


@pytest.fixture
def put(kyo: Kyo, owner: Kyo, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Put:
    """Puts a row into the log, as done by somebody a minute ago; all rows are sealed with the key of the settings."""
    for one in (kyo, owner):
        monkeypatch.setattr(one.db, "_audit_key", partial(audit_key, one.settings))

    def write(actor: Actor = OPERATOR, event: str = "document:approve", object_id: str = "7", **more: Any) -> None:
        more = {"minutes": 1, "outcome": "done", "details": {}, **more}
        at = clock() - timedelta(minutes=more.pop("minutes"))
        entry = Entry(at, actor.id, actor.username, event, object_id, **more)
        with owner.db.transaction(OPERATOR) as tx:
            audit_chain.await_commit(tx, entry)

    return write


@pytest.fixture(autouse=True)
def at_noon(clock: Clock) -> None:
    clock.time = datetime(2026, 11, 2, 12, tzinfo=timezone.utc)


def rows(page: AppTest) -> list[str]:
    return [one.label for one in page.expander]


def opened(page: AppTest, which: int = 0) -> dict[str, str]:
    """The facts of a row, which is opened."""
    page.session_state[f"audit-row-{number(page, which)}"] = True
    page.run()
    return {str(row[""]): str(row[" "]) for row in page.table[-1].value.to_dict("records")}


def number(page: AppTest, which: int) -> str:
    key: str = page.expander[which].proto.id
    return key.rpartition("audit-row-")[2]


def events(page: AppTest) -> list[str]:
    return list(box(page, "Did what").options)


# Reading --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [Role.EMPLOYEE, Role.MANAGER])
def test_others_do_not_see_it(visit: Visit, person: Callable[[Role], Actor], put: Put, role: Role) -> None:
    put(details={"title": "Secret plan"})
    page = visit("audit", person(role))
    assert titles(page) == ["Not for your role"]
    assert "Secret plan" not in words(page)
    assert buttons(page) == ["Sign out"]


def test_before_anything_is_on_record_it_says_so(visit: Visit, admin: Actor) -> None:
    page = visit("audit", admin)
    assert not page.exception
    assert titles(page) == ["Audit log"]
    assert "Nothing is on record yet" in words(page)
    assert "Nobody has checked the log yet" in words(page)
    assert rows(page) == []


def test_a_row_is_a_sentence(visit: Visit, admin: Actor, employee: Actor, put: Put) -> None:
    put(employee, details={"title": "Leave policy"})
    put(employee, "access:refuse", outcome="refused", minutes=60)
    put(event="document:publish", minutes=24 * 60)
    page = visit("audit", admin)
    name = f"**{inert_line(employee.username)}**"
    assert rows(page) == [
        f"{name} approved a document · Leave policy :small[:gray[today 11:59]]",
        f"{name} was refused access :orange-badge[Refused] :small[:gray[today 11:00]]",
        "**KYO** made a document searchable :small[:gray[yesterday 12:00]]",
    ]
    assert "3 rows, the newest first" in words(page)


def test_an_event_without_words_is_said_as_it_is_written(visit: Visit, admin: Actor, put: Put) -> None:
    put(event="quality_run:begin")
    page = visit("audit", admin)
    assert rows(page)[0].startswith(f"**KYO** {inert_line('quality run: begin')} ")
    assert "Anything about quality run" in events(page)


def test_a_row_tells_all_when_it_is_open(visit: Visit, admin: Actor, employee: Actor, put: Put, kyo: Kyo) -> None:
    details = {"title": "Leave", "before": {"title": "Leaf", "tags": []}, "after": {"title": "Leave", "tags": ["hr"]}}
    put(employee, "document:change", "d-1", details=details, address="192.0.2.7", request_id="r-1")
    page = visit("audit", admin)
    assert not page.table
    facts = opened(page)
    [record] = auditing.list_records(kyo, admin).records
    assert page.table[0].value.to_dict("records") == [
        {"What": "Tags", "Before": "–", "After": "hr"},
        {"What": "Title", "Before": "Leaf", "After": "Leave"},
    ]
    assert facts["When"] == "2 Nov 2026, 11:59:00 UTC"
    assert facts["Who"] == inert_line(employee.username)
    assert facts["What"] == inert_line("document:change")
    assert facts["Document"] == inert_line("d-1")
    assert facts["From address"] == inert_line("192.0.2.7")
    assert facts["Request"] == inert_line("r-1")
    assert facts["Row"] == "1"
    assert page.code[0].value == f"{record.hash}\n{'0' * 64}"


def test_no_detail_takes_the_place_of_a_fact(visit: Visit, admin: Actor, put: Put) -> None:
    put(details={"outcome": "answered", "row": 7})
    page = visit("audit", admin)
    opened(page)
    said = [(str(row[""]), str(row[" "])) for row in page.table[-1].value.to_dict("records")]
    assert [pair for pair in said if pair[0] in ("Outcome", "Row")] == [
        ("Outcome", "done"),
        ("Row", "7"),
        ("Outcome", "answered"),
        ("Row", "1"),
    ]


@pytest.mark.parametrize("text", [ODD, *HOSTILE.values()], ids=["odd", *HOSTILE])
def test_what_others_wrote_stays_text(visit: Visit, admin: Actor, put: Put, text: str) -> None:
    text = text.replace("\x00", "")  # the database holds none
    put(event="document:change", object_id=text[:200], details={"title": text[:500], "before": text[:500], "after": 1})
    page = visit("audit", admin)
    facts = opened(page)
    assert not page.exception
    assert inert_line(text[:500], 80) in page.expander[0].label
    assert page.table[0].value.to_dict("records")[0]["Before"] == inert(deeds.said(text[:500]))
    assert facts.get("Document", "") == inert_line(text[:200], 200)


def test_a_row_from_before_the_chain_is_shown(visit: Visit, admin: Actor, sql: Sql, clock: Clock) -> None:
    sql("insert into audit_log values (1, :at, null, 'anna', 'user:add', 'user', '7', 'done', '[]')", at=clock())
    page = visit("audit", admin)
    assert opened(page)["Details"] == "–"
    assert "It is older than the chain" in words(page)


# Filters --------------------------------------------------------------------------------------------------------------


def test_by_who_did_it(visit: Visit, admin: Actor, employee: Actor, put: Put) -> None:
    put(employee)
    put(event="document:publish")
    page = visit("audit", admin)
    box(page, "Who").set_value(str(employee.id)).run()
    assert [inert_line(employee.username) in row for row in rows(page)] == [True]
    box(page, "Who").set_value(str(OPERATOR.id)).run()
    assert [row.startswith("**KYO** ") for row in rows(page)] == [True]
    box(page, "Who").set_value(str(admin.id)).run()
    assert "Nothing like that is on record" in words(page)


def test_by_what_was_done_or_to_what_kind_of_thing(visit: Visit, admin: Actor, put: Put) -> None:
    for event in ("document:approve", "document:upload", "answer:ask"):
        put(event=event)
    page = visit("audit", admin)
    assert events(page) == [
        "Anything about answers",
        "Asked a question · answer:ask",
        "Anything about documents",
        "Approved a document · document:approve",
        "Uploaded a document · document:upload",
    ]
    box(page, "Did what").set_value("document").run()
    assert len(rows(page)) == 2
    box(page, "Did what").set_value("answer:ask").run()
    assert [" asked a question " in row for row in rows(page)] == [True]


@pytest.mark.parametrize(
    ("label", "text", "found"),
    [
        ("About", "7", 2),
        ("About", " 7 ", 2),
        ("About", "8", 1),
        ("About", HOSTILE["sql"], 0),
        ("About", HOSTILE["nul"], 0),
        ("In request", "r-1", 2),
        ("In request", "r", 0),
    ],
)
def test_by_thing_and_by_request(visit: Visit, admin: Actor, put: Put, label: str, text: str, found: int) -> None:
    put(request_id="r-1")
    put(request_id="r-1", object_id="8")
    put()
    page = visit("audit", admin)
    field(page, label).set_value(text).run()
    assert (len(rows(page)), len(page.error)) == (found, 0)


def test_by_outcome(visit: Visit, admin: Actor, put: Put) -> None:
    put()
    put(event="access:refuse", outcome="refused")
    page = visit("audit", admin)
    page.checkbox(key="audit-refused").check().run()
    assert [" was refused access " in row for row in rows(page)] == [True]


@pytest.mark.parametrize(
    ("time", "found"), [("Any time", 5), ("Today", 2), ("Last 7 days", 3), ("Last 30 days", 4), ("Last 90 days", 4)]
)
def test_by_days_where_the_reader_is(visit: Visit, admin: Actor, put: Put, time: str, found: int) -> None:
    for minutes in (1, 12 * 60, 12 * 60 + 1, 8 * 24 * 60, 100 * 24 * 60):  # at noon: the second begins this day
        put(minutes=minutes)
    page = visit("audit", admin)
    box(page, "When").set_value(time).run()
    assert len(rows(page)) == found


def test_from_one_moment_to_another(visit: Visit, admin: Actor, put: Put) -> None:
    for minutes in (1, 61, 121):
        put(minutes=minutes)
    page = visit("audit", admin)
    box(page, "When").set_value("From … to …").run()
    assert len(rows(page)) == 3
    page.datetime_input(key="audit-from").set_value(datetime(2026, 11, 2, 10)).run()  # noqa: DTZ001 — as people type it
    assert len(rows(page)) == 2
    page.datetime_input(key="audit-to").set_value(datetime(2026, 11, 2, 11)).run()  # noqa: DTZ001 — likewise
    assert len(rows(page)) == 1


def test_everything_can_be_cleared_at_once(visit: Visit, admin: Actor, put: Put) -> None:
    put()
    page = visit("audit", admin)
    box(page, "Did what").set_value("document").run()
    field(page, "About").set_value("nothing").run()
    box(page, "When").set_value("Today").run()
    assert rows(page) == []
    click(page, "Clear")
    assert len(rows(page)) == 1
    assert (box(page, "Did what").value, field(page, "About").value, box(page, "When").value) == (None, "", "Any time")


def test_a_row_leads_to_what_belongs_to_it(visit: Visit, admin: Actor, employee: Actor, put: Put) -> None:
    put(employee, request_id="r-1", minutes=3)
    put(employee, "document:publish", "8", request_id="r-1", minutes=2)
    put(object_id="7", minutes=1)
    for label, found in (("What belongs together", 2), ("All that they did", 2), ("All about the same thing", 2)):
        page = visit("audit", admin)
        opened(page, 2)
        click(page, label)
        assert len(rows(page)) == found, label


def test_of_somebody_who_is_gone_all_can_still_be_found(visit: Visit, admin: Actor, put: Put) -> None:
    gone = Actor(uuid4(), "gone", "Gone", Role.EMPLOYEE)
    put(gone)
    put()
    page = visit("audit", admin)
    opened(page, 1)
    click(page, "All that they did")
    assert not page.exception
    assert len(rows(page)) == 1
    assert "Somebody who is no more here" in box(page, "Who").options


# Pages ----------------------------------------------------------------------------------------------------------------


def test_pages_are_turned_in_either_direction(
    visit: Visit, admin: Actor, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(view, "_PAGE", 2)
    for name in "edcba":
        put(details={"title": name}, minutes=ord(name))
    page = visit("audit", admin)

    def shown() -> str:
        return "".join(row.partition(" · ")[2][0] for row in rows(page))

    def on() -> set[str]:
        return {
            one.label for one in page.button if one.label in ("Newest", "Newer", "Older", "Oldest") and not one.disabled
        }

    assert (shown(), on()) == ("ab", {"Older", "Oldest"})
    click(page, "Older")
    assert (shown(), on()) == ("cd", {"Newest", "Newer", "Older", "Oldest"})
    click(page, "Older")
    assert (shown(), on()) == ("e", {"Newest", "Newer"})
    click(page, "Newer")
    assert shown() == "cd"
    click(page, "Oldest")
    assert (shown(), on()) == ("de", {"Newest", "Newer"})
    click(page, "Newest")
    assert (shown(), on()) == ("ab", {"Older", "Oldest"})


def test_another_filter_begins_at_the_newest(
    visit: Visit, admin: Actor, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(view, "_PAGE", 1)
    for minutes in range(3):
        put(minutes=minutes)
    page = visit("audit", admin)
    click(page, "Oldest")
    assert "11:58" in rows(page)[0]
    box(page, "Did what").set_value("document").run()
    assert "12:00" in rows(page)[0]


def test_no_pages_no_buttons(visit: Visit, admin: Actor, put: Put) -> None:
    put()
    assert "Older" not in buttons(visit("audit", admin))


# Checking and taking away ---------------------------------------------------------------------------------------------


def test_a_check_says_that_it_holds_and_when(visit: Visit, admin: Actor, put: Put, clock: Clock) -> None:
    put()
    page = click(visit("audit", admin), "Check the log")
    assert f"Checked today 12:00, by {inert(admin.username)}: 1 row, all as they were written." in words(page)
    clock.advance(days=1)
    assert "Checked yesterday 12:00" in words(visit("audit", admin))


def test_a_check_says_what_was_changed(visit: Visit, admin: Actor, put: Put, sql: Sql) -> None:
    put()
    put()
    sql("alter table audit_log disable trigger audit_log_is_append_only")  # as its owner can
    sql("update audit_log set actor_name = 'nobody' where id = 2")
    sql("alter table audit_log enable trigger audit_log_is_append_only")
    page = click(visit("audit", admin), "Check the log")
    [error] = page.error
    assert "The log was tampered with" in error.value
    assert inert("Row 2 is not as it was written.") in error.value


def test_an_export_leads_to_the_rows_that_are_shown(visit: Visit, admin: Actor, put: Put) -> None:
    put()
    page = visit("audit", admin)
    field(page, "About").set_value("7").run()
    addresses = [one.proto.url for one in page.get("link_button")]
    assert addresses == ["/exports/audit.jsonl", "/exports/audit.csv?object_id=7"]


def test_every_event_has_words() -> None:
    """Without, it is shown as it is written; this says which lack them."""
    assert [event.value for event in Event if not deeds.has_words(event.value)] == []
