"""Receiving files and showing what becomes of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from kyo_app import runtime, wording
from kyo_app.auth import acting
from kyo_app.components import live, sentence, shown_errors
from kyo_app.markup import inert, inert_line
from kyo_pipeline.domain.access import Access
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.documents import Document, VersionStatus, progress
from kyo_pipeline.errors import KyoError
from kyo_pipeline.services import library

_RECEIVED = "received-files"
_COLLECTION = "upload-collection"


@dataclass(frozen=True)
class Received:
    """One file of the last upload: the version that it became, or a sentence that says why not."""

    file_name: str
    version_id: UUID | None = None
    created: bool = True
    error: str = ""


def upload_panel(actor: Actor) -> None:
    collections = library.list_collections(runtime.kyo(), actor, Access.WRITE)
    if collections:
        default_first = sorted(collections, key=lambda collection: not collection.is_default)
        _form(actor, [collection.name for collection in default_first])
    if st.session_state.get(_RECEIVED):
        live("uploads", _draw_received, seconds=1)


def _form(actor: Actor, collections: Sequence[str]) -> None:
    settings = runtime.kyo().settings
    kinds = ", ".join(kind.upper() for kind in settings.ALLOWED_FILE_TYPES)
    with st.form("upload", clear_on_submit=True):
        files = st.file_uploader(
            f"Upload {kinds} files, up to {settings.MAX_FILE_SIZE_MB} MB each",
            type=list(settings.ALLOWED_FILE_TYPES),
            accept_multiple_files=True,
            max_upload_size=settings.MAX_FILE_SIZE_MB,
        )
        collection = collections[0]
        if len(collections) > 1:
            # The form is cleared when it is sent, but the next file often belongs to the same place.
            before = st.session_state.get(_COLLECTION)
            index = collections.index(before) if before in collections else 0
            collection = st.selectbox("Collection", collections, index=index)
        submitted = st.form_submit_button("Send for approval", type="primary", icon=":material/send:")
    if submitted and files:
        st.session_state[_COLLECTION] = collection
        with st.spinner(f"Storing {wording.counted(len(files), 'file')}…"):
            st.session_state[_RECEIVED] = [_received(actor, file, collection) for file in files]
    elif submitted:
        st.warning("Choose one or more files first.", icon=":material/attach_file:")


def _received(actor: Actor, file: UploadedFile, collection: str) -> Received:
    """One bad file does not stop the others."""
    try:
        upload = library.upload(runtime.kyo(), actor, file.name, file.getvalue(), collection)
    except KyoError as error:
        return Received(file.name, error=sentence(error))
    return Received(file.name, upload.document.latest.id, upload.created)


def _draw_received() -> bool:
    """True while one of them is being worked on."""
    received: list[Received] = st.session_state.get(_RECEIVED, [])
    with shown_errors():
        ids = [file.version_id for file in received if file.version_id is not None]
        documents = {found.latest.id: found for found in library.list_versions(runtime.kyo(), acting(), ids)}
        with st.container(border=True, gap="small"):
            for file in received:
                _show(file, documents.get(file.version_id) if file.version_id else None)
            if st.button("Hide", key="hide-received", type="tertiary"):
                del st.session_state[_RECEIVED]
                st.rerun()
        return any(wording.under_way(document.latest) for document in documents.values())
    return False


def _show(file: Received, document: Document | None) -> None:
    name = f"**{inert_line(file.file_name, 90)}**"
    if document is None:
        reason = file.error or "A newer version has taken its place."
        st.markdown(f":red[:material/error:] {name}  \n{inert(reason)}")
    elif document.latest.status is VersionStatus.FAILED:
        st.markdown(f":red[:material/error:] {name}  \n{inert(document.latest.error or '')}")
    elif wording.under_way(document.latest):
        st.progress(progress(document.latest.status), text=f"{name} · {wording.step(document.latest)}…")
    else:
        known = "" if file.created else "was here already, with the same content · "
        st.markdown(f":green[:material/check_circle:] {name} :small[:gray[{known}{_next_step(document)}]]")


def _next_step(document: Document) -> str:
    passages = wording.counted(document.latest.chunks or 0, "passage")
    where = inert_line(document.collection, 60)
    return f"{where} · {passages} · {wording.decided(document)[0].lower()}"
