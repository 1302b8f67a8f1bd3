"""What a search finds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from kyo_pipeline.domain.languages import ENGLISH


@dataclass(frozen=True)
class Passage:
    """A chunk that was found. `score` is the fused score in [0, 1], `similarity` a cosine, `lexical` a BM25 score.

    `owner` is the name of the document's owner, `dated` when this version was uploaded.
    """

    chunk_id: int
    document_id: UUID
    version_id: UUID
    version_number: int
    title: str
    collection: str
    text: str
    start: int
    end: int
    page_from: int | None
    page_to: int | None
    heading_path: tuple[str, ...]
    score: float
    similarity: float
    lexical: float
    owner: str = ""
    dated: datetime | None = None


@dataclass(frozen=True)
class Retrieval:
    """The passages for a question, best first.

    `term_weights` maps each stem of the question that the search knows (Snowball, as in PostgreSQL) to its
    inverse document frequency over the searchable corpus; stems that occur nowhere weigh more than any that do.
    `corrections` maps lexemes that were probably mistyped to those that were meant. `language` is the configuration of
    the question's (`domain/languages.py`). `is_whole`: all that is configured has taken part; else the next search may
    find better.
    """

    passages: tuple[Passage, ...]
    term_weights: dict[str, float]
    similarity_threshold: float
    embedding_set_id: int
    corrections: Mapping[str, str] = field(default_factory=dict)
    language: str = ENGLISH
    is_whole: bool = True
