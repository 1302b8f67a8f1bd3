"""From a question to a stored answer with citations."""

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from uuid import UUID

from kyo_pipeline import admission, answer_cache, checking, finding, following_up, on_record, verified
from kyo_pipeline.answer_cache import CachedAnswer, CacheKey
from kyo_pipeline.db import audit, citations, near_documents, questions
from kyo_pipeline.db.embedding_sets import EmbeddingSet
from kyo_pipeline.db.engine import Transaction
from kyo_pipeline.db.questions import Production
from kyo_pipeline.domain.actor import Actor, Permission
from kyo_pipeline.domain.answer_findings import UNCHECKED
from kyo_pipeline.domain.answers import Answer, Draft, Outcome
from kyo_pipeline.domain.audit import Event
from kyo_pipeline.domain.citations import visible, without_markers
from kyo_pipeline.domain.evidence import nearest
from kyo_pipeline.domain.pieces import result_of
from kyo_pipeline.domain.retrieval import Retrieval
from kyo_pipeline.domain.typed_text import composed, storable
from kyo_pipeline.errors import Invalid, KyoError, Unavailable
from kyo_pipeline.finding import Stages
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.serving import serving

MAX_QUESTION_LENGTH = 2000


def search(kyo: Kyo, actor: Actor, question: str, limit: int | None = None) -> Retrieval:
    """The passages for a question that the actor may read, best first.

    Raises `Invalid`, `Unavailable`, `TooMany`: a search costs an embedding, so it counts in its minute, not in its day.
    """
    actor.require(Permission.ANSWER_ASK)
    question = clean_question(question)
    if not actor.is_operator:
        with on_record.used_up_limits(kyo, actor, Event.ANSWER_REFUSE):
            admission.require_minute(kyo, actor)
    return finding.retrieve(kyo, actor, question, limit or kyo.settings.TOP_K_RESULTS, Stages())


def ask(kyo: Kyo, actor: Actor, question: str, conversation_id: UUID | None = None, *, anew: bool = False) -> Answer:
    """The stored answer to a question; like `stream_answer` for callers who don't stream."""
    return result_of(stream_answer(kyo, actor, question, conversation_id, anew=anew))


def stream_answer(
    kyo: Kyo,
    actor: Actor,
    question: str,
    conversation_id: UUID | None = None,
    begun: Callable[[UUID], None] | None = None,
    *,
    anew: bool = False,
) -> Generator[str, None, Answer]:
    """Yield the text as it is written; return the stored answer, whose text counts: its citations have been checked.

    An answer that a manager has verified for the same question comes first, then one from the cache; `anew` neither.
    Without a conversation it begins one; `begun` is told which, before anything is searched for.
    Closing the generator early keeps what there is, as an answer that was stopped. No connection is held meanwhile.
    Raises `Invalid`, `NotAllowed`, `NotFound`, `TooMany`, `Unavailable`; in the last case the question stays in the
    history as failed.
    """
    actor.require(Permission.ANSWER_ASK)
    question = clean_question(question)
    with on_record.used_up_limits(kyo, actor, Event.ANSWER_REFUSE):
        question_id, conversation_id = admission.admit(kyo, actor, question, conversation_id)
    stages, written, answer_id = Stages(), _Written(), None
    on_failure: AbstractContextManager[None] = nullcontext()
    try:
        if begun is not None:
            begun(conversation_id)
        kyo, written.embedding_set = serving(kyo, actor)
        known = _known(kyo, actor, question_id, question, written, stages, anew)
        answer_id = known.answer_id
        if known.answer_id is None:
            yield from _found_and_written(kyo, actor, question, written, stages)
    except GeneratorExit:  # Stop, another page, a closed tab
        written.draft = written.broken_off(Outcome.STOPPED)
        on_failure = suppress(KyoError)  # nobody is there to be told
        raise
    except KyoError as error:
        written.draft = Draft(error.message, Outcome.FAILED)
        raise
    finally:
        if answer_id is None:
            stages.done("generate")
            with on_failure:
                answer_id = _store(kyo, actor, question_id, written, stages)
    if known.answer_id is None:
        _keep(kyo, actor, known.key, question, written)
    with kyo.db.transaction(actor) as tx:
        answer = questions.own_answer(tx, actor, answer_id)
    if answer is None:
        raise Unavailable("The answer could not be stored. Ask again.")
    if known.answer_id is not None:
        yield visible(answer.text)
    return answer


@dataclass
class _Written:
    """What has been found and written so far: enough to store when the reader leaves in the middle."""

    searched: str = ""  # the question as it was searched for
    embedding_set: EmbeddingSet | None = None  # that answered when it was asked
    retrieval: Retrieval | None = None
    pieces: list[str] = field(default_factory=list)
    draft: Draft | None = None

    def broken_off(self, outcome: Outcome) -> Draft:
        """The pieces without their markers: nobody has checked that the passages they name exist."""
        return Draft(without_markers("".join(self.pieces)), outcome)

    def final(self) -> Draft:
        """The draft as PostgreSQL can hold it, whatever a model wrote."""
        draft = self.draft or self.broken_off(Outcome.FAILED)
        notice = storable(draft.notice or draft.findings.notice)
        return replace(draft, text=storable(draft.text), findings=replace(draft.findings, notice=notice))


@dataclass(frozen=True)
class _Known:
    """Under which key an answer is looked for that was written before, and the one that was stored because of it."""

    key: CacheKey | None
    answer_id: UUID | None


def _known(
    kyo: Kyo, actor: Actor, question_id: UUID, question: str, written: _Written, stages: Stages, anew: bool
) -> _Known:
    written.searched = following_up.resolved(kyo, actor, question_id, question, stages)
    if not anew and (given := verified.answered(kyo, actor, question_id, written.searched, stages)) is not None:
        return _Known(None, given)
    key = _key(kyo, actor, question, written)
    kept = None if anew else answer_cache.look_up(kyo, key)
    return _Known(key, _store_known(kyo, actor, question_id, written.searched, kept, stages))


def _found_and_written(
    kyo: Kyo, actor: Actor, question: str, written: _Written, stages: Stages
) -> Generator[str, None, None]:
    stages.begin()
    limit = kyo.settings.TOP_K_RESULTS
    found = finding.retrieve(kyo, actor, written.searched, limit, stages, written.embedding_set)
    written.retrieval = following_up.weighed(found, question, written.searched)
    written.draft = yield from _write(kyo, written.searched, written)
    written.draft = _checked(kyo, actor, written.searched, written.draft, written.retrieval)


def _key(kyo: Kyo, actor: Actor, question: str, written: _Written) -> CacheKey | None:
    is_follow_up = written.searched != question
    return answer_cache.key_of(kyo, actor, written.searched, is_follow_up, written.embedding_set)


def _keep(kyo: Kyo, actor: Actor, key: CacheKey | None, question: str, written: _Written) -> None:
    """For whoever asks the same. Not when anything has changed: what was found may belong to neither of both."""
    if written.retrieval is None or key is None:
        return
    with suppress(KyoError):  # the answer is stored already
        if key == _key(kyo, actor, question, written):
            answer_cache.keep(kyo, key, written.final(), written.retrieval)


def _checked(kyo: Kyo, actor: Actor, question: str, draft: Draft, retrieval: Retrieval) -> Draft:
    """The draft with what was found about it; where nothing could be found out, as it is, and its reader is told."""
    try:
        return checking.checked(kyo, actor, question, draft, retrieval)
    except KyoError:
        return replace(draft, notice=draft.notice or UNCHECKED)


def clean_question(question: str) -> str:
    """The question without what cannot be stored or searched. Raises `Invalid` when nothing or too much is left."""
    cleaned = composed(" ".join("".join(c for c in question if c.isprintable() or c.isspace()).split()))
    if not cleaned:
        raise Invalid("Type a question first.")
    if len(cleaned) > MAX_QUESTION_LENGTH:
        raise Invalid(f"A question has {MAX_QUESTION_LENGTH} characters at most; this one has {len(cleaned)}.")
    return cleaned


def _write(kyo: Kyo, question: str, written: _Written) -> Generator[str, None, Draft]:
    assert written.retrieval is not None  # noqa: S101 — states for the type checker what the caller has just done
    generation = kyo.generator.generate(question, written.retrieval)
    try:
        while True:
            try:
                piece = next(generation)
            except StopIteration as stopped:
                draft: Draft = stopped.value
                return draft
            written.pieces.append(piece)
            yield visible(piece)  # half of a surrogate pair could not be sent to a browser
    finally:
        generation.close()


def _store_known(
    kyo: Kyo, actor: Actor, question_id: UUID, searched: str, known: CachedAnswer | None, stages: Stages
) -> UUID | None:
    """Store an answer that was written before; None where there is none, or it does not hold any more."""
    if known is None:
        return None
    written = _Written(searched, retrieval=known.retrieval, draft=known.draft)
    with kyo.db.transaction(actor) as tx:
        if not answer_cache.still_holds(tx, actor, known):
            return None
        stages.done("cache")
        return _write_down(kyo, tx, actor, question_id, written, stages)


def _store(kyo: Kyo, actor: Actor, question_id: UUID, written: _Written, stages: Stages) -> UUID:
    with kyo.db.transaction(actor) as tx:
        return _write_down(kyo, tx, actor, question_id, written, stages)


def _write_down(kyo: Kyo, tx: Transaction, actor: Actor, question_id: UUID, written: _Written, stages: Stages) -> UUID:
    draft, retrieval, now = written.final(), written.retrieval, kyo.now()
    made = Production(
        generator=draft.generator or kyo.generator.name,
        model=draft.model or kyo.generator.model,
        embedding_set_id=retrieval.embedding_set_id or None if retrieval else None,
        timings=stages.timings,
        shown_documents=_shown_documents(draft.generator or kyo.generator.name, retrieval),
        similarity=_best_similarity(draft, retrieval),
        similarity_threshold=retrieval.similarity_threshold if retrieval else None,
    )
    answer_id = questions.add_answer(tx, question_id, draft, made, now)
    if retrieval is not None:
        citations.add(tx, answer_id, draft, retrieval.passages)
        if draft.outcome is Outcome.NOT_FOUND:
            near_documents.add(tx, answer_id, nearest(written.searched, retrieval))
    details = {"outcome": draft.outcome.value, "citations": len(draft.citations)}
    audit.record(tx, actor, Event.ANSWER_ASK, answer_id, now, details)
    return answer_id


def _shown_documents(generator: str, retrieval: Retrieval | None) -> tuple[UUID, ...] | None:
    if retrieval is None or generator == checking.QUOTES:
        return None
    return tuple({passage.document_id for passage in retrieval.passages})


def _best_similarity(draft: Draft, retrieval: Retrieval | None) -> float | None:
    """The best cosine among the passages that are cited; None where there are none."""
    if retrieval is None:
        return None
    return max((retrieval.passages[one.index].similarity for one in draft.citations), default=None)
