"""A database filled with many searchable passages, kept in a folder, so that it is made once.

It is filled as the pipeline fills it, by the same functions; only that the indexes are dropped meanwhile and built at
the end. Four people read it: all of it, one document in ten, in a hundred, in a thousand.
"""

import hashlib
import json
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import UUID, uuid4

import numpy as np
from sqlalchemy import text

from benchmarks import passages
from benchmarks.kept_vectors import embedded
from benchmarks.spaces import first_set, store
from kyo_pipeline.db import chunks, corpus, embedding_sets, users
from kyo_pipeline.db.chunks import vector_table
from kyo_pipeline.db.embedding_sets import EmbeddingSet
from kyo_pipeline.db.engine import Database, Transaction
from kyo_pipeline.domain.actor import OPERATOR, Actor, Role
from kyo_pipeline.domain.chunks import Chunk, indexed_text
from kyo_pipeline.domain.ports import Embedder, Vectors
from kyo_pipeline.kyo import Kyo, database_url, open_kyo, utc_now
from kyo_pipeline.services import operations
from kyo_pipeline.services.operations import Servers
from kyo_pipeline.settings import PROJECT_ROOT, Settings

#: Each reader with the collections that are theirs, and which of a thousand documents lie in the last of these.
READERS = {
    "100 %": ("Rest", "Tenth", "Hundredth", "Thousandth"),
    "10 %": ("Tenth",),
    "1 %": ("Hundredth",),
    "0.1 %": ("Thousandth",),
}
BATCH_DOCUMENTS = 500
_MADE_LAST = "filled.json"  # while it is missing, the folder is not complete

#: What decides how things are stored: when it changes, the database is made anew.
_STORAGE = (
    *sorted((PROJECT_ROOT / "sql/migrations").glob("*.sql")),
    *(PROJECT_ROOT / "sql" / name for name in ("functions/create_vector_table.sql", "queries/weigh_chunks.sql")),
    *(PROJECT_ROOT / "kyo_pipeline/db" / name for name in ("chunks.py", "corpus.py")),
    *(PROJECT_ROOT / "benchmarks" / name for name in ("passages.py", "filling.py")),
)


@dataclass(frozen=True)
class Built:
    """How long it took to fill, in seconds, and with how much memory for building the index."""

    passages: int
    loading: float
    index: float
    other_indexes: float
    maintenance_work_mem: str


@dataclass(frozen=True)
class Filled:
    """`kyo` works under the app's role, `owner` owns the tables; `readers` are by the share that they may read."""

    servers: Servers
    kyo: Kyo
    owner: Database
    space: EmbeddingSet
    readers: dict[str, Actor]
    built: Built


@contextmanager
def filled(count: int, keep: Path, *, reuse: bool = False) -> Iterator[Filled]:
    """The database with `count` passages: the one in `keep`, if it is of today's tables. `reuse` takes it in any case.

    There is a Redis beside it. The limits on questions are out of the way.
    """
    folder = keep / f"passages-{count}"
    if (folder / _MADE_LAST).exists() and not reuse and _made_of(folder) != fingerprint():
        print(f"{folder} is of other tables or passages: made anew", flush=True)
        shutil.rmtree(folder)
    settings = Settings(KYO_HOME=folder / "home", KYO_QUERIES_PER_MINUTE=10**9, MAX_QUERIES_PER_DAY=10**9)
    if not (folder / _MADE_LAST).exists():
        shutil.rmtree(folder, ignore_errors=True)
        _make(folder, settings, count)
    with operations.running_servers(settings, redis=True) as servers:
        operations.migrate(servers.settings)
        kyo, owner = open_kyo(servers.settings), Database(database_url(servers.settings))
        with owner.transaction(OPERATOR) as tx:
            space = embedding_sets.active(tx)
            readers = {share: users.by_username(tx, _username(share)) for share in READERS}
        assert space is not None
        built = Built(**json.loads((folder / _MADE_LAST).read_text())["built"])
        try:
            yield Filled(servers, kyo, owner, space, {share: one for share, one in readers.items() if one}, built)
        finally:
            owner.close()
            kyo.close()


def fingerprint() -> str:
    """Of everything that decides what is in the folder."""
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in _STORAGE)).hexdigest()


@dataclass(frozen=True)
class Batch:
    """Documents by number, their passages as they are embedded, and the vectors of these."""

    numbers: range
    documents: list[passages.Document]
    indexed: list[str]
    vectors: Vectors


def load(tx: Transaction, space: EmbeddingSet, versions: list[UUID], batch: Batch) -> None:
    """Passages, weights, vectors and publication of new versions: the end state of the pipeline, by its functions."""
    pieces = [
        (version, chunk)
        for version, document in zip(versions, batch.documents, strict=True)
        for chunk in _chunks(document)
    ]
    rows = [(version, chunk, indexed) for (version, chunk), indexed in zip(pieces, batch.indexed, strict=True)]
    store(tx, space, rows)
    corpus.add_lexemes(tx, versions)
    corpus.lock(tx)
    corpus.make_current(tx, versions, utc_now())
    drifted = corpus.drifted_lengths(tx)
    for cutting_id, average in drifted.items():
        corpus.weigh_all(tx, cutting_id, average)
    if not drifted:
        corpus.weigh(tx, versions, space.cutting_id)
    vector_of = dict(zip(batch.indexed, batch.vectors, strict=True))
    waiting = chunks.waiting(tx, space.id, space.cutting_id, versions)
    vectors = np.stack([vector_of[chunk.indexed_text] for chunk in waiting])
    chunks.replace_vectors(tx, space.id, [chunk.id for chunk in waiting], vectors)


def batches(embedder: Embedder, count: int, keep: Path) -> Iterator[Batch]:
    """All documents with `count` passages, in order; the next ones are made while these are used."""
    source, documents = passages.read(), -(-count // passages.PASSAGES_A_DOCUMENT)
    ranges = [range(first, min(first + BATCH_DOCUMENTS, documents)) for first in range(0, documents, BATCH_DOCUMENTS)]
    with ThreadPoolExecutor(1) as ahead:
        waiting = ahead.submit(_batch, source, embedder, ranges[0], count, keep)
        for numbers in [*ranges[1:], None]:
            batch = waiting.result()
            if numbers is not None:
                waiting = ahead.submit(_batch, source, embedder, numbers, count, keep)
            yield batch


def _batch(source: passages.Corpus, embedder: Embedder, numbers: range, count: int, keep: Path) -> Batch:
    each = passages.PASSAGES_A_DOCUMENT
    documents = [source.document(number, min(each, count - number * each)) for number in numbers]
    indexed = [
        indexed_text(document.title, chunk.heading_path, chunk.text)
        for document in documents
        for chunk in _chunks(document)
    ]
    return Batch(numbers, documents, indexed, embedded(embedder, indexed, keep))


def _make(folder: Path, settings: Settings, count: int) -> None:
    with operations.running_servers(settings) as servers:
        operations.migrate(servers.settings)
        kyo, owner = open_kyo(servers.settings), Database(database_url(servers.settings))
        try:
            built = _fill(kyo, owner, count, folder.parent)
        finally:
            owner.close()
            kyo.close()
    made = {"of": fingerprint(), "built": asdict(built)}
    (folder / _MADE_LAST).write_text(json.dumps(made))


def _fill(kyo: Kyo, owner: Database, count: int, keep: Path) -> Built:
    started = time.perf_counter()
    with owner.transaction(OPERATOR) as tx:
        space = first_set(tx, kyo.embedder.spec, utc_now())
        collections = _add_readers(tx)
        later, index = _drop_indexes(tx, "chunks"), _drop_indexes(tx, vector_table(space.id))
    for batch in batches(kyo.embedder, count, keep):
        with owner.transaction(OPERATOR) as tx:
            load(tx, space, _add_documents(tx, collections, batch), batch)
            tx.execute(text("analyze"))  # for the plans of the next one: much has been added since autovacuum came by
        print(f"  {batch.numbers.stop} documents, {time.perf_counter() - started:.0f} s", flush=True)
    loaded = time.perf_counter()
    memory = "512MB" if count <= 200_000 else "3GB"
    for statements in (later, index):
        with owner.transaction(OPERATOR) as tx:
            tx.execute(text(f"set local maintenance_work_mem = '{memory}'"))
            for statement in statements:
                tx.exec_driver_sql(statement)
        built = time.perf_counter()
        if statements is later:
            between = built
    with owner.autocommit() as connection:
        connection.execute(text("vacuum analyze"))
    return Built(count, loaded - started, built - between, between - loaded, memory)


def _chunks(document: passages.Document) -> Iterator[Chunk]:
    start = 0
    for ordinal, (heading, passage) in enumerate(document.passages):
        end = start + len(passage)
        yield Chunk(ordinal, passage, start, end, len(passage) // 4, None, None, (heading,))
        start = end + 2


def _add_documents(tx: Transaction, collections: dict[str, UUID], batch: Batch) -> list[UUID]:
    """Approved and ready, without passages yet; returns the versions."""
    versions = [uuid4() for _ in batch.numbers]
    rows = [
        {
            "id": uuid4(),
            "version": version,
            "collection": collections[_collection_of(number)],
            "title": document.title,
            "file": f"{number}.txt",
            "owner": OPERATOR.id,
            "now": utc_now(),
        }
        for number, document, version in zip(batch.numbers, batch.documents, versions, strict=True)
    ]
    tx.execute(
        text(
            """
            insert into documents (id, collection_id, owner_id, title, state, created_at, updated_at)
            values (:id, :collection, :owner, :title, 'in_review', :now, :now)
            """
        ),
        rows,
    )
    tx.execute(
        text(
            """
            insert into document_versions
              (id, document_id, number, file_name, sha256, size_bytes, media_type, uploaded_by, uploaded_at, review,
               status, ready_at)
            values (:version, :id, 1, :file, repeat('0', 64), 1, 'text/plain', :owner, :now, 'approved', 'ready', :now)
            """
        ),
        rows,
    )
    return versions


def _collection_of(number: int) -> str:
    if number % 1000 == 0:
        return "Thousandth"
    if number % 100 == 1:
        return "Hundredth"
    return "Tenth" if number % 10 == 2 else "Rest"


def _add_readers(tx: Transaction) -> dict[str, UUID]:
    """Collections and the people that may read them; returns the collections by name."""
    tx.execute(text("update collections set everyone_access = null"))
    names = READERS["100 %"]
    added = text("insert into collections (name, created_at) values (:name, now()) returning id")
    ids = {name: UUID(str(tx.scalar(added, {"name": name}))) for name in names}
    for share, readable in READERS.items():
        person = users.add(tx, _username(share), f"Reads {share}", Role.EMPLOYEE, utc_now(), password_hash="")
        tx.execute(
            text("insert into collection_members (collection_id, user_id, access) values (:collection, :user, 'read')"),
            [{"collection": ids[name], "user": person.id} for name in readable],
        )
    return ids


def _username(share: str) -> str:
    return f"reads-{share.removesuffix(' %')}"


def _drop_indexes(tx: Transaction, table: str) -> list[str]:
    """All that no constraint needs; returns the statements that make them again."""
    rows = tx.execute(
        text(
            """
            select cast(i.indexrelid as regclass) as name, pg_get_indexdef(i.indexrelid) as statement
            from pg_index i
            where i.indrelid = cast(:table as regclass)
              and not exists (select from pg_constraint c where c.conindid = i.indexrelid)
            """
        ),
        {"table": table},
    ).all()
    for row in rows:
        tx.exec_driver_sql(f"drop index {row.name}")
    return [row.statement for row in rows]


def _made_of(folder: Path) -> str:
    return str(json.loads((folder / _MADE_LAST).read_text())["of"])
