"""What the asker thinks of an answer: a thumb, why, and where the right answer is; and what came of it."""

from dataclasses import dataclass

import streamlit as st

from kyo_app import followed, runtime, wording
from kyo_app.auth import current_actor
from kyo_app.components import local_time, shown_errors
from kyo_app.document_box import document_box, forget, picked
from kyo_app.markup import inert_line
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.answers import Answer
from kyo_pipeline.domain.feedback import MAX_COMMENT_LENGTH, NamedDocument, Opinion
from kyo_pipeline.services import history

_SAVED = "Thank you, your feedback is saved."
_WHO_SEES = (
    ":material/visibility: The owner of each document that is cited, and those who approve in its collection, see your "
    "question, this answer and what you say here, without your name. Press the thumb again to take it back."
)
_WHO_SEES_NOT_FOUND = (
    ":material/visibility: If you name a document, its owner and those who approve in its collection see your question "
    "and what you say here, without your name. Press the thumb again to take it back."
)


@dataclass(frozen=True)
class _Said:
    """What was said in this session, else what the answer was read with; no opinion at all is said with None."""

    opinion: Opinion | None
    source: NamedDocument | None = None


@st.fragment
def rating_part(answer: Answer) -> None:
    actor, said = current_actor(), _said(answer)
    if actor is None:
        return
    opinion = said.opinion
    default = None if opinion is None else max(opinion.rating, 0)
    is_open = st.session_state.get(_open(answer), False)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.feedback("thumbs", key=f"thumb-{answer.id}", default=default, on_change=_thumb, args=(answer,))
        if opinion is not None and opinion.rating == 1:
            with st.popover("Edit comment" if opinion.comment else "Add a comment", type="tertiary"):
                _comment_form(answer, opinion)
        elif opinion is not None and not is_open:
            st.markdown(f":small[{_in_short(said, opinion)}]", width="content")
            st.button("Edit", key=f"edit-feedback-{answer.id}", type="tertiary", on_click=_set_open, args=(answer,))
    if opinion is not None and opinion.rating == -1:
        with shown_errors():
            _came_of_it(actor, answer)
            if is_open:
                _why(actor, answer, said, opinion)
    followed.toggle(answer, disliked=opinion is not None and opinion.rating == -1)


def _why(actor: Actor, answer: Answer, said: _Said, opinion: Opinion) -> None:
    key = f"why-{answer.id}"
    with st.container(border=True):
        st.pills(
            "What was wrong with it?",
            list(wording.REASONS),
            default=opinion.reason,
            format_func=wording.REASONS.__getitem__,
            key=f"{key}-reason",
        )
        st.text_area(
            "What is missing, or what would be right? (optional)",
            value=opinion.comment,
            max_chars=MAX_COMMENT_LENGTH,
            key=f"{key}-comment",
        )
        document_box(actor, "The right source is … (optional)", key=key, chosen=[said.source] if said.source else [])
        st.caption(_WHO_SEES if answer.citations else _WHO_SEES_NOT_FOUND)
        with st.container(horizontal=True):
            st.button("Send feedback", key=f"{key}-send", type="primary", on_click=_send, args=(answer,))
            st.button("Close", key=f"{key}-close", type="tertiary", on_click=_set_open, args=(answer, False))


def _came_of_it(actor: Actor, answer: Answer) -> None:
    reviewed = history.outcome_of_rating(runtime.kyo(), actor, answer.id)
    if reviewed is not None:
        st.caption(f":material/task_alt: Reviewed {local_time(reviewed.at)}: {wording.TOLD[reviewed.resolution]}")


def _in_short(said: _Said, opinion: Opinion) -> str:
    parts = [
        wording.REASONS[opinion.reason] if opinion.reason else "Not helpful",
        *([inert_line(f"“{opinion.comment}”", 60)] if opinion.comment else []),
        *([f"better: {inert_line(said.source.title, 60)}"] if said.source and said.source.title else []),
    ]
    return " · ".join(parts)


def _comment_form(answer: Answer, opinion: Opinion) -> None:
    with st.form(f"comment-{answer.id}", border=False):
        st.text_area("What was good?", value=opinion.comment, key=f"comment-text-{answer.id}")
        st.form_submit_button("Save comment", type="primary", on_click=_comment, args=(answer, opinion))


def _said(answer: Answer) -> _Said:
    known: _Said | None = st.session_state.get(f"rated-{answer.id}")
    if known is not None:
        return known
    if answer.rating is None:
        return _Said(None)
    source = answer.correct_document
    opinion = Opinion(answer.rating, answer.comment or "", answer.reason, source.id if source else None)
    return _Said(opinion, source)


def _thumb(answer: Answer) -> None:
    before = _said(answer).opinion
    thumb = st.session_state[f"thumb-{answer.id}"]
    forget(f"why-{answer.id}")
    if thumb is None:
        _withdraw(answer)
    else:
        rating = 1 if thumb else -1
        # Words about what was wrong are no words about what was good.
        same = before is not None and before.rating == rating
        _rate(answer, before if same and before else Opinion(rating), _said(answer).source if same else None)
        _set_open(answer, rating == -1)


def _send(answer: Answer) -> None:
    key = f"why-{answer.id}"
    source = picked(key)
    comment = str(st.session_state[f"{key}-comment"]).strip()
    opinion = Opinion(-1, comment, st.session_state[f"{key}-reason"], source.id if source else None)
    if _rate(answer, opinion, source):
        forget(key)
        _set_open(answer, False)


def _comment(answer: Answer, opinion: Opinion) -> None:
    _rate(answer, Opinion(opinion.rating, str(st.session_state[f"comment-text-{answer.id}"]).strip()), None)


def _rate(answer: Answer, opinion: Opinion, source: NamedDocument | None) -> bool:
    """Whether it is saved."""
    actor = current_actor()
    if actor is None:  # the page that comes next shows the sign-in form
        return False
    with shown_errors():
        history.rate(
            runtime.kyo(),
            actor,
            answer.id,
            opinion.rating,
            opinion.comment,
            opinion.reason,
            opinion.correct_document_id,
        )
        st.session_state[f"rated-{answer.id}"] = _Said(opinion, source)
        st.toast(_SAVED, icon=":material/check:")
        return True
    return False


def _withdraw(answer: Answer) -> None:
    actor = current_actor()
    if actor is None:
        return
    with shown_errors():
        history.withdraw_rating(runtime.kyo(), actor, answer.id)
        st.session_state[f"rated-{answer.id}"] = _Said(None)
        st.toast("Your feedback is taken back.", icon=":material/undo:")


def _set_open(answer: Answer, is_open: bool = True) -> None:
    st.session_state[_open(answer)] = is_open


def _open(answer: Answer) -> str:
    return f"why-open-{answer.id}"
