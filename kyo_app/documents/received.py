"""What becomes of files that were just sent: read, failed, alike, or waiting for their password."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from kyo_app import runtime, wording
from kyo_app.auth import acting
from kyo_app.components import sentence, shown_errors, turn_to
from kyo_app.markup import inert, inert_line
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.documents import Document, Followed, Review, VersionStatus, progress
from kyo_pipeline.domain.likeness import SimilarDocument
from kyo_pipeline.errors import KyoError, PasswordNeeded
from kyo_pipeline.services import library, likenesses

_LISTS = "received-files"
_SIMILAR = "similar-documents"

_FORGOTTEN = "It is protected with a password. Upload it once more to type the password."


@dataclass(frozen=True)
class Sending:
    """Where files go: into a collection, or to a document as its next version."""

    collection: str | None = None
    document_id: UUID | None = None
    draft: bool = False


@dataclass(frozen=True)
class Locked:
    """A file that waits for its password. It is nowhere but here, in the session of whoever sent it."""

    content: bytes
    sending: Sending
    wrong: bool = False


@dataclass(frozen=True)
class Received:
    """One file of the last upload: the version that it became, or what is in its way."""

    file_name: str
    version_id: UUID | None = None
    created: bool = True
    same_as: Document | None = None
    error: str = ""
    locked: Locked | None = None


def receive(actor: Actor, place: str, files: Sequence[UploadedFile], sending: Sending) -> None:
    """Take files in. One bad file does not stop the others; those of the last time are forgotten."""
    _lists()[place] = [_sent(actor, file.name, file.getvalue(), sending) for file in files]


def has_received(place: str) -> bool:
    return bool(_lists().get(place))


def forget_locked() -> None:
    """Drop the bytes that wait for a password: their sender has gone elsewhere."""
    for files in _lists().values():
        files[:] = [Received(file.file_name, error=_FORGOTTEN) if file.locked else file for file in files]


def show_received(place: str) -> bool:
    """True while one of them is being worked on."""
    received = _lists().get(place, [])
    with shown_errors():
        actor = acting()
        ids = [file.version_id for file in received if file.version_id is not None]
        followed = {found.version.id: found for found in library.list_versions(runtime.kyo(), actor, ids)}
        with st.container(border=True, gap="small"):
            for number, file in enumerate(received):
                if file.locked is not None:
                    _unlocking(actor, place, number, file, file.locked)
                else:
                    _show(actor, file, followed.get(file.version_id) if file.version_id else None)
            if st.button("Hide", key=f"hide-received-{place}", type="tertiary"):
                del _lists()[place]
                st.rerun()
        return any(wording.under_way(found.version) for found in followed.values())
    return False


def _lists() -> dict[str, list[Received]]:
    """By the place at which the files were sent."""
    lists: dict[str, list[Received]] = st.session_state.setdefault(_LISTS, {})
    return lists


def _sent(actor: Actor, name: str, content: bytes, sending: Sending, password: str | None = None) -> Received:
    try:
        upload = library.upload(
            runtime.kyo(),
            actor,
            name,
            content,
            sending.collection,
            document_id=sending.document_id,
            draft=sending.draft,
            password=password,
        )
    except PasswordNeeded as needed:
        return Received(name, locked=Locked(content, sending, needed.wrong))
    except KyoError as error:
        return Received(name, error=sentence(error))
    return Received(name, upload.document.latest.id, upload.created, upload.same_as)


def _unlocking(actor: Actor, place: str, number: int, file: Received, locked: Locked) -> None:
    """The password is used once, to store the file without it, and kept nowhere."""
    st.markdown(f":orange[:material/lock:] {_bold(file.file_name)}  \nThis file is protected with a password.")
    with st.form(f"unlock-{place}-{number}", clear_on_submit=True, border=False):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            password = st.text_input("Password of this file", type="password", autocomplete="off")
            submitted = st.form_submit_button("Unlock", icon=":material/lock_open:")
        st.caption("It is used once, to take the protection off, and not kept.")
    if submitted and password:
        with st.spinner("Unlocking…"):
            _lists()[place][number] = _sent(actor, file.file_name, locked.content, locked.sending, password)
        st.rerun()
    elif submitted:
        st.warning("Type the password of this file first.", icon=":material/key:")
    elif locked.wrong:
        st.error("That password does not open this file. Try another one.", icon=":material/key_off:")


def _show(actor: Actor, file: Received, found: Followed | None) -> None:
    name = _bold(file.file_name)
    if file.error:
        st.markdown(f":red[:material/error:] {name}  \n{inert(file.error)}")
    elif found is None:
        st.markdown(f":gray[:material/info:] {name} :small[:gray[Deleted, or no longer yours to see]]")
    elif became := wording.became(found):
        st.markdown(f":gray[:material/info:] {name} :small[:gray[{became}]]")
    else:
        _newest(actor, file, found.document)


def _newest(actor: Actor, file: Received, document: Document) -> None:
    name = _bold(file.file_name)
    if document.latest.status is VersionStatus.FAILED:
        st.markdown(f":red[:material/error:] {name}  \n{inert(document.latest.error or '')}")
    elif wording.under_way(document.latest):
        st.progress(progress(document.latest.status), text=f"{name} · {wording.step(document.latest)}…")
        _same(file)
    else:
        known = "" if file.created else "was here already, with the same content · "
        st.markdown(f":green[:material/check_circle:] {name} :small[:gray[{known}{_next_step(document)}]]")
        for finding in wording.findings(document.latest):
            st.caption(f":orange[:material/scan:] {finding}")
        _same(file)
        _alike(actor, file, document)


def _next_step(document: Document) -> str:
    latest, current = document.latest, document.current_number
    passages = wording.counted(latest.chunks or 0, "passage")
    said = f"{inert_line(document.collection, 60)} · {passages} · {wording.decided(document)[0].lower()}"
    rolled_back = document.searchable and latest.review is Review.APPROVED and current != latest.number
    return f"{said}, but version {current} answers questions" if rolled_back else said


def _same(file: Received) -> None:
    if file.same_as is not None:
        _pointer(
            file.version_id, "The same file is here as", file.same_as.id, file.same_as.title, file.same_as.collection
        )


def _alike(actor: Actor, file: Received, document: Document) -> None:
    """Other documents with much the same text. Asked for once: the page is drawn again and again."""
    found: dict[UUID, tuple[SimilarDocument, ...]] = st.session_state.setdefault(_SIMILAR, {})
    version_id = document.latest.id
    if version_id not in found:
        found[version_id] = likenesses.similar(runtime.kyo(), actor, version_id)
    for similar in found[version_id]:
        if file.same_as is None or similar.document_id != file.same_as.id:
            said = wording.alike(similar.likeness)
            _pointer(version_id, said, similar.document_id, similar.title, similar.collection)


def _pointer(version_id: UUID | None, said: str, document_id: UUID, title: str, collection: str) -> None:
    where = f" :small[:gray[{inert_line(collection, 60)}]]" if collection else ""
    label = f"{said} **{inert_line(title, 80)}**{where}"
    turn_to(label, ":material/content_copy:", {"document": str(document_id)}, key=f"alike-{version_id}-{document_id}")


def _bold(file_name: str) -> str:
    return f"**{inert_line(file_name, 90)}**"
