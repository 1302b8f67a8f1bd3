"""How well this installation answers questions of its own: asked every night, compared with the nights before."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass

from kyo_pipeline.adapters.audit_key import audit_key
from kyo_pipeline.db import audit, quality
from kyo_pipeline.db.embedding_sets import EmbeddingSet
from kyo_pipeline.db.engine import lock_name
from kyo_pipeline.domain.actor import Actor, Permission
from kyo_pipeline.domain.audit import Event
from kyo_pipeline.domain.known_questions import KnownQuestion
from kyo_pipeline.domain.quality import (
    Conditions,
    QualityRun,
    Score,
    by_origin,
    compare,
    figures_of,
    normal,
    not_measured,
    score_of,
)
from kyo_pipeline.errors import Conflict, NotFound
from kyo_pipeline.known import ask, known_questions
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.serving import serving

#: Nights that people see at once.
SHOWN = 30

_PURPOSE = b"kyo.quality"
_NOTHING = "Not measured: nothing is indexed here yet."


@dataclass(frozen=True)
class Night:
    """What a night has measured, or the sentence why it measured nothing; `known` questions have a known answer."""

    run: QualityRun | None
    known: int
    reason: str


def run(kyo: Kyo, actor: Actor, on_question: Callable[[int, int], None] = lambda *_: None) -> Night:
    """Ask all questions with known answers as the product would, and keep the figures. For the pipeline's role.

    No text of a question is kept, in no row and no error. `on_question` hears how many of how many have been asked.
    Raises `Invalid` where KYO_EVAL_DIR cannot be read, `Conflict`, and `Unavailable` when a model does not answer: half
    a night is none.
    """
    actor.require(Permission.QUALITY_RUN)
    known = known_questions(kyo, actor)
    judged = sum(question.is_judged for question in known.questions)
    serves, active = serving(kyo, actor)
    reason = _NOTHING if active is None else not_measured(judged)
    if active is None or reason:
        return Night(None, judged, reason or "")
    for question in known.questions[:1]:  # connections, plans, models: a question that does not count pays for them
        ask(serves, actor, active, question, rerank=True)
    key, scores = audit_key(kyo.settings), dict[bytes, Score]()
    for count, question in enumerate(known.questions, start=1):
        digest = _digest(key, question)
        scores[digest] = score_of(digest, question, ask(serves, actor, active, question, rerank=True))
        on_question(count, len(known.questions))
    return Night(_kept(serves, actor, active, scores, known.left_out), judged, "")


def history(kyo: Kyo, actor: Actor, limit: int = SHOWN) -> tuple[QualityRun, ...]:
    """The last nights, the newest first. For managers and admins."""
    actor.require(Permission.QUALITY_READ)
    with kyo.db.transaction(actor) as tx:
        return quality.newest(tx, limit)


def accept(kyo: Kyo, actor: Actor) -> QualityRun:
    """Say of the last night that it is what is normal from now on. Raises `NotFound`, and `Conflict` where it is."""
    actor.require(Permission.QUALITY_ACCEPT)
    with kyo.db.transaction(actor) as tx:
        newest = next(iter(quality.newest(tx, 1)), None)
        if newest is None:
            raise NotFound("Nothing has been measured yet.")
        if not newest.has_dropped or not quality.accept(tx, newest.id, actor, kyo.now()):
            raise Conflict("The last night was not worse than those before it: there is nothing to accept.")
        measures = [drop.measure for drop in newest.drops]
        audit.record(tx, actor, Event.QUALITY_ACCEPT, newest.id, kyo.now(), {"dropped": measures})
    return newest


def _digest(key: bytes, question: KnownQuestion) -> bytes:
    """The same words with the same answer are the same question; without the key nobody can guess which."""
    grades = sorted(question.grades.items())
    parts = [question.source, " ".join(question.text.split()), *(f"{name}={grade}" for name, grade in grades)]
    return hmac.digest(key, _PURPOSE + "\0".join(parts).encode(), "sha256")[:16]


def _kept(kyo: Kyo, actor: Actor, active: EmbeddingSet, scores: dict[bytes, Score], left_out: int) -> QualityRun:
    now, asked = kyo.now(), list(scores.values())
    with kyo.db.transaction(actor) as tx:
        lock_name(tx, "quality")  # two runs at once: the second is compared with the first
        revision, chunks = quality.corpus(tx)
        conditions = _conditions(kyo, active, revision, chunks)
        runs = quality.newest(tx, quality.KEPT)
        before = quality.scores(tx, [run.id for run in normal(runs, now)])
        compared = compare(scores, now, conditions, runs, before, kyo.settings.KYO_QUALITY_MARGIN)
        kept = quality.add(tx, now, conditions, figures_of(asked), by_origin(asked), left_out, compared, asked)
        details = {"questions": kept.figures.questions, "dropped": [drop.measure for drop in kept.drops]}
        audit.record(tx, actor, Event.QUALITY_RUN, kept.id, now, details)
    return kept


def _conditions(kyo: Kyo, active: EmbeddingSet, revision: int, chunks: int) -> Conditions:
    settings, spec = kyo.settings, active.spec
    explicit = settings.explicit_similarity_threshold
    return Conditions(
        embedding_set=active.id,
        model=spec.model,
        dense_weight=spec.dense_weight,
        similarity_threshold=spec.similarity_threshold if explicit is None else explicit,
        cutting=active.cutting.name,
        storage=active.storage.value,
        passages=settings.TOP_K_RESULTS,
        reranker=settings.KYO_RERANKER_MODEL if settings.KYO_RERANKER == "local" else settings.KYO_RERANKER,
        corpus_revision=revision,
        chunks=chunks,
    )
