"""The history of a document: its versions, what differs between two of them, and going back to one."""

from collections.abc import Sequence
from uuid import UUID

import streamlit as st

from kyo_app import runtime, wording
from kyo_app.components import (
    confirmed,
    first_page_if_empty,
    local_time,
    page_offset,
    page_picker,
    shown_errors,
)
from kyo_app.documents.differences import differences
from kyo_app.documents.passages import source_link
from kyo_app.markup import badge, inert, inert_line
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.documents import Document, DocumentState, Review, Version, VersionStatus
from kyo_pipeline.services import library, reviewing

_PAGE = 10
_COMPARED = "compared-versions"


def history_panel(actor: Actor, document: Document, *, curator: bool) -> None:
    """A line, and what it opens, which is read from the database only then; nothing for the only version."""
    if document.latest.number == 1:
        return
    opened = st.expander(
        f"All {document.latest.number} versions",
        icon=":material/history:",
        key=f"versions-{document.id}",
        type="compact",
        on_change="rerun",
    )
    if opened.open:
        with opened, shown_errors():
            _panel(actor, document, library.list_history(runtime.kyo(), actor, document.id), curator)


def _panel(actor: Actor, document: Document, found: Sequence[Version], curator: bool) -> None:
    key = f"versions-page-{document.id}"
    start = page_offset(key, _PAGE)
    first_page_if_empty(key, found[start:])
    for version in found[start : start + _PAGE]:
        _version(actor, document, version, curator)
    page_picker(key, _PAGE, len(found))
    readable = [version for version in found if version.status not in (VersionStatus.UPLOADED, VersionStatus.FAILED)]
    if len(readable) > 1:
        _comparing(actor, document, readable)


def _version(actor: Actor, document: Document, version: Version, curator: bool) -> None:
    current = document.searchable and version.number == document.current_number
    with st.container(border=True, gap="xsmall"):
        answers = badge(":material/check: answers questions", "green") if current else ""
        st.markdown(f"**Version {version.number}** {answers} {_badges(version)}")
        st.caption("  \n".join(_facts(version)))
        with st.container(horizontal=True, vertical_alignment="center"):
            if version.status is not VersionStatus.FAILED:
                source_link(version.id, label="Open").show()
            if curator and not current and _usable(document, version):
                _using(actor, document, version)


def _badges(version: Version) -> str:
    failed = version.status is VersionStatus.FAILED
    parts = [] if failed and version.review is Review.PENDING else [badge(*wording.reviewed(version))]
    if failed:
        parts.append(badge("Could not be read", "red"))
    elif wording.under_way(version):
        parts.append(badge(wording.step(version), "blue"))
    return " ".join(parts)


def _facts(version: Version) -> list[str]:
    """Markdown: who did what to it, and when."""
    lines = [f"Uploaded {local_time(version.uploaded_at)} by {inert_line(version.uploaded_by_name, 60)}"]
    if version.reprocess_of is not None:
        lines = [f"Read again {local_time(version.uploaded_at)} from the file of version {version.reprocess_of}"]
    if version.reviewed_at is not None and version.review in (Review.APPROVED, Review.REJECTED):
        by = inert_line(version.reviewed_by_name or "", 60)
        lines.append(f"{version.review.value.capitalize()} {local_time(version.reviewed_at)} by {by}")
    if version.review_reason:
        lines.append(f"“{inert_line(version.review_reason, 300)}”")
    lines.append(
        " · ".join(
            [
                inert_line(version.file_name, 80),
                wording.human_size(version.size_bytes),
                *([wording.counted(version.pages, "page")] if version.pages else []),
                *filter(None, [wording.kept(version)]),
                *wording.findings(version),
            ]
        )
    )
    if version.status is VersionStatus.FAILED and version.error:
        lines.append(inert(version.error))
    return lines


def _usable(document: Document, version: Version) -> bool:
    decided = version.review is Review.APPROVED and version.status is VersionStatus.READY
    return decided and document.state is DocumentState.APPROVED


def _using(actor: Actor, document: Document, version: Version) -> None:
    confirmed(
        "Use this version",
        ":material/settings_backup_restore:",
        f"Questions are then answered from version {version.number} at once, and no longer from version "
        f"{document.current_number}. That one stays here: you can return to it in the same way.",
        f"Answer from version {version.number}",
        lambda: reviewing.roll_back(runtime.kyo(), actor, version.id),
        key=f"use-{version.id}",
        notice=f"Version {version.number} answers questions now: {inert_line(document.title, 80)}",
        quiet=True,
    )


def _comparing(actor: Actor, document: Document, found: Sequence[Version]) -> None:
    """Newest first in `found`: the newest and the one before it are what most people want to see."""
    numbers = {version.number: version.id for version in found}
    options = list(numbers)
    with st.form(f"compare-{document.id}"):
        left, right = st.columns(2)
        with left:
            one = st.selectbox("Compare version", options, index=1)
        with right:
            other = st.selectbox("with version", options, index=0)
        submitted = st.form_submit_button("Compare", icon=":material/compare_arrows:")
    if submitted:
        st.session_state[_COMPARED] = (document.id, min(one, other), max(one, other))
    chosen: tuple[UUID, int, int] | None = st.session_state.get(_COMPARED)
    if chosen is None or chosen[0] != document.id:
        return
    _, older, newer = chosen
    if older == newer:
        st.warning("Choose two different versions.", icon=":material/compare_arrows:")
    elif older in numbers and newer in numbers:
        st.markdown(f"**From version {older} to version {newer}**")
        differences(actor, numbers[older], numbers[newer])
