"""Files per second through Dagster, beside the bare loop in the same run: `python -m benchmarks.ingest [--files 238]`.

The bare loop is one process that reads, cuts, embeds and COPYs the same files with the same functions into the same
tables on the same server, and nothing else: no child process for parsing, no claims, no Dagster. Through Dagster the
clock runs from the moment the files are released to the moment the last one is ready: sensor, process start, all steps.
"""

import argparse
import time
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.engine import make_url

from benchmarks.corpus import text_files
from benchmarks.spaces import first_set, store
from benchmarks.stack import running_stack
from kyo_pipeline.adapters.embedding.factory import open_embedder
from kyo_pipeline.adapters.parsing.text import parse_text
from kyo_pipeline.db import chunks, corpus, documents, texts, versions
from kyo_pipeline.db.engine import Database
from kyo_pipeline.db.migrate import migrate
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.chunking import chunk
from kyo_pipeline.domain.chunks import indexed_text
from kyo_pipeline.domain.documents import DocumentState
from kyo_pipeline.domain.likeness import Signature
from kyo_pipeline.kyo import Kyo, database_url, utc_now
from kyo_pipeline.services import library
from kyo_pipeline.settings import Settings

BATCH = 50


def bare_loop(url: str, files: list[tuple[str, bytes]]) -> float:
    """Seconds of the bare loop for all files, into a fresh database."""
    migrate(url)
    db, embedder = Database(url), open_embedder(Settings())
    embedder.embed_query("load the model")
    ids = _empty_versions(db, files)
    with db.transaction(OPERATOR) as tx:
        space = first_set(tx, embedder.spec, utc_now())
    started = time.perf_counter()
    for start in range(0, len(files), BATCH):
        rows = []
        with db.transaction(OPERATOR) as tx:
            for version_id, (name, content) in list(zip(ids, files, strict=True))[start : start + BATCH]:
                document = parse_text(content)
                texts.save(tx, version_id, document, Signature.of(document.text))
                pieces = chunk(document, embedder.tokenizer, 500, 50)
                rows += [(version_id, piece, indexed_text(name, piece.heading_path, piece.text)) for piece in pieces]
            store(tx, space, rows)
            batch = ids[start : start + BATCH]
            corpus.add_lexemes(tx, batch)
            corpus.weigh(tx, batch, space.cutting_id)
            waiting = chunks.waiting(tx, space.id, space.cutting_id, batch)
            vectors = embedder.embed_passages([piece.indexed_text for piece in waiting])
            chunks.replace_vectors(tx, space.id, [piece.id for piece in waiting], vectors)
    seconds = time.perf_counter() - started
    db.close()
    return seconds


def through_dagster(kyo: Kyo, files: list[tuple[str, bytes]]) -> float:
    """Seconds from the release of all files to the last one ready, with the whole stack running."""
    _hold_back(kyo)
    for name, content in files:
        library.upload(kyo, OPERATOR, name, content)
    time.sleep(2)
    started = time.perf_counter()
    _release(kyo)
    while _unfinished(kyo):
        time.sleep(0.05)
    return time.perf_counter() - started


def _empty_versions(db: Database, files: list[tuple[str, bytes]]) -> list[UUID]:
    with db.transaction(OPERATOR) as tx:
        collection = tx.scalar(text("select id from collections"))
        ids = []
        for name, content in files:
            document = documents.add(tx, collection, OPERATOR.id, name, DocumentState.IN_REVIEW, utc_now())
            ids.append(
                versions.add(
                    tx,
                    document,
                    file_name=name,
                    sha256="0" * 64,
                    size_bytes=len(content),
                    media_type="text/plain",
                    uploaded_by=OPERATOR.id,
                    now=utc_now(),
                )
            )
    return ids


def _url_of(database: str, kyo: Kyo) -> str:
    return make_url(database_url(kyo.settings)).set(database=database).render_as_string(hide_password=False)


def _owner(kyo: Kyo) -> Database:
    """Only the owner of the tables may alter them."""
    return Database(database_url(kyo.settings))


def _hold_back(kyo: Kyo) -> None:
    with _owner(kyo).transaction(OPERATOR) as tx:
        tx.execute(text("alter table document_versions alter retry_at set default now() + interval '1 hour'"))


def _release(kyo: Kyo) -> None:
    with _owner(kyo).transaction(OPERATOR) as tx:
        tx.execute(text("alter table document_versions alter retry_at drop default"))
        tx.execute(text("update document_versions set retry_at = null"))
        versions.announce_work(tx)


def _unfinished(kyo: Kyo) -> int:
    with kyo.db.transaction(OPERATOR) as tx:
        return int(
            tx.scalar(text("select count(*) from document_versions where status not in ('ready', 'failed')")) or 0
        )


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--files", type=int, default=238)
    files = text_files(arguments.parse_args().files)
    with running_stack() as (_, kyo):
        with _owner(kyo).autocommit() as connection:
            connection.execute(text("create database bare"))
        bare = bare_loop(_url_of("bare", kyo), files)
        dagster = through_dagster(kyo, files)
    print(f"files                  {len(files)}, {sum(len(content) for _, content in files) / 1e6:.1f} MB")
    print(f"bare loop              {bare:6.2f} s   {len(files) / bare:6.1f} files/s")
    print(f"through Dagster        {dagster:6.2f} s   {len(files) / dagster:6.1f} files/s")
    print(f"ratio                  {bare / dagster:6.2f}     (at least 0.60 is wanted)")


if __name__ == "__main__":
    main()
