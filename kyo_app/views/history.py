"""One's own questions: search them, and open an answer again with its sources."""

from uuid import UUID

import streamlit as st

from kyo_app import runtime, wording
from kyo_app.answers import GONE, answer_block, answer_bubble, question_bubble
from kyo_app.auth import acting
from kyo_app.components import (
    Link,
    empty_state,
    first_page_if_empty,
    local_time,
    page_offset,
    page_picker,
    shown_errors,
)
from kyo_app.markup import badge, inert_line
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.answers import AnswerSummary
from kyo_pipeline.errors import NotFound
from kyo_pipeline.services import history

_PAGE = 10


def show() -> None:
    actor = acting()
    chosen = st.query_params.get("answer")
    with shown_errors():
        if chosen:
            _answer(actor, chosen)
        else:
            _list(actor)


def _answer(actor: Actor, chosen: str) -> None:
    if st.button("All questions", icon=":material/arrow_back:", type="tertiary"):
        del st.query_params["answer"]
        st.rerun()
    answer = history.read_answer(runtime.kyo(), actor, _uuid(chosen))
    st.caption(f"Asked {local_time(answer.asked_at)}")
    question_bubble(answer.question)
    with answer_bubble():
        answer_block(answer)
    Link("", "Continue this conversation", ":material/forum:", {"conversation": str(answer.conversation_id)}).show()


def _list(actor: Actor) -> None:
    st.title("History", anchor=False)
    text = st.text_input("Search your questions", placeholder="A word of the question or the answer", max_chars=200)
    key = f"history-page-{text}"
    page = history.list_answers(runtime.kyo(), actor, text=text.strip(), limit=_PAGE, offset=page_offset(key, _PAGE))
    first_page_if_empty(key, page.answers)
    if page.total == 0:
        _nothing(text)
        return
    st.caption(wording.counted(page.total, "question"))
    for found in page.answers:
        with st.container(border=True, gap="xsmall"):
            st.markdown(f"**{inert_line(found.question, 200)}**")
            if text := GONE.get(found.outcome, found.text):
                st.caption(inert_line(text, 180))
            _foot(found)
    page_picker(key, _PAGE, page.total)


def _foot(found: AnswerSummary) -> None:
    label, color = wording.OUTCOMES[found.outcome]
    thumb = {1: " :small[:material/thumb_up:]", -1: " :small[:material/thumb_down:]"}.get(found.rating or 0, "")
    verified = f" {badge(':material/verified: Verified', 'green')}" if found.is_verified else ""
    others = f" :small[· one of {found.turns} in a conversation]" if found.turns > 1 else ""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(
            f":small[Asked {local_time(found.asked_at)} ·] {badge(label, color)}{verified}{thumb}{others}",
            width="content",
        )
        if st.button("Open", key=f"open-{found.id}", type="tertiary", icon=":material/open_in_full:"):
            st.query_params["answer"] = str(found.id)
            st.rerun()


def _nothing(text: str) -> None:
    if text.strip():
        empty_state(":material/search_off:", "No question matches", "Try another word, or clear the search.")
    else:
        empty_state(
            ":material/history:",
            "You have not asked anything yet",
            "Your questions and their answers are kept here.",
            Link("", "Ask a question", ":material/forum:"),
        )


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFound("There is no such answer in your history.") from error
