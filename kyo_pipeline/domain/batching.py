"""Batching as arithmetic."""

from collections.abc import Iterator, Mapping
from typing import TypeVar

Key = TypeVar("Key")


def groups(sizes: Mapping[Key, int], limit: int) -> Iterator[list[Key]]:
    """Neighbouring keys whose sizes add up to `limit` at most; a key that is larger alone makes a group of its own."""
    group: list[Key] = []
    total = 0
    for key, size in sizes.items():
        if group and total + size > limit:
            yield group
            group, total = [], 0
        group.append(key)
        total += size
    if group:
        yield group
