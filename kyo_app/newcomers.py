"""How people come in: added by an admin, or registered by themselves and let in by one."""

import streamlit as st

from kyo_app import handover, runtime, wording
from kyo_app.components import (
    confirmed,
    first_page_if_empty,
    fresh_key,
    local_time,
    page_offset,
    page_picker,
    run_again,
    shown_errors,
    used_up,
)
from kyo_app.fields import email_field, name_field, role_field, username_field
from kyo_app.markup import inert_line
from kyo_pipeline.domain.actor import Actor, Role
from kyo_pipeline.domain.people import Person, PersonState
from kyo_pipeline.services import joining, people

_PAGE = 5
_LINK, _PASSWORD = "link", "password"  # the second is a word, not a secret
_WAYS = {
    _LINK: "They open a link and choose a password",
    _PASSWORD: "They get a one-time password",
}


def add_panel(actor: Actor) -> None:
    key = fresh_key("add-person")
    with st.popover("Add somebody", icon=":material/person_add:", key=key):
        with st.form(f"{key}-form", border=False):
            name = name_field(own=False)
            username = username_field(own=False)
            email = email_field(own=False, label="E-mail (may be empty)")
            role = role_field()
            way = st.radio("First sign-in", list(_WAYS), format_func=_WAYS.__getitem__)
            submitted = st.form_submit_button("Add", type="primary", width="stretch")
        if submitted:
            with shown_errors():
                _add(actor, username, name, role, email, way)


def _add(actor: Actor, username: str, name: str, role: Role, email: str, way: str) -> None:
    if way == _LINK:
        handover.keep_link(joining.invite(runtime.kyo(), actor, username, name, role, email))
    else:
        handover.keep_password(people.add_person(runtime.kyo(), actor, username, name, role, email))
    used_up("add-person")
    st.rerun()


def registrations_panel(actor: Actor) -> bool:
    """Whoever waits to be let in; True when somebody does."""
    found = people.list_people(
        runtime.kyo(),
        actor,
        state=PersonState.AWAITING,
        limit=_PAGE,
        offset=page_offset("registrations", _PAGE),
    )
    first_page_if_empty("registrations", found.people)
    if not found.total:
        return False
    st.subheader(f"{wording.counted(found.total, 'registration')} to decide", anchor=False)
    for person in found.people:
        with st.container(border=True):
            email = f" · {inert_line(person.email, 100)}" if person.email else ""
            st.markdown(
                f"**{inert_line(person.name, 80)}**  \n:small[:gray[{inert_line(person.username, 64)}{email} · "
                f"registered {local_time(person.created_at)}]]"
            )
            decision(actor, person)
    page_picker("registrations", _PAGE, found.total)
    return True


def decision(actor: Actor, person: Person) -> None:
    """Let somebody in who has registered, or not."""
    role = role_field(key=f"approve-as-{person.id}")
    with st.container(horizontal=True):
        if st.button("Approve", key=f"approve-{person.id}", type="primary", icon=":material/check:"):
            with shown_errors():
                joining.approve_registration(runtime.kyo(), actor, person.id, role)
                run_again(f"Approved: {inert_line(person.name, 80)}", ":material/check:")
        confirmed(
            "Decline",
            ":material/close:",
            "The registration is deleted, and the user name is free again. They are not told.",
            "Decline this registration",
            lambda: _decline(actor, person),
            key=f"decline-{person.id}",
            notice=f"Declined: {inert_line(person.name, 80)}",
        )


def _decline(actor: Actor, person: Person) -> None:
    joining.decline_registration(runtime.kyo(), actor, person.id)
    st.query_params.pop("person", None)
