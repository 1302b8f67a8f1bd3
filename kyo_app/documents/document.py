"""One document, opened: what it is, what became of it, and what may be done with it."""

import streamlit as st

from kyo_app import runtime, wording
from kyo_app.components import local_day, local_time, retry_button, run_again, shown_errors
from kyo_app.documents import overdue
from kyo_app.documents.curation import edit_panel, ending
from kyo_app.documents.likeness import similar_documents
from kyo_app.documents.passages import source_link
from kyo_app.documents.sharing import sharing_panel
from kyo_app.documents.uploads import new_version_panel
from kyo_app.documents.versions import history_panel
from kyo_app.markup import badge, inert, inert_line
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.documents import Document, DocumentState, Review, VersionStatus, progress
from kyo_pipeline.services import curating, library


def tag_badges(document: Document) -> str:
    """Markdown."""
    return " ".join(badge(f":material/sell: {inert_line(tag, 40)}", "violet") for tag in document.tags)


def details(actor: Actor, document: Document) -> None:
    curator = curating.may_curate(runtime.kyo(), actor, document.id)
    _notes(actor, document)
    facts(document)
    findings(document)
    _way_in(actor, document)
    similar_documents(actor, document.latest)
    history_panel(actor, document, curator=curator)
    if document.state is not DocumentState.ARCHIVED:
        new_version_panel(actor, document)
    if curator:
        edit_panel(actor, document)
        sharing_panel(actor, document)
    ending(actor, document, curator=curator)


def tombstone(document: Document) -> None:
    """What is left of a deleted document."""
    with st.container(border=True, gap="xsmall"):
        st.markdown(f"**{inert_line(document.title, 160)}** {badge(*wording.decided(document))}")
        when = local_time(document.deleted_at) if document.deleted_at else ""
        lines = [f"Deleted {when} by **{inert_line(document.deleted_by_name or '', 60)}**"]
        where = f" · {inert_line(document.collection, 60)}" if document.collection else ""
        added = f"Added {local_time(document.created_at)} · owner {inert_line(document.owner_name, 60)}"
        st.caption("  \n".join([*lines, f"{added}{where} · {wording.counted(document.latest.number, 'version')}"]))


def facts(document: Document) -> None:
    version = document.latest
    today = local_day()
    lines = {
        "File": inert_line(version.file_name, 120),
        "Collection": inert_line(document.collection, 80),
        "Owner": inert_line(document.owner_name, 60),
        **_numbers(document),
        "Uploaded": f"{local_time(version.uploaded_at)} by {inert_line(version.uploaded_by_name, 60)}",
        "Approved": _approval(document),
        "Review by": wording.day(document.review_by, today) if document.review_by else "",
        "Size": " · ".join(_sizes(document)),
        "Tags": tag_badges(document),
    }
    st.markdown("  \n".join(f":gray[{name}] {value}" for name, value in lines.items() if value))


def findings(document: Document) -> None:
    """What its approver and its readers should know of how it was read."""
    if found := wording.findings(document.latest):
        st.markdown("  \n".join(f":orange[:material/document_scanner:] {one}" for one in found))


def _way_in(actor: Actor, document: Document) -> None:
    """To the version that answers questions, which is the one that everybody may read; else to the newest one."""
    version = document.latest
    if _is_beside(document):
        for one in library.list_history(runtime.kyo(), actor, document.id):
            if one.number == document.current_number:
                source_link(one.id, label=f"Open version {one.number}").show()
    elif version.status is not VersionStatus.FAILED:
        source_link(version.id, label="Open").show()


def _is_beside(document: Document) -> bool:
    """Whether another version than the newest one answers questions."""
    return document.searchable and document.current_number != document.latest.number


def _numbers(document: Document) -> dict[str, str]:
    """Which version all the other facts are of, and which one answers questions."""
    number = str(document.latest.number)
    if _is_beside(document):
        answers = badge(f":material/check: version {document.current_number}", "green")
        return {"Answers questions": answers, "Newest version": number}
    answers = badge(":material/check: answers questions", "green") if document.searchable else ""
    return {"Version": f"{number} {answers}"}


def _sizes(document: Document) -> list[str]:
    version = document.latest
    return [
        wording.human_size(version.size_bytes),
        *([wording.counted(version.pages, "page")] if version.pages else []),
        *([wording.counted(version.chunks, "passage")] if version.chunks else []),
        *filter(None, [wording.kept(version)]),
    ]


def _approval(document: Document) -> str:
    version = document.latest
    if version.review is not Review.APPROVED or version.reviewed_at is None:
        return ""
    return f"{local_time(version.reviewed_at)} by {inert_line(version.reviewed_by_name or '', 60)}"


def _notes(actor: Actor, document: Document) -> None:
    """What somebody should do about it, or wait for."""
    version = document.latest
    if version.status is VersionStatus.FAILED:
        st.error(inert(version.error or "This file could not be read."), icon=":material/error:")
        retry_button(actor, document)
    elif wording.under_way(version):
        st.progress(progress(version.status), text=f"{wording.step(version)}…")
    if version.review is Review.DRAFT:
        _draft(actor, document)
    elif version.review is Review.REJECTED:
        by = inert_line(version.reviewed_by_name or "", 60)
        st.warning(f"Rejected by **{by}**: {inert(version.review_reason or '')}", icon=":material/close:")
    if document.is_overdue:
        overdue.note(actor, document, overdue.intervals(actor))


def _draft(actor: Actor, document: Document) -> None:
    own = document.latest.uploaded_by == actor.id
    by = inert_line(document.latest.uploaded_by_name, 60)
    st.info(
        "A draft: nobody is asked to approve it until you send it."
        if own
        else f"A draft: {by} has not sent it for approval yet.",
        icon=":material/edit_note:",
    )
    if own and st.button("Send for approval", key=f"send-{document.latest.id}", type="primary", icon=":material/send:"):
        with shown_errors():
            library.send_for_review(runtime.kyo(), actor, document.latest.id)
            run_again(f"Sent for approval: {inert_line(document.title, 80)}", ":material/send:")
