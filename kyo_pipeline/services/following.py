"""Which embedding set is wanted: by the settings, by a schedule, or by an admin in the app."""

from kyo_pipeline import candidates
from kyo_pipeline.candidates import Wanted
from kyo_pipeline.db import audit, corpus, embedding_sets
from kyo_pipeline.db import embedding_requests as requests
from kyo_pipeline.db.embedding_sets import EmbeddingSet
from kyo_pipeline.db.engine import Transaction
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.audit import Event
from kyo_pipeline.domain.embedding_sets import SetState
from kyo_pipeline.kyo import Kyo


def follow_settings(kyo: Kyo) -> EmbeddingSet | None:
    """Begin a set when the settings ask for another one than what answers, and there is none such. Idempotent.

    What is under way for settings of before is given up. What somebody gives up or drops comes back when the settings
    are changed again, not by itself. Raises `KyoError` where the model of the settings cannot be loaded.
    """
    if candidates.is_followed(kyo):
        return None
    asked_for = candidates.wanted(kyo)
    with kyo.db.transaction(OPERATOR) as tx:
        corpus.lock(tx)
        embedding_sets.lock(tx)
        active = candidates.adopted(tx, asked_for)
        if active is None:
            return None
        embedding_sets.note_followed(tx, candidates.digest(kyo))
        _give_way(kyo, tx, asked_for)
        if asked_for.is_like(active) or any(asked_for.is_like(one) for one in embedding_sets.live(tx)):
            return None
        reason = f"The settings name {_named(asked_for)}; what answers is {_named(active)}."
        return candidates.begin(kyo, tx, OPERATOR, asked_for, reason)


def begin_anew(kyo: Kyo, reason: str) -> EmbeddingSet:
    """Begin a set by the settings, whatever there is: what a model hides behind its name may have changed.

    Raises `Conflict` while another one is under way, `KyoError` where the model cannot be loaded.
    """
    asked_for = candidates.wanted(kyo)
    with kyo.db.transaction(OPERATOR) as tx:
        return candidates.begin(kyo, tx, OPERATOR, asked_for, reason)


def take_request(kyo: Kyo) -> EmbeddingSet | None:
    """Begin the set that somebody has asked for in the app. Where another one is under way, the request is over."""
    with kyo.db.transaction(OPERATOR) as tx:
        asker = requests.asker(tx)
        if asker is None or embedding_sets.active(tx) is None:
            requests.take(tx, kyo.now())  # of somebody who is no admin any more, if there is one
            return None
    asked_for = candidates.wanted(kyo)
    with kyo.db.transaction(asker) as tx:
        if not requests.take(tx, kyo.now()) or embedding_sets.in_state(tx, SetState.BUILDING, SetState.READY):
            return None
        return candidates.begin(kyo, tx, asker, asked_for, "Asked for in the app.")


def _give_way(kyo: Kyo, tx: Transaction, asked_for: Wanted) -> None:
    """What is under way for settings of before is not wanted any more."""
    for one in embedding_sets.in_state(tx, SetState.BUILDING, SetState.READY):
        if not asked_for.is_like(one):
            embedding_sets.retire(tx, one.id, kyo.now())
            details = {"why": "the settings have changed"}
            audit.record(tx, OPERATOR, Event.EMBEDDING_SET_RETIRE, one.id, kyo.now(), details)


def _named(one: Wanted | EmbeddingSet) -> str:
    return f"{one.spec.model} ({one.spec.backend}, chunks of {one.cutting.size} tokens, {one.storage.value})"
