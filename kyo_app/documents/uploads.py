"""Forms by which files come in: new documents, and the next version of one.

Files of every type are taken, for `library.upload` to refuse: its sentence says more than a mark at the file's name.
"""

from collections.abc import Sequence

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from kyo_app import runtime, wording
from kyo_app.components import live
from kyo_app.documents.received import Sending, has_received, receive, show_received
from kyo_pipeline.domain.access import Access
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.documents import Document
from kyo_pipeline.services import library

_PLACE = "new"
_COLLECTION = "upload-collection"


def upload_panel(actor: Actor) -> None:
    collections = library.list_collections(runtime.kyo(), actor, Access.WRITE)
    if collections:
        default_first = sorted(collections, key=lambda collection: not collection.is_default)
        _form(actor, [collection.name for collection in default_first])
    if has_received(_PLACE):
        live("uploads", lambda: show_received(_PLACE), seconds=1)


def new_version_panel(actor: Actor, document: Document) -> None:
    """A line, and what it opens: a file of any name becomes the next version of this document.

    For those who may upload where it is; within something that is drawn again while the document is being worked on.
    """
    writable = library.list_collections(runtime.kyo(), actor, Access.WRITE)
    if document.collection not in [collection.name for collection in writable]:
        return
    place = f"version-of-{document.id}"
    opened = st.expander(
        "Upload a new version",
        icon=":material/upload_file:",
        key=f"new-version-{document.id}",
        type="compact",
        on_change="rerun",
    )
    if opened.open:
        with opened:
            with st.form(f"form-{place}", clear_on_submit=True, border=False):
                file = st.file_uploader(
                    f"{_kinds()}, up to {_megabytes()} MB. The version that answers questions now goes on doing so "
                    "until this one is approved.",
                    max_upload_size=_megabytes(),
                )
                draft = _submitted()
            if draft is not None:
                _take_in(actor, place, [file] if file else [], Sending(document_id=document.id, draft=draft))
            if has_received(place):
                show_received(place)


def _form(actor: Actor, collections: Sequence[str]) -> None:
    with st.form("upload", clear_on_submit=True):
        files = st.file_uploader(
            f"Upload {_kinds()} files, up to {_megabytes()} MB each",
            accept_multiple_files=True,
            max_upload_size=_megabytes(),
        )
        collection = collections[0]
        if len(collections) > 1:
            # The form is cleared when it is sent, but the next file often belongs to the same place.
            before = st.session_state.get(_COLLECTION)
            index = collections.index(before) if before in collections else 0
            collection = st.selectbox("Collection", collections, index=index)
        draft = _submitted()
    if draft is not None:
        st.session_state[_COLLECTION] = collection
        _take_in(actor, _PLACE, files, Sending(collection, draft=draft))


def _submitted() -> bool | None:
    """None before the form is sent; then whether the files are only a draft yet."""
    with st.container(horizontal=True):
        sent = st.form_submit_button("Send for approval", type="primary", icon=":material/send:")
        kept = st.form_submit_button("Keep as a draft", icon=":material/edit_note:")
    return kept if sent or kept else None


def _take_in(actor: Actor, place: str, files: Sequence[UploadedFile], sending: Sending) -> None:
    if not files:
        st.warning(f"Choose a file first, of {_megabytes()} MB at most.", icon=":material/attach_file:")
        return
    with st.spinner(f"Storing {wording.counted(len(files), 'file')}…"):
        receive(actor, place, files, sending)


def _kinds() -> str:
    return ", ".join(kind.upper() for kind in runtime.kyo().settings.ALLOWED_FILE_TYPES)


def _megabytes() -> int:
    return runtime.kyo().settings.MAX_FILE_SIZE_MB
