"""What the check of the session adds to a page: `python -m benchmarks.sessions`.

Pages are run as Streamlit runs them, without a browser, by somebody who is signed in, on a database with the sessions
of a large organisation. Each run asks the database anew who is there, and so does each part of a page that acts. The
ratio is to a round trip that does nothing but name its actor.
"""

import hashlib
import secrets
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

from sqlalchemy import text
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from kyo_app import main as app
from kyo_app import runtime
from kyo_app.identity import BROWSER_COOKIE, SESSION_COOKIE
from kyo_pipeline.db import sessions, users
from kyo_pipeline.db.engine import Database
from kyo_pipeline.domain.actor import OPERATOR, Role
from kyo_pipeline.kyo import Kyo, database_url, open_kyo, utc_now
from kyo_pipeline.services import operations, signing_in
from kyo_pipeline.settings import Settings

PEOPLE = 5_000
SESSIONS = 20_000
ROUNDS = 30


def fill(kyo: Kyo) -> str:
    """People and sessions; returns the token of one."""
    token, now = secrets.token_urlsafe(), utc_now()
    with Database(database_url(kyo.settings)).transaction(OPERATOR) as tx:
        tx.execute(
            text(
                """
                insert into users (username, name, role, created_at, password_changed_at)
                select 'person-' || n, 'Person ' || n, 'employee', :now, :now from generate_series(1, :people) as n
                """
            ),
            {"people": PEOPLE, "now": now},
        )
        tx.execute(
            text(
                """
                insert into sessions (token_hash, user_id, created_at, last_seen_at, expires_at)
                select sha256(convert_to(username || n, 'UTF8')), id, :now, :now, :now + interval '1 hour'
                from users
                cross join generate_series(1, :each) as n
                where username like 'person-%'
                """
            ),
            {"each": SESSIONS // PEOPLE, "now": now},
        )
        somebody = users.add(tx, "somebody", "Somebody", Role.ADMIN, now, password_hash="")
        digest = hashlib.sha256(token.encode()).digest()
        sessions.add(tx, digest, somebody.id, now, now + timedelta(hours=1))
        tx.execute(text("analyze"))
    return token


@contextmanager
def timed() -> Iterator[list[float]]:
    """The seconds of each check inside."""
    seconds: list[float] = []
    check = signing_in.actor_of_session

    def checked(kyo: Kyo, token: str | None) -> object:
        started = time.perf_counter()
        found = check(kyo, token)
        seconds.append(time.perf_counter() - started)
        return found

    with patch.object(signing_in, "actor_of_session", checked):
        yield seconds


def page_runs(path: str) -> tuple[float, float, float]:
    """Medians of `ROUNDS` runs of a page: milliseconds, those of its checks, and how many checks."""
    page = AppTest.from_file(str(Path(app.__file__)), default_timeout=30)
    page._page_hash = calc_hash(path)  # AppTest.switch_page knows pages that are files only
    page.run()
    whole, checks, count = [], [], []
    for _ in range(ROUNDS):
        with timed() as seconds:
            started = time.perf_counter()
            page.run()
            whole.append(time.perf_counter() - started)
        checks.append(sum(seconds))
        count.append(len(seconds))
    return statistics.median(whole) * 1000, statistics.median(checks) * 1000, statistics.median(count)


def bare(kyo: Kyo) -> float:
    """Milliseconds of a transaction that does nothing."""
    seconds = []
    for _ in range(200):
        started = time.perf_counter()
        with kyo.db.transaction(OPERATOR) as tx:
            tx.scalar(text("select 1"))
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds) * 1000


def main() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="kyo-bench-") as home,
        operations.running_servers(Settings(KYO_HOME=Path(home) / "home"), redis=True) as servers,
    ):
        operations.migrate(servers.settings)
        kyo = open_kyo(servers.settings)
        cookies = {BROWSER_COOKIE: "browser", SESSION_COOKIE: fill(kyo)}
        with runtime.using(kyo, cookies):
            nothing = bare(kyo)
            print(f"{PEOPLE} people, {SESSIONS} sessions; a transaction that does nothing {nothing:.2f} ms")
            for name, path in (("Ask", ""), ("History", "history"), ("Documents", "documents"), ("People", "people")):
                whole, checks, count = page_runs(path)
                print(
                    f"  {name:10} page {whole:6.1f} ms   checks {checks:5.2f} ms in {count:.0f}   "
                    f"ratio to nothing {checks / count / nothing:4.1f}     (at most 5 ms are wanted)"
                )
        kyo.close()


if __name__ == "__main__":
    main()
