"""An audit log of a million rows, chained and sealed as the product does it, in a database that is made once and kept.

A year of an organisation with 2,000 people: three rows in five are questions, one in five is the pipeline's, one in
thirty was refused. A few people do much, most do little.
"""

import csv
import io
import random
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import accumulate, islice
from pathlib import Path
from uuid import UUID

from sqlalchemy import Connection, text

from kyo_pipeline.adapters.audit_key import audit_key
from kyo_pipeline.db import audit_chain
from kyo_pipeline.db.engine import Database
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.audit_chain import Entry, Row, canonical, follow
from kyo_pipeline.kyo import Kyo, database_url, open_kyo, utc_now
from kyo_pipeline.services import operations
from kyo_pipeline.settings import Settings

PEOPLE = 2_000
DOCUMENTS = 20_000
DAYS = 365
BATCH = 20_000

#: By the pipeline, by people, and refused to people: event and how often among its like.
_PIPELINE = (("document:publish", 50), ("embedding_set:build", 1), ("corpus:repair", 1), ("audit:verify", 2))
_DONE = (
    ("answer:ask", 620),
    ("session:start", 60),
    ("session:end", 40),
    ("document:download", 30),
    ("answer:rate", 20),
    ("document:upload", 15),
    ("document:approve", 12),
    ("document:change", 5),
    ("collection:grant", 1),
    ("user:change_role", 1),
)
_REFUSED = (("access:refuse", 20), ("session:refuse", 60), ("answer:refuse", 10), ("document:refuse", 5))


@contextmanager
def filled(folder: Path, rows: int) -> Iterator[Kyo]:
    """Kyo under the app's role, on a log of at least so many rows."""
    with operations.running_servers(Settings(KYO_HOME=folder / f"audit-{rows}")) as servers:
        operations.migrate(servers.settings)
        owner = Database(database_url(servers.settings))
        with owner.transaction(OPERATOR) as tx:
            end = audit_chain.last(tx)
            if end.id < rows:
                for batch in _batches(follow(end, entries(rows - end.id), audit_key(servers.settings))):
                    copy(tx, batch)
        with owner.autocommit() as connection:
            connection.execute(text("vacuum (analyze) audit_log"))  # as the server does by itself in time
        owner.close()
        kyo = open_kyo(servers.settings)
        yield kyo
        kyo.close()


def entries(count: int) -> Iterator[Entry]:
    """The oldest first; the same people and things in each run, at times that end now."""
    chance = random.Random(7)  # noqa: S311 — not for secrets
    people = [UUID(int=chance.getrandbits(128), version=4) for _ in range(PEOPLE)]
    weights = list(accumulate(1 / (rank + 10) for rank in range(PEOPLE)))
    documents = [str(UUID(int=chance.getrandbits(128), version=4)) for _ in range(DOCUMENTS)]
    start, step = utc_now() - timedelta(days=DAYS), timedelta(days=DAYS) / count
    request = ""
    for number in range(count):
        if not request or chance.random() < 0.6:
            request = f"{chance.getrandbits(128):032x}"
        draw = chance.random()
        kinds = _PIPELINE if draw < 0.2 else _REFUSED if draw > 0.967 else _DONE
        event = chance.choices([name for name, _ in kinds], [often for _, often in kinds])[0]
        who = chance.choices(range(PEOPLE), cum_weights=weights)[0]
        by_pipeline = kinds is _PIPELINE
        yield Entry(
            start + step * number,
            OPERATOR.id if by_pipeline else people[who],
            OPERATOR.username if by_pipeline else f"person{who}",
            event,
            chance.choice(documents) if event.startswith("document") else str(UUID(int=chance.getrandbits(128))),
            "refused" if kinds is _REFUSED else "done",
            {"title": f"Handbook {number % 997}", "from": "employee", "to": "manager"},
            None if by_pipeline else f"10.{who % 7}.{who % 251}.{number % 251}",
            request,
        )


def copy(tx: Connection, rows: Iterable[Row]) -> None:
    """As the owner: nobody else may COPY into the log."""
    file = io.StringIO()
    written = csv.writer(file)
    for row in rows:
        entry = row.entry
        digest = "" if row.address_digest is None else _bytea(row.address_digest)
        identified = (row.id, entry.at.isoformat(), entry.actor_id or "", entry.actor_name)
        did = (entry.event, entry.object_type, entry.object_id, entry.outcome, canonical(entry.details))
        came = (entry.address or "", entry.request_id or "", digest)
        written.writerow((*identified, *did, *came, _bytea(row.previous_hash), _bytea(row.hash), _bytea(row.seal)))
    file.seek(0)
    columns = (
        "id, at, actor_id, actor_name, event, object_type, object_id, outcome, details, address, request_id, "
        "address_digest, previous_hash, hash, seal"
    )
    cursor = tx.connection.cursor()
    cursor.copy_expert(f"copy audit_log ({columns}) from stdin with (format csv)", file)


def _bytea(value: bytes) -> str:
    return f"\\x{value.hex()}"


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while batch := list(islice(rows, BATCH)):
        yield batch
