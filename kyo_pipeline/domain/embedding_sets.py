"""Embedding sets as people see them: how far one has come, and what may be done with it."""

from collections.abc import Mapping, Sequence
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
    """One set. `waiting`, `done` and `failed` count versions of documents, `chunks` the passages of what is done, and
    `chunks_left` about how many wait.

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
    chunks: int
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
    def versions(self) -> int:
        return self.waiting + self.done + self.failed

    @property
    def share_done(self) -> float:
        """0 to 1, of versions."""
        return 1.0 if self.versions == 0 else self.done / self.versions

    @property
    def since(self) -> datetime:
        """When it came into its state."""
        entered = {
            SetState.BUILDING: None,
            SetState.READY: self.indexed_at,
            SetState.ACTIVE: self.activated_at,
            SetState.RETIRED: self.retired_at,
            SetState.DROPPED: self.dropped_at,
        }
        return entered[self.state] or self.created_at

    @property
    def is_under_way(self) -> bool:
        return self.state in (SetState.BUILDING, SetState.READY)

    @property
    def was_replaced(self) -> bool:
        """It has answered, and stands."""
        return self.state is SetState.RETIRED and self.activated_at is not None

    def cost(self, price: float | None) -> float | None:
        """Of what its model has read so far, at the `price` of a million tokens."""
        return None if price is None else self.tokens * price / 1_000_000


def way_back(sets: Sequence[SetFacts]) -> SetFacts | None:
    """The one to go back to: what answered last and still takes in what is new, else what answered last and stands."""
    replaced = [one for one in sets if one.was_replaced]
    return max(replaced, key=lambda one: (one.is_kept, one.since, one.id), default=None)


def why_not_activate(one: SetFacts) -> str | None:
    """A sentence for people when it cannot answer as things are; None when it can."""
    if one.state is SetState.ACTIVE:
        return f"Embedding set {one.id} answers questions already."
    if one.state not in (SetState.READY, SetState.RETIRED) or one.indexed_at is None:
        return f"Embedding set {one.id} is {one.state.value}: it cannot answer."
    if one.failed:
        counted = "1 file" if one.failed == 1 else f"{one.failed:,} files"
        return (
            f"{counted} could not be embedded for set {one.id}, and would not be found. Read them again, archive or "
            "delete them; `kyo embeddings list` names them."
        )
    return None


def room_for_index(memory_mb: int, processors: int) -> tuple[int, int]:
    """MB and helping processes for making an index on a machine that other things run on as well.

    A quarter of the memory, 4 GB at most: beyond what the vectors take, more is of no use. One processor stays free.
    """
    return max(64, min(memory_mb // 4, 4096)), max(processors - 2, 0)
