"""An answer with its sources and its rating, as Ask and History show it."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from kyo_app import findings, followed, runtime, wording
from kyo_app.auth import current_actor
from kyo_app.components import Link, shown_errors
from kyo_app.documents.passages import sources
from kyo_app.markup import inert, inert_line
from kyo_app.shared_link import share_part
from kyo_pipeline.domain.actor import Permission
from kyo_pipeline.domain.answers import ERASED_TEXT, WITHHELD_TEXT, Answer, Outcome
from kyo_pipeline.services import history

#: What is said in the place of an answer that is there no more, or not for its reader.
GONE = {Outcome.ERASED: ERASED_TEXT, Outcome.WITHHELD: WITHHELD_TEXT}


def question_bubble(question: str) -> None:
    with st.chat_message("user", avatar=":material/person:"):
        st.markdown(inert(question))


@contextmanager
def answer_bubble() -> Iterator[None]:
    with st.chat_message("assistant", avatar=":material/menu_book:"):
        yield


def answer_block(answer: Answer, *, own: bool = True) -> None:
    """`own`: its reader has asked for it, and may say what they think of it, and share it."""
    if answer.outcome in GONE:
        _gone(answer)
        return
    if answer.standalone:
        st.caption(f":material/search: Searched for: {inert_line(answer.standalone)}")
    if answer.outcome is Outcome.NOT_FOUND:
        _not_found(answer)
    elif answer.text:
        st.markdown(findings.marked_text(answer))
    findings.remarks(answer)
    if answer.outcome is Outcome.STOPPED:
        st.caption(":material/stop_circle: Stopped before the answer was complete.")
    if answer.outcome is Outcome.FAILED:
        st.warning("This question could not be answered. Ask it again.", icon=":material/error:")
    findings.conflicts(answer)
    if answer.citations:
        sources(answer.citations, str(answer.id))
    if own:
        _rating(answer)
        share_part(answer)
    st.caption(inert(wording.spent(answer)))


def _gone(answer: Answer) -> None:
    """Nothing of it can be rated. Of what it cited, the titles of what was deleted are left, and the rest opens."""
    st.info(GONE[answer.outcome], icon=":material/visibility_off:")
    if answer.citations:
        sources(answer.citations, str(answer.id))
    share_part(answer)


def _not_found(answer: Answer) -> None:
    with st.container(border=True):
        st.markdown(
            ":material/search_off: **Not found.** The approved documents that you may read do not answer this. "
            "Nothing was made up."
        )
        findings.nearest(answer.nearest)
        st.caption(
            "Try the words that the document itself would use, or ask about one thing at a time. "
            "If a document is missing, it may still wait for approval. Those who look after the documents see what was "
            "not found, but not who asked."
        )
        actor = current_actor()
        if actor is not None and actor.may(Permission.DOCUMENT_READ):
            Link("documents", "See the documents", ":material/description:").show()


@st.fragment
def _rating(answer: Answer) -> None:
    rating, comment = _rated(answer)
    default = None if rating is None else max(rating, 0)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.feedback("thumbs", key=f"thumb-{answer.id}", default=default, on_change=_thumb, args=(answer,))
        if rating is not None:
            with st.popover("Edit comment" if comment else "Add a comment", type="tertiary"):
                _comment_form(answer, comment)
    followed.toggle(answer, rating)  # here, so that a thumb down makes it appear


def _comment_form(answer: Answer, comment: str) -> None:
    with st.form(f"comment-{answer.id}", border=False):
        st.text_area("What was good, or what is missing?", value=comment, key=f"comment-text-{answer.id}")
        st.form_submit_button("Save comment", type="primary", on_click=_comment, args=(answer,))


def _rated(answer: Answer) -> tuple[int | None, str]:
    """Rating and comment: what was chosen in this session, else what the answer was read with."""
    rated: tuple[int | None, str] = st.session_state.get(f"rated-{answer.id}", (answer.rating, answer.comment or ""))
    return rated


def _thumb(answer: Answer) -> None:
    rating, comment = _rated(answer)
    thumb = st.session_state[f"thumb-{answer.id}"]
    if thumb is None:
        # A second click would take the thumb away; a rating can be changed, not taken back.
        st.session_state[f"thumb-{answer.id}"] = None if rating is None else max(rating, 0)
    else:
        _rate(answer, 1 if thumb else -1, comment)


def _comment(answer: Answer) -> None:
    rating, _ = _rated(answer)
    if rating is not None:
        _rate(answer, rating, str(st.session_state[f"comment-text-{answer.id}"]).strip())


def _rate(answer: Answer, rating: int, comment: str) -> None:
    actor = current_actor()
    if actor is None:  # the page that comes next shows the sign-in form
        return
    with shown_errors():
        history.rate(runtime.kyo(), actor, answer.id, rating, comment)
        st.session_state[f"rated-{answer.id}"] = (rating, comment)
        st.toast("Thank you, your feedback is saved.", icon=":material/check:")
