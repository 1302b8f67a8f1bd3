"""An answer that somebody has shared, with its sources."""

from uuid import UUID

import streamlit as st

from kyo_app import addresses, runtime
from kyo_app.answers import answer_block, answer_bubble, question_bubble
from kyo_app.auth import acting
from kyo_app.components import Link, local_time, shown_errors
from kyo_app.markup import inert_line
from kyo_pipeline.errors import NotFound
from kyo_pipeline.services import shared_answers


def show() -> None:
    actor = acting()
    st.title("Shared answer", anchor=False)
    with shown_errors():
        found = shared_answers.read_shared(runtime.kyo(), actor, _uuid(st.query_params.get(addresses.ANSWER, "")))
        asked, shared = local_time(found.answer.asked_at), local_time(found.shared_at)
        st.caption(f"Shared by {inert_line(found.shared_by, 60)} {shared} · Asked {asked}")
        question_bubble(found.answer.question)
        with answer_bubble():
            answer_block(found.answer, own=False)
    Link("", "Ask a question", ":material/forum:").show()


def _uuid(text: str) -> UUID:
    """As unknown as one that is well written."""
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFound(shared_answers.NOT_THERE) from error
