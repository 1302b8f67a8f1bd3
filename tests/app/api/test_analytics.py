"""Figures over HTTP: those of the services, of the period and the collection that are asked for."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import TypeAdapter
from starlette.testclient import TestClient

from kyo_app import runtime
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.analytics import FeedbackSummary, Overview, OwnStatistics, Period
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import analytics
from tests.conftest import Clock
from tests.usage import Use, at

ClientOf = Callable[[Actor | None], TestClient]

PATHS = ("overview", "me", "feedback")


@pytest.fixture
def day(clock: Clock) -> date:
    """A day that is over. The clock stands at noon, two days after it."""
    return clock.to_mid_month() - timedelta(days=2)


@pytest.fixture
def collections(sql: Callable[..., list[Any]], day: date, employee: Actor, manager: Actor) -> tuple[UUID, UUID]:
    """One of the manager and one of nobody, in which some questions were asked on that day and ten days before it."""
    use = Use(sql)
    own, foreign = use.collection("Leave", manager), use.collection("Pay")
    leave, pay = use.document(own, "Leave", at(day), seconds=20), use.document(foreign, "Pay", at(day), seconds=None)
    use.document(own, "Unused", at(day - timedelta(days=100)))
    use.rate(use.ask(employee, at(day), about=[leave], tokens=(300, 30)), -1, "outdated")
    use.rate(use.ask(manager, at(day), about=[leave], cached=True), 1)
    use.ask(employee, at(day), "not_found", [leave])
    use.ask(employee, at(day), "failed")
    use.rate(use.ask(employee, at(day), about=[pay], tokens=(100, 10)), -1, "wrong")
    use.ask(employee, at(day - timedelta(days=10)), about=[leave])
    return own, foreign


def read(client: TestClient, path: str, **wanted: object) -> Any:
    response = client.get(f"/api/analytics/{path}/", params={name: str(value) for name, value in wanted.items()})
    assert response.status_code == 200, response.text
    return response.json()


def as_json(found: Overview | OwnStatistics | FeedbackSummary, zone: str = "UTC") -> Any:
    """What a service found, as it is to be sent."""
    return {"time_zone": zone, **TypeAdapter(dict[str, Any]).dump_python(asdict(found), mode="json")}


def test_the_figures_are_those_of_the_services(
    client_of: ClientOf, kyo: Kyo, day: date, collections: tuple[UUID, UUID], manager: Actor, admin: Actor
) -> None:
    period = Period(day - timedelta(days=4), day + timedelta(days=2))
    asked = {"first": period.first, "last": period.last}
    for actor in (manager, admin):
        client = client_of(actor)
        assert read(client, "overview", **asked) == as_json(analytics.overview(kyo, actor, period))
        assert read(client, "me", **asked) == as_json(analytics.my_statistics(kyo, actor, period))
        assert read(client, "feedback", **asked) == as_json(analytics.feedback_summary(kyo, actor, period))
        of_one = analytics.overview(kyo, actor, period, collections[0])
        assert read(client, "overview", **asked, collection_id=collections[0]) == as_json(of_one)
    found = read(client_of(admin), "overview", **asked)
    totals = found["totals"]
    assert (totals["questions"], totals["people"], totals["answered"], totals["not_found"]) == (5, 2, 3, 1)
    assert (totals["failed"], totals["liked"], totals["disliked"], totals["cached"]) == (1, 1, 2, 1)
    assert (totals["prompt_tokens"], totals["completion_tokens"], totals["cost"]) == (400, 40, None)
    assert (len(found["days"]), found["before"]["questions"]) == (7, 1)
    assert [one["title"] for one in found["never_used"]] == ["Unused"]
    assert (found["ingestion"]["ready"], found["ingestion"]["failed"]) == (1, 1)


def test_a_manager_is_told_of_their_own_collections(
    client_of: ClientOf, collections: tuple[UUID, UUID], manager: Actor, admin: Actor
) -> None:
    own, foreign = collections
    client = client_of(manager)
    found = read(client, "overview")
    assert [(one["name"], one["questions"]) for one in found["collections"]] == [("Leave", 4)]
    assert {one["title"] for one in found["documents"]} == {"Leave"}
    assert [one["reason"] for one in read(client, "feedback")["reasons"]] == ["outdated"]
    assert read(client, "overview", collection_id=own)["totals"]["questions"] == 4
    for path in ("overview", "feedback"):
        for unknown in (foreign, uuid4()):
            response = client.get(f"/api/analytics/{path}/", params={"collection_id": str(unknown)})
            assert response.status_code == 403
            assert response.headers["content-type"] == "application/problem+json"
    assert read(client_of(admin), "feedback", collection_id=foreign)["reasons"] == [{"reason": "wrong", "count": 1}]


@pytest.mark.usefixtures("collections")
def test_an_employee_is_told_of_their_own_questions(client_of: ClientOf, employee: Actor, admin: Actor) -> None:
    client = client_of(employee)
    assert read(client, "me", days=7)["totals"]["questions"] == 4
    assert read(client_of(admin), "me", days=7)["totals"]["questions"] == 0
    for path in ("overview", "feedback"):
        assert client.get(f"/api/analytics/{path}/").status_code == 403


@pytest.mark.parametrize("path", PATHS)
def test_a_period_is_named_by_its_days_or_by_how_many(
    client_of: ClientOf, kyo: Kyo, day: date, admin: Actor, path: str
) -> None:
    client, today = client_of(admin), day + timedelta(days=2)
    assert analytics.today(kyo) == today

    def period(**wanted: object) -> tuple[date, date]:
        found = read(client, path, **wanted)["period"]
        return date.fromisoformat(found["first"]), date.fromisoformat(found["last"])

    assert period() == (today - timedelta(days=29), today)
    assert period(days=1) == (today, today)
    assert period(days=analytics.MAX_DAYS) == (today - timedelta(days=analytics.MAX_DAYS - 1), today)
    assert period(last=day, days=3) == (day - timedelta(days=2), day)
    assert period(first=day) == (day, today)
    assert period(first=day, last=day, days=5) == (day, day)
    later = today + timedelta(days=3)
    assert period(first=later, last=later) == (later, later)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "wanted",
    [
        {"first": "2026-03-02", "last": "2026-03-01"},
        {"first": "2020-01-01", "last": "2026-01-01"},
        {"first": "9999-12-31"},
        {"first": "0001-01-01"},
        {"first": "0001-01-01", "last": "9999-12-31"},
        {"last": "0001-01-01"},
        {"days": "0"},
        {"days": str(analytics.MAX_DAYS + 1)},
        {"days": "9" * 400},
        {"first": "yesterday"},
        {"first": "2026-02-30"},
        {"last": ""},
    ],
)
def test_what_is_no_period_is_refused(client_of: ClientOf, admin: Actor, path: str, wanted: dict[str, str]) -> None:
    response = client_of(admin).get(f"/api/analytics/{path}/", params=wanted)
    assert response.status_code == 422, response.text
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("first", "last", "status"),
    [
        ("0001-01-01", "0001-01-01", 422),
        ("0001-01-02", "0001-01-03", 422),
        ("0001-01-02", "0001-01-02", 200),
        ("0003-01-01", "0003-01-02", 200),
        ("9999-12-31", "9999-12-31", 200),
        ("9999-12-01", "9999-12-30", 200),
    ],
)
def test_days_at_the_ends_of_the_calendar_are_no_fault_of_ours(
    client_of: ClientOf, admin: Actor, path: str, first: str, last: str, status: int
) -> None:
    response = client_of(admin).get(f"/api/analytics/{path}/", params={"first": first, "last": last})
    assert response.status_code == status, response.text


@pytest.mark.parametrize("path", PATHS)
def test_days_are_those_of_the_zone_that_is_named(
    client_of: ClientOf, with_settings: Callable[..., Kyo], clock: Clock, admin: Actor,
    sql: Callable[..., list[Any]], path: str,
) -> None:  # fmt: skip
    use, today = Use(sql), clock.to_mid_month()
    use.ask(admin, at(today, 11))
    with runtime.using(with_settings(KYO_TIME_ZONE="Pacific/Kiritimati")):  # 14 hours ahead: it is tomorrow
        found = read(client_of(admin), path, days=1)
    assert found["time_zone"] == "Pacific/Kiritimati"
    assert found["period"] == {"first": str(today + timedelta(days=1)), "last": str(today + timedelta(days=1))}
    assert [one["day"] for one in found["days"]] == [str(today + timedelta(days=1))]
    assert found["totals"]["questions"] == 1
    assert read(client_of(admin), path, days=1)["time_zone"] == "UTC"
