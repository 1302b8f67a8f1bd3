"""Looks for knowledge gaps: which questions had no good answer, and which of them mean the same. For the pipeline."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import numpy as np

from kyo_pipeline.adapters.clustering import clusters_of
from kyo_pipeline.db import audit, gap_finding
from kyo_pipeline.db.engine import Transaction
from kyo_pipeline.db.gap_finding import Candidate, GapCount, Placed, Vector
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.audit import Event
from kyo_pipeline.domain.doubt import kind_of
from kyo_pipeline.domain.gap_matching import plan
from kyo_pipeline.domain.gaps import REOPEN_AFTER, GapKind
from kyo_pipeline.domain.nearness import UNRELATED, centralities, distance_allowed
from kyo_pipeline.known import without_words
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.serving import serving

#: Comparing each pair takes 8 bytes, and time.
MOST = 5000

_BATCH = 256

Vectors = Mapping[UUID, Vector]


@dataclass(frozen=True)
class GapReport:
    """What a look has found, in numbers. `left_out`: there were more than `MOST`, and older ones were not seen."""

    questions: Mapping[GapKind, int]
    embedded: int
    new: int
    reopened: int
    gaps: tuple[GapCount, ...]
    left_out: bool
    seconds: float


def find_gaps(kyo: Kyo, on_batch: Callable[[int, int], None] = lambda *_: None) -> GapReport | None:
    """Put questions without a good answer together, and keep the gaps that there are. None: nothing is searched yet.

    Each question is embedded once in each embedding set; `on_batch` hears how many of how many are. Twice is the same
    as once, also at the same moment. Needs the pipeline's database role. Raises `Conflict`, `Unavailable`.
    """
    begun = time.perf_counter()
    kyo, embedding_set = serving(kyo, OPERATOR)
    if embedding_set is None:
        return None
    found = _candidates(kyo)
    with without_words():
        vectors, embedded = _embedded(kyo, embedding_set.id, found, on_batch)
        clusters = _clusters(kyo, vectors) if vectors else []
    with kyo.db.transaction(OPERATOR) as tx:
        gap_finding.lock(tx)
        new, reopened, kinds = _store(kyo, tx, clusters, vectors)
        counts = gap_finding.counts(tx)
        gap_finding.note_run(tx, kyo.now(), sum(kinds.values()), len(counts))
    return GapReport(kinds, embedded, new, reopened, counts, len(found) == MOST, time.perf_counter() - begun)


def _candidates(kyo: Kyo) -> tuple[Candidate, ...]:
    with kyo.db.transaction(OPERATOR) as tx:
        return _read(kyo, tx)


def _read(kyo: Kyo, tx: Transaction) -> tuple[Candidate, ...]:
    since = kyo.now() - timedelta(days=kyo.settings.KYO_GAP_DAYS)
    return gap_finding.candidates(tx, since, MOST)


def _embedded(
    kyo: Kyo, set_id: int, found: Sequence[Candidate], on_batch: Callable[[int, int], None]
) -> tuple[Vectors, int]:
    """A vector of each question that counts, and how many are new. Each batch is kept, should the next one fail."""
    counting = {one.id: one.text for one in found if kind_of(one.facts) is not None}
    with kyo.db.transaction(OPERATOR) as tx:
        known = gap_finding.vectors(tx, set_id, list(counting))
    missing = [one for one in counting if one not in known]
    for start in range(0, len(missing), _BATCH):
        ids = missing[start : start + _BATCH]
        made = dict(zip(ids, kyo.embedder.embed_passages([counting[one] for one in ids]), strict=True))
        with kyo.db.transaction(OPERATOR) as tx:
            gap_finding.add_vectors(tx, set_id, made)
        known |= made
        on_batch(min(start + _BATCH, len(missing)), len(missing))
    return known, len(missing)


def _clusters(kyo: Kyo, vectors: Vectors) -> list[frozenset[UUID]]:
    ids = sorted(vectors)  # so that the same questions make the same clusters
    distance = distance_allowed(kyo.embedder.embed_passages(UNRELATED))
    rows = clusters_of(np.stack([vectors[one] for one in ids]), distance)
    return [frozenset(ids[row] for row in group) for group in rows]


def _store(
    kyo: Kyo, tx: Transaction, clusters: Sequence[frozenset[UUID]], vectors: Vectors
) -> tuple[int, int, dict[GapKind, int]]:
    """How many gaps are new, how many were opened again, and the questions by kind. Needs the lock."""
    # Once more: what was asked may have been deleted, or rated, while it was embedded.
    found = _read(kyo, tx)
    kinds = {one.id: kind for one in found if (kind := kind_of(one.facts)) is not None}
    asked = {one.id: one.asked_at for one in found}
    there = [cluster & kinds.keys() & vectors.keys() for cluster in clusters]
    planned = plan([one for one in there if one], gap_finding.members(tx), gap_finding.settled(tx))
    home = dict(planned.members)
    for cluster in planned.new:
        home |= dict.fromkeys(cluster, gap_finding.add_gap(tx, kyo.now()))
    gap_finding.place(tx, _placed(home, kinds, vectors))
    gap_finding.take_out(tx, kinds, asked)
    gap_finding.forget_vectors(tx, kinds)
    reopened = 0
    for gap_id, closed_at in gap_finding.closed(tx).items():
        since = sum(asked[question] > closed_at for question, gap in home.items() if gap == gap_id)
        if since >= REOPEN_AFTER:
            gap_finding.reopen(tx, OPERATOR, gap_id, since, kyo.now())
            audit.record(tx, OPERATOR, Event.GAP_REOPEN, gap_id, kyo.now(), {"asked_since": since})
            reopened += 1
    return len(planned.new), reopened, dict(Counter(kinds[question] for question in home))


def _placed(home: Mapping[UUID, UUID], kinds: Mapping[UUID, GapKind], vectors: Vectors) -> list[Placed]:
    together: dict[UUID, list[UUID]] = {}
    for question, gap in sorted(home.items()):
        together.setdefault(gap, []).append(question)
    return [
        Placed(question, gap, kinds[question], round(central, 6))
        for gap, questions in together.items()
        for question, central in zip(questions, centralities(np.stack([vectors[q] for q in questions])), strict=True)
    ]
