"""Puts vectors together that are near each other (scikit-learn)."""

import numpy as np
from numpy.typing import NDArray

_LEAST = 1e-6


def clusters_of(vectors: NDArray[np.float32], distance: float) -> list[list[int]]:
    """The rows in groups whose members are on average no further apart than this cosine distance; each row in one.

    Average linkage: it needs no number of clusters, its one threshold means something, and it leaves alone what has
    nothing near it. HDBSCAN puts together what has nothing in common where questions lie loosely: measured in
    `benchmarks/gaps.py`. Takes memory for each pair of rows, 8 bytes: 100 MB for 5,000.
    """
    # What a model knows no word of has no direction: it is like nothing.
    rows = np.flatnonzero(np.linalg.norm(vectors, axis=1) > _LEAST)
    alone = [[int(row)] for row in np.setdiff1d(np.arange(len(vectors)), rows)]
    if len(rows) <= 1:
        return [*([int(row)] for row in rows), *alone]
    # Here, since it takes 80 MB and half a second, which nobody is to pay who does not cluster.
    from sklearn.cluster import AgglomerativeClustering

    fitted = AgglomerativeClustering(
        n_clusters=None, metric="cosine", linkage="average", distance_threshold=distance
    ).fit_predict(vectors[rows])
    groups: dict[int, list[int]] = {}
    for row, label in zip(rows, fitted, strict=True):
        groups.setdefault(int(label), []).append(int(row))
    return [*groups.values(), *alone]
