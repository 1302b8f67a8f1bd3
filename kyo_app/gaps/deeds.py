"""What can be done about a knowledge gap."""

from collections.abc import Callable
from uuid import UUID

import streamlit as st

from kyo_app import runtime, wording
from kyo_app.components import Link, fresh_key, run_again, shown_errors, used_up
from kyo_app.markup import inert_line
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.documents import Document, DocumentState
from kyo_pipeline.domain.gaps import Gap, GapState
from kyo_pipeline.services import gaps, library

_FOUND = 20
_NOBODY = UUID(int=0)


def owner_field(actor: Actor, gap: Gap) -> None:
    """Of whom it is the task. Kept as soon as it is chosen."""
    names = {_NOBODY: "Nobody", **gaps.owners(runtime.kyo(), actor, gap.id)}  # None would be an empty box
    if gap.owner_id is not None and gap.owner_id not in names:
        names |= {gap.owner_id: gap.owner or ""}  # who may see it no longer
    options = list(names)
    chosen = st.selectbox(
        "Owner",
        options,
        index=options.index(gap.owner_id or _NOBODY),
        format_func=names.__getitem__,
        key=f"gap-owner-{gap.id}-{gap.owner_id}",
        width=320,
    )
    if chosen != (gap.owner_id or _NOBODY):
        with shown_errors():
            gaps.assign(runtime.kyo(), actor, gap.id, None if chosen == _NOBODY else chosen)
            run_again(f"Owner: {inert_line(names[chosen], 80)}", ":material/person:")


def deeds(actor: Actor, gap: Gap) -> None:
    kyo = runtime.kyo()
    with st.container(horizontal=True):
        _link(actor, gap)
        if gap.state is GapState.OPEN:
            _with_reason(
                "Plan",
                ":material/event:",
                "Somebody is going to write what is missing.",
                "Note (optional)",
                lambda reason: gaps.plan(kyo, actor, gap.id, reason),
                gap,
            )
        if not gap.state.is_closed:
            _with_reason(
                "Won't be answered",
                ":material/do_not_disturb_on:",
                "It leaves the list of what is to be done. When it is asked about again, it comes back.",
                "Why",
                lambda reason: gaps.decline(kyo, actor, gap.id, reason),
                gap,
            )
        if gap.state is not GapState.OPEN:
            _with_reason(
                "Open again",
                ":material/undo:",
                "It is to be done again.",
                "Note (optional)",
                lambda reason: gaps.reopen(kyo, actor, gap.id, reason),
                gap,
            )


def _with_reason(label: str, icon: str, text: str, what: str, deed: Callable[[str], object], gap: Gap) -> None:
    name = f"gap-{label}-{gap.id}"
    key = fresh_key(name)
    with st.popover(label, icon=icon, key=f"{key}-popover"), st.form(f"{key}-form", border=False):
        st.markdown(text)
        reason = st.text_area(what, key=f"{key}-reason")
        if st.form_submit_button(label, type="primary"):
            with shown_errors():
                deed(reason)
                used_up(name)
                run_again("Saved", icon)


def _link(actor: Actor, gap: Gap) -> None:
    """Find the document that answers, and close the gap with it."""
    name = f"gap-link-{gap.id}"
    key = fresh_key(name)
    label = "Link another document" if gap.state is GapState.ANSWERED else "Link the document that answers it"
    with st.popover(label, icon=":material/link:", key=f"{key}-popover"):
        text = st.text_input("Search documents", key=f"{key}-text", placeholder="A word of its title")
        found = library.list_documents(runtime.kyo(), actor, text=text.strip(), limit=_FOUND).documents
        usable = [one for one in found if one.state not in (DocumentState.ARCHIVED, DocumentState.REJECTED)]
        document = st.selectbox(
            "Document", usable, index=None, format_func=_said, placeholder="Choose one", key=f"{key}-document"
        )
        st.caption("Its questions are then asked again. Whoever wanted to know is told, if they may read it.")
        if st.button("Link it", key=f"{key}-button", type="primary", disabled=document is None) and document:
            with shown_errors():
                gaps.answer(runtime.kyo(), actor, gap.id, document.id)
                used_up(name)
                run_again(f"Linked: {inert_line(document.title, 80)}", ":material/link:")
        Link("documents", "Not there yet? Upload it", ":material/upload:").show()


def _said(document: Document) -> str:
    """Plain text: options of a box are no markdown."""
    state = "" if document.searchable else f" ({wording.decided(document)[0].lower()})"
    return f"{document.title[:80]}{state}"
