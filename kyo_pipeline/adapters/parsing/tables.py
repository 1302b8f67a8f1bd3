"""Tables as lines that can be read, and found, one by one: each value with the header of its column."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

_LONGEST_HEADER = 60
_MOST_HEADERS = 3
_WIDEST = 200
_MOST_REPEATED = 100_000


@dataclass(frozen=True)
class Cell:
    """What stands in a cell, and over how many columns and rows it reaches."""

    text: str
    across: int = 1
    down: int = 1


def table_text(rows: Sequence[Sequence[Cell]], headers: int = 0) -> str:
    """One line for each row; the first `headers` rows name the columns, unless they do not look like names.

    `Grade: A | Days: 25` with headers, else the cells with tabs between them. What reaches over several rows is
    repeated in each, because a line may be cited alone.
    """
    empty = _Grid()
    grid = [empty.line(row) for row in rows]
    names = _names(grid[:headers]) if 0 < headers < len(grid) else []
    lines = (_line(row, names if number >= headers else []) for number, row in enumerate(grid))
    return "\n".join(line for line in lines if line)


class _Grid:
    """Rows with one cell a column, and None where the cell to the left reaches over it.

    There is room for so many repetitions: a page may say that each of its cells reaches over a thousand others.
    """

    def __init__(self) -> None:
        self._reaching: dict[int, tuple[Cell, int]] = {}
        self._room = _MOST_REPEATED

    def line(self, row: Sequence[Cell]) -> list[Cell | None]:
        line: list[Cell | None] = []
        for cell in row:
            self._from_above(line)
            if cell.down > 1:
                self._reaching[len(line)] = (cell, cell.down - 1)
            self._put(line, cell)
        self._from_above(line)
        return line

    def _from_above(self, line: list[Cell | None]) -> None:
        while (reaching := self._reaching.pop(len(line), None)) and self._room > 0:
            cell, left = reaching
            if left > 1:
                self._reaching[len(line)] = (cell, left - 1)
            self._room -= 1
            self._put(line, cell)

    def _put(self, line: list[Cell | None], cell: Cell) -> None:
        across = max(1, min(cell.across, _WIDEST, self._room))
        self._room -= across - 1
        line += [cell, *[None] * (across - 1)]


def _names(grid: Sequence[Sequence[Cell | None]]) -> list[str]:
    """A name for each column, of all header rows; none at all when they look like text, or name hardly anything."""
    if len(grid) > _MOST_HEADERS:
        return []
    columns = list(zip_longest(*(_filled(row) for row in grid), fillvalue=""))
    names = [" ".join(dict.fromkeys(part for part in column if part)) for column in columns]
    named = sum(bool(name) for name in names)
    if len(names) < 2 or named < len(names) - 1 or max(map(len, names)) > _LONGEST_HEADER:
        return []
    return names


def _filled(row: Sequence[Cell | None]) -> list[str]:
    """The texts of a row, one a column: a header that reaches over several columns names each of them."""
    texts: list[str] = []
    for cell in row:
        texts.append(_flat(cell.text) if cell is not None else texts[-1])
    return texts


def _line(row: Sequence[Cell | None], names: Sequence[str]) -> str:
    if names and len(row) == len(names):
        pairs = [(name, _flat(cell.text)) for name, cell in zip(names, row, strict=True) if cell is not None]
        return " | ".join(f"{name}: {value}" if name else value for name, value in pairs if value)
    return "\t".join(_flat(cell.text) for cell in row if cell is not None).strip("\t")


def _flat(text: str) -> str:
    return " ".join(text.split())
