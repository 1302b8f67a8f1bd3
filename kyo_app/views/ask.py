"""Ask a question; read the answer as it is written, with its sources."""

import time
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from uuid import UUID

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from kyo_app import allowance, followed, runtime
from kyo_app.answers import GONE, answer_block, answer_bubble, question_bubble
from kyo_app.auth import acting
from kyo_app.components import UNEXPECTED, Link, empty_state, sentence, shown_errors
from kyo_app.markup import answer_markdown, inert
from kyo_app.verification import anew_button, is_given, to_ask_anew
from kyo_pipeline.domain.actor import Actor, Permission
from kyo_pipeline.domain.answers import WITHHELD_TEXT, Answer
from kyo_pipeline.domain.documents import DocumentState
from kyo_pipeline.errors import KyoError, NotFound
from kyo_pipeline.services import asking, history, library

_REDRAW_SECONDS = 0.1
_REMEMBERED = 30
_CONVERSATION = "conversation"
_SHOWN = "conversation-shown"
_ASKED_AGAIN = "asked-again"


@dataclass
class Exchange:
    """A question of this session and what became of it; without an answer or an error it was stopped."""

    question: str
    text: str = ""
    answer: Answer | None = None
    error: str | None = None
    anew: bool = False


def show() -> None:
    actor = acting()
    conversation: list[Exchange] = st.session_state.setdefault(_CONVERSATION, [])
    _follow_the_address(actor, conversation)
    question = st.chat_input("Ask about your organisation", submit_mode="stop", key="question")
    anew = to_ask_anew()
    # Always there, so that the welcome is gone as soon as the first answer begins and not when it has ended.
    top = st.empty()
    question = question or st.session_state.pop(_ASKED_AGAIN, None)
    if conversation:
        with top.container():
            followed.news(actor, _ask_again)
            with st.container(horizontal_alignment="right"):
                st.button("New conversation", icon=":material/add_comment:", type="tertiary", on_click=_begin_anew)
    elif not question and not anew:
        with top.container():
            followed.news(actor, _ask_again)
            _welcome(actor)
    _withhold(actor, conversation)
    for exchange in conversation:
        _show(exchange)
    if (question and question.strip()) or anew:
        exchange = Exchange(anew, anew=True) if anew else Exchange((question or "").strip())
        conversation[:] = [*conversation[1 - _REMEMBERED :], exchange]
        _answer(actor, exchange)
        st.rerun()
    allowance.show_questions_if_few(actor)


def _follow_the_address(actor: Actor, conversation: list[Exchange]) -> None:
    """The address names the conversation, so that it outlives a reload; what is in this session is not read again."""
    wanted, shown = st.query_params.get(_CONVERSATION), st.session_state.get(_SHOWN)
    if wanted and wanted != shown:
        del st.query_params[_CONVERSATION]
        with shown_errors():
            found = history.read_conversation(runtime.kyo(), actor, _uuid(wanted), _REMEMBERED)
            conversation[:] = [Exchange(answer.question, answer=answer) for answer in found.answers]
            shown = st.session_state[_SHOWN] = str(found.id)
    if shown and st.query_params.get(_CONVERSATION) != shown:
        st.query_params[_CONVERSATION] = shown


def _begin_anew() -> None:
    st.session_state[_CONVERSATION] = []
    st.session_state.pop(_SHOWN, None)
    st.query_params.pop(_CONVERSATION, None)


def _ask_again(question: str) -> None:
    """In a conversation of its own: what was spoken of meanwhile has nothing to do with it."""
    _begin_anew()
    st.session_state[_ASKED_AGAIN] = question


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFound("There is no such conversation among yours.") from error


def _withhold(actor: Actor, conversation: list[Exchange]) -> None:
    """Since an answer was written, its reader may have lost rights, and what it quotes may have been deleted."""
    shown = {
        exchange.answer.id: exchange
        for exchange in conversation
        if exchange.answer is not None and exchange.answer.outcome not in GONE
    }
    if not shown:
        return
    for answer_id in shown.keys() - history.still_readable(runtime.kyo(), actor, list(shown)):
        exchange = shown[answer_id]
        exchange.answer, exchange.text, exchange.error = None, "", WITHHELD_TEXT  # should it be gone altogether
        exchange.answer = history.read_answer(runtime.kyo(), actor, answer_id)


def _show(exchange: Exchange) -> None:
    question_bubble(exchange.question[: asking.MAX_QUESTION_LENGTH])
    with answer_bubble():
        if exchange.answer is not None:
            answer_block(exchange.answer)
            _anew(exchange.answer)
        elif exchange.error is not None:
            st.error(inert(exchange.error), icon=":material/error:")
        else:
            st.markdown(answer_markdown(exchange.text))
            st.caption(":material/stop_circle: Stopped. What was written so far is in your history.")


def _anew(answer: Answer) -> None:
    if is_given(answer) and anew_button(answer.standalone or answer.question, f"anew-{answer.id}"):
        st.rerun()


def _answer(actor: Actor, exchange: Exchange) -> None:
    """Draw the answer while it is written. Stop, leaving and a closed tab end this at any `st` call."""
    question_bubble(exchange.question[: asking.MAX_QUESTION_LENGTH])
    with answer_bubble():
        place = st.empty()
        place.markdown(":shimmer[Searching the approved documents…]")
        try:
            asked = asking.stream_answer(
                runtime.kyo(), actor, exchange.question, _shown(), _remember, anew=exchange.anew
            )
            with closing(asked) as pieces:
                exchange.answer = _drawn(pieces, exchange, place)
        except KyoError as error:
            exchange.error = sentence(error)
        except Exception:
            exchange.error = UNEXPECTED
            raise


def _shown() -> UUID | None:
    shown = st.session_state.get(_SHOWN)
    return UUID(shown) if shown else None


def _remember(conversation_id: UUID) -> None:
    """At once, so that what comes after an answer that was stopped, or failed, still follows up on its question."""
    st.session_state[_SHOWN] = str(conversation_id)


def _drawn(pieces: Generator[str, None, Answer], exchange: Exchange, place: DeltaGenerator) -> Answer:
    """Every redraw sends the whole text, so pieces are joined for a tenth of a second."""
    drawn_at = 0.0
    while True:
        try:
            exchange.text += next(pieces)
        except StopIteration as end:
            answer: Answer = end.value
            return answer
        if time.monotonic() - drawn_at >= _REDRAW_SECONDS:
            place.markdown(answer_markdown(exchange.text))
            drawn_at = time.monotonic()


def _welcome(actor: Actor) -> None:
    st.title("Ask your organisation", anchor=False)
    st.markdown(
        "Answers come only from documents that were approved, and each one shows the passage it comes from. "
        "When nothing answers your question, you are told so."
    )
    approved = library.list_documents(runtime.kyo(), actor, state=DocumentState.APPROVED, limit=1).total
    if approved:
        st.caption(
            "Ask one thing at a time, in a full sentence, for example: "
            "*How many days of leave do I have in my first year?* "
            "A question may follow up on the one before, such as *And in the second?* For another topic, begin a new "
            "conversation."
        )
        return
    may_upload = actor.may(Permission.DOCUMENT_UPLOAD)
    empty_state(
        ":material/library_books:",
        "No document is approved yet",
        "Once somebody has uploaded a document and another person has approved it, you can ask about it here.",
        Link("documents", "Upload documents", ":material/upload:") if may_upload else None,
    )
