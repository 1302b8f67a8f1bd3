"""Answers that were written before, for those to whom the same would be written again."""

import hashlib
import json
from dataclasses import dataclass, field, replace
from functools import cache
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from kyo_pipeline.adapters.sealing import opened, sealed
from kyo_pipeline.db import answer_basis
from kyo_pipeline.db.embedding_sets import EmbeddingSet
from kyo_pipeline.db.engine import Transaction
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.answers import Draft, Outcome
from kyo_pipeline.domain.retrieval import Retrieval
from kyo_pipeline.kyo import Kyo

#: Part of each key. Another one when what generators write has changed, and not the settings.
FORMAT = 1

_KEPT = (Outcome.ANSWERED, Outcome.NOT_FOUND)


@dataclass(frozen=True)
class CachedAnswer:
    """What a generator wrote, and the passages that it was given: enough to store it once more."""

    draft: Draft
    retrieval: Retrieval


@dataclass(frozen=True)
class CacheKey:
    """The name of a value in Redis, and what it is encrypted with."""

    name: str
    secret: bytes = field(repr=False)


def key_of(
    kyo: Kyo, actor: Actor, question: str, is_follow_up: bool = False, searched_in: EmbeddingSet | None = None
) -> CacheKey | None:
    """Under which an answer to this question, as it is searched for, is kept; None when none is.

    `searched_in`: the set that the question began with, whichever answers by now. The key comes from all that the
    answer depends on. Take it before searching: what is found afterwards is never older.
    """
    if kyo.settings.KYO_ANSWER_CACHE_SECONDS == 0:
        return None
    with kyo.db.transaction(actor) as tx:
        basis = answer_basis.read(tx, actor)
    parts = (
        FORMAT,
        _shape(),
        question,
        is_follow_up,
        basis.rights,
        basis.revision,
        repr(basis.embedding_set),
        repr(searched_in),
        repr(kyo.embedder.spec),
        kyo.generator.name,
        kyo.generator.model,
        kyo.settings.explicit_similarity_threshold,
        # All of them: a setting that somebody adds matters until the opposite is shown. Secrets come as asterisks.
        kyo.settings.model_dump_json(),
    )
    return CacheKey(f"answer:{hashlib.sha256(json.dumps(parts).encode()).hexdigest()}", basis.secret)


def look_up(kyo: Kyo, key: CacheKey | None) -> CachedAnswer | None:
    """What is kept under the key. Whoever shows it asks `still_holds` first."""
    kept = kyo.cache.get(key.name) if key is not None else None
    value = opened(kept, key.secret, key.name) if key is not None and kept is not None else None
    if value is None:
        return None
    try:
        found = _adapter().validate_json(value)
    except ValidationError:
        return None
    return found if _is_whole(found) else None


def still_holds(tx: Transaction, actor: Actor, found: CachedAnswer) -> bool:
    """Whether all that the answer was made from still answers questions, and the actor of `tx` may read it."""
    return answer_basis.all_answer(tx, actor, _versions(found))


def keep(kyo: Kyo, key: CacheKey | None, draft: Draft, retrieval: Retrieval) -> None:
    """Keep an answer under the key that was taken before the search and is still the same.

    Not one that came about in a way that its reader was told of.
    """
    if key is None or draft.outcome not in _KEPT or draft.notice or _is_doubtful(draft) or not retrieval.is_whole:
        return
    # Nobody is asked for this text a second time.
    unpaid = replace(draft, prompt_tokens=0, completion_tokens=0)
    value = _adapter().dump_json(CachedAnswer(unpaid, retrieval))
    kyo.cache.set(key.name, sealed(value, key.secret, key.name), kyo.settings.KYO_ANSWER_CACHE_SECONDS)


def _is_doubtful(draft: Draft) -> bool:
    """A model may do better when it is asked again: where it found nothing, or what its sources do not bear out."""
    return bool(draft.findings.unsupported) or (draft.outcome is Outcome.NOT_FOUND and draft.prompt_tokens > 0)


def _is_whole(found: CachedAnswer) -> bool:
    """Redis is another program: what comes from there is not to break the storing of an answer."""
    return found.draft.outcome in _KEPT and all(
        0 <= citation.index < len(found.retrieval.passages) and 0 <= citation.start < citation.end
        for citation in found.draft.citations
    )


def _versions(found: CachedAnswer) -> frozenset[UUID]:
    return frozenset(passage.version_id for passage in found.retrieval.passages)


@cache
def _adapter() -> TypeAdapter[CachedAnswer]:
    """JSON to and from the dataclasses, whatever fields they have."""
    return TypeAdapter(CachedAnswer)


@cache
def _shape() -> str:
    """The fields of what is kept: values of another shape are other values, though they might be read."""
    return hashlib.sha256(json.dumps(_adapter().json_schema(), sort_keys=True).encode()).hexdigest()
