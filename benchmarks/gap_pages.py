"""Knowledge gaps with many documents and many managers: how long their pages take, and a look among many questions.

`python -m benchmarks.gap_pages [--asked 200000]`. 5,000 questions without an answer, each near to three of 2,000
documents, in 1,000 gaps; 50 managers, who approve in some of 20 collections; and so many questions beside that were
answered, over a year. Plans of the search for candidates are read: it must not read `questions` from end to end.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from sqlalchemy import text

from benchmarks.measuring import header, how_busy, row
from kyo_pipeline.db import gap_finding, users
from kyo_pipeline.db.engine import Database
from kyo_pipeline.domain.actor import OPERATOR, Actor, Role
from kyo_pipeline.domain.database_role import DatabaseRole
from kyo_pipeline.kyo import database_url, open_kyo, utc_now
from kyo_pipeline.services import gaps, operations
from kyo_pipeline.settings import Settings

QUESTIONS, DOCUMENTS, COLLECTIONS, MANAGERS, GAPS = 5000, 2000, 20, 50, 1000
TIMES = 7

_FILL = (
    "insert into collections (name, created_at) select 'c' || n, :now from generate_series(1, :collections) n",
    """
    insert into collection_members
    select c.id, u.id, 'approve'
    from collections c
    cross join users u
    where u.role = 'manager' and hashtext(c.name || u.username) % 4 = 0
    """,
    """
    insert into documents (id, collection_id, owner_id, title, state, restricted, created_at, updated_at)
    select gen_random_uuid(), (select id from collections where name = 'c' || 1 + n % :collections), :asker, 'd' || n,
      'approved', n % 10 = 0, :now, :now
    from generate_series(1, :documents) n
    """,
    "insert into conversations (user_id, begun_at) values (:asker, :now)",
    """
    insert into questions (user_id, conversation_id, text, asked_at)
    select :asker, (select min(cast(id as text))::uuid from conversations), 'question ' || n,
      :now - make_interval(mins => cast(cast(n as bigint) * 525000 / :all as integer))
    from generate_series(1, :all) n
    """,
    """
    insert into answers (question_id, text, outcome, generator, model, timings, prompt_tokens, completion_tokens,
      answered_at)
    select id, repeat('An answer of some length. ', 20),
      case when hashtext(text) % :every = 0 then 'not_found' else 'answered' end, 'extractive', 'quotes', '{}', 0, 0,
      asked_at
    from questions
    """,
    """
    insert into gaps (created_at, changed_at) select :now, :now from generate_series(1, :gaps)
    """,
    """
    with g as (select id, row_number() over () as n from gaps),
    q as (
      select q.id, row_number() over (order by q.asked_at desc) as n
      from questions q
      join answers a on a.question_id = q.id
      where a.outcome = 'not_found'
      order by q.asked_at desc
      limit :questions
    )
    insert into gap_questions select q.id, g.id, 'not_found', 0.5 from q join g on g.n = 1 + q.n % :gaps
    """,
    """
    with d as (select id, cast(substr(title, 2) as integer) as n from documents)
    insert into near_documents
    select a.id, rank, d.id
    from gap_questions q
    join answers a on a.question_id = q.question_id
    cross join generate_series(1, 3) rank
    -- Three documents of one collection, the same one for a gap.
    join d on d.n = 1 + abs(hashtext(cast(q.gap_id as text)) % :collections)
      + (abs(hashtext(cast(a.id as text)) % 100) + rank * 33) % 100 * :collections
    """,
)


def fill(owner: Database, asked: int) -> tuple[Actor, Actor]:
    """A manager and an admin."""
    with owner.transaction(OPERATOR) as tx:
        asker = users.add(tx, "asker", "Asker", Role.EMPLOYEE, utc_now(), password_hash="")
        admin = users.add(tx, "boss", "Boss", Role.ADMIN, utc_now(), password_hash="")
        managers = [
            users.add(tx, f"m{n}", f"M {n}", Role.MANAGER, utc_now(), password_hash="") for n in range(MANAGERS)
        ]
        values = {
            "now": utc_now(),
            "asker": asker.id,
            "all": asked,
            "collections": COLLECTIONS,
            "documents": DOCUMENTS,
            "gaps": GAPS,
            "questions": QUESTIONS,
            "every": max(2, asked // (QUESTIONS * 4)),
        }
        for statement in _FILL:
            tx.execute(text(statement), {name: value for name, value in values.items() if f":{name}" in statement})
    with owner.autocommit() as connection:
        connection.execute(text("vacuum analyze"))
    return managers[0], admin


def milliseconds(run: Callable[[], object]) -> float:
    taken = []
    for _ in range(TIMES):
        started = time.perf_counter()
        run()
        taken.append((time.perf_counter() - started) * 1000)
    return statistics.median(taken)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--asked", type=int, default=200_000)
    asked = arguments.parse_args().asked
    print(how_busy())
    with (
        tempfile.TemporaryDirectory(prefix="kyo-bench-") as home,
        operations.running_servers(Settings(KYO_HOME=Path(home) / "home")) as servers,
    ):
        operations.migrate(servers.settings)
        kyo, owner = open_kyo(servers.settings), Database(database_url(servers.settings))
        pipeline = open_kyo(servers.settings, DatabaseRole.PIPELINE)
        manager, admin = fill(owner, asked)
        print(header("What (median of seven)", "Manager", "Admin"))
        some = gaps.list_gaps(kyo, manager).gaps[0].id
        doings: dict[str, Callable[[Actor], object]] = {
            "a page of the list": lambda actor: gaps.list_gaps(kyo, actor),
            "one gap": lambda actor: gaps.read_gap(kyo, actor, some),
            "who may see to it": lambda actor: gaps.owners(kyo, actor, some),
        }
        for name, run in doings.items():
            taken = [milliseconds(lambda run=run, actor=actor: run(actor)) for actor in (manager, admin)]  # type: ignore[misc]
            print(row(name, *(f"{one:.0f} ms" for one in taken)))
        print(f"{gaps.list_gaps(kyo, manager).total} of {GAPS} gaps are the manager's; "
              f"{len(gaps.owners(kyo, manager, some))} may see to the first")  # fmt: skip

        def look() -> None:
            with pipeline.db.transaction(OPERATOR) as tx:
                gap_finding.candidates(tx, utc_now() - timedelta(days=90), QUESTIONS)

        print(f"candidates among {asked:,} questions: {milliseconds(look):.0f} ms")
        for one in (owner, kyo, pipeline):
            one.close()


if __name__ == "__main__":
    main()
