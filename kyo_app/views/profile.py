"""One's own account: name and e-mail, what one may do, the password, and where one is signed in."""

import streamlit as st

from kyo_app import access, addresses, allowance, api_keys, auth, devices, runtime, wording
from kyo_app.auth import acting
from kyo_app.components import (
    first_page_if_empty,
    local_time,
    page_offset,
    page_picker,
    run_again,
    shown_errors,
)
from kyo_app.fields import PASSWORD_ADVICE, email_field, name_field, new_password_fields, same
from kyo_app.markup import badge, inert_line
from kyo_pipeline.domain.actor import Actor, Role
from kyo_pipeline.domain.people import Session, SessionKind
from kyo_pipeline.services import accounts
from kyo_pipeline.services.accounts import Profile

_PAGE = 10
_COLLECTIONS = 20


def show() -> None:
    actor = acting()
    st.title("Profile", anchor=False)
    with shown_errors():
        profile = accounts.read_profile(runtime.kyo(), actor)
        _about(actor, profile)
        _abilities(actor, profile)
        _sessions(actor)
        api_keys.section(actor)
        _password(actor, profile)


def _about(actor: Actor, profile: Profile) -> None:
    with st.form("profile"):
        st.markdown(
            f":gray[User name] **{inert_line(profile.username, 64)}**  \n"
            f":gray[Role] **{wording.ROLES[profile.role]}**  \n"
            f":gray[Here since] {local_time(profile.created_at)}"
        )
        name = name_field(profile.name, own=True)
        email = email_field(profile.email or "", own=True)
        submitted = st.form_submit_button("Save", type="primary")
    if submitted:
        with shown_errors():
            accounts.change_profile(runtime.kyo(), actor, name, email)
            run_again("Your profile is saved.", ":material/check:")


def _abilities(actor: Actor, profile: Profile) -> None:
    st.subheader("What you may do", anchor=False)
    if profile.role is Role.ADMIN:
        st.markdown("As an administrator you may read, upload and approve in every collection.")
    elif not profile.collections:
        st.markdown("You have no access to any collection yet. Ask an administrator.")
    else:
        start = page_offset("profile-collections", _COLLECTIONS)
        found = profile.collections[start : start + _COLLECTIONS]
        lines = [f"{inert_line(name, 80)} :gray[{access.ACCESS[given].lower()}]" for name, given in found]
        st.markdown("  \n".join(f":material/folder: {line}" for line in lines))
        page_picker("profile-collections", _COLLECTIONS, len(profile.collections))
    allowance.show(actor)


def _sessions(actor: Actor) -> None:
    st.subheader("Where you are signed in", anchor=False)
    found = accounts.list_sessions(runtime.kyo(), actor, auth.token())
    start = page_offset("profile-sessions", _PAGE)
    first_page_if_empty("profile-sessions", found[start:])
    for session in found[start : start + _PAGE]:
        _session(actor, session)
    page_picker("profile-sessions", _PAGE, len(found))
    if len(found) == 1:
        st.caption("You are signed in nowhere else.")
    elif st.button("End all other sessions", icon=":material/logout:"):
        with shown_errors():
            ended = accounts.end_other_sessions(runtime.kyo(), actor, auth.token())
            run_again(f"Ended: {wording.counted(ended, 'session')}", ":material/logout:")


def _session(actor: Actor, session: Session) -> None:
    is_program = session.kind is SessionKind.API
    name = f"**{inert_line(session.device or 'API client' if is_program else devices.in_words(session.device), 60)}**"
    this = badge("this session", "green") if session.is_this else badge("API client", "blue") if is_program else ""
    seen = [] if session.is_this else [f"last seen {local_time(session.last_seen_at)}"]
    came = f"Signed in {local_time(session.created_at)} {wording.METHODS.get(session.method, '')}"
    facts = " · ".join([came, *seen, *([inert_line(session.address, 60)] if session.address else [])])
    with st.container(border=True, horizontal=True, wrap=False, vertical_alignment="center"):
        st.markdown(f"{name} {this}  \n:small[:gray[{facts}]]", width="stretch")
        if session.is_this:
            return
        if st.button("End session", key=f"end-{session.id}", icon=":material/logout:", type="tertiary"):
            with shown_errors():
                accounts.end_session(runtime.kyo(), actor, session.id)
                run_again("The session has ended.", ":material/logout:")


def _password(actor: Actor, profile: Profile) -> None:
    st.subheader("Password", anchor=False)
    if not profile.has_password:
        st.markdown("You sign in through your organisation, and have no password here.")
        return
    with st.form("password"):
        st.markdown(
            f"Changed {local_time(profile.password_changed_at)}. When you change it, you are signed out everywhere, "
            f"here too; API keys go on working. {PASSWORD_ADVICE}"
        )
        current = st.text_input("Current password", type="password", autocomplete="current-password")
        new, repeated = new_password_fields()
        submitted = st.form_submit_button("Change password", type="primary")
    if submitted:
        with shown_errors():
            accounts.change_password(runtime.kyo(), actor, current, same(new, repeated), runtime.address())
            auth.forget_session(addresses.CHANGED)
            st.success("Your password is saved. Sign in with it.")
