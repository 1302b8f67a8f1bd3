"""Generators that are read for their result."""

from collections.abc import Generator

import pytest

from kyo_pipeline.domain.pieces import result_of


def counted(pieces: list[str]) -> Generator[str, None, int]:
    yield from pieces
    return len(pieces)


@pytest.mark.parametrize("pieces", [[], ["a"], ["a", "b", "c"]])
def test_the_result_stands_behind_the_last_piece(pieces: list[str]) -> None:
    assert result_of(counted(pieces)) == len(pieces)
