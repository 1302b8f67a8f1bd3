from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyo_pipeline.domain.batching import groups


@pytest.mark.parametrize(
    ("sizes", "limit", "expected"),
    [
        ({}, 10, []),
        ({"a": 3}, 10, [["a"]]),
        ({"a": 3, "b": 7}, 10, [["a", "b"]]),
        ({"a": 3, "b": 8}, 10, [["a"], ["b"]]),
        ({"a": 30, "b": 1}, 10, [["a"], ["b"]]),
        ({"a": 1, "b": 30, "c": 1}, 10, [["a"], ["b"], ["c"]]),
        ({"a": 0, "b": 0, "c": 10}, 10, [["a", "b", "c"]]),
        ({"a": 10, "b": 0}, 10, [["a", "b"]]),
    ],
)
def test_neighbours_are_grouped_up_to_the_limit(sizes: dict[str, int], limit: int, expected: list[list[str]]) -> None:
    assert list(groups(sizes, limit)) == expected


@given(st.dictionaries(st.integers(), st.integers(0, 50), max_size=30), st.integers(1, 60))
def test_each_key_is_in_one_group_in_order_and_only_a_lone_key_is_over_the_limit(
    sizes: dict[int, int], limit: int
) -> None:
    found = list(groups(sizes, limit))
    assert [key for group in found for key in group] == list(sizes)
    assert all(group for group in found)
    assert all(len(group) == 1 or sum(sizes[key] for key in group) <= limit for group in found)
    for one, following in pairwise(found):
        assert sum(sizes[key] for key in one) + sizes[following[0]] > limit
