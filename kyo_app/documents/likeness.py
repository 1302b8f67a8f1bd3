"""Documents that are much like another one."""

import streamlit as st

from kyo_app import runtime, wording
from kyo_app.components import Link
from kyo_app.markup import inert_line
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.documents import Version, VersionStatus
from kyo_pipeline.domain.likeness import SimilarDocument
from kyo_pipeline.services import likenesses


def similar_documents(actor: Actor, version: Version) -> None:
    """Which documents that the actor may see are much like this version; nothing where there are none."""
    if version.status in (VersionStatus.UPLOADED, VersionStatus.FAILED):
        return
    found = likenesses.similar(runtime.kyo(), actor, version.id)
    if not found:
        return
    with st.container(gap="xsmall"):
        for similar in found:
            _link(similar)


def _link(similar: SimilarDocument) -> None:
    """One line on a desk, two on a phone."""
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.markdown(f":orange[:material/content_copy:] {wording.alike(similar.likeness)}", width="content")
        query = {"document": str(similar.document_id)}
        Link("documents", inert_line(similar.title, 80), ":material/description:", query).show()
        if similar.collection:
            st.caption(inert_line(similar.collection, 60), width="content")
