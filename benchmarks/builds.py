"""Embedding sets that a benchmark builds beside the one that answers, by the product's own steps."""

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from kyo_pipeline.db import embedding_sets
from kyo_pipeline.db.embedding_sets import EmbeddingSet
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.database_role import DatabaseRole
from kyo_pipeline.domain.embedding_sets import SetState
from kyo_pipeline.kyo import Kyo, open_kyo
from kyo_pipeline.services import embedding_sets as sets
from kyo_pipeline.services import following, indexing, reembedding
from kyo_pipeline.settings import PROJECT_ROOT, Settings

MINILM = PROJECT_ROOT.parent / "shared/models/all-MiniLM-L6-v2-onnx"

#: What the settings name, by what a benchmark calls it.
MODELS: dict[str, dict[str, object]] = {
    "built-in": {"KYO_EMBEDDING_BACKEND": "builtin"},
    "MiniLM": {"KYO_EMBEDDING_BACKEND": "local", "KYO_EMBEDDING_MODEL": str(MINILM)},
}


@dataclass(frozen=True)
class Built:
    """A set in which nothing is missing, and what that took. It has no index yet."""

    id: int
    chunks: int
    embedded: int
    seconds: float


def with_changes(settings: Settings, **changed: object) -> Settings:
    return settings.model_copy(update=changed)


@contextmanager
def pipeline(settings: Settings) -> Iterator[Kyo]:
    """Kyo as the pipeline has it, with its model loaded."""
    kyo = open_kyo(settings, DatabaseRole.PIPELINE)
    try:
        kyo.embedder.embed_query("load the model")
        yield kyo
    finally:
        kyo.close()


def has_minilm() -> bool:
    """Whether the weights are there, and the extra `local`."""
    try:
        import fastembed  # noqa: F401 — an extra that need not be installed
    except ImportError:
        return False
    return MINILM.is_dir()


def build(kyo: Kyo, reason: str = "A benchmark.") -> Built:
    """Begin a set by the settings of `kyo`, and take all that is there into it."""
    begun = following.begin_anew(kyo, reason)
    run = indexing.claim_name(secrets.token_hex(8))
    started = time.perf_counter()
    reports = reembedding.work(kyo, run, lambda _: True)
    seconds = time.perf_counter() - started
    report = next(one for one in reports if one.set_id == begun.id)
    assert not report.failures, report.failures
    return Built(begun.id, report.chunks, report.embedded, seconds)


def find(kyo: Kyo, set_id: int) -> EmbeddingSet:
    with kyo.db.transaction(OPERATOR) as tx:
        found = embedding_sets.find(tx, set_id)
    assert found is not None
    return found


def discard(kyo: Kyo, set_id: int) -> None:
    """Remove a set that does not answer, and the chunks that only it searched."""
    if find(kyo, set_id).state is not SetState.RETIRED:
        sets.retire(kyo, OPERATOR, set_id)
    sets.drop(kyo, OPERATOR, set_id)
    reembedding.delete_unsearched_chunks(kyo)
