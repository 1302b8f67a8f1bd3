"""Judging an embedding set before it serves: the same questions to it and to the one that answers now."""

from collections.abc import Callable
from dataclasses import dataclass

from pydantic import TypeAdapter

from kyo_pipeline.db import audit, embedding_sets
from kyo_pipeline.db.embedding_sets import EmbeddingSet
from kyo_pipeline.domain.actor import OPERATOR, Actor, Permission
from kyo_pipeline.domain.audit import Event
from kyo_pipeline.domain.judging import Judgement, Response, judgement
from kyo_pipeline.domain.known_questions import KnownQuestion
from kyo_pipeline.known import ask, known_questions
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.progress import COMPARED_WITH
from kyo_pipeline.serving import with_model


@dataclass(frozen=True)
class _Side:
    """One of the two sets, with the model that its vectors are of."""

    kyo: Kyo
    embedding_set: EmbeddingSet


def judge(
    kyo: Kyo,
    actor: Actor,
    active: EmbeddingSet,
    candidate: EmbeddingSet,
    on_question: Callable[[int, int], None] = lambda *_: None,
) -> Judgement:
    """Compare how both sets find what is known to answer, refuse, and how fast they are. Stores nothing.

    The questions are cases that somebody confirmed, those of KYO_EVAL_DIR, and those that people liked the answers of.
    Both sets are searched in as the product does, in the fused order and without a reranker. Whether there is an answer
    is decided by the rule for quotes, whichever generator is configured: it is the set's own.
    `on_question` hears how many of how many have been asked. Needs the pipeline's database role. Raises `Invalid` where
    KYO_EVAL_DIR cannot be read, `Conflict` where the model of a set has become another one, and `Unavailable` when one
    does not answer: half a judgement is none.
    """
    actor.require(Permission.EMBEDDING_SET_MANAGE)
    known = known_questions(kyo, actor)
    sides = [_Side(with_model(kyo, one), one) for one in (active, candidate)]
    for question in known.questions[:1]:  # connections, plans, models: a question that does not count pays for them
        _both(sides[0], sides[1], actor, question, turned=False)
    pairs: list[tuple[Response, Response]] = []
    for question in known.questions:
        pairs.append(_both(sides[0], sides[1], actor, question, turned=len(pairs) % 2 == 1))
        on_question(len(pairs), len(known.questions))
    return judgement(known, pairs, kyo.settings.KYO_REEMBED_MARGIN)


def note_judgement(kyo: Kyo, one: EmbeddingSet, active: EmbeddingSet, judgement: Judgement) -> None:
    """Keep what was found, and with which set it was compared."""
    kept = {**TypeAdapter(Judgement).dump_python(judgement, mode="json"), COMPARED_WITH: active.id}
    with kyo.db.transaction(OPERATOR) as tx:
        embedding_sets.note_judgement(tx, one.id, judgement.verdict, kept, kyo.now())
        details = {"verdict": judgement.verdict.value, "questions": judgement.questions, COMPARED_WITH: active.id}
        audit.record(tx, OPERATOR, Event.EMBEDDING_SET_JUDGE, one.id, kyo.now(), details)


def _both(
    active: _Side, candidate: _Side, actor: Actor, question: KnownQuestion, *, turned: bool
) -> tuple[Response, Response]:
    """`turned`: the candidate goes first. What is warm after the first must favour neither."""
    if turned:
        second = _ask(candidate, actor, question)
        return _ask(active, actor, question), second
    return _ask(active, actor, question), _ask(candidate, actor, question)


def _ask(side: _Side, actor: Actor, question: KnownQuestion) -> Response:
    return ask(side.kyo, actor, side.embedding_set, question)
