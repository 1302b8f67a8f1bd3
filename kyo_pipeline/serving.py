"""Which embedding set answers, and the model that goes with it."""

from kyo_pipeline.db import embedding_sets
from kyo_pipeline.db.embedding_sets import EmbeddingSet
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.errors import Conflict
from kyo_pipeline.kyo import Kyo


def serving(kyo: Kyo, actor: Actor) -> tuple[Kyo, EmbeddingSet | None]:
    """The set that answers from here on, and Kyo with its model; whoever has both finishes with both.

    None before anything was indexed. Raises `Conflict` where the model is another one than that of the vectors.
    """
    with kyo.db.transaction(actor) as tx:
        active = embedding_sets.active(tx)
    return (kyo, None) if active is None else (with_model(kyo, active), active)


def with_model(kyo: Kyo, embedding_set: EmbeddingSet) -> Kyo:
    """Kyo with the model of this set. Raises `Conflict` where that has become another one, `Unavailable`."""
    chosen = kyo.using(embedding_set.source)
    if not embedding_set.spec.same_space(chosen.embedder.spec):
        raise Conflict(embedding_set.spec.clash_with(chosen.embedder.spec))
    return chosen
