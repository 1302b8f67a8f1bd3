"""Arithmetic on the matrices that models return."""

import numpy as np
from numpy.typing import NDArray

from kyo_pipeline.domain.ports import Vectors


def unit_rows(matrix: NDArray[np.floating]) -> Vectors:
    """Rows of length 1, float32. A row of zeros becomes the first axis, so that no cosine is NaN."""
    rows = np.array(matrix, dtype=np.float32)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    rows[lengths[:, 0] == 0, 0] = 1.0
    lengths[lengths == 0] = 1.0
    unit: Vectors = rows / lengths
    return unit


def by_length(texts: list[str]) -> list[int]:
    """Positions of `texts`, shortest first: a batch is padded to its longest text."""
    return sorted(range(len(texts)), key=lambda position: len(texts[position]))
