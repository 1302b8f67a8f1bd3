import numpy as np
import pytest

from kyo_pipeline.domain.nearness import UNRELATED, centralities, distance_allowed
from kyo_pipeline.domain.ports import Embedder


def unit(*rows: tuple[float, float]) -> np.ndarray:
    made = np.array(rows, dtype=np.float32)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


@pytest.mark.parametrize(("rows", "distance"), [(unit((1, 0), (0, 1)), 0.42), (unit((1, 0), (0.6, 0.8)), 0.42 * 0.4)])
def test_where_everything_is_alike_less_may_lie_between(rows: np.ndarray, distance: float) -> None:
    assert distance_allowed(rows) == pytest.approx(distance)


def test_the_built_in_model_takes_the_unrelated_for_unrelated(embedder: Embedder) -> None:
    assert distance_allowed(embedder.embed_passages(UNRELATED)) == pytest.approx(0.4, abs=0.03)


def test_the_middle_is_the_most_central() -> None:
    left, middle, right = centralities(unit((1, 0), (1, 1), (0, 1)))
    assert middle == pytest.approx(1)
    assert left == pytest.approx(right)
    assert left < middle


def test_one_alone_is_its_own_middle_and_what_has_no_direction_none() -> None:
    assert centralities(unit((3, 4))) == pytest.approx([1])
    assert centralities(np.zeros((2, 2), dtype=np.float32)) == [0, 0]
