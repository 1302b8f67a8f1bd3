"""How KYO is used: what is counted, on which day, and who is told."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kyo_pipeline.domain.actor import OPERATOR, Actor, Role
from kyo_pipeline.domain.analytics import Period
from kyo_pipeline.domain.days import day_of
from kyo_pipeline.errors import Conflict, Forbidden, Invalid
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import analytics, rolling_up
from tests.conftest import Clock
from tests.fakes import RollbackDatabase
from tests.usage import Asked, Use, at

Sql = Callable[..., list[Any]]

#: Some change their clocks at midnight, some by half an hour.
ZONES = ["UTC", "Europe/Berlin", "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Cairo"]


@pytest.fixture
def use(sql: Sql) -> Use:
    return Use(sql)


@pytest.fixture
def day(clock: Clock) -> date:
    """A day that is over. The clock stands at noon, two days after it."""
    return clock.to_mid_month() - timedelta(days=2)


def last_days(kyo: Kyo, days: int = 7) -> Period:
    last = analytics.today(kyo)
    return Period(last - timedelta(days=days - 1), last)


def roll_up_all(pipeline: Kyo) -> None:
    for one in rolling_up.days_to_roll_up(pipeline):
        rolling_up.roll_up(pipeline, one)
    rolling_up.roll_up_months(pipeline)


@pytest.fixture(params=["live", "rolled up"])
def counted(request: pytest.FixtureRequest, pipeline: Kyo) -> Callable[[], None]:
    """What holds of figures holds whether they are kept or counted now."""
    return (lambda: None) if request.param == "live" else (lambda: roll_up_all(pipeline))


def test_each_question_counts_once_with_its_outcome_and_its_thumb(
    kyo: Kyo, use: Use, day: date, employee: Actor, admin: Actor, counted: Callable[[], None]
) -> None:
    where = use.collection("Where")
    document = use.document(where, "Leave", at(day))
    for outcome in ("answered", "not_found", "failed", "stopped", "erased", None):
        use.ask(employee, at(day), outcome, [document] if outcome in ("answered", "not_found") else ())
    use.rate(use.ask(employee, at(day), about=[document, document], tokens=(500, 40)), -1, "outdated")
    use.rate(use.ask(admin, at(day, 1), about=[document], cached=True, tokens=(70, 70)), 1)
    counted()
    kyo = replace(
        kyo,
        settings=kyo.settings.model_copy(update={"KYO_PROMPT_TOKEN_PRICE": 2.0, "KYO_COMPLETION_TOKEN_PRICE": 10.0}),
    )
    found = analytics.overview(kyo, admin, last_days(kyo))
    totals = found.totals
    assert (totals.questions, totals.people, totals.answered, totals.not_found) == (8, 2, 4, 1)
    assert (totals.failed, totals.stopped, totals.cached, totals.liked, totals.disliked) == (1, 1, 1, 1, 1)
    assert (totals.prompt_tokens, totals.completion_tokens) == (500, 40)
    assert totals.cost == pytest.approx((500 * 2 + 40 * 10) / 1e6)
    assert [one.day for one in found.days] == [last_days(kyo).first + timedelta(days=n) for n in range(7)]
    assert {one.day: one.totals for one in found.days}[day] == totals
    [of_collection] = found.collections
    assert (of_collection.name, of_collection.questions, of_collection.people) == ("Where", 4, 2)
    assert (of_collection.not_found, of_collection.liked, of_collection.disliked) == (1, 1, 1)
    [of_document] = found.documents
    assert (of_document.title, of_document.collection) == ("Leave", "Where")
    assert (of_document.asked_about, of_document.cited, of_document.disliked) == (4, 4, 1)
    feedback = analytics.feedback_summary(kyo, admin, last_days(kyo))
    assert [(one.reason, one.count) for one in feedback.reasons] == [("outdated", 1)]
    assert [one.title for one in feedback.documents] == ["Leave"]
    assert feedback.totals == totals
    own = analytics.my_statistics(kyo, employee, last_days(kyo))
    assert (own.totals.questions, own.totals.people, own.totals.disliked, own.totals.liked) == (7, 1, 1, 0)
    assert [one.asked_about for one in own.documents] == []  # nobody but the admin may read there


def test_the_period_before_is_told_beside(
    kyo: Kyo, use: Use, day: date, employee: Actor, admin: Actor, counted: Callable[[], None]
) -> None:
    use.ask(employee, at(day))
    use.ask(employee, at(day - timedelta(days=7)))
    use.ask(admin, at(day - timedelta(days=7)))
    counted()
    found = analytics.overview(kyo, admin, last_days(kyo))
    assert (found.totals.questions, found.totals.people) == (1, 1)
    assert (found.before.questions, found.before.people) == (2, 2)
    own = analytics.my_statistics(kyo, employee, last_days(kyo))
    assert (own.totals.questions, own.before.questions, len(own.days)) == (1, 1, 7)


def test_whole_months_are_read_from_their_sums(
    kyo: Kyo, pipeline: Kyo, use: Use, employee: Actor, admin: Actor, clock: Clock, sql: Sql
) -> None:
    """And no longer when one of their days has changed, until it is rolled up again."""
    clock.time = datetime(2027, 3, 15, 12, tzinfo=timezone.utc)
    where = use.collection("Where")
    document = use.document(where, "Leave", at(date(2027, 1, 5)))
    asked = [use.ask(employee, at(date(2027, month, 10)), about=[document]) for month in (1, 2, 3)]
    roll_up_all(pipeline)
    assert [month for (month,) in sql("select month from rolled_up_months order by 1")] == [
        date(2027, 1, 1),
        date(2027, 2, 1),
    ]
    sql("update usage_by_document_and_month set asked_about = 100")
    year = Period(date(2026, 4, 1), date(2027, 3, 15))
    assert analytics.overview(kyo, admin, year).documents[0].asked_about == 201
    use.rate(asked[1], -1)
    assert analytics.overview(kyo, admin, year).documents[0].asked_about == 102
    roll_up_all(pipeline)
    assert analytics.overview(kyo, admin, year).documents[0].asked_about == 102
    assert {one.figures for one in rolling_up.recount(pipeline, [date(2027, 1, 10)]).differences} == {
        "usage_by_document_and_month"
    }


def test_a_manager_is_told_of_the_collections_they_may_approve_in_each_question_once(
    kyo: Kyo, use: Use, day: date, employee: Actor, manager: Actor, admin: Actor, counted: Callable[[], None], sql: Sql
) -> None:
    sql("update collections set everyone_access = 'read'")
    one, two, other = use.collection("One", manager), use.collection("Two", manager), use.collection("Other")
    first, second, third = (use.document(c, n, at(day)) for c, n in ((one, "1"), (two, "2"), (other, "3")))
    use.ask(employee, at(day), about=[first, second])
    use.ask(employee, at(day), about=[first, third])
    use.ask(admin, at(day), "not_found", about=[second])
    use.ask(admin, at(day), about=[third])
    use.ask(admin, at(day), "failed")
    counted()
    found = analytics.overview(kyo, manager, last_days(kyo))
    assert (found.totals.questions, found.totals.people, found.totals.not_found) == (3, 2, 1)
    assert [(c.name, c.questions, c.people) for c in found.collections] == [("One", 2, 1), ("Two", 2, 2)]
    assert {document.title for document in found.documents} == {"1", "2"}
    assert found.ingestion.files == 2
    assert [name for _, name in analytics.collections_of(kyo, manager)] == ["One", "Two"]
    of_one = analytics.overview(kyo, manager, last_days(kyo), one)
    assert (of_one.totals.questions, of_one.totals.people) == (2, 1)
    assert [c.name for c in of_one.collections] == ["One"]
    for what in (analytics.overview, analytics.feedback_summary):
        with pytest.raises(Forbidden, match="may approve"):
            what(kyo, manager, last_days(kyo), other)
    everything = analytics.overview(kyo, admin, last_days(kyo))
    assert (everything.totals.questions, len(everything.collections)) == (5, 3)
    assert analytics.overview(kyo, admin, last_days(kyo), other).totals.questions == 2


def test_people_count_once_also_those_who_ask_for_the_first_time_today(
    kyo: Kyo, pipeline: Kyo, use: Use, day: date, clock: Clock, person: Callable[[Role], Actor], admin: Actor
) -> None:
    """Sets of earlier days are shorter than those of later ones, and newcomers are in none."""
    one, two = use.collection("One"), use.collection("Two")
    documents = use.document(one, "1", at(day)), use.document(two, "2", at(day))
    people = [person(Role.EMPLOYEE) for _ in range(6)]
    for n, asked in ((0, [0]), (1, [0, 1, 2]), (2, [2, 3, 4, 5])):
        for who in asked:
            use.ask(people[who], at(day) + timedelta(days=n), about=[documents[who % 2]])
        if n < 2:
            clock.time = at(day) + timedelta(days=n + 1)
            roll_up_all(pipeline)
    use.ask(OPERATOR, clock.time, about=documents)  # nobody
    found = analytics.overview(kyo, admin, last_days(kyo, 3))
    assert [one.totals.people for one in found.days] == [1, 3, 4]
    assert found.totals.people == 6
    assert {c.name: c.people for c in found.collections} == {"One": 3, "Two": 3}
    assert analytics.overview(kyo, admin, last_days(kyo, 1)).before.people == 3


def test_a_manager_of_nothing_is_told_nothing(
    kyo: Kyo, use: Use, day: date, employee: Actor, manager: Actor, sql: Sql
) -> None:
    sql("update collections set everyone_access = 'read'")
    use.ask(employee, at(day), about=[use.document(use.collection("One"), "1", at(day))])
    found = analytics.overview(kyo, manager, last_days(kyo))
    assert (found.totals.questions, found.collections, found.documents, found.latencies) == (0, (), (), ())
    assert analytics.collections_of(kyo, manager) == ()


def test_the_database_tells_an_employee_nothing_of_others(
    kyo: Kyo, use: Use, day: date, employee: Actor, admin: Actor
) -> None:
    """Whatever a mistake of a service asks."""
    document = use.document(use.collection("One"), "1", at(day))
    use.ask(admin, at(day), about=[document])
    posing = replace(employee, role=Role.ADMIN)
    found = analytics.overview(kyo, posing, last_days(kyo))
    assert found.totals.questions == found.ingestion.files == found.totals.refused == found.never_used_count == 0
    assert analytics.my_statistics(kyo, posing, last_days(kyo)).totals.questions == 0


def test_documents_that_nobody_asked_about_are_named(
    kyo: Kyo, use: Use, day: date, employee: Actor, admin: Actor, counted: Callable[[], None]
) -> None:
    where = use.collection("Where")
    used, unused = use.document(where, "Used", at(day)), use.document(where, "Unused", at(day))
    use.document(where, "Broken", at(day), seconds=None)
    use.ask(employee, at(day), about=[used])
    counted()
    found = analytics.overview(kyo, admin, last_days(kyo))
    assert [one.document_id for one in found.never_used] == [unused]
    assert found.never_used_count == 1


def test_files_and_latency_are_told_by_their_percentiles(
    kyo: Kyo, use: Use, day: date, employee: Actor, admin: Actor, counted: Callable[[], None]
) -> None:
    where = use.collection("Where")
    for seconds in (10, 20, 400, None):
        use.document(where, "A", at(day), seconds=seconds)
    for milliseconds in (100, 100, 5000):
        use.ask(employee, at(day), milliseconds=milliseconds)
    use.ask(employee, at(day), "failed", milliseconds=60_000)
    counted()
    found = analytics.overview(kyo, admin, last_days(kyo))
    assert (found.ingestion.files, found.ingestion.ready, found.ingestion.failed) == (4, 3, 1)
    assert found.ingestion.seconds_p50 == pytest.approx(20, rel=0.07)
    assert found.ingestion.seconds_p95 == pytest.approx(400, rel=0.07)
    [total, search] = found.latencies
    assert (total.stage, search.stage, total.count) == ("total", "search", 3)
    assert total.p50 == pytest.approx(100, rel=0.07)
    assert total.p95 == pytest.approx(5000, rel=0.07)


def test_refusals_are_told_to_admins(
    kyo: Kyo, day: date, manager: Actor, admin: Actor, sql: Sql, counted: Callable[[], None]
) -> None:
    sql(
        "insert into audit_log (id, at, actor_name, event, object_type, object_id, outcome, details) "
        "select n, :at, 'x', 'answer:refuse', 'answer', '', case n when 3 then 'done' else 'refused' end, '{}' "
        "from generate_series(1, 3) as n",
        at=at(day),
    )
    counted()
    found = analytics.overview(kyo, admin, last_days(kyo))
    assert found.totals.refused == 2
    assert {one.day: one.totals.refused for one in found.days}[day] == 2
    assert analytics.overview(kyo, manager, last_days(kyo)).totals.refused == 0


def test_what_the_audit_log_has_forgotten_stays_counted(
    kyo: Kyo, pipeline: Kyo, use: Use, day: date, employee: Actor, admin: Actor, sql: Sql
) -> None:
    sql(
        "insert into audit_log (id, at, actor_name, event, object_type, object_id, outcome, details) "
        "values (1, :at, 'x', 'answer:refuse', 'answer', '', 'refused', '{}')",
        at=at(day),
    )
    asked = use.ask(employee, at(day))
    roll_up_all(pipeline)
    sql("select set_config('kyo.audit_retention', 'prune', true)")
    sql("delete from audit_log")
    sql(
        "insert into audit_log (id, at, actor_name, event, object_type, object_id, outcome, details) "
        "values (2, :at, 'x', 'audit:prune', 'audit', '', 'done', '{}')",
        at=at(day + timedelta(days=2)),
    )
    use.rate(asked, 1)
    roll_up_all(pipeline)
    found = analytics.overview(kyo, admin, last_days(kyo))
    assert (found.totals.refused, found.totals.liked) == (1, 1)
    assert rolling_up.recount(pipeline, [day]).differences == ()


def test_today_is_counted_live_and_never_rolled_up(
    kyo: Kyo, pipeline: Kyo, use: Use, clock: Clock, day: date, employee: Actor, admin: Actor
) -> None:
    use.ask(employee, at(day))
    use.ask(employee, clock.time)
    roll_up_all(pipeline)
    assert analytics.overview(kyo, admin, last_days(kyo)).totals.questions == 2
    use.ask(employee, clock.time)
    assert analytics.overview(kyo, admin, last_days(kyo)).totals.questions == 3
    with pytest.raises(Conflict):
        rolling_up.roll_up(pipeline, analytics.today(kyo))


def test_days_are_those_of_the_zone_of_the_settings(
    kyo: Kyo, pipeline: Kyo, use: Use, clock: Clock, employee: Actor, admin: Actor, with_settings: Callable[..., Kyo]
) -> None:
    """Also on the days that have 23 or 25 hours. Another zone makes all that is rolled up stale."""
    clock.time = datetime(2027, 4, 2, 12, tzinfo=timezone.utc)
    for moment in ("2027-03-27T22:59", "2027-03-27T23:00", "2027-03-28T21:59", "2027-03-28T22:00"):
        use.ask(employee, datetime.fromisoformat(f"{moment}+00:00"))
    berlin = {"KYO_TIME_ZONE": "Europe/Berlin"}
    here, there = with_settings(**berlin), replace(pipeline, settings=pipeline.settings.model_copy(update=berlin))

    def by_day(of: Kyo) -> dict[date, int]:
        days = analytics.overview(of, admin, Period(date(2027, 3, 27), date(2027, 3, 29))).days
        return {one.day: one.totals.questions for one in days}

    berlin_days = {date(2027, 3, 27): 1, date(2027, 3, 28): 2, date(2027, 3, 29): 1}
    utc_days = {date(2027, 3, 27): 2, date(2027, 3, 28): 2, date(2027, 3, 29): 0}
    assert (by_day(here), by_day(kyo)) == (berlin_days, utc_days)
    roll_up_all(there)
    assert rolling_up.days_to_roll_up(there) == ()
    assert (by_day(here), by_day(kyo)) == (berlin_days, utc_days)
    assert date(2027, 3, 28) in rolling_up.days_to_roll_up(pipeline)
    roll_up_all(pipeline)
    assert (by_day(here), by_day(kyo)) == (berlin_days, utc_days)
    assert rolling_up.recount(pipeline, [date(2027, 3, 28)]).differences == ()


@pytest.mark.parametrize("days", [0, analytics.MAX_DAYS + 1])
def test_a_period_that_is_none_or_too_long_is_refused(kyo: Kyo, admin: Actor, days: int) -> None:
    for what in (analytics.overview, analytics.feedback_summary, analytics.my_statistics):
        with pytest.raises(Invalid, match="Choose from one day"):
            what(kyo, admin, last_days(kyo, days))


def test_an_unknown_collection_is_refused(kyo: Kyo, admin: Actor) -> None:
    with pytest.raises(Forbidden, match="Choose another one"):
        analytics.overview(kyo, admin, last_days(kyo), uuid4())


# Late events ----------------------------------------------------------------------------------------------------------


def late_events(use: Use, day: date, employee: Actor, sql: Sql) -> dict[str, Callable[[], object]]:
    one, two = use.collection("One"), use.collection("Two")
    document = use.document(one, "1", at(day))
    cited = use.ask(employee, at(day), about=[document])
    missed = use.ask(employee, at(day), "not_found", about=[document])
    open_question = use.ask(employee, at(day), None)
    use.rate(missed, 1)
    return {
        "a thumb": lambda: use.rate(cited, -1, "wrong"),
        "another thumb": lambda: use.rate(missed, -1),
        "a thumb taken back": lambda: sql("delete from feedback"),
        "a question": lambda: use.ask(employee, at(day)),
        "an answer": lambda: sql(
            "insert into answers (question_id, text, outcome, generator, model, timings, prompt_tokens, "
            "completion_tokens, answered_at) values (:id, '', 'failed', '', '', '{}', 0, 0, now())",
            id=open_question.question,
        ),
        "an answer that goes": lambda: sql("delete from answers where id = :id", id=cited.answer),
        "a question that goes": lambda: use.forget(cited),
        "a document that moves": lambda: use.move(document, two),
        "what came near and was deleted": lambda: sql("delete from near_documents"),
        "a file": lambda: use.document(one, "2", at(day)),
        "a file that fails": lambda: sql(
            "update document_versions set status = 'failed', error = 'x', ready_at = null"
        ),
        "a file that goes": lambda: sql("update document_versions set reprocess_of = id"),
    }


def test_whatever_comes_late_is_counted_at_once_and_rolled_up_again(
    kyo: Kyo,
    pipeline: Kyo,
    db: RollbackDatabase,
    use: Use,
    day: date,
    employee: Actor,
    admin: Actor,
    sql: Sql,
    subtests: pytest.Subtests,
) -> None:
    def told() -> object:
        return analytics.overview(kyo, admin, last_days(kyo)), analytics.feedback_summary(kyo, admin, last_days(kyo))

    events = late_events(use, day, employee, sql)
    roll_up_all(pipeline)
    before = told()
    for name, event in events.items():
        with subtests.test(name), db.undone():
            event()
            assert rolling_up.days_to_roll_up(pipeline) == (day,)
            assert rolling_up.recount(pipeline, [day]).differences == ()  # it is known to be stale
            live = told()
            assert live != before
            roll_up_all(pipeline)
            assert rolling_up.days_to_roll_up(pipeline) == ()
            assert rolling_up.recount(pipeline, [day]).differences == ()
            assert told() == live


def test_what_changes_nothing_leaves_a_day_as_it_is(
    kyo: Kyo, pipeline: Kyo, use: Use, day: date, employee: Actor, sql: Sql
) -> None:
    document = use.document(use.collection("One"), "1", at(day))
    asked = use.ask(employee, at(day), about=[document])
    roll_up_all(pipeline)
    use.erase(asked)
    sql("update answers set shared_at = now()")
    sql("update documents set title = 'Another', updated_at = now()")
    sql("update document_versions set claimed_by = 'x', published_at = now()")
    use.ask(employee, kyo.now())
    assert rolling_up.days_to_roll_up(pipeline) == ()
    assert rolling_up.recount(pipeline, [day]).differences == ()


def test_a_rollup_that_was_made_wrong_is_found_and_put_right(
    pipeline: Kyo, use: Use, day: date, employee: Actor, sql: Sql
) -> None:
    document = use.document(use.collection("One"), "1", at(day))
    use.rate(use.ask(employee, at(day), about=[document]), 1)
    roll_up_all(pipeline)
    assert rolling_up.recount(pipeline).differences == ()
    sql("update usage set questions = 7")
    sql("delete from usage_by_document")
    sql("insert into latency values (:day, 'search', 99, 1)", day=day)
    told = [str(one) for one in rolling_up.recount(pipeline).differences]
    assert told[0] == f"{day} latency search 99: {{'count': 1}} instead of nothing"
    assert [one.endswith(": questions 7 instead of 1") for one in told] == [
        False,
        True,
        True,
        False,
    ]  # of a scope, of all
    assert f"{day} usage_by_document {document}: nothing instead of" in told[3]
    rolling_up.roll_up(pipeline, day)
    assert rolling_up.recount(pipeline).differences == ()


def test_of_people_the_check_tells_only_how_many_of_their_rows_differ(
    pipeline: Kyo, use: Use, day: date, employee: Actor, manager: Actor, sql: Sql
) -> None:
    for actor in (employee, manager):
        use.rate(use.ask(actor, at(day)), -1, "outdated")
    roll_up_all(pipeline)
    sql("update usage_by_person set questions = 7, disliked = 5")
    told = [str(one) for one in rolling_up.recount(pipeline).differences]
    assert told == [f"{day} usage_by_person: rows that differ 2 instead of 0"]


def test_the_check_takes_the_last_day_and_those_not_looked_at_for_the_longest(
    pipeline: Kyo, use: Use, clock: Clock, day: date, employee: Actor
) -> None:
    use.ask(employee, at(day - timedelta(days=20)))
    roll_up_all(pipeline)
    yesterday = day + timedelta(days=1)
    seen: set[date] = set()
    for _ in range(4):
        days = rolling_up.recount(pipeline).days
        assert len(days) == 7
        assert days[0] == yesterday
        clock.advance(minutes=1)
        seen |= set(days)
    assert len(seen) == 22


# Laws -----------------------------------------------------------------------------------------------------------------

DEEDS = st.lists(
    st.tuples(
        st.sampled_from(["ask", "ask", "ask", "rate", "forget", "erase", "move", "upload", "roll up"]),
        st.integers(0, 1),  # day, or thumb
        st.sampled_from(["answered", "not_found", "failed", None]),
        st.lists(st.integers(0, 2), max_size=3),  # documents
        st.integers(0, 5),  # which of those there are
    ),
    max_size=12,
)


@given(DEEDS)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_after_any_deeds_rollups_and_live_days_are_what_is_counted_from_the_base_tables(
    kyo: Kyo,
    pipeline: Kyo,
    db: RollbackDatabase,
    use: Use,
    day: date,
    employee: Actor,
    admin: Actor,
    sql: Sql,
    deeds: list[tuple[str, int, str | None, list[int], int]],
) -> None:
    period = last_days(kyo)
    with db.undone():
        collections = [use.collection("One"), use.collection("Two")]
        documents = [use.document(collections[n % 2], str(n), at(day)) for n in range(3)]
        asked: list[tuple[Asked, str | None]] = []
        gone: set[int] = set()
        for deed, which, outcome, about, n in deeds:
            when = at(day) if which else kyo.now()
            there = n % len(asked) if asked else None
            if deed == "ask":
                cited = [documents[i] for i in dict.fromkeys(about)] if outcome != "failed" else []
                asked.append((use.ask([employee, admin][n % 2], when, outcome, cited), outcome))
            elif deed == "upload":
                use.document(collections[which], "new", when, seconds=30 if n else None)
            elif deed == "move":
                use.move(documents[n % 3], collections[which])
            elif deed == "roll up":
                roll_up_all(pipeline)
            elif there is not None and there not in gone:
                if deed == "rate" and asked[there][1] is not None:
                    use.rate(asked[there][0], which * 2 - 1, "wrong" if n and not which else None)
                elif deed == "erase":
                    use.erase(asked[there][0])
                elif deed == "forget":
                    use.forget(asked[there][0])
                    gone.add(there)
        told = analytics.overview(kyo, admin, period), analytics.feedback_summary(kyo, admin, period)
        outcomes = [outcome for n, (_, outcome) in enumerate(asked) if n not in gone]
        totals = told[0].totals
        assert (totals.questions, totals.answered) == (len(outcomes), outcomes.count("answered"))
        assert (totals.not_found, totals.failed) == (outcomes.count("not_found"), outcomes.count("failed"))
        assert rolling_up.recount(pipeline, [day]).differences == ()
        sql("delete from rolled_up_days")
        sql("delete from rolled_up_months")
        assert told == (analytics.overview(kyo, admin, period), analytics.feedback_summary(kyo, admin, period))


@given(st.integers(946_684_800, 2_114_380_800), st.sampled_from(ZONES))  # seconds: from 2000 to 2036
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_moment_is_in_the_day_that_clocks_show(sql: Sql, moment: int, zone: str) -> None:
    """By which late events are noted, by which days are counted, and by Python's own time zones."""
    aware = datetime.fromtimestamp(moment, timezone.utc)
    [(shown, begins, ends)] = sql(
        """
        select cast(:at at time zone :zone as date), cast(:day as timestamp) at time zone :zone,
          cast(cast(:day as date) + 1 as timestamp) at time zone :zone
        """,
        at=aware,
        zone=zone,
        day=day_of(aware, zone),
    )
    assert shown == day_of(aware, zone)
    assert begins <= aware < ends
