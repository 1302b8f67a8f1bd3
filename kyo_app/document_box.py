"""Choosing documents that answer questions by a part of their title, however many there are."""

from collections.abc import Sequence
from uuid import UUID

import streamlit as st

from kyo_app import runtime
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.documents import DocumentState
from kyo_pipeline.domain.feedback import NamedDocument
from kyo_pipeline.services import library

_MOST = 20


def document_box(
    actor: Actor, label: str, *, key: str, chosen: Sequence[NamedDocument] = (), most: int = 1
) -> list[UUID]:
    """A field for a part of the title and a box with what was found; `chosen` is in it from the beginning.

    Both are redrawn while somebody types, so they stand outside of forms.
    """
    names = _names(key, chosen)
    wanted = st.text_input(
        label,
        placeholder="A part of its title, then Enter",
        max_chars=200,
        key=f"{key}-wanted",
        icon=":material/search:",
    )
    found: list[UUID] = []
    if wanted.strip():
        page = library.list_documents(
            runtime.kyo(), actor, text=wanted.strip(), state=DocumentState.APPROVED, limit=_MOST
        )
        answering = [document for document in page.documents if document.searchable]
        found = [document.id for document in answering]
        names.update({document.id: _name(document.title, document.collection) for document in answering})
        if not found:
            st.caption("No document that answers questions has this in its title.")
        elif page.total > _MOST:
            st.caption(f"The newest {_MOST} of {page.total:,}. Type more of the title to see others.")
    picked: list[UUID] = st.session_state.setdefault(f"{key}-picked", [document.id for document in chosen])
    options = list(dict.fromkeys([*picked, *found]))
    if not options:
        return []
    return st.multiselect(
        "Document" if most == 1 else "Documents",
        options,
        format_func=lambda document: names.get(document, "A document"),
        max_selections=most,
        placeholder="Choose it here",
        key=f"{key}-picked",
    )


def picked(key: str) -> NamedDocument | None:
    """What stands first in the box under this key, for callbacks."""
    found: list[UUID] = st.session_state.get(f"{key}-picked", [])
    if not found:
        return None
    names: dict[UUID, str] = st.session_state.get(f"{key}-names", {})
    return NamedDocument(found[0], names.get(found[0], ""), None)


def forget(key: str) -> None:
    """What was typed and chosen under this key."""
    for part in ("wanted", "picked", "names"):
        st.session_state.pop(f"{key}-{part}", None)


def _names(key: str, chosen: Sequence[NamedDocument]) -> dict[UUID, str]:
    """Of all that was found so far: what is chosen stays in the box when something else is looked for."""
    names: dict[UUID, str] = st.session_state.setdefault(f"{key}-names", {})
    for document in chosen:
        names.setdefault(document.id, document.title)
    return names


def _name(title: str, collection: str) -> str:
    return f"{title} · {collection}" if collection else title
