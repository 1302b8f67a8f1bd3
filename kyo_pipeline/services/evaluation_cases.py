"""The organisation's own evaluation set: list it, add to it, leave cases out, write it for `kyo eval`."""

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from kyo_pipeline.adapters import labelled_sets
from kyo_pipeline.db import audit, evaluation_cases, evaluation_corpus, feedback_items
from kyo_pipeline.domain.actor import Actor, Permission
from kyo_pipeline.domain.audit import Event
from kyo_pipeline.domain.evaluation_cases import (
    MAX_DOCUMENTS,
    CasePage,
    EvaluationCase,
    Exported,
    Origin,
    checked_answer,
    checked_question,
    labelled_of,
)
from kyo_pipeline.domain.pages import MAX_PAGE
from kyo_pipeline.domain.typed_text import composed, storable
from kyo_pipeline.errors import Conflict, Invalid, NotFound
from kyo_pipeline.kyo import Kyo

_NOTHING_ANSWERS = "None of these documents answers questions now, so nothing could be found in them."


def list_cases(
    kyo: Kyo, actor: Actor, *, text: str = "", retired: bool = False, limit: int = 20, offset: int = 0
) -> CasePage:
    """The cases about documents that the actor may approve, the newest first; `text` is looked for in questions."""
    actor.require(Permission.EVALUATION_CASE_MANAGE)
    with kyo.db.transaction(actor) as tx:
        return evaluation_cases.find(
            tx,
            wanted=composed(storable(text)),
            retired=retired,
            limit=min(max(limit, 1), MAX_PAGE),
            offset=max(offset, 0),
        )


def add(kyo: Kyo, actor: Actor, question: str, documents: Sequence[UUID], expected: str = "") -> EvaluationCase:
    """A question, the documents that answer it, and if wanted what an answer should say.

    Only about documents that the actor may approve. Raises `Invalid`, `Forbidden`.
    """
    actor.require(Permission.EVALUATION_CASE_MANAGE)
    question, expected = checked_question(question), checked_answer(expected)
    chosen = tuple(dict.fromkeys(documents))
    if not 1 <= len(chosen) <= MAX_DOCUMENTS:
        raise Invalid(f"Choose 1 to {MAX_DOCUMENTS} documents that answer the question.")
    now = kyo.now()
    with kyo.db.transaction(actor) as tx:
        if not all(feedback_items.may_be_source(tx, actor, document) for document in chosen):
            raise Invalid(_NOTHING_ANSWERS)
        case = evaluation_cases.add(tx, question, chosen, expected, now)
        if case is None:
            raise Invalid(_NOTHING_ANSWERS)
        audit.record(tx, actor, Event.EVALUATION_CASE_ADD, case, now, {"origin": Origin.BY_HAND.value})
        return _read(evaluation_cases.read(tx, case))


def add_answer(kyo: Kyo, actor: Actor, answer_id: UUID) -> UUID:
    """Confirm an answer that the actor sees, their own or one that was shared: its question becomes a case.

    For those who may approve one of the documents that it cites, unless there is a case of it that they may not change.
    Raises `Conflict`.
    """
    actor.require(Permission.EVALUATION_CASE_MANAGE)
    now = kyo.now()
    with kyo.db.transaction(actor) as tx:
        case = evaluation_cases.add_of_answer(tx, answer_id, now)
        if case is None:
            raise Conflict(
                "Only an answer from a document that you may approve, and that still answers, can be added; "
                "not one that others look after already."
            )
        audit.record(tx, actor, Event.EVALUATION_CASE_ADD, case, now, {"origin": Origin.ANSWER.value})
        return case


def retire(kyo: Kyo, actor: Actor, case_id: UUID) -> EvaluationCase:
    """Leave a case out from now on. Raises `NotFound`, `Conflict` when it is left out already."""
    return _retire(kyo, actor, case_id, retired=True)


def restore(kyo: Kyo, actor: Actor, case_id: UUID) -> EvaluationCase:
    """Take a case in again that was left out. Raises `NotFound`, `Conflict` when it is in the set."""
    return _retire(kyo, actor, case_id, retired=False)


def export(kyo: Kyo, actor: Actor, folder: Path, *, files: bool = False) -> Exported:
    """Write the set into an empty or new folder, in the form that `kyo eval` reads.

    With the text of all documents that answer questions and that the actor may read: a search that has only the right
    ones to choose from proves nothing. `files`: the originals as well. Raises `Invalid` when the folder cannot be
    written, `Conflict` when there is something in it, or no case.
    """
    actor.require(Permission.EVALUATION_CASE_EXPORT)
    now = kyo.now()
    with kyo.db.transaction(actor) as tx:
        sources = evaluation_corpus.answering(tx, actor)
        questions, relevant = labelled_of(evaluation_cases.all_active(tx), {one.document_id for one in sources})
        if not questions:
            raise Conflict("There is no case in the evaluation set that could be found in these documents.")
        originals = [(one.export_name, kyo.files.path(one.sha256)) for one in sources] if files else []
        labelled_sets.write_set(folder, evaluation_corpus.passages(tx, sources), questions, relevant, originals)
        exported = Exported(len(questions), len(sources))
        details = {"cases": exported.cases, "documents": exported.documents, "files": files}
        audit.record(tx, actor, Event.EVALUATION_CASE_EXPORT, "", now, details)
    return exported


def _retire(kyo: Kyo, actor: Actor, case_id: UUID, *, retired: bool) -> EvaluationCase:
    actor.require(Permission.EVALUATION_CASE_MANAGE)
    now = kyo.now()
    with kyo.db.transaction(actor) as tx:
        before = _read(evaluation_cases.read(tx, case_id))
        if not evaluation_cases.retire(tx, actor, case_id, now if retired else None):
            raise Conflict(f"This case is {'in the set' if before.is_active else 'left out'} already.")
        event = Event.EVALUATION_CASE_RETIRE if retired else Event.EVALUATION_CASE_RESTORE
        audit.record(tx, actor, event, case_id, now)
        return _read(evaluation_cases.read(tx, case_id))


def _read(found: EvaluationCase | None) -> EvaluationCase:
    if found is None:
        raise NotFound("There is no such case, or none that you may change.")
    return found
