"""How access is said and chosen: what collections, groups and single documents have in common."""

from collections.abc import Collection as Several
from uuid import UUID

import streamlit as st

from kyo_app.markup import inert_line
from kyo_pipeline.domain.access import Access, Candidates, PersonName, Recipient

#: None: what somebody may do who was given nothing.
ACCESS: dict[Access | None, str] = {
    None: "Nothing",
    Access.READ: "Read",
    Access.WRITE: "Read and upload",
    Access.APPROVE: "Read, upload and approve",
}


def label(recipient: Recipient) -> str:
    """Plain text, for select boxes."""
    if isinstance(recipient, PersonName):
        return f"{recipient.name} ({recipient.username})"
    return f"{recipient.name} (group)"


def line(recipient: Recipient) -> str:
    """Markdown."""
    if isinstance(recipient, PersonName):
        return f":material/person: {inert_line(recipient.name, 60)} :gray[{inert_line(recipient.username, 64)}]"
    return f":material/group: {inert_line(recipient.name, 80)} :gray[group]"


def recipient_box(candidates: Candidates, without: Several[UUID]) -> Recipient | None:
    """Somebody, or a group, to whom something can be given; `without` have it already."""
    everybody: list[Recipient] = [*candidates.groups, *candidates.people]
    options = [one for one in everybody if one.id not in without]
    return st.selectbox("Person or group", options, index=None, format_func=label, placeholder="Type a name")


def warn_nobody_chosen() -> None:
    st.warning("Choose a person or a group first.", icon=":material/person_search:")


def remove_button(key: str) -> bool:
    return st.button("Remove", key=key, icon=":material/close:", type="tertiary")
