"""Upload documents, watch them become searchable, find them, look after them."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

import streamlit as st

from kyo_app import runtime, wording
from kyo_app.auth import acting
from kyo_app.components import (
    Link,
    empty_state,
    expander,
    first_page_if_empty,
    live,
    page_offset,
    page_picker,
    shown_errors,
    state_badges,
)
from kyo_app.documents import selection
from kyo_app.documents.document import details, tag_badges, tombstone
from kyo_app.documents.uploads import upload_panel
from kyo_app.markup import badge, inert_line
from kyo_pipeline.domain.access import Access
from kyo_pipeline.domain.actor import Actor, Permission
from kyo_pipeline.domain.documents import Document, DocumentPage, DocumentState, Review, VersionStatus
from kyo_pipeline.domain.feedback_items import MOST_COUNTED
from kyo_pipeline.errors import NotFound
from kyo_pipeline.services import curating, feedback_items, library, reviewing

_PAGE = 15
_SHOW = "documents-show"
_OVERDUE = "Review overdue"
_ONE = "document"
#: Two of them stand side by side on a phone.
_BOX = 170


@dataclass(frozen=True)
class _Filter:
    """What people look for, as filters of the service."""

    state: DocumentState | None = None
    status: VersionStatus | None = None
    review: Review | None = None
    stale: bool = False
    own: bool = False
    admins_only: bool = False


_FILTERS: dict[str, _Filter] = {
    "All": _Filter(),
    "Mine": _Filter(own=True),
    "Approved": _Filter(state=DocumentState.APPROVED),
    _OVERDUE: _Filter(stale=True),
    "Waiting for approval": _Filter(review=Review.PENDING),
    "Draft": _Filter(review=Review.DRAFT),
    "Could not be read": _Filter(status=VersionStatus.FAILED),
    "Rejected": _Filter(review=Review.REJECTED),
    "Archived": _Filter(state=DocumentState.ARCHIVED),
    "Deleted": _Filter(state=DocumentState.DELETED, admins_only=True),
}


@dataclass(frozen=True)
class _Wanted:
    """What somebody asks for at the top of the page."""

    text: str
    show: str
    collection: str | None
    tag: str | None
    several_collections: bool
    may_select: bool
    decides_in: Collection[str]

    @property
    def filter(self) -> _Filter:
        return _FILTERS[self.show]

    @property
    def is_narrowed(self) -> bool:
        return bool(self.text or self.collection or self.tag) or self.show != "All"

    @property
    def key(self) -> str:
        return f"documents-page-{self.show}-{self.collection or ''}-{self.tag or ''}-{self.text}"


def show() -> None:
    actor = acting()
    if chosen := st.query_params.get(_ONE):
        _only(chosen)
        return
    st.title("Documents", anchor=False)
    if actor.may(Permission.DOCUMENT_UPLOAD):
        with shown_errors():
            upload_panel(actor)
    _tell_overdue(actor)
    _tell_feedback(actor)
    with shown_errors():
        wanted = _asked(actor)
        live("documents", lambda: _draw(wanted), seconds=2)


def _tell_overdue(actor: Actor) -> None:
    """To owners and approvers: work waits for them, which no mail tells them of."""
    if st.session_state.get(_SHOW) == _OVERDUE:
        return
    with shown_errors():
        number = reviewing.overdue(runtime.kyo(), actor, limit=1).total
        if number:
            with st.container(horizontal=True, vertical_alignment="center"):
                has = "is 1 document" if number == 1 else f"are {number:,} documents"
                st.markdown(f":orange[:material/event_busy:] There {has} whose review is overdue.", width="content")
                st.button("See which", key="show-overdue", type="tertiary", on_click=_show_overdue)


def _tell_feedback(actor: Actor) -> None:
    """To the same people: somebody found an answer out of a document of theirs unhelpful."""
    with shown_errors():
        number = feedback_items.count_open(runtime.kyo(), actor)
        more = "" if number < MOST_COUNTED else " or more"
        if number:
            with st.container(horizontal=True, vertical_alignment="center"):
                found = "1 answer was" if number == 1 else f"{number:,}{more} answers were"
                said = f":orange[:material/thumb_down:] {found} found unhelpful, and nobody has looked into it."
                st.markdown(said, width="content")
                Link("feedback", "See which", ":material/reviews:").show()


def _show_overdue() -> None:
    st.session_state[_SHOW] = _OVERDUE


def _asked(actor: Actor) -> _Wanted:
    filters = [
        name for name, found in _FILTERS.items() if not found.admins_only or actor.may(Permission.DOCUMENT_DELETE)
    ]
    names = [collection.name for collection in library.list_collections(runtime.kyo(), actor, Access.READ)]
    tags = curating.list_tags(runtime.kyo(), actor)
    text = st.text_input("Search", placeholder="Title or file name", max_chars=200)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        wanted = st.selectbox("Show", filters, key=_SHOW, width=_BOX)
        several = len(names) > 1
        collection = st.selectbox("Collection", names, index=None, placeholder="All", width=_BOX) if several else None
        tag = st.selectbox("Tag", tags, index=None, placeholder="All", width=_BOX) if tags else None
    decides_in = selection.decides_in(actor)
    may_select = bool(decides_in) and not _FILTERS[wanted].admins_only
    return _Wanted(text.strip(), wanted, collection, tag, several, may_select, decides_in)


def _draw(wanted: _Wanted) -> bool:
    """True while a document of this page is being worked on."""
    with shown_errors():
        actor = acting()
        page = _found(actor, wanted)
        first_page_if_empty(wanted.key, page.documents)
        selection.summary()
        if page.total == 0:
            _nothing(wanted)
            return False
        selecting = _counted(page.total, wanted)
        if selecting:
            selection.bar(actor, page.documents, wanted.key)
        for document in page.documents:
            _row(actor, document, wanted, selecting=selecting)
        page_picker(wanted.key, _PAGE, page.total)
        return any(wording.under_way(document.latest) for document in page.documents)
    return False


def _found(actor: Actor, wanted: _Wanted) -> DocumentPage:
    return library.list_documents(
        runtime.kyo(),
        actor,
        text=wanted.text,
        state=wanted.filter.state,
        status=wanted.filter.status,
        review=wanted.filter.review,
        collection=wanted.collection,
        tag=wanted.tag,
        owner_id=actor.id if wanted.filter.own else None,
        stale=wanted.filter.stale,
        limit=_PAGE,
        offset=page_offset(wanted.key, _PAGE),
    )


def _counted(total: int, wanted: _Wanted) -> bool:
    """How many there are, and whether somebody wants to choose several of them."""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.caption(wording.counted(total, "document"), width="content")
        if wanted.may_select:
            return st.toggle("Select several", key="documents-select")
    return False


def _row(actor: Actor, document: Document, wanted: _Wanted, *, selecting: bool) -> None:
    if document.state is DocumentState.DELETED:
        tombstone(document)
        return
    if not selecting:
        _expander(actor, document, wanted)
        return
    is_open = st.session_state.get(_key(document))
    with st.container(horizontal=True, wrap=False, gap="xsmall", vertical_alignment="top" if is_open else "center"):
        selection.box(document, wanted.key)
        with st.container():
            _expander(actor, document, wanted)


def _key(document: Document) -> str:
    """Under which it is known whether its row is open."""
    return f"document-{document.id}"


def _expander(actor: Actor, document: Document, wanted: _Wanted) -> None:
    decides = document.collection in wanted.decides_in
    label = f"{inert_line(document.title, 90)} {state_badges(document, decides=decides)}"
    if wanted.several_collections and wanted.collection is None and document.collection:
        label += f" {badge(inert_line(document.collection, 40), 'gray')}"
    if document.tags:
        label += f" {tag_badges(document)}"
    opened = expander(label, _key(document))
    if opened.open:
        with opened:
            details(actor, document)


def _only(chosen: str) -> None:
    """One document, for those who follow a link to it.

    Streamlit leaves the address as it was when the link stood on this page: the next run would not know the document.
    """
    st.query_params[_ONE] = chosen
    if st.button("All documents", icon=":material/arrow_back:", type="tertiary"):
        del st.query_params[_ONE]
        st.rerun()
    live("one-document", lambda: _draw_one(chosen), seconds=2)


def _draw_one(chosen: str) -> bool:
    with shown_errors():
        actor = acting()
        document = library.read_document(runtime.kyo(), actor, _uuid(chosen))
        st.title(inert_line(document.title, 160), anchor=False)
        st.markdown(state_badges(document, decides=document.collection in selection.decides_in(actor)))
        details(actor, document)
        return wording.under_way(document.latest)
    return False


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFound("There is no such document, or none that you may see.") from error


def _nothing(wanted: _Wanted) -> None:
    if wanted.show == _OVERDUE and not (wanted.text or wanted.collection or wanted.tag):
        empty_state(":material/event_available:", "No review is overdue", "Every approval here still holds.")
    elif wanted.is_narrowed:
        empty_state(":material/search_off:", "No document matches", "Try another word or another filter.")
    else:
        empty_state(
            ":material/library_books:",
            "There are no documents yet",
            "Upload the first ones above. When they are approved, everyone may ask about them.",
        )
