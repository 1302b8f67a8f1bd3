"""How well search and answers do on questions with known answers: the verbs of `kyo eval`.

The labelled set is indexed in a database apart, by the steps of `services/indexing.py`, which run between these verbs.
"""

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

from kyo_pipeline.adapters import scoring
from kyo_pipeline.adapters.embedding.factory import open_embedder
from kyo_pipeline.adapters.labelled_sets import read_set
from kyo_pipeline.db import audit, claims, collections, documents, embedding_sets, search, texts, users, versions
from kyo_pipeline.db.embedding_sets import EmbeddingSet
from kyo_pipeline.db.engine import Transaction
from kyo_pipeline.domain import fitting
from kyo_pipeline.domain.access import Access, PersonName
from kyo_pipeline.domain.actor import Actor, Permission, Role
from kyo_pipeline.domain.answers import Outcome
from kyo_pipeline.domain.audit import Event
from kyo_pipeline.domain.documents import DocumentState, Review, VersionStatus
from kyo_pipeline.domain.embedding import EmbeddingSpec
from kyo_pipeline.domain.evaluation import Fitted, Leg, LegScores
from kyo_pipeline.domain.evidence import Strength, scored_statements, strength
from kyo_pipeline.domain.labelled import LabelledPassage, LabelledSet, Units, names_of
from kyo_pipeline.domain.likeness import Signature
from kyo_pipeline.domain.parsed import ParsedDocument
from kyo_pipeline.domain.pieces import result_of
from kyo_pipeline.domain.replies import Reply
from kyo_pipeline.domain.retrieval import Passage
from kyo_pipeline.errors import Conflict, NotFound
from kyo_pipeline.finding import Stages, analysed, reranked, retrieve, vector_of
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.settings import Settings

#: Chunks that are asked for in each ranking. A document may have several; the best one counts.
DEPTH = 200

_MARKER = re.compile(r"\s*\[\d+\]")
_NO_SET = "There is no embedding set yet: nothing has been indexed here."


@dataclass(frozen=True)
class Shelf:
    """Where the passages of one document lie, and who may read those and nothing else."""

    reader: Actor
    collection_id: UUID


@dataclass(frozen=True)
class Ranked:
    """What was found for one question, by its name in the judgements, best first.

    `by_weight`: fused, for each share of the dense leg that was asked for. `milliseconds` is what the product's own
    search took, from the question to the passages that an answer would be made from.
    """

    legs: Mapping[Leg, tuple[str, ...]]
    by_weight: Mapping[float, tuple[str, ...]]
    milliseconds: float


def read_labelled(folder: Path) -> LabelledSet:
    """The labelled set in a folder. Raises `Invalid` that names file and line of the first mistake."""
    return read_set(folder)


def add_shelves(kyo: Kyo, actor: Actor, names: Sequence[str]) -> dict[str, Shelf]:
    """A collection for each name, with one person who may read it and nothing else."""
    actor.require(Permission.COLLECTION_MANAGE)
    with kyo.db.transaction(actor) as tx:
        return {name: _add_shelf(kyo, tx, actor, f"shelf-{number}") for number, name in enumerate(names, start=1)}


def lay_out(
    kyo: Kyo, actor: Actor, passages: Sequence[LabelledPassage], shelves: Mapping[str, Shelf], run: str
) -> dict[UUID, Units]:
    """Make a document of each passage: approved and read, so that `run` cuts it next. Returns its name by version.

    It lies on the shelf of its document, where there are shelves, else in the default collection. A passage without
    text is left out, as no parser would let it through.
    """
    actor.require(Permission.DOCUMENT_APPROVE)
    with kyo.db.transaction(actor) as tx:
        default = next(one.id for one in collections.accessible(tx, actor, Access.WRITE) if one.is_default)
        added = {
            _add(kyo, tx, actor, passage, shelves[passage.document].collection_id if shelves else default): passage
            for passage in passages
            if passage.text.strip()
        }
        claims.claim(tx, VersionStatus.UPLOADED, run, len(added), kyo.now(), kyo.now())
        for version, passage in added.items():
            texts.save(tx, version, ParsedDocument(passage.text), Signature.of(passage.text))
        claims.advance(tx, list(added), run, VersionStatus.UPLOADED, VersionStatus.PARSED, 0.0)
    return {version: {None: passage.id} for version, passage in added.items()}


def active_spec(kyo: Kyo, actor: Actor) -> EmbeddingSpec:
    """How the embedding set that answers questions is used. Raises `NotFound` before there is one."""
    actor.require(Permission.ANSWER_ASK)
    with kyo.db.transaction(actor) as tx:
        return _active(tx).spec


def rank(kyo: Kyo, actor: Actor, question: str, units: Mapping[UUID, Units], weights: Sequence[float] = ()) -> Ranked:
    """Search for a question in each way, and for each of the `weights`. Raises `NotFound`, `Unavailable`.

    A reranker that is away ends the evaluation: figures of the search's order must not pass for its own.
    """
    actor.require(Permission.ANSWER_ASK)
    started = time.perf_counter()
    retrieve(kyo, actor, question, kyo.settings.TOP_K_RESULTS, Stages())
    milliseconds = (time.perf_counter() - started) * 1000
    vector = vector_of(kyo, question)
    with kyo.db.transaction(actor) as tx:
        active = _active(tx)
        analysis = analysed(kyo, tx, question, active)
        found = {
            weight: search.passages(tx, _weighed(active, weight), question, vector, DEPTH, analysis)
            for weight in {0.0, 1.0, active.spec.dense_weight, *weights}
        }
    named = {weight: _names(passages, units) for weight, passages in found.items()}
    legs = {
        # What only the embedding has found follows in that ranking too, with no word of the question in it.
        Leg.LEXICAL: _names([passage for passage in found[0.0] if passage.lexical > 0], units),
        Leg.DENSE: named[1.0],
        Leg.FUSED: named[active.spec.dense_weight],
    }
    if kyo.reranker is not None:
        legs[Leg.RERANKED] = _names(reranked(kyo.reranker, question, found[active.spec.dense_weight]), units)
    return Ranked(legs, {weight: named[weight] for weight in weights}, milliseconds)


def reply(kyo: Kyo, actor: Actor, question: str) -> Reply:
    """Have the configured generator answer; nothing is stored. Raises `Unavailable` when a model does not answer."""
    actor.require(Permission.ANSWER_ASK)
    draft = result_of(
        kyo.generator.generate(question, retrieve(kyo, actor, question, kyo.settings.TOP_K_RESULTS, Stages()))
    )
    return Reply(draft.outcome is Outcome.ANSWERED, _MARKER.sub("", draft.text))


def weigh_evidence(kyo: Kyo, actor: Actor, question: str) -> Strength:
    """What the extractive generator decides by whether to answer."""
    actor.require(Permission.ANSWER_ASK)
    retrieval = retrieve(kyo, actor, question, kyo.settings.TOP_K_RESULTS, Stages())
    return strength(question, retrieval, scored_statements(question, retrieval, None))


def configured_spec(settings: Settings) -> EmbeddingSpec:
    """How the model is used that the settings name. Raises `Unavailable` when it cannot be loaded."""
    return open_embedder(settings).spec


def require_evaluator() -> None:
    """Raise `Unavailable` where the extra `eval` is not installed."""
    scoring.require()


def score_legs(ranked: Mapping[str, Ranked], relevant: scoring.Judgements) -> tuple[LegScores, ...]:
    """Means over the questions, of which there is one at least, for each leg."""
    legs = next(iter(ranked.values())).legs
    return tuple(
        LegScores(leg, scoring.score({question: one.legs[leg] for question, one in ranked.items()}, relevant))
        for leg in legs
    )


def fit_weight(ranked: Mapping[str, Ranked], relevant: scoring.Judgements, current: float) -> Fitted:
    """The best of the weights that the questions were ranked by; `current` is one of them."""
    outcomes = {}
    for weight in next(iter(ranked.values())).by_weight:
        rankings = {question: one.by_weight[weight] for question, one in ranked.items()}
        scores = scoring.score_each(rankings, relevant)
        outcomes[weight] = {question: one.ndcg_at_10 for question, one in scores.items()}
    return fitting.choose_weight(outcomes, current)


def require_space(kyo: Kyo, actor: Actor, spec: EmbeddingSpec) -> None:
    """Raise `Conflict` unless the documents here are embedded as `spec` says, `NotFound` when there are none yet."""
    actor.require(Permission.EMBEDDING_SET_TUNE)
    with kyo.db.transaction(actor) as tx:
        _require_space(_active(tx), spec)


def tune(
    kyo: Kyo, actor: Actor, spec: EmbeddingSpec, dense_weight: float, similarity_threshold: float | None
) -> EmbeddingSpec:
    """Give the active embedding set another weight and threshold; returns how it was used until now.

    None leaves the threshold as it is. The set must be of the space of `spec`, for which the values were found. Needs
    the pipeline's database role: nobody else changes embedding sets. Raises `Conflict`, `NotFound`.
    """
    actor.require(Permission.EMBEDDING_SET_TUNE)
    with kyo.db.transaction(actor) as tx:
        embedding_sets.lock(tx)
        active = _active(tx)
        _require_space(active, spec)
        threshold = active.spec.similarity_threshold if similarity_threshold is None else similarity_threshold
        embedding_sets.tune(tx, active.id, dense_weight, threshold)
        details = {
            "dense_weight": {"from": active.spec.dense_weight, "to": dense_weight},
            "similarity_threshold": {"from": active.spec.similarity_threshold, "to": threshold},
        }
        audit.record(tx, actor, Event.EMBEDDING_SET_TUNE, active.id, kyo.now(), details)
    return active.spec


def _add_shelf(kyo: Kyo, tx: Transaction, actor: Actor, name: str) -> Shelf:
    now = kyo.now()
    reader = users.add(tx, name, name, Role.EMPLOYEE, now)
    audit.record(tx, actor, Event.USER_ADD, reader.id, now)
    collection_id = collections.add(
        tx, name=name, description="", everyone=None, review_months=None, downloadable=False, now=now
    )
    audit.record(tx, actor, Event.COLLECTION_CREATE, collection_id, now)
    collections.grant(tx, collection_id, PersonName(reader.id, reader.username, reader.name), Access.READ)
    audit.record(tx, actor, Event.COLLECTION_GRANT, collection_id, now, {"person": name})
    return Shelf(reader, collection_id)


def _add(kyo: Kyo, tx: Transaction, actor: Actor, passage: LabelledPassage, collection_id: UUID) -> UUID:
    now = kyo.now()
    document_id = documents.add(tx, collection_id, actor.id, passage.title, DocumentState.APPROVED, now)
    version_id = versions.add(
        tx,
        document_id,
        file_name=passage.id,
        sha256="0" * 64,  # there is no file: nothing may ask for it
        size_bytes=len(passage.text.encode()),
        media_type="text/plain",
        uploaded_by=actor.id,
        now=now,
        review=Review.APPROVED,
    )
    audit.record(tx, actor, Event.DOCUMENT_UPLOAD, version_id, now, {"review": Review.APPROVED.value})
    return version_id


def _names(passages: Sequence[Passage], units: Mapping[UUID, Units]) -> tuple[str, ...]:
    """Each name once, where its best chunk is."""
    return tuple(
        dict.fromkeys(
            name
            for passage in passages
            for name in names_of(
                (passage.page_from, passage.page_to), units.get(passage.version_id, {}), str(passage.document_id)
            )
        )
    )


def _active(tx: Transaction) -> EmbeddingSet:
    active = embedding_sets.active(tx)
    if active is None:
        raise NotFound(_NO_SET)
    return active


def _require_space(active: EmbeddingSet, spec: EmbeddingSpec) -> None:
    if not active.spec.same_space(spec):
        raise Conflict(active.spec.clash_with(spec))


def _weighed(embedding_set: EmbeddingSet, weight: float) -> EmbeddingSet:
    return replace(embedding_set, spec=replace(embedding_set.spec, dense_weight=weight))
