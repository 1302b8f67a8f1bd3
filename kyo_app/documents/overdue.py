"""Documents whose review is overdue: who is told what, and the button for "it is still right"."""

from collections.abc import Mapping
from datetime import date

import streamlit as st

from kyo_app import runtime, wording
from kyo_app.components import local_day, run_again, shown_errors
from kyo_app.markup import inert, inert_line
from kyo_pipeline.domain.access import Access
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.collections import default_review_by
from kyo_pipeline.domain.documents import Document
from kyo_pipeline.services import library, reviewing


def note(actor: Actor, document: Document, months: Mapping[str, int | None]) -> None:
    """What an overdue review means for this person, and what they can do about it. `months`: see `intervals`."""
    curator = document.collection in months
    obstacle = reviewing.may_confirm(runtime.kyo(), actor, document) if curator else None
    due = f" on {wording.day(document.review_by, local_day())}" if document.review_by else ""
    st.warning(f"Its review was due{due}. {_advice(actor, document, curator, obstacle)}", icon=":material/event_busy:")
    if obstacle is not None:
        st.caption(f":material/lock: {inert(obstacle)}")
    elif curator:
        _confirming(actor, document, months[document.collection])


def _advice(actor: Actor, document: Document, curator: bool, obstacle: str | None) -> str:
    if obstacle is not None:
        return (
            "Read it. If it is still right, ask somebody who may approve here to confirm it; if not, upload a new "
            "version."
        )
    if curator:
        return "Read it: if it is still right, approve it again; if not, upload a new version or archive it."
    if document.owner_id == actor.id:
        place = inert_line(document.collection, 60)
        return (
            f"It is yours: read it. If it is still right, ask somebody who may approve in {place} to approve it again; "
            "if not, upload a new version."
        )
    return f"It still answers questions. Ask {inert_line(document.owner_name, 60)}, who looks after it, if in doubt."


def _confirming(actor: Actor, document: Document, months: int | None) -> None:
    """Approve the current version once more, until a day."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        until = review_day("Still right until", document, months, key=f"confirm-day-{document.id}")
        if st.button("Approve again", key=f"confirm-{document.id}", type="primary", icon=":material/event_available:"):
            with shown_errors():
                reviewing.confirm(runtime.kyo(), actor, document.id, until)
                run_again(f"Approved again: {inert_line(document.title, 80)}", ":material/event_available:")


def intervals(actor: Actor) -> dict[str, int | None]:
    """By the names of collections that the actor may approve in: months from an approval to the next review."""
    found = library.list_collections(runtime.kyo(), actor, Access.APPROVE)
    return {collection.name: collection.review_months for collection in found}


def review_day(label: str, document: Document, months: int | None, *, key: str) -> date | None:
    """A day for the next review: what the collection says, or the day that was set before, unless somebody chooses."""
    today = local_day()
    set_before = document.review_by if document.review_by is not None and document.review_by > today else None
    return st.date_input(
        label,
        value=default_review_by(today, months) or set_before,
        format="YYYY-MM-DD",
        key=key,
        width=200,
        help="After this day it is marked as overdue until somebody approves it again. Empty: as its collection says.",
    )
