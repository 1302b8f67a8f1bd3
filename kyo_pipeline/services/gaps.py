"""Knowledge gaps: what people asked and found no good answer to; whose task it is, and what has become of it."""

from collections.abc import Callable
from uuid import UUID

from kyo_pipeline import admission, finding, on_record
from kyo_pipeline.db import audit, documents, gaps
from kyo_pipeline.db.engine import Transaction
from kyo_pipeline.domain.actor import Actor, Permission
from kyo_pipeline.domain.answers import Outcome
from kyo_pipeline.domain.audit import Event
from kyo_pipeline.domain.documents import Document, DocumentState
from kyo_pipeline.domain.gaps import (
    MOST_ASKED_AGAIN,
    Deed,
    Gap,
    GapDetails,
    GapFilter,
    GapOrder,
    GapPage,
    GapState,
    Result,
    by_text,
    ordered,
)
from kyo_pipeline.domain.pages import MAX_PAGE
from kyo_pipeline.domain.pieces import result_of
from kyo_pipeline.domain.typed_text import storable
from kyo_pipeline.errors import Conflict, Invalid, KyoError, NotFound
from kyo_pipeline.finding import Stages
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.serving import serving

MAX_REASON_LENGTH = 500

_EVERYTHING = GapFilter()
_WITHDRAWN = (DocumentState.ARCHIVED, DocumentState.REJECTED)


def list_gaps(
    kyo: Kyo,
    actor: Actor,
    wanted: GapFilter = _EVERYTHING,
    order: GapOrder = GapOrder.COUNT,
    *,
    limit: int = 25,
    offset: int = 0,
) -> GapPage:
    """One page of the gaps with questions that the actor may see, and when gaps were last looked for."""
    actor.require(Permission.GAP_MANAGE)
    with kyo.db.transaction(actor) as tx:
        found = gaps.find_all(tx, kyo.now())
        last_run = gaps.last_run(tx)
    matching = ordered(tuple(gap for gap in found if wanted.matches(gap)), order)
    start = max(offset, 0)
    return GapPage(matching[start : start + min(max(limit, 1), MAX_PAGE)], len(matching), last_run)


def read_gap(kyo: Kyo, actor: Actor, gap_id: UUID) -> GapDetails:
    """A gap with its questions, what they came near, and its history. Raises `NotFound`."""
    actor.require(Permission.GAP_MANAGE)
    with on_record.out_of_reach(kyo, actor, Event.GAP_READ, gap_id), kyo.db.transaction(actor) as tx:
        found = _details(kyo, tx, actor, gap_id)
    on_record.read(kyo, actor, Event.GAP_READ, gap_id)
    return found


def owners(kyo: Kyo, actor: Actor, gap_id: UUID) -> dict[UUID, str]:
    """Names of everybody who may see to a gap: managers and admins who see something of it."""
    actor.require(Permission.GAP_MANAGE)
    with kyo.db.transaction(actor) as tx:
        return dict(gaps.owners(tx, gap_id))


def assign(kyo: Kyo, actor: Actor, gap_id: UUID, owner_id: UUID | None) -> Gap:
    """Give a gap to somebody who sees to it; None: to nobody. Raises `Invalid`, `NotFound`."""
    actor.require(Permission.GAP_MANAGE)
    now = kyo.now()
    with kyo.db.transaction(actor) as tx:
        gaps.lock(tx, gap_id)
        before = gaps.read(tx, gap_id, now)
        names = dict(gaps.owners(tx, gap_id))
        if owner_id is not None and owner_id not in names:
            raise Invalid("Choose somebody who may see the questions of this gap.")
        if owner_id == before.owner_id:
            return before
        gaps.assign(tx, gap_id, owner_id)
        gaps.note(tx, actor, gap_id, Deed.ASSIGN, now, owner_id=owner_id)
        details = {"before": before.owner_id, "after": owner_id}
        audit.record(tx, actor, Event.GAP_ASSIGN, gap_id, now, details)
        return gaps.read(tx, gap_id, now)


def plan(kyo: Kyo, actor: Actor, gap_id: UUID, reason: str = "") -> Gap:
    """Somebody is going to write what is missing. Raises `Conflict`, `Invalid`, `NotFound`."""
    actor.require(Permission.GAP_MANAGE)
    return _move(kyo, actor, gap_id, GapState.PLANNED, _checked_reason(reason), None)


def decline(kyo: Kyo, actor: Actor, gap_id: UUID, reason: str) -> Gap:
    """Nobody is going to; with a reason, which other managers see. Raises `Conflict`, `Invalid`, `NotFound`."""
    actor.require(Permission.GAP_MANAGE)
    reason = _checked_reason(reason)
    if not reason:
        raise Invalid("Say why this is not going to be answered.")
    return _move(kyo, actor, gap_id, GapState.DECLINED, reason, None)


def reopen(kyo: Kyo, actor: Actor, gap_id: UUID, reason: str = "") -> Gap:
    """It was not answered after all, or is wanted after all. Raises `Conflict`, `Invalid`, `NotFound`."""
    actor.require(Permission.GAP_MANAGE)
    return _move(kyo, actor, gap_id, GapState.OPEN, _checked_reason(reason), None)


def answer(kyo: Kyo, actor: Actor, gap_id: UUID, document_id: UUID) -> GapDetails:
    """Close a gap with the document that answers it. Its questions are to be asked again: `ask_again`.

    It may still wait for approval, or be read just now: `waits_for_document` says so, and askers are told later. Raises
    `Conflict`, `NotFound`.
    """
    actor.require(Permission.GAP_MANAGE)
    with kyo.db.transaction(actor) as tx:
        document = documents.read(tx, actor, document_id, kyo.now())
    if document.state in _WITHDRAWN:
        raise Conflict(f"This document is {document.state.value}: it answers nothing. Choose another one.")
    _move(kyo, actor, gap_id, GapState.ANSWERED, "", document_id)
    return read_gap(kyo, actor, gap_id)


def ask_again(
    kyo: Kyo, actor: Actor, gap_id: UUID, on_question: Callable[[int, int], None] = lambda *_: None
) -> GapDetails:
    """Ask the questions of an answered gap again, and keep what came. Raises `Conflict`, `NotFound`, `TooMany`.

    With the rights of the actor, not of the askers, whom nobody may act for: an asker who may read less may be told
    less. It asks the `MOST_ASKED_AGAIN` most central ones, each wording once, in nobody's history, and counts as one
    attempt of the actor's minute, however many they are. `on_question` hears how many of how many are done.
    """
    actor.require(Permission.GAP_MANAGE)
    with kyo.db.transaction(actor) as tx:
        known = _details(kyo, tx, actor, gap_id)
    if known.gap.state is not GapState.ANSWERED or known.gap.document_id is None:
        raise Conflict("Link the document that answers this gap first.")
    if not known.is_answerable:
        raise Conflict("The linked document cannot be found yet: it must be read and approved first.")
    if not actor.is_operator:
        with on_record.used_up_limits(kyo, actor, Event.ANSWER_REFUSE):
            admission.require_minute(kyo, actor)
    asked = by_text(known.questions)[:MOST_ASKED_AGAIN]
    results: dict[UUID, Result] = {}
    for done, same in enumerate(asked, start=1):
        result = _asked(kyo, actor, same[0].text, known.gap.document_id)
        results |= {question.id: result for question in same}
        on_question(done, len(asked))
    now = kyo.now()
    with kyo.db.transaction(actor) as tx:
        gaps.lock(tx, gap_id)
        gaps.keep_replies(tx, actor, gap_id, results, now)
        counts = {result.value: list(results.values()).count(result) for result in Result}
        audit.record(tx, actor, Event.GAP_ASK_AGAIN, gap_id, now, counts)
        return _details(kyo, tx, actor, gap_id)


def _asked(kyo: Kyo, actor: Actor, question: str, document_id: UUID) -> Result:
    try:
        kyo, embedding_set = serving(kyo, actor)
        found = finding.retrieve(kyo, actor, question, kyo.settings.TOP_K_RESULTS, Stages(), embedding_set)
        draft = result_of(kyo.generator.generate(question, found))
    except KyoError:  # a model that does not answer this one may answer the next
        return Result.FAILED
    if draft.outcome is not Outcome.ANSWERED:
        return Result.NOT_FOUND
    cited = {found.passages[one.index].document_id for one in draft.citations}
    return Result.LINKED if document_id in cited else Result.OTHER


def _details(kyo: Kyo, tx: Transaction, actor: Actor, gap_id: UUID) -> GapDetails:
    gap = gaps.read(tx, gap_id, kyo.now())
    document = _linked(kyo, tx, actor, gap.document_id)
    return GapDetails(
        gap,
        gaps.questions(tx, gap_id),
        gaps.documents(tx, actor, gap_id),
        gaps.events(tx, gap_id),
        is_answerable=document is not None and document.searchable,
        is_withdrawn=document is None or document.state in _WITHDRAWN,
    )


def _linked(kyo: Kyo, tx: Transaction, actor: Actor, document_id: UUID | None) -> Document | None:
    """None as well where it was deleted, or the actor may not see it."""
    if document_id is None:
        return None
    try:
        return documents.read(tx, actor, document_id, kyo.now())
    except NotFound:
        return None


_DEEDS = {
    GapState.OPEN: (Deed.REOPEN, Event.GAP_REOPEN),
    GapState.PLANNED: (Deed.PLAN, Event.GAP_PLAN),
    GapState.ANSWERED: (Deed.ANSWER, Event.GAP_ANSWER),
    GapState.DECLINED: (Deed.DECLINE, Event.GAP_DECLINE),
}


def _move(kyo: Kyo, actor: Actor, gap_id: UUID, state: GapState, reason: str, document_id: UUID | None) -> Gap:
    now = kyo.now()
    with kyo.db.transaction(actor) as tx:
        before = gaps.lock(tx, gap_id)
        if before is state and state is not GapState.ANSWERED:
            raise Conflict("Somebody has done this already: load the page again.")
        deed, event = _DEEDS[state]
        gaps.set_state(tx, gap_id, state, reason, document_id, now)
        gaps.note(tx, actor, gap_id, deed, now, document_id=document_id, reason=reason)
        # Not the reason, which may quote a question: what stands here can never be taken away.
        details = {"before": before.value, "document": document_id}
        audit.record(tx, actor, event, gap_id, now, details)
        return gaps.read(tx, gap_id, now)


def _checked_reason(reason: str) -> str:
    reason = storable(reason)
    if len(reason) > MAX_REASON_LENGTH:
        raise Invalid(f"A reason has {MAX_REASON_LENGTH} characters at most.")
    return reason
