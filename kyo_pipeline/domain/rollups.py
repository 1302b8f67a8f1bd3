"""Figures of days that are over, as they are kept."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class DayFigures:
    """What was rolled up of a day: how many questions by how many people, about how many documents."""

    day: date
    questions: int
    people: int
    documents: int
    refused: int
    files: int


@dataclass(frozen=True)
class Difference:
    """Figures that are kept of a day, and those that are counted now; None: there are none of that.

    `figures` names the table, `of_what` the row of it.
    """

    day: date
    figures: str
    of_what: str
    kept: object
    counted: object

    def __str__(self) -> str:
        where = f"{self.day} {self.figures} {self.of_what}".rstrip()
        if isinstance(self.kept, dict) and isinstance(self.counted, dict):
            names = [name for name in self.counted if self.kept.get(name) != self.counted[name]]
            return f"{where}: " + ", ".join(
                f"{name} {self.kept.get(name)} instead of {self.counted[name]}" for name in names
            )
        return f"{where}: {_told(self.kept)} instead of {_told(self.counted)}"


def _told(figures: object) -> str:
    return "nothing" if figures is None else str(figures)
