"""What row-level security costs a search: `python -m benchmarks.row_security [--chunks 100000]`.

The same statement, in turns, by the app's role (under row-level security) and by the owner of the tables (to whom it
does not apply), for somebody who may read everything and for somebody who may read one document in a hundred. Passages
are of made-up words, of which few are frequent and many are rare, as in real text.
"""

import argparse
import random
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import numpy as np
from sqlalchemy import text

from benchmarks.spaces import first_set
from kyo_pipeline.db import corpus, search, users
from kyo_pipeline.db.embedding_sets import EmbeddingSet
from kyo_pipeline.db.engine import Database, Transaction
from kyo_pipeline.domain.actor import OPERATOR, Actor, Role
from kyo_pipeline.domain.database_role import DatabaseRole
from kyo_pipeline.kyo import database_url, open_database, open_kyo, utc_now
from kyo_pipeline.services import operations
from kyo_pipeline.settings import Settings

CHUNKS_A_DOCUMENT = 10
WORDS = [f"w{number}" for number in range(20_000)]
LENGTH = 60
ROUNDS = 200


def fill(tx: Transaction, space: EmbeddingSet, count: int) -> None:
    """`count` chunks in documents of ten, one document in a hundred in the collection that few may read alone."""
    tx.execute(
        text("insert into collections (name, created_at) values ('Few', now())"),
    )
    tx.execute(
        text(
            """
            insert into documents (collection_id, owner_id, title, state, created_at, updated_at)
            select (select id from collections where name = case when n % 100 = 0 then 'Few' else 'General' end),
              :owner, 'Document ' || n, 'in_review', now(), now()
            from generate_series(1, :documents) as n
            """
        ),
        {"owner": OPERATOR.id, "documents": count // CHUNKS_A_DOCUMENT},
    )
    tx.execute(
        text(
            """
            insert into document_versions
              (document_id, number, file_name, sha256, size_bytes, media_type, uploaded_by, uploaded_at, review, status)
            select id, 1, 'a.txt', repeat('0', 64), 1, 'text/plain', :owner, now(), 'approved', 'ready' from documents
            """
        ),
        {"owner": OPERATOR.id},
    )
    versions = list(tx.scalars(text("select id from document_versions")))
    _fill_chunks(tx, versions)
    corpus.add_lexemes(tx, versions)
    corpus.lock(tx)
    corpus.make_current(tx, versions, utc_now())
    corpus.weigh_all(tx, space.cutting_id, float(LENGTH))
    table = f"chunk_embeddings_{space.id}"
    tx.execute(text(f"drop index {table}_nearest"))  # to build it at once is quicker than row by row
    tx.execute(
        text(
            f"""
            insert into {table}
            select c.id, cast(array(
              select random() - 0.5 + 0 * c.id from generate_series(1, :dimensions)
            ) as vector)
            from chunks c
            """  # noqa: S608 — the name is made from an integer
        ),
        {"dimensions": space.spec.dimensions},
    )
    tx.execute(text("set local maintenance_work_mem = '512MB'"))
    tx.execute(text(f"create index on {table} using hnsw (embedding vector_cosine_ops)"))


def _fill_chunks(tx: Transaction, versions: list[UUID]) -> None:
    randomness = random.Random(7)  # noqa: S311 — not for secrets
    frequencies = [1 / (rank + 10) for rank in range(len(WORDS))]
    rows = [
        {"version": version, "n": n, "text": " ".join(randomness.choices(WORDS, frequencies, k=LENGTH))}
        for version in versions
        for n in range(CHUNKS_A_DOCUMENT)
    ]
    tx.execute(
        text(
            """
            insert into chunks
              (version_id, ordinal, text, start_offset, end_offset, tokens, heading_path, lexical, lexeme_count)
            values (:version, :n, :text, 0, length(:text), 1, '{}', to_tsvector('english', :text), 60)
            """
        ),
        rows,
    )


def measure(app: Database, owner: Database, space: EmbeddingSet, actor: Actor, name: str) -> None:
    """Median milliseconds of both, in turns: a busy moment meets both, and each is first as often as the other.

    Whoever is first finds the pages of its vectors in no cache.
    """
    randomness = random.Random(11)  # noqa: S311 — not for secrets
    vectors = np.random.default_rng(3).random((ROUNDS, space.spec.dimensions), dtype=np.float32) - 0.5
    seconds: dict[str, list[float]] = {"with": [], "without": []}
    found: dict[str, list[list[int]]] = {"with": [], "without": []}
    both = [("with", app), ("without", owner)]
    for vector in vectors:
        both.reverse()
        question = " ".join(randomness.choices(WORDS[:5000], k=6))
        for which, db in both:
            with db.transaction(actor) as tx:
                tx.execute(text("select 1"))
                started = time.perf_counter()
                passages = search.passages(tx, space, question, vector, 5)
                seconds[which].append(time.perf_counter() - started)
            found[which].append([passage.chunk_id for passage in passages])
    assert found["with"] == found["without"], "the two do not find the same"
    with_, without = (statistics.median(seconds[which]) * 1000 for which in ("with", "without"))
    print(f"  {name:28} with {with_:6.2f} ms   without {without:6.2f} ms   ratio {with_ / without:.3f}")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--chunks", type=int, default=100_000)
    count = arguments.parse_args().chunks
    with (
        tempfile.TemporaryDirectory(prefix="kyo-bench-") as home,
        operations.running_servers(Settings(KYO_HOME=Path(home) / "home")) as servers,
    ):
        operations.migrate(servers.settings)
        kyo, owner = open_kyo(servers.settings), Database(database_url(servers.settings))
        with owner.transaction(OPERATOR) as tx:
            space = first_set(tx, replace(kyo.embedder.spec, model="random"), utc_now())
            fill(tx, space, count)
            everything = users.add(tx, "all", "All", Role.ADMIN, utc_now(), password_hash="")
            few = users.add(tx, "few", "Few", Role.EMPLOYEE, utc_now(), password_hash="")
            tx.execute(text("update collections set everyone_access = null"))
            tx.execute(
                text("insert into collection_members select id, :user, 'read' from collections where name = 'Few'"),
                {"user": few.id},
            )
        with owner.autocommit() as connection:
            connection.execute(text("vacuum analyze"))
        print(f"{count} chunks, {count // CHUNKS_A_DOCUMENT} documents, {space.spec.dimensions} dimensions")
        app = open_database(servers.settings, DatabaseRole.APP)
        measure(app, owner, space, everything, "may read everything")
        measure(app, owner, space, few, "may read one in a hundred")
        app.close()
        owner.close()
        kyo.close()


if __name__ == "__main__":
    main()
