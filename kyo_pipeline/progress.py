"""How far the embedding sets are, and what is to be done next."""

from collections.abc import Iterator
from enum import Enum

from kyo_pipeline.candidates import is_followed
from kyo_pipeline.db import embedding_requests as requests
from kyo_pipeline.db import embedding_sets, embedding_work, set_facts
from kyo_pipeline.db.embedding_sets import EmbeddingSet
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.embedding_sets import SetFacts, SetState, Verdict
from kyo_pipeline.errors import NotFound
from kyo_pipeline.kyo import Kyo

#: In a stored judgement: the set that it was compared with.
COMPARED_WITH = "compared_with"


class Step(Enum):
    """What a set goes through, in this order."""

    EMBED = "embed"
    INDEX = "index"
    JUDGE = "judge"
    ACTIVATE = "activate"


def next_step(kyo: Kyo) -> Step | None:
    """What a run could do now, the first of all that there is to do."""
    with kyo.db.transaction(OPERATOR) as tx:
        with_work = embedding_work.sets_with_work(tx, kyo.now())
        under_way = {one.id for one in embedding_sets.in_state(tx, SetState.BUILDING, SetState.READY)}
        is_asked_for = requests.is_waiting(tx)
    if is_asked_for or under_way & set(with_work) or not is_followed(kyo):
        return Step.EMBED
    if complete(kyo):
        return Step.INDEX
    if unjudged(kyo):
        return Step.JUDGE
    if to_activate(kyo):
        return Step.ACTIVATE
    return Step.EMBED if with_work else None  # what is kept for the way back does not hold up what is to come


def known(kyo: Kyo) -> dict[int, SetFacts]:
    """What is known of each set, by its number."""
    with kyo.db.transaction(OPERATOR) as tx:
        return {one.id: one for one in set_facts.read(tx)}


def serving(kyo: Kyo) -> EmbeddingSet:
    """The set that answers now. Raises `NotFound` before there is one."""
    with kyo.db.transaction(OPERATOR) as tx:
        active = embedding_sets.active(tx)
    if active is None:
        raise NotFound("Nothing is indexed here yet.")
    return active


def complete(kyo: Kyo) -> tuple[EmbeddingSet, ...]:
    """Sets under construction in which nothing waits any more: they lack an index."""
    with kyo.db.transaction(OPERATOR) as tx:
        building = embedding_sets.in_state(tx, SetState.BUILDING)
        return tuple(one for one in building if not embedding_work.is_waiting(tx, one.id))


def unjudged(kyo: Kyo) -> tuple[EmbeddingSet, ...]:
    """Sets that are ready, and that nobody has compared with what answers now."""
    return tuple(one for one, facts, active in _ready(kyo) if _compared_with(facts) != active.id)


def to_activate(kyo: Kyo) -> tuple[EmbeddingSet, ...]:
    """Sets that are to answer without anybody's word: complete, and not worse than what answers now."""
    if kyo.settings.KYO_REEMBED_ACTIVATE == "manual":
        return ()
    return tuple(
        one
        for one, facts, active in _ready(kyo)
        if facts.verdict is Verdict.NOT_WORSE
        and _compared_with(facts) == active.id
        and not facts.waiting + facts.failed
    )


def _ready(kyo: Kyo) -> Iterator[tuple[EmbeddingSet, SetFacts, EmbeddingSet]]:
    """Each set that is ready, what is known of it, and the set that answers."""
    with kyo.db.transaction(OPERATOR) as tx:
        active, ready = embedding_sets.active(tx), embedding_sets.in_state(tx, SetState.READY)
        facts = {one.id: one for one in set_facts.read(tx)} if ready else {}
    if active is not None:
        yield from ((one, facts[one.id], active) for one in ready)


def _compared_with(facts: SetFacts) -> int | None:
    return None if facts.judgement is None else facts.judgement.get(COMPARED_WITH)
