"""Labelled passages of the shared sets, each passage one chunk, so that what is measured is ranking and not cutting."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from sqlalchemy import text

from benchmarks.spaces import first_set, store
from kyo_pipeline.adapters import scoring
from kyo_pipeline.adapters.labelled_sets import read_set
from kyo_pipeline.db import chunks, corpus, documents, versions
from kyo_pipeline.db.embedding_sets import EmbeddingSet
from kyo_pipeline.db.engine import Transaction
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.chunks import Chunk, indexed_text
from kyo_pipeline.domain.documents import DocumentState
from kyo_pipeline.kyo import Kyo, utc_now
from kyo_pipeline.settings import PROJECT_ROOT

SHARED = PROJECT_ROOT.parent / "shared/data"
SETS = ("handbook_faq/18f", "contoso_hr", "scifact")
QUERIES = 300


@dataclass(frozen=True)
class Labelled:
    """Passages (id, title, text), questions by id, and the relevance of passages for each."""

    passages: list[tuple[str, str, str]]
    questions: dict[str, str]
    relevant: dict[str, dict[str, int]]


def read(folder: Path) -> Labelled:
    found = read_set(folder)
    return Labelled(
        [(one.id, one.title or "-", one.text) for one in found.passages],
        {one.id: one.text for one in found.judged[:QUERIES]},
        {question: dict(grades) for question, grades in found.relevant.items()},
    )


def index(kyo: Kyo, tx: Transaction, labelled: Labelled) -> tuple[EmbeddingSet, dict[UUID, str]]:
    """Put the passages in place of whatever was there; returns which version is which passage."""
    tx.execute(text("update documents set current_version_id = null"))
    tx.execute(text("delete from documents"))
    tx.execute(text("delete from lexeme_counts"))
    tx.execute(text("update cuttings set chunk_count = 0, lexeme_count = 0, weighed_length = null"))
    space = first_set(tx, kyo.embedder.spec, utc_now())
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
    store(tx, space, rows)
    corpus.add_lexemes(tx, list(named))
    corpus.make_current(tx, list(named), utc_now())
    corpus.weigh_all(tx, space.cutting_id, corpus.drifted_lengths(tx).get(space.cutting_id, 1.0))
    waiting = chunks.waiting(tx, space.id, space.cutting_id, list(named))
    vectors = kyo.embedder.embed_passages([piece.indexed_text for piece in waiting])
    chunks.replace_vectors(tx, space.id, [piece.id for piece in waiting], vectors)
    return space, named


def ndcg(ranked: list[str], relevant: Mapping[str, int]) -> float:
    """nDCG@10 of one question, by trec_eval."""
    return scoring.score({"question": ranked}, {"question": relevant}).ndcg_at_10
