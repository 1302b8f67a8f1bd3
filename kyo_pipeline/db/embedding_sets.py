"""Vector spaces: one row and one table each, so that vectors of two models never mix."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from kyo_pipeline.db import cuttings
from kyo_pipeline.db.chunks import vector_table
from kyo_pipeline.db.engine import lock_name
from kyo_pipeline.domain.cutting import Cutting
from kyo_pipeline.domain.embedding import EmbeddingSpec, ModelSource
from kyo_pipeline.domain.embedding_sets import SetState, Storage, Verdict

_COLUMNS = """
  s.id, s.backend, s.model, s.revision, s.dimensions, s.pooling, s.query_prefix, s.passage_prefix, s.max_tokens,
  s.similarity_threshold, s.dense_weight, s.languages, s.state, s.storage, s.model_setting, s.endpoint,
  s.tokenizer_file, s.cutting_id, k.name as cutting, k.size, k.overlap
"""


@dataclass(frozen=True)
class EmbeddingSet:
    """A vector space, and which chunks are in it. `source` None: nobody noted it; the settings name its model."""

    id: int
    spec: EmbeddingSpec
    cutting_id: int
    cutting: Cutting
    source: ModelSource | None
    storage: Storage
    state: SetState


def active(tx: Connection) -> EmbeddingSet | None:
    """The set that answers questions now."""
    row = tx.execute(text(_select("s.state = 'active'"))).one_or_none()
    return None if row is None else _set(row)


def find(tx: Connection, set_id: int) -> EmbeddingSet | None:
    row = tx.execute(text(_select("s.id = :id")), {"id": set_id}).one_or_none()
    return None if row is None else _set(row)


def in_state(tx: Connection, *states: SetState) -> tuple[EmbeddingSet, ...]:
    """The newest first."""
    statement = f"{_select('s.state = any(:states)')} order by s.id desc"
    return tuple(_set(row) for row in tx.execute(text(statement), {"states": [state.value for state in states]}))


def live(tx: Connection) -> tuple[EmbeddingSet, ...]:
    """Those into which new documents go while they do not answer."""
    kept = "s.state in ('building', 'ready') or s.state = 'retired' and s.is_kept"
    return tuple(_set(row) for row in tx.execute(text(_select(kept))))


def begin(
    tx: Connection,
    spec: EmbeddingSpec,
    cutting: Cutting,
    source: ModelSource,
    storage: Storage,
    now: datetime,
    *,
    reason: str = "",
    by: UUID | None = None,
) -> EmbeddingSet:
    """Make an empty set with its table; it answers nothing yet, and has no index."""
    cutting_id = cuttings.id_of(tx, cutting)
    set_id = tx.scalar(
        text(
            """
            insert into embedding_sets
              (backend, model, revision, dimensions, pooling, query_prefix, passage_prefix, max_tokens,
               similarity_threshold, dense_weight, languages, state, created_at, cutting_id, model_setting, endpoint,
               tokenizer_file, storage, reason, created_by)
            values
              (:backend, :model, :revision, :dimensions, :pooling, :query_prefix, :passage_prefix, :max_tokens,
               :similarity_threshold, :dense_weight, :languages, 'building', :now, :cutting_id, :model_setting,
               :endpoint, :tokenizer_file, :storage, :reason, :by)
            returning id
            """
        ),
        {
            **vars(spec),
            "languages": None if spec.languages is None else list(spec.languages),
            "now": now,
            "cutting_id": cutting_id,
            **_columns_of(source),
            "storage": storage.value,
            "reason": reason,
            "by": by,
        },
    )
    made = int(str(set_id))
    tx.execute(text("select create_vector_table(:id)"), {"id": made})
    return EmbeddingSet(made, spec, cutting_id, cutting, source, storage, SetState.BUILDING)


def activate_first(
    tx: Connection,
    spec: EmbeddingSpec,
    cutting: Cutting,
    source: ModelSource,
    now: datetime,
    storage: Storage = Storage.VECTOR,
) -> EmbeddingSet:
    """Make a set with its index that answers from now on, in place of one without any vectors, or of none."""
    tx.execute(
        text("update embedding_sets set state = 'retired', retired_at = :now, is_kept = false where state = 'active'"),
        {"now": now},
    )
    made = begin(tx, spec, cutting, source, storage, now)
    build_index(tx, made.id, None, None)
    tx.execute(
        text("update embedding_sets set state = 'active', indexed_at = :now, activated_at = :now where id = :id"),
        {"id": made.id, "now": now},
    )
    tx.execute(text("update cuttings set is_counted = true where id = :id"), {"id": made.cutting_id})
    tx.execute(text("update corpus set revision = revision + 1"))
    return EmbeddingSet(made.id, spec, made.cutting_id, cutting, source, storage, SetState.ACTIVE)


def build_index(tx: Connection, set_id: int, memory_mb: int | None, workers: int | None) -> None:
    """The index over all vectors that are there, with so much memory; None: as the database is configured."""
    tx.execute(
        text("select create_vector_index(:id, :memory, :workers)"),
        {"id": set_id, "memory": memory_mb, "workers": workers},
    )


def activate(tx: Connection, set_id: int, now: datetime) -> None:
    """Have this set answer in place of the one that does. All that is ready must be in it: see `missing`."""
    tx.execute(text("select activate_embedding_set(:id, :now)"), {"id": set_id, "now": now})


def note_cutting(tx: Connection, most: int) -> int:
    """Note on up to so many versions how many passages they have in the set that answers; returns how many it were."""
    return int(tx.scalar(text("select note_cutting(:most)"), {"most": most}) or 0)


def drop(tx: Connection, set_id: int, now: datetime) -> None:
    """Remove the vectors of a set that does not answer."""
    tx.execute(text("select drop_embedding_set(:id, :now)"), {"id": set_id, "now": now})


def retire(tx: Connection, set_id: int, now: datetime) -> None:
    """Nothing new goes into a set that does not answer; what is in it stands."""
    tx.execute(text("select retire_embedding_set(:id, :now)"), {"id": set_id, "now": now})


def resume(tx: Connection, set_id: int) -> None:
    """Go on building a set that was retired, which is judged anew then."""
    tx.execute(
        text(
            """
            update embedding_sets
            set state = 'building', is_kept = true, retired_at = null, verdict = null, judgement = null,
              judged_at = null
            where id = :id
            """
        ),
        {"id": set_id},
    )


def note_indexed(tx: Connection, set_id: int, now: datetime) -> None:
    """All that was there is in it, and its index is made."""
    tx.execute(
        text("update embedding_sets set state = 'ready', indexed_at = :now, problem = null where id = :id"),
        {"id": set_id, "now": now},
    )


def note_judgement(tx: Connection, set_id: int, verdict: Verdict, judgement: dict[str, Any], now: datetime) -> None:
    tx.execute(
        text(
            """
            update embedding_sets
            set verdict = :verdict, judgement = cast(:judgement as jsonb), judged_at = :now, problem = null
            where id = :id
            """
        ),
        {"id": set_id, "verdict": verdict.value, "judgement": json.dumps(judgement), "now": now},
    )


def note_work(tx: Connection, set_id: int, *, embedded: int, tokens: int, calls: int, seconds: float) -> None:
    """Add what a run has done; it goes on, so there is no problem any more."""
    tx.execute(
        text(
            """
            update embedding_sets
            set embedded = embedded + :embedded, tokens = tokens + :tokens, calls = calls + :calls,
              work_seconds = work_seconds + :seconds, problem = null
            where id = :id
            """
        ),
        {"id": set_id, "embedded": embedded, "tokens": tokens, "calls": calls, "seconds": seconds},
    )


def note_problem(tx: Connection, set_id: int, problem: str) -> None:
    """Why it does not go on, for people."""
    tx.execute(text("update embedding_sets set problem = :problem where id = :id"), {"id": set_id, "problem": problem})


def adopt(tx: Connection, set_id: int, source: ModelSource, cutting: Cutting) -> None:
    """Note for a set of an earlier release what it took to open its model, and how its texts were cut."""
    tx.execute(
        text(
            """
            update embedding_sets
            set model_setting = :model_setting, endpoint = :endpoint, tokenizer_file = :tokenizer_file
            where id = :id and model_setting is null
            """
        ),
        {"id": set_id, **_columns_of(source)},
    )
    tx.execute(
        text(
            """
            update cuttings
            set name = :name, size = :size, overlap = :overlap
            where name = 'unknown' and id = (select cutting_id from embedding_sets where id = :id)
            """
        ),
        {"id": set_id, **vars(cutting)},
    )


def tune(tx: Connection, embedding_set_id: int, dense_weight: float, similarity_threshold: float) -> None:
    """Change what is not part of the vector space: the next question is answered by it."""
    tx.execute(
        text(
            """
            update embedding_sets
            set dense_weight = :dense_weight, similarity_threshold = :similarity_threshold
            where id = :id
            """
        ),
        {"id": embedding_set_id, "dense_weight": dense_weight, "similarity_threshold": similarity_threshold},
    )


def followed(tx: Connection) -> str | None:
    """The settings that were last compared with what answers, as `note_followed` was told."""
    found: str | None = tx.scalar(text("select followed from corpus"))
    return found


def note_followed(tx: Connection, settings: str) -> None:
    tx.execute(text("update corpus set followed = :settings"), {"settings": settings})


def is_empty(tx: Connection, embedding_set_id: int) -> bool:
    table = vector_table(embedding_set_id)
    return not tx.scalar(text(f"select exists (select from {table})"))  # noqa: S608 — the name is made from an integer


def lock_building(tx: Connection, set_id: int, *, shared: bool = False) -> None:
    """Of two runs that would make a set complete, the second one waits, and so do those that put something into it.

    `shared`: for the latter, who do not wait for each other.
    """
    lock_name(tx, f"embedding set {set_id}", shared=shared)


def lock(tx: Connection) -> None:
    """Two processes that start at the same time must not both make the first set."""
    tx.execute(text("lock table embedding_sets in share row exclusive mode"))


def _select(condition: str) -> str:
    return f"select {_COLUMNS} from embedding_sets s join cuttings k on k.id = s.cutting_id where {condition}"  # noqa: S608 — conditions are written in this module


def _columns_of(source: ModelSource) -> dict[str, str | None]:
    return {
        "model_setting": source.model,
        "endpoint": source.endpoint,
        "tokenizer_file": source.tokenizer_file,
    }


def _set(row: Any) -> EmbeddingSet:
    return EmbeddingSet(
        row.id,
        spec_of(row),
        row.cutting_id,
        Cutting(row.size, row.overlap, row.cutting),
        _source(row),
        Storage(row.storage),
        SetState(row.state),
    )


def _source(row: Any) -> ModelSource | None:
    if row.model_setting is None:
        return None
    return ModelSource(row.backend, row.model_setting, row.endpoint, row.tokenizer_file)


def spec_of(row: Any) -> EmbeddingSpec:
    """From the columns of a row of `embedding_sets`."""
    return EmbeddingSpec(
        backend=row.backend,
        model=row.model,
        revision=row.revision,
        dimensions=row.dimensions,
        pooling=row.pooling,
        query_prefix=row.query_prefix,
        passage_prefix=row.passage_prefix,
        max_tokens=row.max_tokens,
        similarity_threshold=row.similarity_threshold,
        dense_weight=row.dense_weight,
        languages=None if row.languages is None else tuple(row.languages),
    )
