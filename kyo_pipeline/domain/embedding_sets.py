"""Embedding sets as people see them: how far one has come, and what may be done with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from kyo_pipeline.domain.embedding import EmbeddingSpec


class SetState(str, Enum):
    """building → ready → active → retired → dropped; one that is retired may become active again."""

    BUILDING = "building"
    READY = "ready"
    ACTIVE = "active"
    RETIRED = "retired"
    DROPPED = "dropped"


class Storage(str, Enum):
    """How numbers are stored: four bytes each, or two."""

    VECTOR = "vector"
    HALFVEC = "halfvec"


class Verdict(str, Enum):
    """What was found when a set was compared with the one that answers."""

    NOT_WORSE = "not_worse"
    WORSE = "worse"
    UNJUDGED = "unjudged"


@dataclass(frozen=True)
class SetFacts:
    """One set. `waiting`, `done` and `failed` count versions of documents, `chunks_left` about how many passages wait.

    `embedded` passages and `tokens` are what its model was asked for while it was not active, by so many `calls` where
    it is elsewhere; `work_seconds` is how long runs worked on that. `is_kept`: new documents go into it although it
    does not answer. `problem` is why it does not go on.
    """

    id: int
    spec: EmbeddingSpec
    state: SetState
    storage: Storage
    chunk_size: int
    chunk_overlap: int
    reason: str
    created_by: str | None
    created_at: datetime
    indexed_at: datetime | None
    judged_at: datetime | None
    activated_at: datetime | None
    retired_at: datetime | None
    dropped_at: datetime | None
    is_kept: bool
    verdict: Verdict | None
    judgement: Mapping[str, Any] | None
    waiting: int
    done: int
    failed: int
    chunks_left: int
    embedded: int
    tokens: int
    calls: int
    work_seconds: float
    problem: str | None

    @property
    def chunks_per_second(self) -> float | None:
        return self.embedded / self.work_seconds if self.work_seconds > 0 and self.embedded else None

    @property
    def seconds_left(self) -> float | None:
        """None before there is a rate to tell it by."""
        rate = self.chunks_per_second
        return None if rate is None else self.chunks_left / rate

    @property
    def share_done(self) -> float:
        """0 to 1, of versions."""
        total = self.waiting + self.done + self.failed
        return 1.0 if total == 0 else self.done / total

    def cost(self, price: float | None) -> float | None:
        """What its tokens cost so far, where a million of them costs `price`."""
        return None if price is None else self.tokens * price / 1e6


def room_for_index(memory_mb: int, processors: int) -> tuple[int, int]:
    """MB and helping processes for making an index on a machine that other things run on as well.

    A quarter of the memory, 4 GB at most: beyond what the vectors take, more is of no use. One processor stays free.
    """
    return max(64, min(memory_mb // 4, 4096)), max(processors - 2, 0)
