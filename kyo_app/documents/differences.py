"""What differs between two versions of a document, for people to read."""

from uuid import UUID

import streamlit as st

from kyo_app import runtime
from kyo_app.components import page_offset, page_picker
from kyo_app.markup import changed, inert_line
from kyo_app.wording import counted
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.diffs import Change, Diff, Hunk, Line, Span
from kyo_pipeline.services import sources

_PAGE = 15
_KEPT = "differences"
#: Texts of versions never change; a page that draws itself anew compares them once.
_MOST_KEPT = 5
_LEGEND = Line((Span(Change.REMOVED, "taken out"), Span(Change.SAME, " "), Span(Change.ADDED, "put in")))


def differences(actor: Actor, older: UUID, newer: UUID) -> None:
    """The caller has just found that this actor may see both versions."""
    found = _compared(actor, older, newer)
    if not found.hunks:
        st.markdown(":material/equal: Their texts are the same.")
        return
    out, new = (counted(number, "word") for number in (found.removed_words, found.added_words))
    st.markdown(f"{out} taken out, {new} put in. :small[{changed(_LEGEND)}]")
    key = f"differences-{older}-{newer}"
    start = page_offset(key, _PAGE)
    for hunk in found.hunks[start : start + _PAGE]:
        _hunk(hunk)
    page_picker(key, _PAGE, len(found.hunks))
    if found.left_out:
        st.caption(f"{counted(found.left_out, 'more change')} at the end: open both versions to read them.")


def _compared(actor: Actor, older: UUID, newer: UUID) -> Diff:
    kept: dict[tuple[UUID, UUID], Diff] = st.session_state.setdefault(_KEPT, {})
    if (older, newer) not in kept:
        found = sources.compare(runtime.kyo(), actor, older, newer)
        while len(kept) >= _MOST_KEPT:
            del kept[next(iter(kept))]
        kept[older, newer] = found
    return kept[older, newer]


def _hunk(hunk: Hunk) -> None:
    with st.container(border=True, gap="xsmall"):
        if hunk.heading:
            st.caption(f"**{inert_line(hunk.heading, 120)}**")
        st.markdown("\n\n".join(filter(None, map(changed, hunk.lines))))
