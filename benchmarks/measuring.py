"""Medians and 95th percentiles of things that are timed in turns, and tables of them."""

import os
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Way:
    """Something to do with an item, and what has to be done before it without being timed."""

    run: Callable[[str], object]
    prepare: Callable[[str], object] | None = None


def in_turns(ways: dict[str, Way], items: Sequence[str]) -> dict[str, list[float]]:
    """Milliseconds of each way for each item. A busy moment meets all, and each is as often the first as the others."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    names = list(ways)
    for position, item in enumerate(items):
        first = position % len(names)
        for name in names[first:] + names[:first]:
            taken[name].append(_milliseconds(ways[name], item))
    return taken


def _milliseconds(way: Way, item: str) -> float:
    if way.prepare is not None:
        way.prepare(item)
    started = time.perf_counter()
    way.run(item)
    return (time.perf_counter() - started) * 1000


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def p95(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=20, method="inclusive")[-1]


def row(*cells: object) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def header(*cells: str) -> str:
    return f"{row(*cells)}\n{row(*('---' for _ in cells))}"


def at_most(value: float, wanted: float, form: str = ".1f") -> str:
    """The figure, with a word where it misses what is wanted."""
    return format(value, form) if value <= wanted else f"{value:{form}} (missed: {wanted:g})"


def at_least(value: float, wanted: float, form: str = ".3f") -> str:
    return format(value, form) if value >= wanted else f"{value:{form}} (missed: {wanted:g})"


def how_busy() -> str:
    one, five, _ = os.getloadavg()
    return f"load average {one:.1f} (5 minutes: {five:.1f}) on {os.cpu_count()} cores"
