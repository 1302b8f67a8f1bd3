"""What waits for this person's decision: look at it, approve it or send it back with a reason; and what is overdue."""

from collections.abc import Mapping
from datetime import date
from uuid import UUID

import streamlit as st

from kyo_app import runtime, wording
from kyo_app.auth import acting
from kyo_app.components import (
    Link,
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
from kyo_app.documents import overdue
from kyo_app.documents.differences import differences
from kyo_app.documents.document import findings, tag_badges
from kyo_app.documents.likeness import similar_documents
from kyo_app.documents.passages import source_link
from kyo_app.documents.sharing import sharing_panel
from kyo_app.markup import inert, inert_line
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.documents import Document, DocumentPage, VersionStatus
from kyo_pipeline.errors import Invalid
from kyo_pipeline.services import library, reviewing

_PAGE = 10
_KEY = "approvals-page"
_OVERDUE = "overdue-page"
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
        months = overdue.intervals(actor)
        late = reviewing.overdue(runtime.kyo(), actor, limit=_PAGE, offset=page_offset(_OVERDUE, _PAGE))
        first_page_if_empty(_OVERDUE, late.documents)
        if late.total:
            reviews = "1 review is" if late.total == 1 else f"{late.total:,} reviews are"
            st.caption(f":material/event_busy: {reviews} overdue, below.")
        page = reviewing.waiting(runtime.kyo(), actor, limit=_PAGE, offset=page_offset(_KEY, _PAGE))
        first_page_if_empty(_KEY, page.documents)
        if page.total == 0:
            empty_state(":material/task_alt:", "Nothing waits for you", "New uploads appear here by themselves.")
        for document in page.documents:
            _waiting(actor, document, months.get(document.collection))
        page_picker(_KEY, _PAGE, page.total)
        _overdue(actor, late, months)
        return any(wording.under_way(document.latest) for document in page.documents)
    return False


def _waiting(actor: Actor, document: Document, months: int | None) -> None:
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
        st.markdown(f"{state_badges(document)} :gray-badge[v{version.number}] {tag_badges(document)}")
        st.caption(
            f"Uploaded {local_time(version.uploaded_at)} by **{inert_line(version.uploaded_by_name, 60)}**  \n"
            + " · ".join(facts)
        )
        findings(document)
        if version.status is VersionStatus.FAILED:
            st.error(inert(version.error or ""), icon=":material/error:")
        else:
            similar_documents(actor, version)
            _changes(actor, document)
            _preview(actor, document)
        _decision(actor, document, months)


def _changes(actor: Actor, document: Document) -> None:
    """What a new version changes in what answers questions now, once it has been read."""
    version = document.latest
    if not document.searchable or version.status is VersionStatus.UPLOADED:
        return
    opened = st.expander(
        f"What changes from version {document.current_number}",
        key=f"changes-{version.id}",
        icon=":material/compare_arrows:",
        on_change="rerun",
    )
    if opened.open:
        with opened, shown_errors():
            versions = library.list_history(runtime.kyo(), actor, document.id)
            for current in versions:
                if current.number == document.current_number:
                    differences(actor, current.id, version.id)


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
    source_link(version_id).show()
    st.text(text[:limit])
    if len(text) > limit:
        st.button("Show more", key=f"more-{version_id}", on_click=_show_more, args=(key, limit))
    else:
        st.caption("End of the text.")


def _show_more(key: str, limit: int) -> None:
    st.session_state[key] = limit * _MORE


def _decision(actor: Actor, document: Document, months: int | None) -> None:
    obstacle = reviewing.may_approve(runtime.kyo(), actor, document)
    if obstacle is not None:
        st.caption(f":material/lock: {inert(obstacle)}")
    elif wording.under_way(document.latest):
        st.caption(":material/hourglass: It is still being read. Once it is approved, it answers when that is done.")
    until = None
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if obstacle is None:
            until = overdue.review_day("Review by", document, months, key=f"review-by-{document.latest.id}")
        with st.container(horizontal=True, width="content"):  # the buttons stay together on a phone
            if obstacle is None:
                _approval(actor, document, until)
            elif document.latest.status is VersionStatus.FAILED:
                retry_button(actor, document)
            with st.popover("Reject", icon=":material/close:"):
                _rejection(actor, document)
    sharing_panel(actor, document)


def _approval(actor: Actor, document: Document, until: date | None) -> None:
    if st.button("Approve", key=f"approve-{document.latest.id}", type="primary", icon=":material/check:"):
        with shown_errors():
            reviewing.approve(runtime.kyo(), actor, document.latest.id, until)
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


def _overdue(actor: Actor, page: DocumentPage, months: Mapping[str, int | None]) -> None:
    """Approvals whose day has passed: they answer questions still, marked as overdue."""
    if page.total == 0:
        return
    st.subheader("Review overdue", anchor=False)
    for document in page.documents:
        with st.container(border=True):
            st.markdown(f"#### {inert_line(document.title, 160)}", anchors=False)
            owner, place = inert_line(document.owner_name, 60), inert_line(document.collection, 60)
            st.caption(f"Owner **{owner}** · {place} · version {document.current_number} answers questions")
            overdue.note(actor, document, months)
            Link("documents", "Open", ":material/description:", {"document": str(document.id)}).show()
    page_picker(_OVERDUE, _PAGE, page.total)
