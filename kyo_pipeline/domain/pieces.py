"""Texts that come in pieces, with a result behind the last one."""

from collections.abc import Generator
from typing import TypeVar

Result = TypeVar("Result")


def result_of(pieces: Generator[str, None, Result]) -> Result:
    """What is returned behind the last piece; nobody reads the pieces."""
    while True:
        try:
            next(pieces)
        except StopIteration as end:
            result: Result = end.value
            return result
