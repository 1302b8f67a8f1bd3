"""That a manager has verified an answer: the badge, the form to verify one, and the way to ask anew."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

import streamlit as st

from kyo_app import runtime
from kyo_app.auth import current_actor
from kyo_app.components import Link, local_time, run_again, shown_errors
from kyo_app.markup import badge, inert_line
from kyo_pipeline.domain.actor import Actor, Permission
from kyo_pipeline.domain.answers import Answer, Verification
from kyo_pipeline.domain.same_question import folded
from kyo_pipeline.domain.verified import MAX_TEXT_LENGTH, MAX_WORDING_LENGTH, MAX_WORDINGS, VerifiedAnswer
from kyo_pipeline.services import verifying

#: In the session: the question that is to be asked anew.
_ANEW = "ask-anew"
#: In the session: what was withdrawn in it, and when.
_WITHDRAWN = "withdrawn-verified"
#: In the session, by answer: whether its reader may verify it.
_MAY = "may-verify-"
_MOST_TYPED = (MAX_WORDING_LENGTH + 1) * MAX_WORDINGS


def verified_badge(answer: Answer) -> None:
    """Who has verified the answer and when; nothing where nobody has.

    And for which question, where that is worded differently from what was asked: so that a wrong match is seen.
    """
    found = _verification(answer)
    if found is None:
        return
    who = f"by **{inert_line(found.by, 60)}** {local_time(found.at)}"
    if found.withdrawn_at is None:
        st.markdown(f"{badge(':material/verified: Verified', 'green')} :small[{who}]")
    else:
        st.caption(f"Verified {who}. This was withdrawn {local_time(found.withdrawn_at)}.")
    asked = answer.standalone or answer.question
    if folded(found.question) not in (folded(asked), folded(answer.question)):
        st.caption(f"It was verified for the question: **{inert_line(found.question)}**")


def is_given(answer: Answer) -> bool:
    """Whether it was written before, and given to whoever asked: asking anew may bring another one."""
    return answer.verification is not None and not answer.verification.is_source


def anew_button(question: str, key: str) -> bool:
    """Have the question answered as if nothing had been verified, at once on the page Ask."""
    if st.button("Ask anew", key=key, icon=":material/refresh:", type="tertiary"):
        st.session_state[_ANEW] = question
        return True
    return False


def to_ask_anew() -> str | None:
    """The question that is to be asked anew, once."""
    question: str | None = st.session_state.pop(_ANEW, None)
    return question


def forget(*verified_ids: UUID) -> None:
    """That these were withdrawn: answers that this session has shown already, and will show again, say so."""
    withdrawn: dict[UUID, datetime] = st.session_state.setdefault(_WITHDRAWN, {})
    withdrawn.update(dict.fromkeys(verified_ids, runtime.kyo().now()))
    for key in [key for key in st.session_state if str(key).startswith(_MAY)]:
        del st.session_state[key]


def verify_part(answer: Answer) -> None:
    """The form, for those who may verify this answer; nothing for anybody else."""
    actor = current_actor()
    if actor is None or not actor.may(Permission.ANSWER_VERIFY):
        return
    found = _verification(answer)
    if found is not None and found.withdrawn_at is None:
        Link("verified", "All verified answers", ":material/workspace_premium:").show()
    elif _may(actor, answer):
        with st.popover("Verify", icon=":material/verified:", type="tertiary", key=f"verifying-{answer.id}"):
            _form(actor, answer)


def _verification(answer: Answer) -> Verification | None:
    """What was done in this session, else what the answer was read with."""
    found: Verification | None = st.session_state.get(f"verification-{answer.id}", answer.verification)
    withdrawn_at = st.session_state.get(_WITHDRAWN, {}).get(found.id) if found is not None else None
    if found is None or withdrawn_at is None or found.withdrawn_at is not None:
        return found
    return None if found.is_source else replace(found, withdrawn_at=withdrawn_at)


def _may(actor: Actor, answer: Answer) -> bool:
    """Asked once, until something is withdrawn: a conversation is drawn again and again. The service asks anew."""
    key = f"{_MAY}{answer.id}"
    if key not in st.session_state:
        st.session_state[key] = verifying.may_verify(runtime.kyo(), actor, answer)
    may: bool = st.session_state[key]
    return may


def _form(actor: Actor, answer: Answer) -> None:
    st.markdown(
        "Whoever asks this, in these or other words, and may read all its sources, gets this answer with your name, "
        "until a source changes."
    )
    with st.form(f"verify-{answer.id}", border=False):
        asked = answer.standalone or answer.question
        question = st.text_input("Question", asked[:MAX_WORDING_LENGTH], max_chars=MAX_WORDING_LENGTH)
        others = st.text_area(
            "Other ways to ask it (one a line)",
            placeholder="As others would say it",
            max_chars=_MOST_TYPED,
            height=100,
        )
        text = st.text_area(
            "Answer", answer.text, max_chars=MAX_TEXT_LENGTH, help="Keep each source's number, such as [1]."
        )
        replaced: tuple[VerifiedAnswer, ...] = st.session_state.get(f"replaces-{answer.id}", ())
        for one in replaced:
            st.warning(
                f"This replaces what {inert_line(one.verified_by, 60)} verified {local_time(one.verified_at)} for "
                f"**{inert_line(one.question, 200)}** That is given to nobody then.",
                icon=":material/swap_horiz:",
            )
        label = "Verify and replace" if replaced else "Verify this answer"
        if st.form_submit_button(label, type="primary"):
            with shown_errors():
                _verify(actor, answer, question, others.splitlines(), text)


def _verify(actor: Actor, answer: Answer, question: str, others: list[str], text: str) -> None:
    """At once where it replaces nothing, or what it replaces has been told; else that is told first."""
    told = f"replaces-{answer.id}"
    replaced = verifying.replaced(runtime.kyo(), actor, answer.id, question, others)
    if not {one.id for one in replaced} <= {one.id for one in st.session_state.get(told, ())}:
        st.session_state[told] = replaced
        st.rerun()
    made = verifying.verify(runtime.kyo(), actor, answer.id, question, others=others, text=text)
    st.session_state.pop(told, None)
    forget(*(one.id for one in replaced))
    known = Verification(made.id, made.verified_by, made.verified_at, None, is_source=True, question=made.question)
    st.session_state[f"verification-{answer.id}"] = known
    run_again("The answer is verified.", ":material/verified:")
