"""Who may read one document: for those who may approve in its collection."""

import streamlit as st

from kyo_app import access, runtime
from kyo_app.components import run_again, shown_errors
from kyo_app.markup import inert_line
from kyo_pipeline.domain.access import Recipient
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.documents import Document
from kyo_pipeline.domain.sharing import Sharing
from kyo_pipeline.services import sharing


def sharing_panel(actor: Actor, document: Document) -> None:
    """A line, and what it opens, which is read from the database only then.

    No popover: one that tells when it closes asks for its part of the page once more when somebody goes elsewhere, and
    Streamlit then leaves the page that they went to empty.
    """
    opened = st.expander(
        "Who may read it",
        icon=":material/group:",
        key=f"sharing-{document.id}",
        type="compact",
        on_change="rerun",
    )
    if opened.open:
        with opened, shown_errors():
            _panel(actor, document, sharing.read_sharing(runtime.kyo(), actor, document.id))


def _panel(actor: Actor, document: Document, found: Sharing) -> None:
    _restriction(actor, document, found)
    readers: list[Recipient] = [*found.readers, *found.reader_groups]
    for reader in readers:
        _reader(actor, document, reader)
    if readers and not found.published:
        st.caption("They can read it as soon as it is approved.")
    _adding(actor, document, found)


def _restriction(actor: Actor, document: Document, found: Sharing) -> None:
    # The key has the value in it: whoever changes it, the switch shows what the database says.
    key = f"restricted-{document.id}-{found.restricted}"
    wanted = st.toggle("Restricted", value=found.restricted, key=key)
    place = inert_line(document.collection, 60)
    if found.restricted:
        st.caption(f"Only its owner, those who may approve in {place}, and the readers below.")
    else:
        st.caption(f"Everyone who may read {place}, and the readers below.")
    if wanted is not found.restricted:
        with shown_errors():
            change = sharing.restrict if wanted else sharing.unrestrict
            change(runtime.kyo(), actor, document.id)
            icon = ":material/lock:" if wanted else ":material/lock_open:"
            run_again(f"{'Restricted' if wanted else 'No longer restricted'}: {inert_line(document.title, 80)}", icon)


def _reader(actor: Actor, document: Document, reader: Recipient) -> None:
    with st.container(horizontal=True, vertical_alignment="center", wrap=False):
        st.markdown(access.line(reader), width="stretch")
        if access.remove_button(f"unread-{document.id}-{reader.id}"):
            with shown_errors():
                sharing.remove_reader(runtime.kyo(), actor, document.id, reader)
                run_again(f"Removed: {inert_line(reader.name, 80)}", ":material/close:")


def _adding(actor: Actor, document: Document, found: Sharing) -> None:
    here = {person.id for person in found.readers} | {group.id for group in found.reader_groups}
    with st.form(f"readers-{document.id}", border=False, clear_on_submit=True):
        reader = access.recipient_box(sharing.candidates(runtime.kyo(), actor), here)
        submitted = st.form_submit_button("Let them read it", icon=":material/person_add:")
    if submitted and reader is None:
        access.warn_nobody_chosen()
    elif submitted and reader is not None:
        with shown_errors():
            sharing.add_reader(runtime.kyo(), actor, document.id, reader)
            run_again(f"May read it now: {inert_line(reader.name, 80)}", ":material/person_add:")
