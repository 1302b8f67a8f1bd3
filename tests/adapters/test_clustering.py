import subprocess
import sys

import numpy as np
import pytest

from kyo_pipeline.adapters.clustering import clusters_of
from kyo_pipeline.domain.nearness import UNRELATED, distance_allowed
from kyo_pipeline.domain.ports import Embedder
from tests.gaps import DOGS, ROOMS


def found(vectors: np.ndarray, distance: float) -> list[list[int]]:
    return sorted(sorted(group) for group in clusters_of(vectors, distance))


def test_what_is_near_comes_together_and_each_row_is_in_one_group() -> None:
    vectors = np.array([[1, 0], [0, 1], [0.99, 0.1], [0.1, 0.99]], dtype=np.float32)
    assert found(vectors, 0.4) == [[0, 2], [1, 3]]
    assert found(vectors, 0.001) == [[0], [1], [2], [3]]


@pytest.mark.parametrize("rows", [0, 1])
def test_fewer_than_two_are_no_question(rows: int) -> None:
    assert found(np.ones((rows, 3), dtype=np.float32), 0.4) == [[row] for row in range(rows)]


def test_what_has_no_direction_is_like_nothing() -> None:
    vectors = np.array([[0, 0], [1, 0], [0, 0], [1, 0]], dtype=np.float32)
    assert found(vectors, 0.4) == [[0], [1, 3], [2]]


def test_questions_that_mean_the_same_come_together(embedder: Embedder) -> None:
    texts = [*DOGS, *ROOMS, "When was the company founded?"]
    distance = distance_allowed(embedder.embed_passages(UNRELATED))
    assert found(embedder.embed_passages(texts), distance) == [[0, 1, 2], [3, 4], [5]]


def test_the_app_and_the_code_server_do_without_it() -> None:
    """It takes 80 MB: only a run that clusters pays for it."""
    said = "import sys, kyo_app.main, kyo_pipeline.definitions; print('sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", said], check=True, capture_output=True, text=True).stdout == "False\n"
