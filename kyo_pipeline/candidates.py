"""The embedding set that the settings ask for, beside those that there are."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta

from kyo_pipeline.adapters.embedding.factory import configured_source, fingerprint
from kyo_pipeline.db import audit, corpus, embedding_sets, embedding_work, set_facts
from kyo_pipeline.db.embedding_sets import EmbeddingSet
from kyo_pipeline.db.engine import Transaction
from kyo_pipeline.domain.actor import OPERATOR, Actor
from kyo_pipeline.domain.audit import Event
from kyo_pipeline.domain.cutting import Cutting
from kyo_pipeline.domain.embedding import EmbeddingSpec, ModelSource
from kyo_pipeline.domain.embedding_sets import SetState, Storage
from kyo_pipeline.errors import Conflict
from kyo_pipeline.kyo import Kyo

#: How long somebody may still search in a set that was replaced.
STILL_ASKED = timedelta(minutes=10)


@dataclass(frozen=True)
class Wanted:
    """What a set would be that is made by the settings of now."""

    spec: EmbeddingSpec
    cutting: Cutting
    source: ModelSource
    storage: Storage

    def is_like(self, other: EmbeddingSet) -> bool:
        """Whether that set is such a one: the same space, chunks and storage."""
        return (
            other.spec.same_space(self.spec)
            and other.cutting.name == self.cutting.name
            and other.storage is self.storage
        )


def wanted(kyo: Kyo) -> Wanted:
    """Loads the model of the settings. Raises `Invalid`, `Unavailable` where that cannot be done."""
    spec = kyo.embedder.spec
    return Wanted(
        spec,
        Cutting.of(kyo.settings.CHUNK_SIZE, kyo.settings.CHUNK_OVERLAP, spec),
        configured_source(kyo.settings),
        Storage(kyo.settings.KYO_VECTOR_STORAGE),
    )


def digest(kyo: Kyo) -> str:
    """Another one when a setting that makes another set has changed, or the model where it lies. Loads nothing."""
    settings = kyo.settings
    parts = (
        fingerprint(settings),
        settings.CHUNK_SIZE,
        settings.CHUNK_OVERLAP,
        settings.KYO_VECTOR_STORAGE,
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def adopted(tx: Transaction, asked_for: Wanted) -> EmbeddingSet | None:
    """What answers, if anything is in it; of an earlier release, with what that did not note."""
    active = embedding_sets.active(tx)
    if active is None or embedding_sets.is_empty(tx, active.id):
        return None
    if active.spec.same_space(asked_for.spec):
        embedding_sets.adopt(tx, active.id, asked_for.source, asked_for.cutting)
    return embedding_sets.active(tx)


def first(kyo: Kyo, tx: Transaction, asked_for: Wanted) -> EmbeddingSet:
    """What answers from the first document on, in place of a set without anything in it, if there is one."""
    active = embedding_sets.active(tx)
    if active is not None and asked_for.is_like(active):
        return active
    embedding_sets.note_followed(tx, digest(kyo))
    return embedding_sets.activate_first(
        tx, asked_for.spec, asked_for.cutting, asked_for.source, kyo.now(), asked_for.storage
    )


def is_followed(kyo: Kyo) -> bool:
    """Whether these settings have been compared with what answers. Loads no model."""
    if not kyo.settings.KYO_REEMBED_ON_CHANGE:
        return True
    with kyo.db.transaction(OPERATOR) as tx:
        active = embedding_sets.active(tx)
        if active is None or embedding_sets.is_empty(tx, active.id):
            return True  # the first documents make it
        return embedding_sets.followed(tx) == digest(kyo)


def begin(kyo: Kyo, tx: Transaction, actor: Actor, made: Wanted, reason: str) -> EmbeddingSet:
    """Make an empty set beside the one that answers, and have all documents taken into it. `reason` is for people.

    Needs the pipeline's database role. Raises `Conflict` while another one is under way.
    """
    # First the lock that versions become ready under: none of them is to be missed by the new set.
    corpus.lock(tx)
    embedding_sets.lock(tx)
    require_nothing_under_way(tx)
    begun = embedding_sets.begin(
        tx, made.spec, made.cutting, made.source, made.storage, kyo.now(), reason=reason, by=actor.id
    )
    versions = embedding_work.add_all(tx, begun.id)
    details = {
        "model": made.spec.model,
        "backend": made.spec.backend,
        "chunk_size": made.cutting.size,
        "storage": made.storage.value,
        "versions": versions,
        "reason": reason,
    }
    audit.record(tx, actor, Event.EMBEDDING_SET_BUILD, begun.id, kyo.now(), details)
    return begun


def require_nothing_under_way(tx: Transaction) -> None:
    """Raise `Conflict` while a set is built, or waits to be judged and to answer."""
    under_way = embedding_sets.in_state(tx, SetState.BUILDING, SetState.READY)
    if under_way:
        one = under_way[0]
        raise Conflict(
            f"Embedding set {one.id} ({one.spec.model}) is {one.state.value} already. "
            f"Have it answer, or give it up: kyo embeddings retire {one.id}"
        )


def drop_beyond(kyo: Kyo, tx: Transaction, actor: Actor, kept: int) -> tuple[int, ...]:
    """Drop the sets that have answered questions and were replaced, but the `kept` last of them; returns which.

    Not one that answered just now: questions under way finish in it.
    """
    embedding_sets.lock(tx)
    replaced = sorted(
        (one for one in set_facts.read(tx) if one.was_replaced),
        key=lambda one: (one.is_kept, one.since),
        reverse=True,
    )
    surplus = tuple(one.id for one in replaced[kept:] if kyo.now() - one.since > STILL_ASKED)
    for set_id in surplus:
        embedding_sets.drop(tx, set_id, kyo.now())
        audit.record(tx, actor, Event.EMBEDDING_SET_DROP, set_id, kyo.now(), {"why": f"only {kept} are kept"})
    return surplus
