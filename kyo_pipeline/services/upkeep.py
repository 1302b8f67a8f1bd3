"""Looking after the index: weights that have drifted, and what has waited for too long."""

from datetime import timedelta

from kyo_pipeline.db import corpus, index_health
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.kyo import Kyo

STUCK_AFTER = timedelta(hours=1)


def refresh_weights(kyo: Kyo) -> int:
    """Compute all BM25 weights again where the average chunk length has drifted; returns how many, 0 if not needed."""
    with kyo.db.transaction(OPERATOR) as tx:
        corpus.lock(tx)
        return sum(corpus.weigh_all(tx, cutting, length) for cutting, length in corpus.drifted_lengths(tx).items())


def count_stuck(kyo: Kyo) -> int:
    """How many files have waited for more than an hour."""
    with kyo.db.transaction(OPERATOR) as tx:
        return index_health.count_stuck(tx, kyo.now() - STUCK_AFTER)
