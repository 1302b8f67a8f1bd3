"""What admins do with embedding sets: look, ask for a new one, have one answer, go back, give up, drop."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from kyo_pipeline import candidates
from kyo_pipeline.db import audit, corpus, embedding_sets, embedding_work, set_facts
from kyo_pipeline.db import embedding_requests as requests
from kyo_pipeline.db.embedding_sets import EmbeddingSet
from kyo_pipeline.db.engine import Transaction
from kyo_pipeline.domain.actor import Actor, Permission
from kyo_pipeline.domain.audit import Event
from kyo_pipeline.domain.embedding_sets import SetFacts, SetState, Verdict, way_back, why_not_activate
from kyo_pipeline.domain.typed_text import storable
from kyo_pipeline.errors import Conflict, Invalid, KyoError, NotFound
from kyo_pipeline.kyo import Kyo

MAX_REASON_LENGTH = 500
VERSIONS_A_TRANSACTION = 500
#: Files that could not be embedded and are named, of each set.
FAILURES_NAMED = 10

_NOTHING_INDEXED = "Nothing is indexed here yet: the first documents make the first embedding set."
_UNDER_WAY = (SetState.BUILDING, SetState.READY)


@dataclass(frozen=True)
class FailedFile:
    """A file that could not be taken into a set, and why."""

    file_name: str
    reason: str


@dataclass(frozen=True)
class Overview:
    """All sets, the newest first, and by their ids the first files that failed.

    `price` of a million tokens, where somebody has set it.
    """

    sets: tuple[SetFacts, ...]
    failures: Mapping[int, tuple[FailedFile, ...]]
    is_requested: bool
    price: float | None


def overview(kyo: Kyo, actor: Actor) -> Overview:
    """What there is, how far it has come, and what it took."""
    actor.require(Permission.EMBEDDING_SET_MANAGE)
    with kyo.db.transaction(actor) as tx:
        sets = set_facts.read(tx)
        failures = {one.id: _failures(tx, one.id) for one in sets if one.failed}
        return Overview(sets, failures, requests.is_waiting(tx), kyo.settings.KYO_EMBEDDING_TOKEN_PRICE)


def request(kyo: Kyo, actor: Actor) -> None:
    """Ask the pipeline for a new set by the settings.

    Raises `Conflict` while one is under way or asked for, `NotFound` before anything is indexed.
    """
    actor.require(Permission.EMBEDDING_SET_MANAGE)
    with kyo.db.transaction(actor) as tx:
        _require_indexed(tx)
        if embedding_sets.in_state(tx, *_UNDER_WAY):
            raise Conflict("An embedding set is under way already. Have it answer, or give it up first.")
        if requests.is_waiting(tx):
            raise Conflict("A new embedding set has been asked for already; it begins within a minute.")
        requests.add(tx, actor, kyo.now())
        audit.record(tx, actor, Event.EMBEDDING_SET_REQUEST, "settings", kyo.now())


def build(kyo: Kyo, actor: Actor, reason: str = "Asked for on the command line.") -> SetFacts:
    """Begin a new set by the settings at once. Needs the pipeline's database role, and loads the model.

    Raises `Conflict` while one is under way, `NotFound` before anything is indexed.
    """
    actor.require(Permission.EMBEDDING_SET_MANAGE)
    asked_for = candidates.wanted(kyo)
    with kyo.db.transaction(actor) as tx:
        _require_indexed(tx)
        begun = candidates.begin(kyo, tx, actor, asked_for, _reason(reason))
        return _facts(tx, begun.id)


def resume(kyo: Kyo, actor: Actor, set_id: int) -> SetFacts:
    """Go on with a set that was given up, or that is not kept up to date. Needs the pipeline's database role."""
    actor.require(Permission.EMBEDDING_SET_MANAGE)
    with kyo.db.transaction(actor) as tx:
        corpus.lock(tx)  # as `candidates.begin`
        embedding_sets.lock(tx)
        chosen = _find(tx, set_id)
        if chosen.state is not SetState.RETIRED:
            raise Conflict(f"Embedding set {set_id} is {chosen.state.value}: only one that is retired can be resumed.")
        candidates.require_nothing_under_way(tx)
        embedding_sets.resume(tx, set_id)
        versions = embedding_work.add_all(tx, set_id)
        audit.record(tx, actor, Event.EMBEDDING_SET_BUILD, set_id, kyo.now(), {"resumed": True, "versions": versions})
        return _facts(tx, set_id)


def activate(kyo: Kyo, actor: Actor, set_id: int, reason: str | None = None) -> SetFacts:
    """Have a set answer from now on. One that was found worse, or that nobody could judge, needs a `reason`.

    One transaction; the set before stays as it is, for the way back. Raises `Conflict` where documents are missing in
    it or it is not ready, `Invalid` without a reason where one is needed, `NotFound`.
    """
    actor.require(Permission.EMBEDDING_SET_MANAGE)
    said = _reason(reason or "")
    with kyo.db.transaction(actor) as tx:
        chosen = _facts(tx, set_id)
        _require_activable(tx, chosen)
        if chosen.verdict is not Verdict.NOT_WORSE and not said:
            raise Invalid(f"{_doubt(chosen)} Give a reason to have it answer all the same; it goes into the audit log.")
        before = embedding_sets.active(tx)
        embedding_sets.activate(tx, set_id, kyo.now())
        details = {
            "from": before.id if before else None,
            "model": chosen.spec.model,
            "verdict": chosen.verdict.value if chosen.verdict else None,
            "reason": said,
        }
        audit.record(tx, actor, Event.EMBEDDING_SET_ACTIVATE, set_id, kyo.now(), details)
    return _swapped(kyo, actor, set_id)


def roll_back(kyo: Kyo, actor: Actor, reason: str = "") -> SetFacts:
    """Have the set answer that answered before. Raises `NotFound` when none stands, `Conflict` as `activate` does."""
    actor.require(Permission.EMBEDDING_SET_MANAGE)
    with kyo.db.transaction(actor) as tx:
        chosen = way_back(set_facts.read(tx))
        if chosen is None:
            raise NotFound("There is no embedding set to go back to: KYO_RETAIN_EMBEDDING_SETS says how many stand.")
        _require_activable(tx, chosen)
        before = embedding_sets.active(tx)
        embedding_sets.activate(tx, chosen.id, kyo.now())
        details = {"from": before.id if before else None, "model": chosen.spec.model, "reason": _reason(reason)}
        audit.record(tx, actor, Event.EMBEDDING_SET_ROLL_BACK, chosen.id, kyo.now(), details)
    return _swapped(kyo, actor, chosen.id)


def retire(kyo: Kyo, actor: Actor, set_id: int) -> SetFacts:
    """Give a set up, or no longer keep one up to date that was replaced. Its vectors stand until it is dropped."""
    actor.require(Permission.EMBEDDING_SET_MANAGE)
    with kyo.db.transaction(actor) as tx:
        chosen = _find(tx, set_id)
        if chosen.state in (SetState.ACTIVE, SetState.DROPPED):
            raise Conflict(f"Embedding set {set_id} is {chosen.state.value}: it cannot be retired.")
        if chosen.state is not SetState.RETIRED or _facts(tx, set_id).is_kept:
            embedding_sets.retire(tx, set_id, kyo.now())
            audit.record(tx, actor, Event.EMBEDDING_SET_RETIRE, set_id, kyo.now(), {"from": chosen.state.value})
        return _facts(tx, set_id)


def drop(kyo: Kyo, actor: Actor, set_id: int) -> SetFacts:
    """Remove the vectors of a set for good. Not of the one that answers."""
    actor.require(Permission.EMBEDDING_SET_MANAGE)
    with kyo.db.transaction(actor) as tx:
        chosen = _find(tx, set_id)
        if chosen.state is SetState.ACTIVE:
            raise Conflict(f"Embedding set {set_id} answers questions: have another one answer first.")
        if chosen.state is not SetState.DROPPED:
            embedding_sets.drop(tx, set_id, kyo.now())
            audit.record(tx, actor, Event.EMBEDDING_SET_DROP, set_id, kyo.now(), {"from": chosen.state.value})
        return _facts(tx, set_id)


def _swapped(kyo: Kyo, actor: Actor, set_id: int) -> SetFacts:
    """Have the documents show how many passages they have now. The set answers already, so this may be cut off."""
    with suppress(KyoError):
        while _note_some(kyo, actor):
            pass
    with kyo.db.transaction(actor) as tx:
        return _facts(tx, set_id)


def _note_some(kyo: Kyo, actor: Actor) -> int:
    with kyo.db.transaction(actor) as tx:
        return embedding_sets.note_cutting(tx, VERSIONS_A_TRANSACTION)


def _require_activable(tx: Transaction, chosen: SetFacts) -> None:
    if obstacle := why_not_activate(chosen):
        raise Conflict(obstacle)
    if missing := embedding_work.count_missing(tx, chosen.id):
        counted = "1 file is" if missing == 1 else f"{missing:,} files are"
        then = (
            "Try again when it has caught up."
            if chosen.is_kept
            else f"It is not kept up to date: `kyo embeddings build {chosen.id}` goes on with it."
        )
        raise Conflict(f"{counted} still to be embedded for set {chosen.id}. {then}")


def _require_indexed(tx: Transaction) -> None:
    if embedding_sets.active(tx) is None:
        raise NotFound(_NOTHING_INDEXED)


def _failures(tx: Transaction, set_id: int) -> tuple[FailedFile, ...]:
    return tuple(FailedFile(name, why) for name, why in embedding_work.failures(tx, set_id, FAILURES_NAMED))


def _doubt(chosen: SetFacts) -> str:
    if chosen.verdict is Verdict.WORSE:
        reasons = (chosen.judgement or {}).get("reasons") or ()
        return f"Embedding set {chosen.id} was found worse than the one that answers. {' '.join(reasons)}".rstrip()
    return f"Nobody could judge embedding set {chosen.id} on questions with known answers."


def _reason(typed: str) -> str:
    reason = storable(" ".join(typed.split()))
    if len(reason) > MAX_REASON_LENGTH:
        raise Invalid(f"A reason has {MAX_REASON_LENGTH} characters at most; this one has {len(reason)}.")
    return reason


def _find(tx: Transaction, set_id: int) -> EmbeddingSet:
    found = embedding_sets.find(tx, set_id)
    if found is None:
        raise NotFound(f"There is no embedding set {set_id}.")
    return found


def _facts(tx: Transaction, set_id: int) -> SetFacts:
    found = next((one for one in set_facts.read(tx) if one.id == set_id), None)
    if found is None:
        raise NotFound(f"There is no embedding set {set_id}.")
    return found
