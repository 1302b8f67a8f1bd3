"""Where the link of an invitation leads: choose a password, then sign in."""

import streamlit as st

from kyo_app import addresses, auth, runtime
from kyo_app.components import local_time, shown_errors, to_sign_in
from kyo_app.fields import PASSWORD_ADVICE, new_password_fields, same
from kyo_app.markup import inert_line
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.people import Invitation
from kyo_pipeline.services import joining


def show() -> None:
    with st.container(horizontal_alignment="center"), st.container(width=440):
        st.title("Your invitation", anchor=False)
        actor = auth.current_actor()
        if actor is not None:
            _somebody_else(actor)
            return
        with shown_errors():
            token = st.query_params[addresses.INVITATION]
            _choose(token, joining.read_invitation(runtime.kyo(), token, runtime.address()))
        if st.button("Go to the sign-in", type="tertiary", icon=":material/arrow_back:"):
            to_sign_in()


def _choose(token: str, invitation: Invitation) -> None:
    st.markdown(
        f"Welcome, **{inert_line(invitation.name, 80)}**. You are invited to Know Your Organization. "
        f"Choose a password; this link works until {local_time(invitation.expires_at)}. {PASSWORD_ADVICE}"
    )
    with st.form("invitation"):
        # Not to be changed, but there: password managers keep it with the password.
        st.text_input("User name", value=invitation.username, autocomplete="username", disabled=True)
        new, repeated = new_password_fields("Password")
        submitted = st.form_submit_button("Save password", type="primary", width="stretch")
    if submitted:
        with shown_errors():
            username = joining.accept_invitation(runtime.kyo(), token, same(new, repeated), runtime.address())
            to_sign_in(f"Your password is saved. Sign in as **{inert_line(username, 64)}**.")


def _somebody_else(actor: Actor) -> None:
    st.markdown(
        f"You are signed in as **{inert_line(actor.name, 80)}**. An invitation is for somebody who has no password "
        "yet: if it is for you, sign out, then open the link again."
    )
    if st.button("Stay signed in", type="primary", width="stretch"):
        st.query_params.clear()
        st.rerun()
