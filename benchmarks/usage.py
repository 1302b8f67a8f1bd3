"""Usage of a month, or of a million questions: `python -m benchmarks.usage [--questions 1000000 --days 730]`.

Questions are made up in the database: many by few people and about few documents, most of them by day on working days.
Then all days are rolled up and compared with the base tables, figure by figure and by sums of its own; a rollup is made
wrong and put right by a backfill; something comes late and is counted at once, and kept in the end. Then, by the role
of the app, what the services need for one page, as admin, manager and employee; and what noting late events costs those
who ask today.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import psutil
from sqlalchemy import text

from benchmarks.measuring import Way, at_most, header, how_busy, in_turns, median, p95, row
from kyo_pipeline.adapters.embedded_postgres import postmaster_pid
from kyo_pipeline.db import questions, users
from kyo_pipeline.db.engine import Database
from kyo_pipeline.db.questions import Production
from kyo_pipeline.domain.actor import OPERATOR, Actor, Role
from kyo_pipeline.domain.analytics import Period
from kyo_pipeline.domain.answers import Draft, Outcome
from kyo_pipeline.domain.database_role import DatabaseRole
from kyo_pipeline.kyo import Kyo, database_url, open_database, open_kyo
from kyo_pipeline.services import analytics, operations, rolling_up
from kyo_pipeline.settings import Settings

ZONE = "Europe/Berlin"
PEOPLE, DOCUMENTS, COLLECTIONS = 2000, 5000, 40
WANTED_MILLISECONDS = 300.0
ROUNDS = 15
RANGES = (7, 30, 365)

_STATEMENTS = Path(__file__).with_suffix(".sql")

#: Filled without their triggers: nothing is rolled up yet.
_TABLES = (
    *("users", "documents", "document_versions", "questions", "answers", "citations", "near_documents"),
    *("feedback", "audit_log"),
)

#: Sums over all days, written down once more, and quite otherwise than where the figures are made.
_SUMS = """
select
  (select count(*) from questions) as questions,
  (select count(distinct user_id) from questions) as people,
  (select count(*) from answers where outcome = 'answered') as answered,
  (select count(*) from answers where outcome = 'not_found') as not_found,
  (select count(*) from answers where timings ? 'cache') as cached,
  (select count(*) from feedback where rating = 1) as liked,
  (select count(*) from feedback where rating = -1) as disliked,
  (select sum(prompt_tokens) from answers where not timings ? 'cache') as prompt_tokens,
  (select count(*) from audit_log where outcome = 'refused') as refused
"""


@dataclass(frozen=True)
class Bench:
    """The app's Kyo, the pipeline's, and the owner's connection; `first` is the first of the days, today the last."""

    postmaster: int

    app: Kyo
    pipeline: Kyo
    owner: Database
    first: date
    admin: Actor
    manager: Actor
    employee: Actor


def fill(owner: Database, first: date, days: int, count: int) -> None:
    values = {
        "people": PEOPLE,
        "documents": DOCUMENTS,
        "collections": COLLECTIONS,
        "operator": OPERATOR.id,
        "zone": ZONE,
        "first": first,
        "days": days,
        # Four days in ten of a weekend are left out again.
        "questions": int(count / (5 / 7 + 0.2 * 2 / 7)),
    }
    with owner.transaction(OPERATOR) as tx:
        tx.execute(text("select setseed(0.5)"))
        for table in _TABLES:
            tx.execute(text(f"alter table {table} disable trigger user"))
        tx.execute(text("set local work_mem = '256MB'"))
        for statement in _STATEMENTS.read_text(encoding="utf-8").split(";\n"):
            if statement.strip():
                tx.execute(text(statement), values)
        for table in _TABLES:
            tx.execute(text(f"alter table {table} enable trigger user"))
    with owner.autocommit() as connection:
        connection.execute(text("vacuum analyze"))


def opened(settings: Settings, first: date) -> Bench:
    app = open_kyo(settings)
    owner = Database(database_url(settings))
    with owner.transaction(OPERATOR) as tx:
        admin, manager = (
            users.add(tx, role.value, role.value, role, app.now(), password_hash="")
            for role in (Role.ADMIN, Role.MANAGER)
        )
        tx.execute(text("update collections set everyone_access = 'read'"))
        tx.execute(
            text(
                "insert into collection_members select cast(md5('c' || n) as uuid), :id, 'approve' "
                "from generate_series(0, 4) as n"
            ),
            {"id": manager.id},
        )
        [busiest] = tx.scalars(text("select user_id from questions group by 1 order by count(*) desc limit 1"))
    employee = Actor(UUID(str(busiest)), "person", "Person", Role.EMPLOYEE)
    pipeline = replace(app, db=open_database(settings, DatabaseRole.PIPELINE))
    postmaster = postmaster_pid(settings.KYO_HOME / "postgres")
    assert postmaster is not None
    return Bench(postmaster, app, pipeline, owner, first, admin, manager, employee)


def backfill(bench: Bench) -> None:
    days = rolling_up.days_to_roll_up(bench.pipeline)
    began = time.perf_counter()
    each = []
    for day in days:
        started = time.perf_counter()
        rolling_up.roll_up(bench.pipeline, day)
        each.append((time.perf_counter() - started) * 1000)
    days_done = time.perf_counter()
    months = rolling_up.roll_up_months(bench.pipeline)
    print(
        f"Rolled up {len(days)} days in {days_done - began:.1f} s (a day: median {median(each):.0f} ms, "
        f"p95 {p95(each):.0f} ms), summed up {months} months in {time.perf_counter() - days_done:.1f} s; {how_busy()}"
    )
    with bench.owner.autocommit() as connection:
        connection.execute(text("vacuum analyze"))


def compare(bench: Bench) -> None:
    """Each day with the base tables, of many every nth one; and all of them with plain sums."""
    today = analytics.today(bench.app)
    all_days = [bench.first + timedelta(days=n) for n in range((today - bench.first).days)]
    days = all_days[:: max(1, len(all_days) // 100)]
    began = time.perf_counter()
    recount = rolling_up.recount(bench.pipeline, days)
    assert not recount.differences, recount.differences[:3]
    print(f"{len(days)} days recounted in {time.perf_counter() - began:.1f} s: no difference")
    with bench.owner.transaction(OPERATOR) as tx:
        wanted = tx.execute(text(_SUMS)).one()._asdict()
    totals = analytics.overview(bench.app, bench.admin, Period(bench.first, today)).totals
    assert {name: getattr(totals, name) for name in wanted} == wanted, (totals, wanted)
    print("Sums over all days are those of the base tables: " + ", ".join(f"{k} {v:,}" for k, v in wanted.items()))


def make_wrong(bench: Bench) -> None:
    day = analytics.today(bench.app) - timedelta(days=3)
    with bench.owner.transaction(OPERATOR) as tx:
        tx.execute(text("update usage set questions = questions + 1, liked = 0 where day = :day"), {"day": day})
        tx.execute(text("delete from usage_by_document where day = :day"), {"day": day})
    found = rolling_up.recount(bench.pipeline, [day])
    tables = sorted({one.figures for one in found.differences})
    assert tables[0] == "usage", tables
    rolling_up.roll_up(bench.pipeline, day)
    rolling_up.roll_up_months(bench.pipeline)
    assert not rolling_up.recount(bench.pipeline, [day]).differences
    print(
        f"A rollup made wrong: found ({', '.join(tables)}; {found.differences[0]}), put right by a backfill of the day"
    )


def come_late(bench: Bench) -> None:
    today = analytics.today(bench.app)
    day, period = today - timedelta(days=40), Period(bench.first, today)
    before = analytics.overview(bench.app, bench.admin, period).totals
    with bench.owner.transaction(OPERATOR) as tx:
        changed = tx.execute(
            text(
                """
                update feedback set rating = -1 where rating = 1 and answer_id in (
                  select a.id from questions q join answers a on a.question_id = q.id
                  where cast(q.asked_at at time zone :zone as date) = :day
                )
                """
            ),
            {"zone": ZONE, "day": max(day, bench.first)},
        ).rowcount
    at_once = analytics.overview(bench.app, bench.admin, period).totals
    assert (at_once.disliked, at_once.liked) == (before.disliked + changed, before.liked - changed)
    [stale] = rolling_up.days_to_roll_up(bench.pipeline)
    rolling_up.roll_up(bench.pipeline, stale)
    rolling_up.roll_up_months(bench.pipeline)
    assert not rolling_up.days_to_roll_up(bench.pipeline)
    assert not rolling_up.recount(bench.pipeline, [stale]).differences
    assert analytics.overview(bench.app, bench.admin, period).totals == at_once
    print(f"{changed} thumbs of {stale} turned down late: counted at once, rolled up again, no difference")


def pages(bench: Bench) -> None:
    print(f"\nOne page, milliseconds, {ROUNDS} rounds (wanted: {WANTED_MILLISECONDS:g}); {how_busy()}\n")
    print(header("service", "as", *(f"{days} days: median, p95, processor" for days in RANGES)))
    today = analytics.today(bench.app)
    services: dict[str, Callable[..., object]] = {
        "overview": analytics.overview,
        "feedback_summary": analytics.feedback_summary,
        "my_statistics": analytics.my_statistics,
    }
    readers = {"admin": bench.admin, "manager": bench.manager, "employee": bench.employee}
    ways = {
        f"{name}/{who}/{days}": Way(
            lambda _, s=service, a=actor, n=days: s(bench.app, a, Period(today - timedelta(days=n - 1), today))  # type: ignore[misc]  # bound now
        )
        for name, service in services.items()
        for who, actor in readers.items()
        for days in RANGES
        if who != "employee" or name == "my_statistics"
    }
    in_turns(ways, ["warm"])
    taken = in_turns(ways, [str(n) for n in range(ROUNDS)])
    worked = {key: processor_milliseconds(bench, way) for key, way in ways.items()}
    for name in services:
        for who in readers:
            keys = [key for days in RANGES if (key := f"{name}/{who}/{days}") in taken]
            if keys:
                cells = (
                    f"{median(taken[key]):.0f}, {at_most(p95(taken[key]), WANTED_MILLISECONDS, '.0f')}, {worked[key]:.0f}"
                    for key in keys
                )
                print(row(name, who, *cells), flush=True)


def processor_milliseconds(bench: Bench, way: Way) -> float:
    """What PostgreSQL and this process work for it, on average: on a machine that has time, it takes as long."""
    began = _worked(bench)
    for n in range(ROUNDS):
        way.run(str(n))
    return (_worked(bench) - began) * 1000 / ROUNDS


def _worked(bench: Bench) -> float:
    """Seconds of processor time until now."""
    processes = [psutil.Process(), *psutil.Process(bench.postmaster).children()]
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def triggers(bench: Bench) -> None:
    """What storing a question and its answer takes with and without the triggers, in turns of a hundred."""
    with bench.owner.transaction(OPERATOR) as tx:
        version = tx.scalar(text("select id from document_versions where status = 'ready' limit 1"))
        noting = tx.execute(
            text(
                "select cast(tgrelid as regclass) as on_table, tgname from pg_trigger "
                "where tgname ~ '^note_(asked|answered|gone|changed|given)$' and not tgisinternal"
            )
        ).all()
    taken: dict[str, list[float]] = {"enable": [], "disable": []}
    for turn in range(20):
        for state in ("enable", "disable") if turn % 2 else ("disable", "enable"):
            with bench.owner.transaction(OPERATOR) as tx:
                for one in noting:
                    tx.execute(text(f"alter table {one.on_table} {state} trigger {one.tgname}"))
            for _ in range(100):
                started = time.perf_counter()
                _store(bench, version)
                taken[state].append((time.perf_counter() - started) * 1000)
    with bench.owner.transaction(OPERATOR) as tx:
        for one in noting:
            tx.execute(text(f"alter table {one.on_table} enable trigger {one.tgname}"))
    with_, without = median(taken["enable"]), median(taken["disable"])
    print(
        f"\nStoring a question, its answer and a citation in two transactions: {with_:.2f} ms with triggers, "
        f"{without:.2f} ms without, ratio {with_ / without:.3f}; {how_busy()}"
    )


def _store(bench: Bench, version: UUID) -> None:
    app, actor, now = bench.app, bench.employee, bench.app.now()
    with app.db.transaction(actor) as tx:
        question, conversation = uuid4(), uuid4()
        tx.execute(
            text("insert into conversations (id, user_id, begun_at) values (:c, :u, :now)"),
            {"c": conversation, "u": actor.id, "now": now},
        )
        tx.execute(
            text(
                "insert into questions (id, user_id, text, asked_at, conversation_id) values (:q, :u, 'Why?', :now, :c)"
            ),
            {"q": question, "u": actor.id, "now": now, "c": conversation},
        )
    with app.db.transaction(actor) as tx:
        made = Production("x", "x", None, {"search": 5.0, "generate": 10.0})
        answer = questions.add_answer(tx, question, Draft("So it is.", Outcome.ANSWERED), made, now)
        tx.execute(
            text(
                "insert into citations (answer_id, marker, version_id, start_offset, end_offset, score) "
                "values (:a, 1, :v, 0, 1, 1)"
            ),
            {"a": answer, "v": version},
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=int, default=60_000)
    parser.add_argument("--days", type=int, default=31)
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="kyo-bench-") as home,
        operations.running_servers(Settings(KYO_HOME=Path(home) / "home", KYO_TIME_ZONE=ZONE)) as servers,
    ):
        operations.migrate(servers.settings)
        owner = Database(database_url(servers.settings))
        app = open_kyo(servers.settings)
        first = analytics.today(app) - timedelta(days=arguments.days - 1)
        app.close()
        began = time.perf_counter()
        fill(owner, first, arguments.days, arguments.questions)
        owner.close()
        print(
            f"{arguments.questions:,} questions in {arguments.days} days by {PEOPLE:,} people about {DOCUMENTS:,} documents "
            f"in {COLLECTIONS} collections, made in {time.perf_counter() - began:.0f} s"
        )
        bench = opened(servers.settings, first)
        backfill(bench)
        compare(bench)
        make_wrong(bench)
        come_late(bench)
        pages(bench)
        triggers(bench)
        bench.owner.close()
        bench.pipeline.db.close()
        bench.app.close()


if __name__ == "__main__":
    main()
