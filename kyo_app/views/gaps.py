"""Knowledge gaps, for managers and administrators: what people asked and found no good answer to."""

import streamlit as st

from kyo_app import runtime, wording
from kyo_app.auth import acting
from kyo_app.components import (
    empty_state,
    first_page_if_empty,
    local_time,
    page_offset,
    page_picker,
    shown_errors,
)
from kyo_app.gaps.gap import counts, gap_panel, state_badges, trend
from kyo_app.markup import inert_line
from kyo_pipeline.domain.actor import Actor, Role
from kyo_pipeline.domain.gaps import Gap, GapFilter, GapKind, GapOrder, GapPage, GapState
from kyo_pipeline.services import gaps

_PAGE = 10
_KEY = "gaps-page"
_ONE = "gap"
_TO_DO = "To do"
_STATES = {
    _TO_DO: frozenset({GapState.OPEN, GapState.PLANNED}),
    **{label: frozenset({state}) for state, (label, _) in wording.GAPS.items()},
    "All": frozenset(GapState),
}
_KINDS: dict[str, GapKind | None] = {
    "Any reason": None,
    **{label: kind for kind, (label, _) in wording.GAP_KINDS.items()},
}
_ANYBODY, _MINE, _NOBODY = "Anybody", "Me", "Nobody"
_ORDERS = {
    "Most questions": GapOrder.COUNT,
    "Newest question": GapOrder.RECENT,
    "Growing": GapOrder.TREND,
}


def show() -> None:
    actor = acting()
    chosen = st.query_params.get(_ONE)
    with shown_errors():
        if chosen:
            gap_panel(actor, chosen)
        else:
            _list(actor)


def _list(actor: Actor) -> None:
    st.title("Knowledge gaps", anchor=False)
    st.markdown(
        "What people asked and found no good answer to, put together by what it means. Nobody is told who asked."
        + ("" if actor.role is Role.ADMIN else " You see questions about the collections that you approve in.")
    )
    wanted, order = _filters(actor)
    page = gaps.list_gaps(runtime.kyo(), actor, wanted, order, limit=_PAGE, offset=page_offset(_KEY, _PAGE))
    first_page_if_empty(_KEY, page.gaps)
    if page.total == 0:
        _nothing(page, wanted)
        return
    st.caption(f"{wording.counted(page.total, 'gap')}. {_looked(page)}")
    for gap in page.gaps:
        _card(gap)
    page_picker(_KEY, _PAGE, page.total)


def _filters(actor: Actor) -> tuple[GapFilter, GapOrder]:
    with st.container(horizontal=True):
        state = st.selectbox("State", list(_STATES), key="gaps-state", persist_state="page", on_change=_first_page)
        kind = st.selectbox("Reason", list(_KINDS), key="gaps-kind", persist_state="page", on_change=_first_page)
        owner = st.selectbox(
            "Owner", [_ANYBODY, _MINE, _NOBODY], key="gaps-owner", persist_state="page", on_change=_first_page
        )
        order = st.selectbox("Order", list(_ORDERS), key="gaps-order", persist_state="page", on_change=_first_page)
    wanted = GapFilter(_STATES[state], _KINDS[kind], actor.id if owner == _MINE else None, owner == _NOBODY)
    return wanted, _ORDERS[order]


def _first_page() -> None:
    st.session_state[_KEY] = 1


def _card(gap: Gap) -> None:
    with st.container(border=True, gap="xsmall"):
        st.markdown(f"**{inert_line(gap.label, 200) or 'Its questions were deleted'}**")
        st.caption(f"{counts(gap)}  \n{trend(gap)}")
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.markdown(state_badges(gap), width="content")
            if st.button("Open", key=f"open-{gap.id}", type="tertiary", icon=":material/open_in_full:"):
                st.query_params[_ONE] = str(gap.id)
                st.rerun()


def _looked(page: GapPage) -> str:
    if page.last_run is None:
        return "They are looked for every night."
    return f"Last looked for {local_time(page.last_run.at)}."


def _nothing(page: GapPage, wanted: GapFilter) -> None:
    if wanted != GapFilter(_STATES[_TO_DO]):
        empty_state(":material/search_off:", "No gap matches", "Choose other filters.")
        return
    if page.last_run is None:
        body = (
            "Gaps are looked for every night, from the questions of the last months. The first time is still to come."
        )
    else:
        body = f"{_looked(page)} It is done every night; what is asked today is looked at tomorrow."
    empty_state(":material/task_alt:", "No knowledge gaps to see to", body)
