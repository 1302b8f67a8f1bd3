"""What waits for this person's decision: look at it, approve it or send it back with a reason."""

from uuid import UUID

import streamlit as st

from kyo_app import runtime, wording
from kyo_app.auth import acting
from kyo_app.components import (
    empty_state,
    first_page_if_empty,
    live,
    local_time,
    page_offset,
    page_picker,
    retry_button,
    run_again,
    shown_errors,
    state_badges,
)
from kyo_app.markup import inert, inert_line
from kyo_app.sharing import sharing_panel
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.documents import Document, VersionStatus
from kyo_pipeline.errors import Invalid
from kyo_pipeline.services import library, reviewing

_PAGE = 10
_KEY = "approvals-page"
_BEGINNING = 3000
#: Four times as much with each click: the longest texts take a few clicks and not hundreds.
_MORE = 4


def show() -> None:
    st.title("Approvals", anchor=False)
    st.markdown("Only what is approved here can answer questions.")
    live("approvals", _draw, seconds=2, idle_seconds=10)


def _draw() -> bool:
    """True while a file that waits here is still being read."""
    actor = acting()
    with shown_errors():
        page = reviewing.waiting(runtime.kyo(), actor, limit=_PAGE, offset=page_offset(_KEY, _PAGE))
        first_page_if_empty(_KEY, page.documents)
        if page.total == 0:
            empty_state(":material/task_alt:", "Nothing waits for you", "New uploads appear here by themselves.")
        for document in page.documents:
            _waiting(actor, document)
        page_picker(_KEY, _PAGE, page.total)
        return any(wording.under_way(document.latest) for document in page.documents)
    return False


def _waiting(actor: Actor, document: Document) -> None:
    version = document.latest
    facts = [
        inert_line(version.file_name, 80),
        wording.human_size(version.size_bytes),
        *([wording.counted(version.pages, "page")] if version.pages else []),
        *([f"replaces version {document.current_number}"] if document.searchable else []),
        inert_line(document.collection, 60),
    ]
    with st.container(border=True):
        st.markdown(f"#### {inert_line(document.title, 160)}", anchors=False)
        st.markdown(f"{state_badges(document)} :gray-badge[v{version.number}]")
        st.caption(
            f"Uploaded {local_time(version.uploaded_at)} by **{inert_line(version.uploaded_by_name, 60)}**  \n"
            + " · ".join(facts)
        )
        if version.status is VersionStatus.FAILED:
            st.error(inert(version.error or ""), icon=":material/error:")
        else:
            _preview(actor, document)
        _decision(actor, document)


def _preview(actor: Actor, document: Document) -> None:
    opened = st.expander(
        "Text",
        key=f"preview-{document.latest.id}",
        icon=":material/article:",
        on_change="rerun",
    )
    if opened.open:
        with opened:
            _text(actor, document.latest.id)


def _text(actor: Actor, version_id: UUID) -> None:
    """The beginning, and as much more as was asked for, to the end: nobody approves what they could not read."""
    key = f"preview-characters-{version_id}"
    limit = st.session_state.get(key, _BEGINNING)
    text = library.preview(runtime.kyo(), actor, version_id, limit + 1)
    if not text:
        st.caption("The text has not been read yet. It appears here in a moment.")
        return
    st.text(text[:limit])
    if len(text) > limit:
        st.button("Show more", key=f"more-{version_id}", on_click=_show_more, args=(key, limit))
    else:
        st.caption("End of the text.")


def _show_more(key: str, limit: int) -> None:
    st.session_state[key] = limit * _MORE


def _decision(actor: Actor, document: Document) -> None:
    obstacle = reviewing.may_approve(runtime.kyo(), actor, document)
    if obstacle is not None:
        st.caption(f":material/lock: {inert(obstacle)}")
    with st.container(horizontal=True):
        if obstacle is None:
            _approval(actor, document)
        elif document.latest.status is VersionStatus.FAILED:
            retry_button(actor, document)
        with st.popover("Reject", icon=":material/close:"):
            _rejection(actor, document)
    sharing_panel(actor, document)


def _approval(actor: Actor, document: Document) -> None:
    if st.button("Approve", key=f"approve-{document.latest.id}", type="primary", icon=":material/check:"):
        with shown_errors():
            reviewing.approve(runtime.kyo(), actor, document.latest.id)
            run_again(f"Approved: {inert_line(document.title, 80)}", ":material/check:")


def _rejection(actor: Actor, document: Document) -> None:
    with st.form(f"reject-{document.latest.id}", border=False):
        reason = st.text_area(
            "Reason",
            placeholder="What should be changed before it can be approved?",
        )
        submitted = st.form_submit_button("Reject", type="primary")
    if submitted:
        with shown_errors():
            if not reason.strip():
                raise Invalid("Say why, so that the uploader knows what to change.")
            reviewing.reject(runtime.kyo(), actor, document.latest.id, reason.strip())
            run_again(f"Rejected: {inert_line(document.title, 80)}", ":material/close:")
