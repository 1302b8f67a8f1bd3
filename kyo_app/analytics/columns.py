"""Tables of figures, written twice: for people to read on the page, and for a spreadsheet."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from kyo_app.markup import inert_line
from kyo_pipeline.domain import spreadsheet

Row = TypeVar("Row")
Value = str | int | float
#: A byte order mark, without which some spreadsheets take the file for one in an old encoding.
_MARK = "\ufeff"


@dataclass(frozen=True)
class Column(Generic[Row]):
    """What stands in a column of a row. `shown` is markdown, where it is to be more than the value itself."""

    name: str
    value: Callable[[Row], Value]
    shown: Callable[[Row], str] | None = None

    def cell(self, row: Row) -> str:
        return self.shown(row) if self.shown else written(self.value(row))


def written(value: Value) -> str:
    """Markdown of a value."""
    return inert_line(value, 160) if isinstance(value, str) else plain(value)


def plain(value: Value) -> str:
    """Texts as they are, numbers with separators of thousands."""
    if isinstance(value, str):
        return value
    return f"{value:,}" if isinstance(value, int) else f"{value:,.3f}"


def cells(columns: Sequence[Column[Row]], rows: Iterable[Row]) -> list[dict[str, str]]:
    """Rows of markdown by the name of the column."""
    return [{column.name: column.cell(row) for column in columns} for row in rows]


def csv_text(columns: Sequence[Column[Row]], rows: Iterable[Row]) -> str:
    """All of a file, with a header."""
    lines = (spreadsheet.line(column.value(row) for column in columns) for row in rows)
    return _MARK + spreadsheet.line(column.name for column in columns) + "".join(lines)
