"""An answer with its sources and its rating, as Ask and History show it."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from kyo_app import findings, wording
from kyo_app.auth import current_actor
from kyo_app.case_of_answer import case_part
from kyo_app.components import Link
from kyo_app.documents.passages import sources
from kyo_app.markup import inert, inert_line
from kyo_app.rating import rating_part
from kyo_app.shared_link import share_part
from kyo_app.verification import verified_badge, verify_part
from kyo_pipeline.domain.actor import Permission
from kyo_pipeline.domain.answers import ERASED_TEXT, WITHHELD_TEXT, Answer, Outcome

#: What is said in the place of an answer that is there no more, or not for its reader.
GONE = {Outcome.ERASED: ERASED_TEXT, Outcome.WITHHELD: WITHHELD_TEXT}


def question_bubble(question: str) -> None:
    with st.chat_message("user", avatar=":material/person:"):
        st.markdown(inert(question))


@contextmanager
def answer_bubble() -> Iterator[None]:
    with st.chat_message("assistant", avatar=":material/menu_book:"):
        yield


def answer_block(answer: Answer, *, own: bool = True, confirmable: bool = True) -> None:
    """`own`: its reader has asked for it, and may say what they think of it, and share it.

    `confirmable`: whoever looks after its sources may say that it is right, and verify it. Not where another's is told.
    """
    if answer.outcome in GONE:
        _gone(answer)
        return
    verified_badge(answer)
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
        rating_part(answer)
        share_part(answer)
    if confirmable:
        verify_part(answer)
        case_part(answer)
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
