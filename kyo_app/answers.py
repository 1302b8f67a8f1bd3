"""An answer with its sources and its rating, as Ask and History show it."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from kyo_app import runtime, wording
from kyo_app.auth import acting, current_actor
from kyo_app.components import Link, shown_errors, sources
from kyo_app.markup import answer_markdown, inert
from kyo_pipeline.domain.actor import Permission
from kyo_pipeline.domain.answers import Answer, Outcome
from kyo_pipeline.services import history


def question_bubble(question: str) -> None:
    with st.chat_message("user", avatar=":material/person:"):
        st.markdown(inert(question))


@contextmanager
def answer_bubble() -> Iterator[None]:
    with st.chat_message("assistant", avatar=":material/menu_book:"):
        yield


def answer_block(answer: Answer) -> None:
    if answer.outcome is Outcome.NOT_FOUND:
        _not_found()
    elif answer.text:
        st.markdown(answer_markdown(answer.text))
    if answer.outcome is Outcome.STOPPED:
        st.caption(":material/stop_circle: Stopped before the answer was complete.")
    if answer.outcome is Outcome.FAILED:
        st.warning("This question could not be answered. Ask it again.", icon=":material/error:")
    if answer.citations:
        sources(answer.citations, str(answer.id))
    _rating(answer)
    st.caption(inert(wording.spent(answer)))


def _not_found() -> None:
    with st.container(border=True):
        st.markdown(
            ":material/search_off: **Not found.** The approved documents that you may read do not answer this. "
            "Nothing was made up."
        )
        st.caption(
            "Try the words that the document itself would use, or ask about one thing at a time. "
            "If a document is missing, it may still wait for approval."
        )
        actor = current_actor()
        if actor is not None and actor.may(Permission.DOCUMENT_READ):
            Link("documents", "See the documents", ":material/description:").show()


@st.fragment
def _rating(answer: Answer) -> None:
    rated = f"rated-{answer.id}"
    rating, comment = st.session_state.setdefault(rated, (answer.rating, answer.comment or ""))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        thumb = st.feedback("thumbs", key=f"thumb-{answer.id}", default=None if rating is None else max(rating, 0))
        if rating is not None:
            with st.popover("Edit comment" if comment else "Add a comment", type="tertiary"):
                _comment_form(answer, rating, comment)
    chosen = {0: -1, 1: 1}.get(-1 if thumb is None else thumb, rating)
    if chosen is not None and chosen != rating:
        _rate(answer, chosen, comment)


def _comment_form(answer: Answer, rating: int, comment: str) -> None:
    with st.form(f"comment-{answer.id}", border=False):
        text = st.text_area(
            "What was good, or what is missing?",
            value=comment,
            max_chars=2000,
            key=f"comment-text-{answer.id}",
        )
        if st.form_submit_button("Save comment", type="primary"):
            _rate(answer, rating, text.strip())


def _rate(answer: Answer, rating: int, comment: str) -> None:
    with shown_errors():
        history.rate(runtime.kyo(), acting(), answer.id, rating, comment)
        st.session_state[f"rated-{answer.id}"] = (rating, comment)
        st.toast("Thank you, your feedback is saved.", icon=":material/check:")
        st.rerun(scope="fragment")
