"""What a check of the index and the file store found."""

from dataclasses import dataclass
from enum import Enum


class Ailment(str, Enum):
    """What is looked for. The value is the name of the check, in Dagster and on the command line."""

    NOT_READY = "current_versions_are_ready"
    CHUNKS = "ready_versions_have_chunks"
    VECTORS = "chunks_have_vectors"
    WEIGHTS = "chunks_have_weights"
    STRAY_VECTORS = "vectors_have_chunks"
    STATISTICS = "statistics_agree"
    FILES = "versions_have_files"
    ORPHANS = "files_have_versions"
    LEFTOVERS = "no_leftovers"
    DAMAGE = "files_are_whole"


@dataclass(frozen=True)
class Finding:
    """One check: how many problems, what they are and what to do about them, and the first few.

    `repairable`: how many of them `kyo doctor --repair` puts right. `looked_at`: how many were checked, where
    that is known.
    """

    ailment: Ailment
    problems: int
    message: str
    examples: tuple[str, ...] = ()
    repairable: int = 0
    looked_at: int | None = None

    @property
    def ok(self) -> bool:
        return self.problems == 0


@dataclass(frozen=True)
class Repair:
    """What was put right, and how many of it."""

    ailment: Ailment
    done: int
    message: str
