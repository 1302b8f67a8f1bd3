"""How long things took, counted in buckets that grow: percentiles of any number of days by adding them up.

Bucket b holds what took from 10^(b/20) to 10^((b+1)/20), so that each is 12 % wider than the one before. A percentile
is told as the middle of its bucket: off by 6 % at the most.
"""

from collections.abc import Mapping

BUCKETS_A_DECADE = 20


def percentile(counts: Mapping[int, int], share: float) -> float | None:
    """What a share of all (0 to 1) did not take longer than, by counts of buckets; None when there are none."""
    rank = share * sum(counts.values())
    seen = 0
    for bucket in sorted(counts):
        seen += counts[bucket]
        if counts[bucket] and seen >= rank:
            return middle(bucket)
    return None


def middle(bucket: int) -> float:
    """Off by the same share from both ends."""
    return float(10 ** ((bucket + 0.5) / BUCKETS_A_DECADE))
