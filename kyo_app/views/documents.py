"""Upload documents, watch them become searchable, find them."""

import streamlit as st

from kyo_app import runtime, wording
from kyo_app.auth import acting
from kyo_app.components import (
    confirmed,
    empty_state,
    expander,
    first_page_if_empty,
    live,
    local_time,
    page_offset,
    page_picker,
    retry_button,
    shown_errors,
    state_badges,
)
from kyo_app.markup import badge, inert, inert_line
from kyo_app.sharing import sharing_panel
from kyo_app.uploads import upload_panel
from kyo_pipeline.domain.access import Access
from kyo_pipeline.domain.actor import Actor, Permission
from kyo_pipeline.domain.documents import Document, DocumentState, Review, VersionStatus, progress
from kyo_pipeline.services import library, reviewing, sharing

_PAGE = 15
#: What people look for, as filters of the service.
_FILTERS: dict[str, tuple[DocumentState | None, VersionStatus | None, Review | None]] = {
    "All": (None, None, None),
    "Approved": (DocumentState.APPROVED, None, None),
    "Waiting for approval": (None, None, Review.PENDING),
    "Could not be read": (None, VersionStatus.FAILED, None),
    "Rejected": (None, None, Review.REJECTED),
    "Archived": (DocumentState.ARCHIVED, None, None),
}


def show() -> None:
    actor = acting()
    st.title("Documents", anchor=False)
    if actor.may(Permission.DOCUMENT_UPLOAD):
        with shown_errors():
            upload_panel(actor)
    with st.container(horizontal=True):
        text = st.text_input("Search", placeholder="Title or file name", max_chars=200, width="stretch")
        wanted = st.selectbox("Show", list(_FILTERS), width=200)
        names = [collection.name for collection in library.list_collections(runtime.kyo(), actor, Access.READ)]
        several = len(names) > 1
        collection = st.selectbox("Collection", names, index=None, placeholder="All", width=200) if several else None
    tell_collection = several and collection is None
    live("documents", lambda: _draw(text.strip(), wanted, collection, tell_collection), seconds=2)


def _draw(text: str, wanted: str, collection: str | None, tell_collection: bool) -> bool:
    """True while a document of this page is being worked on."""
    state, status, review = _FILTERS[wanted]
    key = f"documents-page-{wanted}-{collection or ''}-{text}"
    with shown_errors():
        actor = acting()
        page = library.list_documents(
            runtime.kyo(),
            actor,
            text=text,
            state=state,
            status=status,
            review=review,
            collection=collection,
            limit=_PAGE,
            offset=page_offset(key, _PAGE),
        )
        first_page_if_empty(key, page.documents)
        if page.total == 0:
            _nothing(filtered=bool(text or collection) or wanted != "All")
            return False
        st.caption(wording.counted(page.total, "document"))
        for document in page.documents:
            _row(actor, document, tell_collection)
        page_picker(key, _PAGE, page.total)
        return any(wording.under_way(document.latest) for document in page.documents)
    return False


def _row(actor: Actor, document: Document, tell_collection: bool) -> None:
    label = f"{inert_line(document.title, 90)} {state_badges(document)}"
    if tell_collection and document.collection:
        label += f" {badge(inert_line(document.collection, 40), 'gray')}"
    opened = expander(label, f"document-{document.id}")
    if opened.open:
        with opened:
            _detail(actor, document)


def _detail(actor: Actor, document: Document) -> None:
    version = document.latest
    if version.status is VersionStatus.FAILED:
        _failure(actor, document)
    elif wording.under_way(version):
        st.progress(progress(version.status), text=f"{wording.step(version)}…")
    if version.review is Review.REJECTED:
        by = inert_line(version.reviewed_by_name or "", 60)
        st.warning(f"Rejected by **{by}**: {inert(version.review_reason or '')}", icon=":material/close:")
    if document.searchable:
        st.markdown(badge(f":material/check: version {document.current_number} answers questions", "green"))
    facts = {
        "File": inert_line(version.file_name, 120),
        "Collection": inert_line(document.collection, 80),
        "Version": str(version.number),
        "Uploaded": f"{local_time(version.uploaded_at)} by {inert_line(version.uploaded_by_name, 60)}",
        "Size": wording.human_size(version.size_bytes),
        "Pages": f"{version.pages:,}" if version.pages else "",
        "Passages": f"{version.chunks:,}" if version.chunks else "",
        "Ready": local_time(version.ready_at) if version.ready_at else "",
        "Approved": _approval(document),
    }
    st.markdown("  \n".join(f":gray[{name}] {value}" for name, value in facts.items() if value))
    if sharing.may_share(runtime.kyo(), actor, document.id):
        sharing_panel(actor, document)
        # Archiving, too, is for those who may approve in the collection.
        if actor.may(Permission.DOCUMENT_ARCHIVE) and document.state is not DocumentState.ARCHIVED:
            _archiving(actor, document)


def _approval(document: Document) -> str:
    version = document.latest
    if version.review is not Review.APPROVED or version.reviewed_at is None:
        return ""
    return f"{local_time(version.reviewed_at)} by {inert_line(version.reviewed_by_name or '', 60)}"


def _archiving(actor: Actor, document: Document) -> None:
    confirmed(
        "Archive",
        ":material/archive:",
        "It is then no longer found and answers no questions. Old answers still show what they cited.",
        "Archive this document",
        lambda: reviewing.archive(runtime.kyo(), actor, document.id),
        key=f"archive-{document.id}",
        notice=f"Archived: {inert_line(document.title, 80)}",
        quiet=True,
    )


def _failure(actor: Actor, document: Document) -> None:
    st.error(inert(document.latest.error or "This file could not be read."), icon=":material/error:")
    retry_button(actor, document)


def _nothing(*, filtered: bool) -> None:
    if filtered:
        empty_state(":material/search_off:", "No document matches", "Try another word or another filter.")
    else:
        empty_state(
            ":material/library_books:",
            "There are no documents yet",
            "Upload the first ones above. When they are approved, everyone may ask about them.",
        )
