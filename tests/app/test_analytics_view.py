"""How KYO is used, as each role finds it."""

import csv
import io
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.testing.v1 import AppTest

from kyo_app.markup import inert_line
from kyo_pipeline.domain.actor import Actor, Role
from kyo_pipeline.domain.analytics import Period
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import analytics
from tests.app import pages
from tests.app.pages import ODD, Visit
from tests.conftest import Clock
from tests.usage import Use, at

FORMULA = '=HYPERLINK("http://e.x")'


@pytest.fixture
def use(sql: Callable[..., list[Any]]) -> Use:
    return Use(sql)


@pytest.fixture
def today(clock: Clock) -> date:
    """The clock stands at noon of it."""
    return clock.to_mid_month()


@pytest.fixture
def downloads(monkeypatch: pytest.MonkeyPatch) -> dict[str, Callable[[], str]]:
    """What can be downloaded, by the name of the file: Streamlit writes it only for whoever asks."""
    found: dict[str, Callable[[], str]] = {}
    add = MediaFileManager.add_deferred

    def note(self: MediaFileManager, data: Any, *about: Any, file_name: str, **more: Any) -> str:
        found[file_name] = data
        return add(self, data, *about, file_name=file_name, **more)

    monkeypatch.setattr(MediaFileManager, "add_deferred", note)
    return found


@pytest.fixture
def month(use: Use, sql: Callable[..., list[Any]], today: date, employee: Actor, manager: Actor, admin: Actor) -> None:
    """Questions of two people in two collections; the manager approves in the first."""
    ours, others = use.collection("Ours", manager), use.collection("Others")
    sql("update collections set everyone_access = 'read' where id = :id", id=ours)
    leave = use.document(ours, ODD, at(today - timedelta(days=40)))
    use.document(ours, FORMULA, at(today - timedelta(days=40)))
    budget = use.document(others, "Budget", at(today - timedelta(days=3)))
    yesterday = at(today - timedelta(days=1))
    use.rate(use.ask(employee, yesterday, about=[leave], milliseconds=2500), 1)
    use.rate(use.ask(employee, at(today, 9), about=[leave]), -1, "outdated")
    use.ask(employee, yesterday, "not_found", [leave])
    use.ask(admin, yesterday, about=[budget])
    use.ask(employee, at(today - timedelta(days=35)), "not_found", [leave])
    use.ask(employee, at(today - timedelta(days=35)), about=[leave])


def words(page: AppTest) -> str:
    """All that the page says, in its tables and figures too."""
    figures = [f"{one.label} {one.value} {one.delta}" for one in page.metric]
    return "\n".join([pages.words(page), *figures, *map(str, tables(page))])


def tables(page: AppTest) -> list[list[dict[str, str]]]:
    return [found.value.to_dict("records") for found in page.table]


def figure(page: AppTest, label: str) -> tuple[str, str, str]:
    """Its value, its change and the colour of that."""
    found = next(one for one in page.metric if one.label == label)
    color = {0: "red", 1: "green", 2: "gray"}[found.proto.color]
    return found.value, found.delta, color if found.delta else ""


def headings(page: AppTest) -> list[str]:
    return [one.value for one in page.subheader]


def rows(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


# Who sees what --------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("month")
def test_an_employee_sees_what_is_their_own(visit: Visit, employee: Actor) -> None:
    page = visit("analytics", employee)
    assert not page.exception
    assert not page.tabs
    assert [box.label for box in page.selectbox] == ["Days"]
    assert headings(page) == ["My statistics", "Questions a day", "Documents that answered you"]
    assert figure(page, "Questions") == ("3", "+1", "gray")
    assert figure(page, "Not found") == ("33 %", "-16.7 points", "green")
    assert "Budget" not in words(page)


@pytest.mark.usefixtures("month")
@pytest.mark.parametrize("tab", ["Overview", "Feedback", "My statistics"])
def test_an_address_of_a_tab_shows_an_employee_no_more(visit: Visit, employee: Actor, tab: str) -> None:
    page = visit("analytics", employee, tab=tab, collection="Ours")
    assert headings(page)[0] == "My statistics"
    assert "People" not in words(page)


@pytest.mark.usefixtures("month")
def test_a_manager_sees_their_collections(visit: Visit, manager: Actor) -> None:
    page = visit("analytics", manager)
    assert not page.exception
    assert [tab.label for tab in page.tabs] == ["Overview", "Feedback", "My statistics"]
    assert figure(page, "Questions") == ("3", "+1", "gray")
    assert figure(page, "People") == ("1", "", "")
    assert "Ours" in words(page)
    assert "Others" not in words(page)
    assert "Budget" not in words(page)
    assert "Refused" not in words(page)


@pytest.mark.usefixtures("month")
def test_an_admin_sees_everything(visit: Visit, admin: Actor) -> None:
    page = visit("analytics", admin)
    assert not page.exception
    assert figure(page, "Questions") == ("4", "+2", "gray")
    assert figure(page, "People") == ("2", "+1", "gray")
    assert figure(page, "Answered") == ("75 %", "+25.0 points", "green")
    assert figure(page, "Not found") == ("25 %", "-25.0 points", "green")
    assert figure(page, "Helpful") == ("50 %", "", "")
    assert figure(page, "Refused") == ("0", "", "")
    assert all(name in words(page) for name in ("Budget", "Ours", "Others"))
    assert headings(page) == [
        "Questions a day",
        "How long answers took",
        "Most used documents",
        "Collections",
        "Documents that nobody needed",
        "Files that came in",
    ]


@pytest.mark.usefixtures("month")
def test_only_what_is_open_is_drawn(visit: Visit, admin: Actor) -> None:
    page = visit("analytics", admin, tab="My statistics")
    assert headings(page) == ["Questions a day", "Documents that answered you"]
    assert figure(page, "Questions") == ("1", "+1", "gray")


@pytest.mark.usefixtures("month")
def test_a_manager_of_nothing_is_told_of_nothing(visit: Visit, person: Callable[[Role], Actor]) -> None:
    page = visit("analytics", person(Role.MANAGER))
    assert not page.exception
    assert [box.label for box in page.selectbox] == ["Days"]
    assert "Nothing has been asked yet" in words(page)
    assert "Budget" not in words(page)


# Days and collections -------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("month")
def test_a_collection_alone(visit: Visit, admin: Actor) -> None:
    page = visit("analytics", admin, collection="Ours")
    assert figure(page, "Questions") == ("3", "+1", "gray")
    assert "Refused" not in words(page)  # a refusal is about no collection
    pages.box(page, "Collection").set_value("Others").run()
    assert figure(page, "Questions") == ("1", "+1", "gray")


@pytest.mark.usefixtures("month")
def test_a_collection_that_one_is_not_told_of_counts_for_nothing(visit: Visit, manager: Actor) -> None:
    page = visit("analytics", manager, collection="Others")
    assert not page.exception
    assert not page.error
    assert "Budget" not in words(page)


@pytest.mark.usefixtures("month")
@pytest.mark.parametrize(("name", "number", "said"), [("7 days", 7, "3"), ("90 days", 90, "5"), ("365 days", 365, "5")])
def test_ranges_end_today(visit: Visit, employee: Actor, today: date, name: str, number: int, said: str) -> None:
    page = visit("analytics", employee, range=name)
    assert figure(page, "Questions")[0] == said
    first = today - timedelta(days=number - 1)
    assert f"{first.day} {first:%b}" in page.caption[0].value
    assert "today as far as it has gone" in page.caption[0].value
    assert "A day is one of UTC" in page.caption[0].value


@pytest.mark.usefixtures("month")
def test_a_chosen_range_stands_in_the_address(visit: Visit, employee: Actor, today: date) -> None:
    page = visit("analytics", employee)
    pages.box(page, "Days").set_value("Other days").run()
    assert [one.value for one in page.date_input] == [today - timedelta(days=29), today]
    assert page.query_params["from"] == (today - timedelta(days=29)).isoformat()
    page.date_input[0].set_value(today - timedelta(days=1)).run()
    page.date_input[1].set_value(today - timedelta(days=1)).run()
    assert figure(page, "Questions")[0] == "2"
    assert "today" not in page.caption[0].value


@pytest.mark.usefixtures("month")
def test_days_of_a_bookmark(visit: Visit, employee: Actor, today: date) -> None:
    day = (today - timedelta(days=35)).isoformat()
    page = visit("analytics", employee, **{"range": "Other days", "from": day, "to": day})
    assert figure(page, "Questions")[0] == "2"


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        ("x", "2026-99-99", "Choose the first and the last day."),
        ("2999-01-01", "2999-01-02", "Choose the first and the last day."),
        ("1066-01-01", "2999-01-02", "Choose the first and the last day."),
    ],
)
def test_days_that_are_none(visit: Visit, employee: Actor, first: str, last: str, said: str) -> None:
    page = visit("analytics", employee, **{"range": "Other days", "from": first, "to": last})
    assert not page.exception
    assert said in words(page)
    assert not page.metric


def test_days_in_the_wrong_order(visit: Visit, employee: Actor, today: date) -> None:
    days = {"from": today.isoformat(), "to": (today - timedelta(days=2)).isoformat()}
    page = visit("analytics", employee, range="Other days", **days)
    assert "The first day is after the last one." in words(page)


def test_the_longest_range_is_one_that_the_service_reads(visit: Visit, kyo: Kyo, employee: Actor, today: date) -> None:
    first = today - timedelta(days=analytics.MAX_DAYS - 1)
    analytics.my_statistics(kyo, employee, Period(first, today))
    page = visit("analytics", employee, **{"range": "Other days", "from": first.isoformat(), "to": today.isoformat()})
    assert not page.error
    assert "You have not asked anything yet" in words(page)


@pytest.mark.usefixtures("month")
@pytest.mark.parametrize("value", list(pages.HOSTILE.values()), ids=list(pages.HOSTILE))
def test_nonsense_in_the_address_is_left_alone(visit: Visit, admin: Actor, value: str) -> None:
    page = visit("analytics", admin, tab=value, range=value, collection=value)
    assert not page.exception
    assert figure(page, "Questions")[0] == "4"


# Nothing there --------------------------------------------------------------------------------------------------------


def test_before_the_first_question(visit: Visit, admin: Actor, employee: Actor) -> None:
    for somebody, said in ((admin, "Nothing has been asked yet"), (employee, "You have not asked anything yet")):
        page = visit("analytics", somebody)
        assert not page.exception
        assert said in words(page)
        assert not page.get("vega_lite_chart")


def test_days_without_a_question(visit: Visit, use: Use, employee: Actor, admin: Actor, today: date) -> None:
    use.ask(employee, at(today - timedelta(days=20)))
    for somebody in (admin, employee):
        page = visit("analytics", somebody, range="7 days")
        assert "No question in these days" in words(page)
    assert "Nobody has rated an answer in these days" in words(visit("analytics", admin, tab="Feedback"))


# Tables and files -----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("month")
def test_titles_of_others_are_inert(visit: Visit, admin: Actor) -> None:
    page = visit("analytics", admin)
    used, collections, unused, *_ = tables(page)
    assert any(row["Document"].startswith(f"[{inert_line(ODD, 90)}](/documents?document=") for row in used)
    assert [row["Document"].split("](/doc")[0] for row in unused] == [f"[{inert_line(FORMULA, 90)}"]
    assert "1 document answered nothing" in words(page)
    assert {row["Collection"] for row in collections} == {"Ours", "Others"}


@pytest.mark.usefixtures("month")
def test_charts_say_in_words_what_they_show(visit: Visit, admin: Actor) -> None:
    page = visit("analytics", admin)
    told = [chart.proto.alt for chart in page.get("vega_lite_chart")]
    assert "3 answered, 1 not found, 0 failed, 0 stopped" in told[0]
    assert "How long answers took" in told[1]
    assert "half within" in told[1]
    assert told[2].endswith("1 ready, 0 under way, 0 failed.")


@pytest.mark.usefixtures("month")
def test_the_numbers_of_a_chart_are_a_table_too(visit: Visit, admin: Actor) -> None:
    page = visit("analytics", admin, range="7 days")
    before = len(page.table)
    page.session_state["numbers-of-Questions"] = True
    page.run()
    assert len(page.table) == before + 1
    numbers = tables(page)[0]
    assert len(numbers) == 7
    assert [row["Answered"] for row in numbers][-2:] == ["2", "1"]


@pytest.mark.usefixtures("month")
def test_what_can_be_downloaded(
    visit: Visit, admin: Actor, today: date, downloads: dict[str, Callable[[], str]]
) -> None:
    page = visit("analytics", admin, range="7 days")
    assert not page.exception
    days = f"{today - timedelta(days=6)}-to-{today}"
    names = ["days", "times", "most-used-documents", "collections", "never-used-documents"]
    assert list(downloads) == [f"kyo-{name}-{days}.csv" for name in names]
    header, *lines = rows(downloads[f"kyo-days-{days}.csv"]())
    assert len(lines) == 7
    assert dict(zip(header, lines[-1], strict=True))["Answered"] == "1"
    assert rows(downloads[f"kyo-never-used-documents-{days}.csv"]())[1:] == [["'" + FORMULA, "Ours"]]


@pytest.mark.usefixtures("month")
def test_feedback(visit: Visit, manager: Actor, downloads: dict[str, Callable[[], str]]) -> None:
    page = visit("analytics", manager, tab="Feedback", range="7 days")
    assert not page.exception
    assert figure(page, "Helpful") == ("50 %", "", "")
    assert figure(page, "Thumbs down") == ("1", "+1", "red")
    reasons, documents = tables(page)
    assert reasons == [{"Reason": "Outdated", "Thumbs down": "1"}]
    assert [row["Thumbs down"] for row in documents] == ["1"]
    assert [link.proto.label for link in page.get("page_link")] == ["Review answers that did not help"]
    assert "collections that you may approve in" in words(page)
    assert [name.split("-20")[0] for name in downloads] == [
        "kyo-feedback-days",
        "kyo-feedback-reasons",
        "kyo-disliked-documents",
    ]


def test_costs_only_where_prices_are_set(
    visit: Visit,
    use: Use,
    today: date,
    admin: Actor,
    with_settings: Callable[..., Kyo],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use.ask(admin, at(today, 1), tokens=(1_000_000, 100_000))
    assert "Cost" not in words(visit("analytics", admin))
    monkeypatch.setattr("kyo_app.runtime.kyo", lambda: with_settings(KYO_PROMPT_TOKEN_PRICE=2.5))
    assert figure(visit("analytics", admin), "Cost") == ("2.50", "+2.50", "red")
