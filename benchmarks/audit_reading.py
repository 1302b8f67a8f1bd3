"""Reading and checking an audit log of a million rows: `python -m benchmarks.audit_reading [--keep FOLDER]`.

`auditing.list_records` under the app's role, with the row-level security that it has there: for each filter the first
page, one in the middle, and the last one, each with its count. Then `auditing.verify` over all rows. The log is made
once and kept in FOLDER: that takes some minutes.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from uuid import UUID

from sqlalchemy import text

from benchmarks.audit_rows import DAYS, filled
from benchmarks.measuring import Way, at_most, header, how_busy, in_turns, median, p95, row
from kyo_pipeline.db.engine import Transaction
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.audit_log import EVERYTHING, OLDEST, AuditFilter, Cursor
from kyo_pipeline.kyo import Kyo, utc_now
from kyo_pipeline.services import auditing

PAGE = 25
ROUNDS = 40
WANTED_P95 = 100.0


def filters(kyo: Kyo) -> dict[str, AuditFilter]:
    """From what the log holds: unselective ones, selective ones, and combinations that nothing has."""
    with kyo.db.transaction(OPERATOR) as tx:
        busiest, rarest, document, request = (_one(tx, statement) for statement in _PICKED)
    now = utc_now()
    busy, rare = UUID(str(busiest)), UUID(str(rarest))
    month = AuditFilter(since=now - timedelta(days=DAYS // 2), until=now - timedelta(days=DAYS // 2 - 30))
    return {
        "everything": EVERYTHING,
        "a month, half a year ago": month,
        "who did most": AuditFilter(actor_id=busy),
        "who did least": AuditFilter(actor_id=rare),
        "the most frequent deed": AuditFilter(event="answer:ask"),
        "a rare deed": AuditFilter(event="corpus:repair"),
        "all about documents": AuditFilter(object_type="document"),
        "one document": AuditFilter(object_id=str(document)),
        "refused": AuditFilter(outcome="refused"),
        "done": AuditFilter(outcome="done"),
        "refused, never so": AuditFilter(event="answer:ask", outcome="refused"),
        "one request": AuditFilter(request_id=str(request)),
        "person and deed": AuditFilter(actor_id=busy, event="document:approve"),
        "person and deed, none": AuditFilter(actor_id=OPERATOR.id, event="answer:ask"),
        "person and things": AuditFilter(actor_id=busy, object_type="document"),
        "person and things, none": AuditFilter(actor_id=OPERATOR.id, object_type="answer"),
        "person, refused": AuditFilter(actor_id=busy, outcome="refused"),
        "person, refused, none": AuditFilter(actor_id=OPERATOR.id, outcome="refused"),
        "person, deed and month": replace(month, actor_id=busy, event="answer:ask"),
        "deed and month": replace(month, event="document:approve"),
        "things, refused and month": replace(month, object_type="session", outcome="refused"),
    }


_PICKED = (
    "select actor_id from audit_log where actor_id <> '00000000-0000-0000-0000-000000000001' "
    "group by 1 order by count(*) desc limit 1",
    "select actor_id from audit_log group by 1 order by count(*), 1 limit 1",
    "select object_id from audit_log where event = 'document:approve' limit 1",
    "select request_id from audit_log where id = 500000",
)


def _one(tx: Transaction, statement: str) -> object:
    return tx.scalar(text(statement))


def middle(kyo: Kyo, wanted: AuditFilter) -> Cursor | None:
    """Where half of what is wanted is newer; None: there is nothing."""
    pages = [auditing.list_records(kyo, OPERATOR, wanted, cursor, 1).records for cursor in (None, OLDEST)]
    if not all(pages):
        return None
    (newest,), (oldest,) = pages
    return Cursor(oldest.at + (newest.at - oldest.at) / 2, 0)


def reading(kyo: Kyo) -> None:
    print(header("filter", "counted", "first p50", "p95", "middle p50", "p95", "last p50", "p95"))
    worst = 0.0
    for name, wanted in filters(kyo).items():
        cursors = {"first": None, "middle": middle(kyo, wanted), "last": OLDEST}
        ways = {place: Way(partial(_read, kyo, wanted, cursor)) for place, cursor in cursors.items()}
        in_turns(ways, ["not to measure what is read for the first time"])
        taken = in_turns(ways, [str(number) for number in range(ROUNDS)])
        worst = max(worst, *(p95(values) for values in taken.values()))
        total = auditing.list_records(kyo, OPERATOR, wanted, None, PAGE).total
        figures = [f"{of(values):.1f}" for values in taken.values() for of in (median, p95)]
        print(row(name, f"{total:,}", *figures), flush=True)
    print(f"slowest 95th percentile of any page: {at_most(worst, WANTED_P95)} ms")


def _read(kyo: Kyo, wanted: AuditFilter, cursor: Cursor | None, _: str) -> object:
    return auditing.list_records(kyo, OPERATOR, wanted, cursor, PAGE)


def checking(kyo: Kyo) -> None:
    started = time.perf_counter()
    found = auditing.verify(kyo, OPERATOR)
    seconds = time.perf_counter() - started
    said = "it holds" if found.holds else f"BROKEN: {found.tampering}"
    print(f"checked {found.rows:,} rows in {seconds:.1f} s, {found.rows / seconds:,.0f} rows/s: {said}")


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep
        return
    with tempfile.TemporaryDirectory(prefix="kyo-bench-") as folder:
        yield Path(folder)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--keep", type=Path, help="A folder for the log, so that it is made once.")
    arguments = parser.parse_args()
    with _folder(arguments.keep) as folder, filled(folder, arguments.rows) as kyo:
        print(f"milliseconds a page of {PAGE}, {how_busy()}")
        reading(kyo)
        checking(kyo)
        print(how_busy())


if __name__ == "__main__":
    main()
