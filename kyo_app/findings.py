"""What was found about an answer: sentences without support, sources that differ, and whom to ask instead."""

import streamlit as st

from kyo_app.components import Link, local_time
from kyo_app.markup import MARKER_COLOR, UNSUPPORTED, UNSUPPORTED_COLOR, answer_markdown, badge, inert, inert_line
from kyo_pipeline.domain.answer_findings import Conflict
from kyo_pipeline.domain.answers import Answer, Citation, NearDocument


def marked_text(answer: Answer) -> str:
    """Markdown of the answer with the words that answer in bold, and the sentences without support marked."""
    return answer_markdown(answer.text, answer.findings.emphasis, answer.findings.unsupported)


def remarks(answer: Answer) -> None:
    """What a reader should know before relying on the text above."""
    found = answer.findings
    if found.unsupported:
        st.caption(
            f":material/warning: Sentences marked {badge(UNSUPPORTED, UNSUPPORTED_COLOR)} could not be found in the "
            "passages that they cite. Read the sources before you rely on them."
        )
    if found.notice:
        st.caption(f":material/info: {inert(found.notice)}")
    for typed, meant in found.corrections:
        st.caption(f":material/spellcheck: Looked for **{inert_line(meant, 60)}** in place of {inert_line(typed, 60)}.")


def conflicts(answer: Answer) -> None:
    """Which sources say something else than others, the newer first."""
    cited = {citation.marker: citation for citation in answer.citations}
    shown = [one for one in answer.findings.conflicts if one.newer in cited and one.older in cited]
    if not shown:
        return
    with st.container(border=True, gap="xsmall"):
        st.markdown(f":{UNSUPPORTED_COLOR}[:material/compare_arrows:] **These sources differ**")
        for conflict in shown:
            st.markdown(_sides(conflict, cited[conflict.newer], cited[conflict.older]))
        st.caption("Open both and check which one holds. Their owners can correct or archive the other.")


def nearest(documents: tuple[NearDocument, ...]) -> None:
    """The documents to look into, and the people to ask."""
    if not documents:
        return
    st.markdown("These documents come nearest. Look into them, or ask their owners:")
    for document in documents:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            label = inert_line(document.title, 90)
            Link("source", label, ":material/description:", {"version": str(document.version_id)}).show()
            st.caption(f"Owner: {inert_line(document.owner, 60)}", width="content")


def _sides(conflict: Conflict, newer: Citation, older: Citation) -> str:
    parts = [_side(newer, "newer" if conflict.is_dated else ""), _side(older, "")]
    return " · ".join(parts)


def _side(citation: Citation, standing: str) -> str:
    dated = f"of {local_time(citation.dated)}" if citation.dated is not None else ""
    words = ", ".join(word for word in (dated, standing) if word)
    title = f"{badge(str(citation.marker), MARKER_COLOR)} {inert_line(citation.title, 90)}"
    return f"{title} :small[({words})]" if words else title
