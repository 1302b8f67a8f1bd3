"""nDCG@10 and latency of the search statement over labelled passages: `python -m benchmarks.retrieval SET…`.

A set is a folder with corpus.jsonl, queries.jsonl and qrels.tsv. Each passage is one chunk, so that what is measured is
the ranking, not the cutting. Prints a line for each weight of the dense leg: 0 is BM25 alone, 1 is the embedding alone.
"""

import argparse
import json
import math
import statistics
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

from sqlalchemy import text

from kyo_pipeline.db import chunks, corpus, documents, embedding_sets, search, versions
from kyo_pipeline.db.embedding_sets import EmbeddingSet
from kyo_pipeline.db.engine import Database, Transaction
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.chunks import Chunk, indexed_text
from kyo_pipeline.domain.documents import DocumentState
from kyo_pipeline.kyo import Kyo, database_url, open_kyo, utc_now
from kyo_pipeline.services import operations
from kyo_pipeline.settings import PROJECT_ROOT, Settings

SHARED = PROJECT_ROOT.parent / "shared/data"
SETS = ("handbook_faq/18f", "contoso_hr", "scifact")
WEIGHTS = (0.0, 0.2, 0.4, 0.5, 0.6, 0.8, 1.0)
QUERIES = 300


@dataclass(frozen=True)
class Labelled:
    """Passages (id, title, text), questions by id, and the relevance of passages for each."""

    passages: list[tuple[str, str, str]]
    questions: dict[str, str]
    relevant: dict[str, dict[str, int]]


def read(folder: Path) -> Labelled:
    relevant: dict[str, dict[str, int]] = {}
    for line in (folder / "qrels.tsv").read_text().splitlines()[1:]:
        question, passage, grade = line.split("\t")[:3]
        if int(grade) > 0:
            relevant.setdefault(question, {})[passage] = int(grade)
    rows = [json.loads(line) for line in (folder / "corpus.jsonl").open()]
    asked = [json.loads(line) for line in (folder / "queries.jsonl").open()]
    judged = [row for row in asked if row["id"] in relevant][:QUERIES]
    return Labelled(
        [(row["id"], row["title"] or "-", row["text"].replace("\0", "")) for row in rows],
        {row["id"]: row["text"] for row in judged},
        relevant,
    )


def index(kyo: Kyo, tx: Transaction, labelled: Labelled) -> tuple[EmbeddingSet, dict[UUID, str]]:
    """Put the passages in place of whatever was there; returns which version is which passage."""
    tx.execute(text("update documents set current_version_id = null"))
    tx.execute(text("delete from documents"))
    tx.execute(text("update lexemes set chunk_count = 0"))
    tx.execute(text("update corpus set chunk_count = 0, lexeme_count = 0, weighed_length = null"))
    space = embedding_sets.activate_new(tx, kyo.embedder.spec, utc_now())
    collection = tx.scalar(text("select id from collections"))
    named: dict[UUID, str] = {}
    rows = []
    for name, title, passage in labelled.passages:
        document = documents.add(tx, collection, OPERATOR.id, title, DocumentState.APPROVED, utc_now())
        version = versions.add(
            tx,
            document,
            file_name=name,
            sha256="0" * 64,
            size_bytes=1,
            media_type="text/plain",
            uploaded_by=OPERATOR.id,
            now=utc_now(),
        )
        named[version] = name
        piece = Chunk(0, passage, 0, len(passage), 1, None, None, ())
        rows.append((version, piece, indexed_text(title, (), passage)))
    chunks.replace(tx, rows, "one passage, one chunk")
    corpus.add_lexemes(tx, list(named))
    corpus.make_current(tx, list(named), utc_now())
    corpus.weigh_all(tx, corpus.drifted_length(tx) or 1.0)
    waiting = chunks.waiting(tx, space.id, list(named))
    vectors = kyo.embedder.embed_passages([piece.indexed_text for piece in waiting])
    chunks.replace_vectors(tx, space.id, [piece.id for piece in waiting], vectors)
    return space, named


def ndcg(ranked: list[str], relevant: Mapping[str, int], k: int = 10) -> float:
    """Normalised discounted cumulative gain of the first k, gains 2^grade - 1 (Järvelin and Kekäläinen 2002)."""
    gained = sum((2 ** relevant.get(name, 0) - 1) / math.log2(rank + 2) for rank, name in enumerate(ranked[:k]))
    ideal = sorted(relevant.values(), reverse=True)[:k]
    return gained / sum((2**grade - 1) / math.log2(rank + 2) for rank, grade in enumerate(ideal))


def measure(kyo: Kyo, labelled: Labelled, title: str) -> None:
    owner = Database(database_url(kyo.settings))
    with owner.transaction(OPERATOR) as tx:
        space, named = index(kyo, tx, labelled)
    with owner.autocommit() as connection:
        connection.execute(text("analyze"))
    owner.close()
    print(f"{title}: {len(labelled.passages)} passages, {len(labelled.questions)} questions")
    vectors = {question: kyo.embedder.embed_query(words) for question, words in labelled.questions.items()}
    for weight in WEIGHTS:
        weighed = replace(space, spec=replace(space.spec, dense_weight=weight))
        scores, seconds = [], []
        with kyo.db.transaction(OPERATOR) as tx:
            for question, words in labelled.questions.items():
                started = time.perf_counter()
                found = search.passages(tx, weighed, words, vectors[question], 10)
                seconds.append(time.perf_counter() - started)
                ranked = [named[passage.version_id] for passage in found]
                scores.append(ndcg(ranked, labelled.relevant[question]))
        print(
            f"  dense weight {weight:.1f}   nDCG@10 {statistics.mean(scores):.4f}   "
            f"median {statistics.median(seconds) * 1000:5.1f} ms   "
            f"p95 {statistics.quantiles(seconds, n=20)[-1] * 1000:5.1f} ms"
        )


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("sets", nargs="*", default=SETS, help=f"folders, or names in {SHARED.name}")
    wanted = [SHARED / name for name in arguments.parse_args().sets]
    if missing := [folder for folder in wanted if not folder.is_dir()]:
        print(f"skipped: there is no labelled data in {missing[0]}")
        return
    with (
        tempfile.TemporaryDirectory(prefix="kyo-bench-") as home,
        operations.running_servers(Settings(KYO_HOME=Path(home) / "home")) as servers,
    ):
        operations.migrate(servers.settings)
        kyo = open_kyo(servers.settings)
        for folder in wanted:
            measure(kyo, read(folder), str(folder.relative_to(SHARED)))
        kyo.close()


if __name__ == "__main__":
    main()
