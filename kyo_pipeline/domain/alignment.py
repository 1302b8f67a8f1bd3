"""What two sequences have in common, found in a time that grows with their length, whatever is in them."""

from bisect import bisect_left
from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import pairwise

#: SequenceMatcher takes, at worst, more than the product of two lengths. Longer stretches are first divided at what
#: stands in both just once; where there is nothing of the kind, they count as different.
_MOST_PAIRS = 40_000
#: The sum of those products for one comparison, and of the lengths of what is divided.
_ALL_PAIRS = 2_000_000
#: How often short common runs are looked for: what is dropped makes the changes beside the next one longer.
_ROUNDS = 8


class Matcher:
    """Finds what two sequences have in common, within a budget of work."""

    def __init__(self) -> None:
        self._budget = _ALL_PAIRS

    def matches(self, a: Sequence[object], b: Sequence[object]) -> list[tuple[int, int]]:
        """Positions (in a, in b) of equal items, rising in both."""
        found: list[tuple[int, int]] = []
        waiting = [(0, len(a), 0, len(b))]
        while waiting:
            a0, a1, b0, b1 = waiting.pop()
            while a0 < a1 and b0 < b1 and a[a0] == b[b0]:
                found.append((a0, b0))
                a0, b0 = a0 + 1, b0 + 1
            while a0 < a1 and b0 < b1 and a[a1 - 1] == b[b1 - 1]:
                a1, b1 = a1 - 1, b1 - 1
                found.append((a1, b1))
            pairs = (a1 - a0) * (b1 - b0)
            if 0 < pairs <= min(_MOST_PAIRS, self._budget):
                self._budget -= pairs
                blocks = SequenceMatcher(None, a[a0:a1], b[b0:b1], autojunk=False).get_matching_blocks()
                found += [(a0 + block.a + i, b0 + block.b + i) for block in blocks for i in range(block.size)]
            elif pairs > 0 and (anchors := self._anchors(a[a0:a1], b[b0:b1])):
                anchors = [(a0 + i, b0 + j) for i, j in anchors]
                found += anchors
                starts = [(a0, b0), *((i + 1, j + 1) for i, j in anchors)]
                ends = [*anchors, (a1, b1)]
                waiting += [(i, k, j, m) for (i, j), (k, m) in zip(starts, ends, strict=True)]
        return sorted(found)

    def _anchors(self, a: Sequence[object], b: Sequence[object]) -> list[tuple[int, int]]:
        """Where items stand that are in each of both just once: as many as stand in the same order in both."""
        self._budget -= len(a) + len(b)
        if self._budget < 0:
            return []
        in_a, in_b = _single(a), _single(b)
        return longest_rising([(position, in_b[item]) for item, position in in_a.items() if item in in_b])


Block = tuple[int, int, int]


def blocks(matches: Sequence[tuple[int, int]]) -> list[Block]:
    """Runs of matches: (position in a, position in b, length)."""
    found: list[Block] = []
    for i, j in matches:
        if found and (found[-1][0] + found[-1][2], found[-1][1] + found[-1][2]) == (i, j):
            found[-1] = (*found[-1][:2], found[-1][2] + 1)
        else:
            found.append((i, j, 1))
    return found


def readable(found: list[Block], length_a: int, length_b: int) -> list[Block]:
    """Without what is shorter than the changes on both sides of it: two rewritten sentences share an "of", no more."""
    for _ in range(_ROUNDS):
        kept: list[Block] = []
        for (i, j, size), (next_i, next_j, _) in pairwise([*found, (length_a, length_b, 0)]):
            end_i, end_j = (kept[-1][0] + kept[-1][2], kept[-1][1] + kept[-1][2]) if kept else (0, 0)
            before, after = max(i - end_i, j - end_j), max(next_i - i - size, next_j - j - size)
            if size >= min(before, after):
                kept.append((i, j, size))
        if len(kept) == len(found):
            break
        found = kept
    return found


def _single(items: Sequence[object]) -> dict[object, int]:
    """The items that occur once, in order, with their positions."""
    positions: dict[object, int] = {}
    for position, item in enumerate(items):
        positions[item] = -1 if item in positions else position
    return {item: position for item, position in positions.items() if position >= 0}


def longest_rising(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Of pairs whose first halves do not fall, the most whose second halves rise (patience sorting).

    With equal first halves, give the higher second half first: then each first half is taken once at most.
    """
    lowest: list[int] = []  # for each length, the lowest second half that such a row ends with
    last: list[int] = []  # and which pair that is
    before: list[int] = []
    for index, (_, second) in enumerate(pairs):
        length = bisect_left(lowest, second)
        lowest[length : length + 1] = [second]
        last[length : length + 1] = [index]
        before.append(last[length - 1] if length else -1)
    found = []
    index = last[-1] if last else -1
    while index >= 0:
        found.append(pairs[index])
        index = before[index]
    return found[::-1]
