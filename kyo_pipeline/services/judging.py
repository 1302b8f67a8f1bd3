"""Judging an embedding set before it serves: the same questions to it and to the one that answers now."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from pydantic import TypeAdapter

from kyo_pipeline.adapters.labelled_sets import read_set
from kyo_pipeline.db import audit, documents, embedding_sets, liked_questions, search
from kyo_pipeline.db.embedding_sets import EmbeddingSet
from kyo_pipeline.domain.actor import OPERATOR, Actor, Permission
from kyo_pipeline.domain.audit import Event
from kyo_pipeline.domain.context import SPARE, Room, assemble
from kyo_pipeline.domain.judging import Judgement, Response, judgement, would_answer
from kyo_pipeline.domain.known_questions import KnownQuestion, KnownQuestions, of_set
from kyo_pipeline.domain.languages import ENGLISH
from kyo_pipeline.domain.lexical import Analysis
from kyo_pipeline.domain.rankings import CUT
from kyo_pipeline.domain.retrieval import Passage, Retrieval
from kyo_pipeline.errors import KyoError
from kyo_pipeline.finding import analysed
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.progress import COMPARED_WITH
from kyo_pipeline.serving import with_model

#: Passages that are asked for in order to rank: a document may have many, and ten documents are wanted.
DEPTH = 200

#: The newest questions that people liked the answers of: more take longer, and tell little that these do not.
MOST_LIKED = 500


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

    The questions are those of KYO_EVAL_DIR, and those that people liked the answers of. Both are searched in as the
    product does, in the fused order and without a reranker. Whether there is an answer is decided by the rule for
    quotes, whichever generator is configured: a language model would cost money, and the rule is the set's own.
    `on_question` hears how many of how many have been asked. Needs the pipeline's database role. Raises `Invalid` where
    KYO_EVAL_DIR cannot be read, `Conflict` where the model of a set has become another one, and `Unavailable` when one
    does not answer: half a judgement is none.
    """
    actor.require(Permission.EMBEDDING_SET_MANAGE)
    known = _known(kyo, actor)
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


def _known(kyo: Kyo, actor: Actor) -> KnownQuestions:
    folder = kyo.settings.KYO_EVAL_DIR
    labelled = None if folder is None else read_set(folder)
    with kyo.db.transaction(actor) as tx:
        liked = liked_questions.newest(tx, MOST_LIKED)
        files = documents.answering_file_names(tx) if labelled else {}
    of_folder = of_set(labelled, files) if labelled else KnownQuestions()
    return KnownQuestions((*liked, *of_folder.questions), of_folder.left_out)


def _both(
    active: _Side, candidate: _Side, actor: Actor, question: KnownQuestion, *, turned: bool
) -> tuple[Response, Response]:
    """`turned`: the candidate goes first. What is warm after the first must favour neither."""
    if turned:
        second = _ask(candidate, actor, question)
        return _ask(active, actor, question), second
    return _ask(active, actor, question), _ask(candidate, actor, question)


def _ask(side: _Side, actor: Actor, question: KnownQuestion) -> Response:
    with _without_words():
        return _answered_by(side, actor, question)


@contextmanager
def _without_words() -> Iterator[None]:
    """What fails says so without its cause: that may quote the question, and Dagster shows it to data engineers."""
    try:
        yield
    except KyoError as error:
        raise error from None
    except Exception as error:  # noqa: BLE001 — whatever it is, its own words may be somebody's question
        raise RuntimeError(f"A question could not be asked: {type(error).__name__}.") from None


def _answered_by(side: _Side, actor: Actor, question: KnownQuestion) -> Response:
    """Embedded anew: a vector out of the cache would hide what the model takes."""
    kyo, embedding_set, text = side.kyo, side.embedding_set, question.text
    wanted = SPARE * kyo.settings.TOP_K_RESULTS
    started = time.perf_counter()
    vector = kyo.embedder.embed_query(text)
    with kyo.db.transaction(actor) as tx:
        analysis = analysed(kyo, tx, text, embedding_set)
        found = search.passages(tx, embedding_set, text, vector, wanted, analysis)
        milliseconds = (time.perf_counter() - started) * 1000
        ranked = search.passages(tx, embedding_set, text, vector, DEPTH, analysis)
    answered = would_answer(text, _retrieval(side, found, analysis))
    return Response(question.ranked(ranked)[:CUT], answered, milliseconds)


def _retrieval(side: _Side, found: Sequence[Passage], analysis: Analysis) -> Retrieval:
    """What the product would answer from, if this set were the active one."""
    settings, embedding_set = side.kyo.settings, side.embedding_set
    explicit = settings.explicit_similarity_threshold
    return Retrieval(
        passages=assemble(found, Room.of(settings.TOP_K_RESULTS, settings.CHUNK_SIZE)),
        term_weights=analysis.weights,
        similarity_threshold=embedding_set.spec.similarity_threshold if explicit is None else explicit,
        embedding_set_id=embedding_set.id,
        corrections=analysis.corrections,
        language=analysis.spoken or ENGLISH,
    )
