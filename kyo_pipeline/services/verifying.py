"""Answers that managers verify: the same question, in other words, is answered with them while their sources stand."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from kyo_pipeline.db import audit, citations, documents, questions, shared_answers, verified
from kyo_pipeline.db.engine import Transaction
from kyo_pipeline.db.verified import Wording
from kyo_pipeline.domain.actor import Actor, Permission
from kyo_pipeline.domain.answers import Answer, Outcome
from kyo_pipeline.domain.audit import Event
from kyo_pipeline.domain.citations import visible
from kyo_pipeline.domain.pages import MAX_PAGE
from kyo_pipeline.domain.same_question import folded, key_of
from kyo_pipeline.domain.typed_text import composed, storable
from kyo_pipeline.domain.verified import (
    MAX_REASON_LENGTH,
    MAX_TEXT_LENGTH,
    MAX_WORDING_LENGTH,
    MAX_WORDINGS,
    Standing,
    VerifiedAnswer,
    VerifiedPage,
    markers_of,
)
from kyo_pipeline.errors import Conflict, Invalid, NotFound
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.verified import is_same

_NO_ANSWER = "There is no such answer, or it is not for you."
_NOT_THERE = "There is no such verified answer, or none that is yours to look after."
_REPLACED = "Another answer to the same question was verified."


def may_verify(kyo: Kyo, actor: Actor, answer: Answer) -> bool:
    """Whether the actor may verify this answer of theirs as things are."""
    if not actor.may(Permission.ANSWER_VERIFY) or _why_not(answer) is not None:
        return False
    with kyo.db.transaction(actor) as tx:
        return _are_theirs(tx, actor, answer)


def verify(
    kyo: Kyo, actor: Actor, answer_id: UUID, question: str, *, others: Sequence[str] = (), text: str | None = None
) -> VerifiedAnswer:
    """Have whoever asks this question, or asks it in one of the `others`, get this answer while its sources stand.

    The answer is to a question of the actor's, or one that somebody has shared with them; they may approve everything
    that it cites. `text` replaces its text, with the same citations; None leaves it as it is. What `replaced` tells
    beforehand is withdrawn. Raises `Conflict`, `Invalid`, `NotFound`.
    """
    actor.require(Permission.ANSWER_VERIFY)
    wordings = _wordings([question, *others])
    now = kyo.now()
    with kyo.db.transaction(actor) as tx:
        citations.hold_documents(tx, answer_id)
        answer = _readable(tx, actor, answer_id)
        if (why_not := _why_not(answer)) is not None:
            raise Conflict(why_not)
        edited = _edited(answer, text)
        for before in _replaced(tx, answer.id, wordings):
            _withdraw(kyo, tx, actor, before, _REPLACED)
        # What was misspelt was misspelt by whoever asked; marks belong to the characters of the text as it was.
        findings = replace(answer.findings, corrections=())
        if edited is not None:
            findings = replace(findings, unsupported=(), emphasis=(), notice="")
        made = verified.add(tx, answer.id, wordings, edited, findings, now)
        if made is None:
            raise Conflict(
                "You can verify an answer when you may approve every document that it cites, and each of them still "
                "answers questions as it was cited."
            )
        details = {"answer": str(answer.id), "wordings": len(wordings), "edited": edited is not None}
        audit.record(tx, actor, Event.ANSWER_VERIFY, made, now, details)
        return _own(tx, actor, made)


def replaced(
    kyo: Kyo, actor: Actor, answer_id: UUID, question: str, others: Sequence[str] = ()
) -> tuple[VerifiedAnswer, ...]:
    """Those that are withdrawn when this answer is verified for these questions.

    They cite one of the same documents, and each of their wordings asks the same as one of these: nobody who gets an
    answer today is left without. Raises `Invalid`, `NotFound`.
    """
    actor.require(Permission.ANSWER_VERIFY)
    wordings = _wordings([question, *others])
    with kyo.db.transaction(actor) as tx:
        answer = _readable(tx, actor, answer_id)
        return tuple(_own(tx, actor, before) for before in _replaced(tx, answer.id, wordings))


def withdraw(kyo: Kyo, actor: Actor, verified_id: UUID, because: str = "") -> None:
    """Give a verified answer to nobody any more; who has got it keeps it. Raises `Conflict`, `Invalid`, `NotFound`."""
    actor.require(Permission.ANSWER_VERIFY)
    because = storable(because)
    if len(because) > MAX_REASON_LENGTH:
        raise Invalid(f"A reason has {MAX_REASON_LENGTH} characters at most.")
    with kyo.db.transaction(actor) as tx:
        if _own(tx, actor, verified_id).withdrawn_at is not None:
            raise Conflict("This was withdrawn before.")
        _withdraw(kyo, tx, actor, verified_id, because)


def read_verified(kyo: Kyo, actor: Actor, verified_id: UUID) -> VerifiedAnswer:
    """One that the actor looks after: they may approve all that it cites. Raises `NotFound`."""
    actor.require(Permission.ANSWER_VERIFY)
    with kyo.db.transaction(actor) as tx:
        return _own(tx, actor, verified_id)


def list_verified(
    kyo: Kyo,
    actor: Actor,
    *,
    text: str = "",
    standing: Standing | None = None,
    limit: int = 20,
    offset: int = 0,
) -> VerifiedPage:
    """Those that the actor looks after, the newest first; `text` is looked for in questions and answers."""
    actor.require(Permission.ANSWER_VERIFY)
    with kyo.db.transaction(actor) as tx:
        wanted = composed(storable(text))
        return verified.page(tx, actor, wanted, standing, min(max(limit, 1), MAX_PAGE), max(offset, 0))


def _replaced(tx: Transaction, answer_id: UUID, wordings: Sequence[Wording]) -> tuple[UUID, ...]:
    found = verified.alike(tx, [one.key for one in wordings], answer_id)
    return tuple(
        before
        for before, known in found.items()
        if all(any(is_same(one.text, wording) for one in wordings) for wording in known)
    )


def _withdraw(kyo: Kyo, tx: Transaction, actor: Actor, verified_id: UUID, because: str) -> None:
    if not verified.withdraw(tx, verified_id, because, kyo.now()):
        raise Conflict("Somebody has withdrawn this a moment ago.")
    # Not the reason itself: it may quote somebody's question, and nothing in the log can be forgotten.
    audit.record(tx, actor, Event.ANSWER_WITHDRAW, verified_id, kyo.now(), {"reason_given": bool(because)})


def _own(tx: Transaction, actor: Actor, verified_id: UUID) -> VerifiedAnswer:
    found = verified.find_own(tx, actor, verified_id)
    if found is None:
        raise NotFound(_NOT_THERE)
    return found


def _readable(tx: Transaction, actor: Actor, answer_id: UUID) -> Answer:
    """The actor's own, or one that is shared with them."""
    own = questions.own_answer(tx, actor, answer_id)
    if own is not None:
        return own
    shared = shared_answers.read(tx, actor, answer_id)
    if shared is None:
        raise NotFound(_NO_ANSWER)
    return shared.answer


def _why_not(answer: Answer) -> str | None:
    """Why nobody can verify it, as a sentence."""
    if answer.outcome is not Outcome.ANSWERED or not answer.citations:
        return "Only an answer with sources can be verified."
    if answer.verification is not None and (
        answer.verification.withdrawn_at is None or not answer.verification.is_source
    ):
        return "This answer is a verified one already. Ask anew to verify another one."
    if any(one.is_deleted or one.current_number != one.version_number for one in answer.citations):
        return "A document that this answer cites has changed since. Ask anew, and verify what comes then."
    return None


def _are_theirs(tx: Transaction, actor: Actor, answer: Answer) -> bool:
    return all(documents.may_decide(tx, actor, one) for one in {cited.document_id for cited in answer.citations})


def _wordings(typed: Sequence[str]) -> tuple[Wording, ...]:
    """The question, and each other way to ask it once. Raises `Invalid`."""
    cleaned = [" ".join(composed(storable(visible(one))).split()) for one in typed]
    if not folded(cleaned[0]):
        raise Invalid("Say which question this answers.")
    distinct = {folded(one): one for one in reversed(cleaned) if folded(one)}
    wordings = [one for one in cleaned if one and distinct.get(folded(one)) is one]
    if len(wordings) > MAX_WORDINGS + 1:
        raise Invalid(f"There can be {MAX_WORDINGS} other wordings at most.")
    if any(len(one) > MAX_WORDING_LENGTH for one in wordings):
        raise Invalid(f"A question has {MAX_WORDING_LENGTH} characters at most.")
    return tuple(Wording(one, key_of(one)) for one in wordings)


def _edited(answer: Answer, text: str | None) -> str | None:
    """The new text, None where it is the one that was written. Raises `Invalid`."""
    new = storable(visible(text or "")) if text is not None else None
    if new is None or new == answer.text.strip():
        return None
    if not new or len(new) > MAX_TEXT_LENGTH:
        raise Invalid(f"An answer has 1 to {MAX_TEXT_LENGTH:,} characters.")
    wanted = {citation.marker for citation in answer.citations}
    if markers_of(new) != wanted:
        listed = " ".join(f"[{marker}]" for marker in sorted(wanted))
        raise Invalid(f"The text has to keep its sources: {listed}, and no others.")
    return new
