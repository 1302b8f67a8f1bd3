"""Looking after a document: what it is called, whose it is, where it belongs, and its end."""

from collections.abc import Sequence

import streamlit as st

from kyo_app import access, runtime
from kyo_app.components import confirmed, run_again, shown_errors
from kyo_app.fields import day_field
from kyo_app.markup import inert_line
from kyo_pipeline.domain.access import Access, PersonName
from kyo_pipeline.domain.actor import Actor, Permission
from kyo_pipeline.domain.documents import Document, DocumentState
from kyo_pipeline.services import curating, library, reprocessing

_ICON = ":material/edit:"
_MOVED = ":material/drive_file_move:"


def edit_panel(actor: Actor, document: Document) -> None:
    """For those who may approve here: a line, and what it opens, which is read from the database only then."""
    opened = st.expander("Edit and move", icon=_ICON, key=f"edit-{document.id}", type="compact", on_change="rerun")
    if opened.open:
        with opened, shown_errors():
            _editing(actor, document)
            _moving(actor, document)


def ending(actor: Actor, document: Document, *, curator: bool) -> None:
    """The buttons that take a document out of the answers, bring it back, read it anew, or delete it."""
    with st.container(horizontal=True):
        if curator and document.state is DocumentState.ARCHIVED:
            _restoring(actor, document)
        elif curator:
            _archiving(actor, document)
        if actor.may(Permission.DOCUMENT_REPROCESS) and document.state is not DocumentState.ARCHIVED:
            _reading_again(actor, document)
        if actor.may(Permission.DOCUMENT_DELETE):
            _deleting(actor, document)


def tags_field(known: Sequence[str], chosen: Sequence[str] = (), *, key: str | None = None) -> list[str]:
    return st.multiselect(
        "Tags",
        sorted({*known, *chosen}),
        default=list(chosen),
        accept_new_options=True,
        select_all=False,
        placeholder="Choose some, or type new ones",
        key=key,
    )


def _editing(actor: Actor, document: Document) -> None:
    owners = curating.owners(runtime.kyo(), actor, document.id)
    ids = [owner.id for owner in owners]
    with st.form(f"edit-form-{document.id}", border=False):
        title = st.text_input("Title", value=document.title)
        owner: PersonName | None = st.selectbox(
            "Owner",
            owners,
            index=ids.index(document.owner_id) if document.owner_id in ids else None,
            format_func=access.label,
            placeholder=f"{document.owner_name} (may no longer upload here)",
            help="Whoever looks after it: they are told when its review is overdue.",
        )
        tags = tags_field(curating.list_tags(runtime.kyo(), actor), document.tags)
        review_by = day_field(
            "Review by",
            document.review_by,
            key=f"edit-day-{document.id}",
            disabled=document.stale_since is not None,
            help="Its review is overdue: approve it again, above."
            if document.stale_since is not None
            else "After this day it is marked as overdue until somebody approves it again. Empty: never.",
        )
        submitted = st.form_submit_button("Save", type="primary")
    if submitted:
        with shown_errors():
            curating.change(
                runtime.kyo(),
                actor,
                document.id,
                title=title,
                owner=owner.id if owner else document.owner_id,
                tags=tags,
                review_by=review_by,
            )
            run_again(f"Saved: {inert_line(title, 80)}", _ICON)


def _moving(actor: Actor, document: Document) -> None:
    places = [one.name for one in library.list_collections(runtime.kyo(), actor, Access.APPROVE)]
    others = [name for name in places if name != document.collection]
    if not others:
        return
    with st.form(f"move-{document.id}", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        target = st.selectbox("Move to", others, index=None, placeholder="Another collection")
        submitted = st.form_submit_button("Move", icon=_MOVED)
    if submitted and target is None:
        st.warning("Choose a collection first.", icon=_MOVED)
    elif submitted and target is not None:
        with shown_errors():
            curating.move(runtime.kyo(), actor, document.id, target)
            run_again(f"Moved to {inert_line(target, 60)}: {inert_line(document.title, 80)}", _MOVED)


def _archiving(actor: Actor, document: Document) -> None:
    confirmed(
        "Archive",
        ":material/archive:",
        "It is then no longer found and answers no questions. Old answers still show what they cited, and it can be "
        "restored.",
        "Archive this document",
        lambda: curating.archive(runtime.kyo(), actor, document.id),
        key=f"archive-{document.id}",
        notice=f"Archived: {inert_line(document.title, 80)}",
        quiet=True,
    )


def _restoring(actor: Actor, document: Document) -> None:
    confirmed(
        "Restore",
        ":material/unarchive:",
        "It is then as it was before it was archived: what was approved answers questions again.",
        "Restore this document",
        lambda: curating.restore(runtime.kyo(), actor, document.id),
        key=f"restore-{document.id}",
        notice=f"Restored: {inert_line(document.title, 80)}",
        quiet=True,
    )


def _reading_again(actor: Actor, document: Document) -> None:
    confirmed(
        "Read again",
        ":material/autorenew:",
        "Its file is read, cut and embedded anew, as a further version with the same decision. The version of now "
        "answers questions until that one is ready.",
        "Read this document again",
        lambda: reprocessing.reprocess(runtime.kyo(), actor, document_id=document.id),
        key=f"reprocess-{document.id}",
        notice=f"Is being read again: {inert_line(document.title, 80)}",
        quiet=True,
    )


def _deleting(actor: Actor, document: Document) -> None:
    title = inert_line(document.title, 160)
    confirmed(
        "Delete",
        ":material/delete:",
        f"Delete **{title}** for good, with all its versions?\n\n"
        "**What goes:** its files, its text, its passages and vectors, and the words of the answers that quoted it.\n\n"
        "**What stays:** its title, who uploaded, approved and deleted it and when, and the audit log.\n\n"
        "This cannot be undone. To take it out of the answers only, archive it.",
        "Delete this document for good",
        lambda: curating.delete(runtime.kyo(), actor, document.id),
        key=f"delete-{document.id}",
        notice=f"Deleted: {inert_line(document.title, 80)}",
        quiet=True,
    )
