"""Deciding about an answer that somebody found unhelpful."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import streamlit as st

from kyo_app import runtime, wording
from kyo_app.components import confirmed
from kyo_app.document_box import document_box
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.answers import Outcome
from kyo_pipeline.domain.evaluation_cases import MAX_ANSWER_LENGTH, MAX_DOCUMENTS
from kyo_pipeline.domain.feedback_items import MAX_NOTE_LENGTH, FeedbackItem, Resolution
from kyo_pipeline.services import feedback_items

_CAPTIONS = {
    Resolution.CONFIRMED: "KYO keeps its question, to check later whether it still finds this.",
    Resolution.CORRECTED: "Say in which document it is. KYO keeps the question, to check later whether it finds that.",
    Resolution.DOCUMENT_UPDATED: "It says now what was missing, or it will once it is approved.",
    Resolution.DISMISSED: "Say why, for whoever reads this later.",
}
_CONFIRMED_NOT_FOUND = "The document does not answer this either."


@dataclass(frozen=True)
class _Words:
    note: str
    sources: Sequence[UUID] = ()
    expected: str = ""


@st.fragment
def decision(actor: Actor, item: FeedbackItem) -> None:
    st.subheader("What did you find?", anchor=False)
    resolution = st.radio(
        "What did you find?",
        list(Resolution),
        index=None,
        format_func=wording.RESOLUTIONS.__getitem__,
        captions=[_caption(item, one) for one in Resolution],
        label_visibility="collapsed",
        key=f"found-{item.id}",
    )
    if resolution is None:
        return
    words = _words(actor, item, resolution)
    confirmed(
        "Close this feedback",
        ":material/task_alt:",
        f"**{wording.RESOLUTIONS[resolution]}.** This cannot be undone. The person who asked is told that, but neither "
        "your name nor your note. Colleagues who may see this feedback see both.",
        "Close it",
        lambda: feedback_items.resolve(
            runtime.kyo(),
            actor,
            item.id,
            resolution,
            words.note,
            sources=words.sources,
            expected=words.expected,
        ),
        key=f"close-{item.id}",
        notice="Closed. It is under Done.",
    )


def _caption(item: FeedbackItem, resolution: Resolution) -> str:
    if resolution is Resolution.CONFIRMED and item.outcome is Outcome.NOT_FOUND:
        return _CONFIRMED_NOT_FOUND
    return _CAPTIONS[resolution]


def _words(actor: Actor, item: FeedbackItem, resolution: Resolution) -> _Words:
    key = f"decision-{item.id}"
    sources: Sequence[UUID] = ()
    expected = ""
    if resolution is Resolution.CORRECTED:
        named = item.correct_document
        chosen = [named] if named is not None and named.version_id is not None else []
        sources = document_box(actor, "Where is the right answer?", key=key, chosen=chosen, most=MAX_DOCUMENTS)
        expected = st.text_area(
            "What should the answer say? (optional)", max_chars=MAX_ANSWER_LENGTH, key=f"{key}-expected"
        )
    optional = "" if resolution is Resolution.DISMISSED else " (optional)"
    note = st.text_area(f"Note{optional}", max_chars=MAX_NOTE_LENGTH, key=f"{key}-note")
    return _Words(note.strip(), sources, expected.strip())
