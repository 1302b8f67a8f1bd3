"""Questions that somebody wants to hear of: the switch beside an answer that did not help, and the news on the page."""

from collections.abc import Callable
from uuid import UUID

import streamlit as st

from kyo_app import runtime
from kyo_app.auth import current_actor
from kyo_app.components import Link, local_time, shown_errors
from kyo_app.markup import inert_line
from kyo_pipeline.domain.actor import Actor, Permission
from kyo_pipeline.domain.answers import Answer, Outcome
from kyo_pipeline.domain.gaps import AnsweredQuestion
from kyo_pipeline.services import followed_questions

_SHOWN = 5


def toggle(answer: Answer, rating: int | None) -> None:
    """To be told when it is answered: where nothing was found, or the answer did not help, by its rating of now."""
    actor = current_actor()
    if actor is None or not (answer.outcome is Outcome.NOT_FOUND or rating == -1):
        return
    key = f"follow-{answer.question_id}"
    if key not in st.session_state:
        st.session_state[key] = followed_questions.is_followed(runtime.kyo(), actor, answer.question_id)
    st.toggle(
        "Tell me when this is answered",
        key=key,
        on_change=_follow,
        args=(answer.question_id,),
        help="Those who look after the documents see that this was asked, but not by whom. When a document answers it "
        "that you may read, you are told here in the app.",
    )


def news(actor: Actor, ask: Callable[[str], None] | None = None) -> None:
    """What was answered since it was asked; nothing where there is nothing.

    `ask` asks a question on this page; None: the way leads to the page where one asks.
    """
    if not actor.may(Permission.ANSWER_READ_OWN):
        return
    with shown_errors():
        found = followed_questions.answered(runtime.kyo(), actor)
        if not found:
            return
        with st.container(border=True, gap="small"):
            st.markdown(":green[:material/mark_chat_read:] **Answered since you asked**")
            for one in found[:_SHOWN]:
                _answered(actor, one, ask)
            if len(found) > _SHOWN:
                st.caption(f"… and {len(found) - _SHOWN:,} more.")


def _answered(actor: Actor, one: AnsweredQuestion, ask: Callable[[str], None] | None) -> None:
    st.markdown(f"{inert_line(one.text, 200)}")
    st.caption(
        f"You asked {local_time(one.asked_at)}. **{inert_line(one.title, 90)}** was named as "
        f"its answer {local_time(one.answered_at)}."
    )
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if ask is None:
            Link("", "Ask again", ":material/forum:").show()
        else:
            st.button(
                "Ask again",
                key=f"ask-again-{one.question_id}",
                icon=":material/forum:",
                on_click=_ask_again,
                args=(actor, one, ask),
            )
        if st.button("Dismiss", key=f"dismiss-{one.question_id}", type="tertiary", icon=":material/close:"):
            followed_questions.dismiss(runtime.kyo(), actor, one.question_id)
            st.rerun()


def _ask_again(actor: Actor, one: AnsweredQuestion, ask: Callable[[str], None]) -> None:
    with shown_errors():
        followed_questions.dismiss(runtime.kyo(), actor, one.question_id)
        ask(one.text)


def _follow(question_id: UUID) -> None:
    actor = current_actor()
    if actor is None:  # the page that comes next shows the sign-in form
        return
    with shown_errors():
        wanted = bool(st.session_state[f"follow-{question_id}"])
        followed_questions.follow(runtime.kyo(), actor, question_id, wanted=wanted)
