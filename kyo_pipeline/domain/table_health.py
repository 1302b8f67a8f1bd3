"""How worn the tables of the index are: rows that were deleted or replaced, and not cleared away yet."""

from dataclasses import dataclass

#: Share of dead rows above which somebody should look: PostgreSQL itself clears away at a fifth, so it has not kept up.
MOST_DEAD = 0.2

#: Fewer dead rows than this slow nobody down, whatever their share of a small table.
FEW = 1000


@dataclass(frozen=True)
class Index:
    """An index for vectors (hnsw) or for words (gin). One that is not valid is never used."""

    name: str
    kind: str
    size_bytes: int
    is_valid: bool


@dataclass(frozen=True)
class TableHealth:
    """A table in schema `kyo`, with its rows as PostgreSQL estimates them."""

    table: str
    live: int
    dead: int
    indexes: tuple[Index, ...]

    @property
    def dead_share(self) -> float:
        """Of all rows, from 0 to 1; 0 of an empty table."""
        return self.dead / (self.live + self.dead) if self.dead else 0.0

    @property
    def is_worn(self) -> bool:
        return self.dead >= FEW and self.dead_share > MOST_DEAD

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is wrong with it and what its owner does about it, a sentence each."""
        invalid = (index for index in self.indexes if not index.is_valid)
        return (*([self._of_wear()] if self.is_worn else []), *map(_of_invalid, invalid))

    def _of_wear(self) -> str:
        # Vacuuming repairs a graph of vectors link by link; of one that was made anew there is nothing to repair.
        graphs = (f"REINDEX INDEX CONCURRENTLY kyo.{index.name};" for index in self.indexes if index.kind == "hnsw")
        todo = " ".join([*graphs, f"VACUUM (ANALYZE) kyo.{self.table};"])
        return f"{self.dead_share:.0%} of the rows of {self.table} are dead. Run as the owner of the database: {todo}"


def _of_invalid(index: Index) -> str:
    return (
        f"The index {index.name} is not valid, so nothing is found by it. Unless it is just being made, run as the "
        f"owner of the database: REINDEX INDEX CONCURRENTLY kyo.{index.name};"
    )
