"""The passages for a question: embedded, searched, and put together for whoever writes the answer."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from kyo_pipeline.db import search as searching
from kyo_pipeline.db.embedding_sets import EmbeddingSet
from kyo_pipeline.db.engine import Transaction
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.chunks import indexed_text
from kyo_pipeline.domain.context import SPARE, Room, assemble
from kyo_pipeline.domain.languages import ENGLISH, language_of_question
from kyo_pipeline.domain.lexical import Analysis
from kyo_pipeline.domain.ports import Reranker, Vectors
from kyo_pipeline.domain.reranking import CANDIDATES, reordered
from kyo_pipeline.domain.retrieval import Passage, Retrieval
from kyo_pipeline.errors import Unavailable
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.serving import serving

VECTOR_CACHE_SECONDS = 24 * 3600


@dataclass
class Stages:
    """Milliseconds a stage."""

    timings: dict[str, float] = field(default_factory=dict)
    _since: float = field(default_factory=time.perf_counter)

    def begin(self) -> None:
        """What has passed until now belongs to no stage."""
        self._since = time.perf_counter()

    def done(self, stage: str) -> None:
        now = time.perf_counter()
        self.timings[stage] = round((now - self._since) * 1000, 2)
        self._since = now


def retrieve(
    kyo: Kyo, actor: Actor, question: str, limit: int, stages: Stages, embedding_set: EmbeddingSet | None = None
) -> Retrieval:
    """The `limit` best passages that the actor may read. Raises `Conflict`, `Unavailable`.

    `embedding_set` is what `serving` has said, with the Kyo that came with it; None: what serves now.
    """
    if embedding_set is None:
        kyo, embedding_set = serving(kyo, actor)
    if embedding_set is None:
        return Retrieval((), {}, 0.0, 0)
    vector = vector_of(kyo, question)
    stages.done("embed")
    with kyo.db.transaction(actor) as tx:
        analysis = analysed(kyo, tx, question, embedding_set)
        # More than are wanted: some are put together, and somebody may put them into a better order.
        wanted = max(SPARE * limit, CANDIDATES if kyo.reranker is not None else 0)
        found = searching.passages(tx, embedding_set, question, vector, wanted, analysis)
    stages.done("search")
    is_whole = True
    if kyo.reranker is not None:
        try:
            found = reranked(kyo.reranker, question, found)
        except Unavailable:  # the order of the search is there
            is_whole = False
        stages.done("rerank")
    explicit = kyo.settings.explicit_similarity_threshold
    return Retrieval(
        passages=assemble(found, Room.of(limit, kyo.settings.CHUNK_SIZE)),
        term_weights=analysis.weights,
        similarity_threshold=embedding_set.spec.similarity_threshold if explicit is None else explicit,
        embedding_set_id=embedding_set.id,
        corrections=analysis.corrections,
        language=analysis.spoken or ENGLISH,
        is_whole=is_whole,
    )


def analysed(kyo: Kyo, tx: Transaction, question: str, embedding_set: EmbeddingSet) -> Analysis:
    """What the words of the question say to the search in a set, in the languages that documents are in."""
    spoken = _spoken(kyo, question, searching.languages(tx))
    return searching.analyse(tx, question, spoken, embedding_set.cutting_id)


def _spoken(kyo: Kyo, question: str, languages: Sequence[str]) -> str | None:
    """The configuration of the question's language; where documents are in one alone, nobody has to find out."""
    if len(languages) < 2:
        return languages[0] if languages else None
    return language_of_question(kyo.languages.likelihoods(question), languages)


def reranked(reranker: Reranker, question: str, found: tuple[Passage, ...]) -> tuple[Passage, ...]:
    """The first of what was found in the reranker's order, then the others. Raises `Unavailable`."""
    head = found[:CANDIDATES]
    texts = [indexed_text(passage.title, passage.heading_path, passage.text) for passage in head]
    return (*reordered(head, reranker.rerank(question, texts)), *found[CANDIDATES:])


def vector_of(kyo: Kyo, question: str) -> Vectors:
    """The question's vector, shape (dimensions,), from the cache where it was embedded before."""
    spec = kyo.embedder.spec
    name = "\x1f".join((spec.backend, spec.model, spec.revision, spec.pooling, spec.query_prefix, question))
    key = f"vector:{hashlib.sha256(name.encode()).hexdigest()}"
    cached = kyo.cache.get(key)
    if cached is not None and len(cached) == 4 * spec.dimensions:
        return np.frombuffer(cached, dtype=np.float32)
    vector = kyo.embedder.embed_query(question)
    kyo.cache.set(key, vector.astype(np.float32).tobytes(), VECTOR_CACHE_SECONDS)
    return vector
