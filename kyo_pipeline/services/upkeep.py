"""Looking after the index: weights that have drifted, and what should never be."""

from datetime import timedelta

from kyo_pipeline.db import corpus, embedding_sets, index_health
from kyo_pipeline.db.index_health import IndexHealth
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.kyo import Kyo

STUCK_AFTER = timedelta(hours=1)


def refresh_weights(kyo: Kyo) -> int:
    """Compute all BM25 weights again if the average chunk length has drifted; returns how many, 0 if not needed."""
    with kyo.db.transaction(OPERATOR) as tx:
        corpus.lock(tx)
        length = corpus.drifted_length(tx)
        return corpus.weigh_all(tx, length) if length is not None else 0


def inspect(kyo: Kyo) -> IndexHealth:
    """Count what should never be in the index."""
    with kyo.db.transaction(OPERATOR) as tx:
        active = embedding_sets.active(tx)
        return index_health.inspect(tx, active.id) if active else IndexHealth(0, 0, 0, 0)


def count_stuck(kyo: Kyo) -> int:
    """How many files have waited for more than an hour."""
    with kyo.db.transaction(OPERATOR) as tx:
        return index_health.count_stuck(tx, kyo.now() - STUCK_AFTER)
