"""Everybody, for administrators: find people, add them, and open one."""

import streamlit as st

from kyo_app import handover, runtime, wording
from kyo_app.auth import acting
from kyo_app.components import (
    empty_state,
    first_page_if_empty,
    page_offset,
    page_picker,
    shown_errors,
)
from kyo_app.markup import inert_line
from kyo_app.newcomers import add_panel, registrations_panel
from kyo_app.person import last_seen, person_panel, state_badges
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.people import Person, PersonState
from kyo_pipeline.services import people

_PAGE = 15
_FILTERS: dict[str, PersonState | None] = {
    "Everybody": None,
    **{label: state for state, (label, _) in wording.PEOPLE.items()},
}


def show() -> None:
    actor = acting()
    chosen = st.query_params.get("person")
    with shown_errors():
        if chosen:
            person_panel(actor, chosen)
        else:
            _list(actor)


def _list(actor: Actor) -> None:
    st.title("People", anchor=False)
    handover.show()
    add_panel(actor)
    if registrations_panel(actor):
        st.subheader("Everybody", anchor=False)
    with st.container(horizontal=True):
        text = st.text_input(
            "Search",
            key="people-search",
            persist_state="page",
            placeholder="Name, user name or e-mail",
            max_chars=200,
            width="stretch",
        )
        wanted = st.selectbox("Show", list(_FILTERS), key="people-filter", persist_state="page", width=240)
    key = f"people-page-{wanted}-{text}"
    page = people.list_people(
        runtime.kyo(),
        actor,
        text=text.strip(),
        state=_FILTERS[wanted],
        limit=_PAGE,
        offset=page_offset(key, _PAGE),
    )
    first_page_if_empty(key, page.people)
    if page.total == 0:
        empty_state(":material/search_off:", "Nobody matches", "Try another word or another filter.")
        return
    st.caption(wording.people(page.total))
    for person in page.people:
        _row(person)
    page_picker(key, _PAGE, page.total)


def _row(person: Person) -> None:
    facts = [inert_line(person.username, 64), *([inert_line(person.email, 80)] if person.email else [])]
    sessions = [wording.counted(person.sessions, "session")] if person.sessions else []
    seen = " · ".join([*facts, last_seen(person), *sessions])
    with st.container(border=True, gap="xxsmall"):
        label = f"**{inert_line(person.name, 60)}**"
        if st.button(label, key=f"open-{person.id}", type="tertiary", icon=":material/person:", wrap=False):
            st.query_params["person"] = str(person.id)
            st.rerun()
        st.markdown(f"{state_badges(person)} :small[:gray[{seen}]]")
