"""One person, as an admin sees them, and all that can be done about them."""

from uuid import UUID

import streamlit as st

from kyo_app import handover, runtime, wording
from kyo_app.access import ACCESS
from kyo_app.components import Link, confirmed, local_time, page_offset, page_picker, run_again, shown_errors
from kyo_app.fields import role_field
from kyo_app.markup import badge, inert_line
from kyo_app.newcomers import decision
from kyo_pipeline.domain.actor import Actor, Role
from kyo_pipeline.domain.people import Person, PersonState
from kyo_pipeline.errors import NotFound
from kyo_pipeline.services import joining, people

_GRANTS = 20


def state_badges(person: Person) -> str:
    """Markdown: role, state, and whether their sign-in is blocked."""
    parts = [badge(wording.ROLES[person.role], "gray"), badge(*wording.PEOPLE[person.state])]
    if person.blocked_until is not None:
        parts.append(badge(f"Sign-in blocked until {local_time(person.blocked_until)}", "red"))
    return " ".join(parts)


def last_seen(person: Person) -> str:
    return f"last seen {local_time(person.last_seen_at)}" if person.last_seen_at else "never signed in"


def person_panel(actor: Actor, chosen: str) -> None:
    if st.button("All people", icon=":material/arrow_back:", type="tertiary"):
        st.query_params.pop("person", None)
        st.rerun()
    handover.show()
    person = people.read_person(runtime.kyo(), actor, _uuid(chosen))
    st.title(inert_line(person.name, 80), anchor=False)
    facts = {
        "User name": inert_line(person.username, 64),
        "E-mail": inert_line(person.email or "", 254),
        "Added": local_time(person.created_at),
    }
    st.markdown(
        state_badges(person) + "  \n" + "  \n".join(f":gray[{name}] {fact}" for name, fact in facts.items() if fact)
    )
    if person.id == actor.id:
        st.caption(":material/person: This is you.")
    if person.state is PersonState.AWAITING:
        decision(actor, person)
        return
    _role(actor, person)
    _access(actor, person)
    _signing_in(actor, person)


def _role(actor: Actor, person: Person) -> None:
    # The role in the key: whoever changes it, the box shows what the database says.
    with st.form(f"role-{person.id}-{person.role.value}"):
        role = role_field(person.role)
        submitted = st.form_submit_button("Change role")
    if submitted:
        with shown_errors():
            people.change_role(runtime.kyo(), actor, person.id, role)
            run_again(f"{inert_line(person.name, 80)} is now: {wording.ROLES[role].lower()}", ":material/badge:")


def _access(actor: Actor, person: Person) -> None:
    st.subheader("Collections", anchor=False)
    found = people.read_access(runtime.kyo(), actor, person.id)
    start = page_offset("person-grants", _GRANTS)
    if person.role is Role.ADMIN:
        st.markdown("Administrators may do everything in all collections.")
    elif not found:
        st.markdown("No access to any collection.")
    else:
        st.markdown(
            "  \n".join(
                f":material/folder: {inert_line(grant.collection, 80)} "
                f":gray[{ACCESS[grant.access].lower()}, {inert_line(wording.way(grant.via), 120)}]"
                for grant in found[start : start + _GRANTS]
            )
        )
        page_picker("person-grants", _GRANTS, len(found))
    Link("collections", "Change this under Collections", ":material/folder_shared:").show()


def _signing_in(actor: Actor, person: Person) -> None:
    st.subheader("Signing in", anchor=False)
    sessions = f"Signed in {_times(person.sessions)}, " if person.sessions else ""
    said = f"{sessions}{last_seen(person)}."
    st.markdown(said[0].upper() + said[1:])
    if person.blocked_until is not None:
        _blocked(actor, person)
    if person.id == actor.id:
        # A one-time password for oneself would be lost with the session that is to show it.
        Link("profile", "Your password and your sessions are in your profile", ":material/account_circle:").show()
        return
    with st.container(horizontal=True):
        if person.sessions:
            _ending(actor, person)
        if person.state is PersonState.DEACTIVATED:
            _reactivating(actor, person)
            return
        if person.state is PersonState.INVITED:
            _inviting(actor, person)
        _resetting(actor, person)
        _deactivating(actor, person)


def _times(sessions: int) -> str:
    return "with one browser" if sessions == 1 else f"with {sessions:,} browsers"


def _blocked(actor: Actor, person: Person) -> None:
    until = local_time(person.blocked_until) if person.blocked_until else ""
    st.warning(f"Blocked until {until}, after too many wrong passwords.", icon=":material/lock:")
    if st.button("Let them try again now", icon=":material/lock_open:"):
        with shown_errors():
            people.unblock(runtime.kyo(), actor, person.id)
            run_again(f"{inert_line(person.name, 80)} may try again.", ":material/lock_open:")


def _ending(actor: Actor, person: Person) -> None:
    def end() -> None:
        ended = people.end_sessions(runtime.kyo(), actor, person.id)
        run_again(f"Ended: {wording.counted(ended, 'session')}", ":material/logout:")

    confirmed(
        "End sessions",
        ":material/logout:",
        "They are signed out everywhere at once, and their API keys are revoked. They may sign in again.",
        "End all their sessions",
        end,
        key=f"end-sessions-{person.id}",
    )


def _inviting(actor: Actor, person: Person) -> None:
    confirmed(
        "New invitation link",
        ":material/link:",
        "The earlier link then works no more.",
        "Make a new link",
        lambda: handover.keep_link(joining.invite_again(runtime.kyo(), actor, person.id)),
        key=f"invite-{person.id}",
    )


def _resetting(actor: Actor, person: Person) -> None:
    confirmed(
        "Reset password",
        ":material/key:",
        "Their password and API keys stop working, and they are signed out everywhere. You get a one-time password for "
        "them.",
        "Make a one-time password",
        lambda: handover.keep_password(people.reset_password(runtime.kyo(), actor, person.id)),
        key=f"reset-{person.id}",
    )


def _deactivating(actor: Actor, person: Person) -> None:
    confirmed(
        "Deactivate",
        ":material/person_off:",
        "They are signed out at once and cannot sign in any more; their API keys are revoked. "
        "What they uploaded, approved and asked stays. "
        "You can reactivate them later.",
        "Deactivate this account",
        lambda: people.deactivate(runtime.kyo(), actor, person.id),
        key=f"deactivate-{person.id}",
        notice=f"Deactivated: {inert_line(person.name, 80)}",
    )


def _reactivating(actor: Actor, person: Person) -> None:
    confirmed(
        "Reactivate",
        ":material/person_check:",
        "They can sign in again, with the password, role and access that they had.",
        "Reactivate this account",
        lambda: people.reactivate(runtime.kyo(), actor, person.id),
        key=f"reactivate-{person.id}",
        notice=f"Reactivated: {inert_line(person.name, 80)}",
    )


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFound("There is no such person.") from error
