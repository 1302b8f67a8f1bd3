"""How alike two texts are, by MinHash of their words: near-duplicates are found without comparing every pair."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class SimilarDocument:
    """Another document with a version that is much like a text. `likeness`: estimated share of word groups, 0 to 1."""

    document_id: UUID
    title: str
    collection: str
    version_number: int
    likeness: float
