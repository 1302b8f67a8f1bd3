"""The audit log, for administrators: who did what, to what, from where, and what was refused."""

import streamlit as st

from kyo_app import runtime
from kyo_app.audit_check import check_panel
from kyo_app.audit_filters import filters
from kyo_app.audit_row import row_panel
from kyo_app.auth import acting
from kyo_app.components import empty_state, shown_errors
from kyo_app.exports import address_of
from kyo_pipeline.domain.audit_export import Format
from kyo_pipeline.domain.audit_log import EVERYTHING, MOST_COUNTED, OLDEST, AuditFilter, AuditPage, Cursor
from kyo_pipeline.services import auditing

_PAGE = 25
_PLACE = "audit-place"


def show() -> None:
    st.title("Audit log", anchor=False)
    st.markdown(
        "What was done, and what was refused. Rows are only ever added, and each carries the hash of the one before: "
        "whoever changes one is found out."
    )
    actor = acting()
    with shown_errors():
        check_panel(actor)
        wanted = filters(actor)
        if st.session_state.get(_PLACE, (None, None))[0] != wanted:
            st.session_state[_PLACE] = (wanted, None)
        page = auditing.list_records(runtime.kyo(), actor, wanted, st.session_state[_PLACE][1], _PAGE)
        if not page.records:
            _nothing(wanted)
            return
        _head(wanted, page)
        with st.container(gap="xsmall"):
            for record in page.records:
                row_panel(record)
        _pages(wanted, page)


def _nothing(wanted: AuditFilter) -> None:
    if wanted == EVERYTHING:
        empty_state(":material/policy:", "Nothing is on record yet", "The first deed makes the first row.")
    else:
        empty_state(
            ":material/search_off:", "Nothing like that is on record", "Choose other filters, or a longer time."
        )


def _head(wanted: AuditFilter, page: AuditPage) -> None:
    """How much there is, and the way to take it along."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.caption(_count(page), width="content")
        st.link_button(
            "Download these rows (CSV)",
            address_of(Format.CSV, wanted),
            icon=":material/download:",
            type="tertiary",
            width="content",
        )


def _count(page: AuditPage) -> str:
    if not page.is_counted:
        return f"{MOST_COUNTED:,} rows or more, the newest first"
    return "1 row" if page.total == 1 else f"{page.total:,} rows, the newest first"


def _pages(wanted: AuditFilter, page: AuditPage) -> None:
    if page.newer is None and page.older is None:
        return
    with st.container(horizontal=True, horizontal_alignment="center"):
        _turn("Newest", ":material/first_page:", wanted, None, off=page.newer is None)
        _turn("Newer", ":material/chevron_left:", wanted, page.newer, off=page.newer is None)
        _turn("Older", ":material/chevron_right:", wanted, page.older, off=page.older is None)
        _turn("Oldest", ":material/last_page:", wanted, OLDEST, off=page.older is None)


def _turn(label: str, icon: str, wanted: AuditFilter, cursor: Cursor | None, *, off: bool) -> None:
    def turn() -> None:
        st.session_state[_PLACE] = (wanted, cursor)

    st.button(label, icon=icon, key=f"audit-{label}", on_click=turn, disabled=off, type="tertiary")
