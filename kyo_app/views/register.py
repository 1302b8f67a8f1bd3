"""Make an account for oneself, where the organisation lets people do so."""

import streamlit as st

from kyo_app import runtime
from kyo_app.components import shown_errors, to_sign_in
from kyo_app.fields import PASSWORD_ADVICE, email_field, name_field, new_password_fields, same, username_field
from kyo_app.markup import inert_line
from kyo_pipeline.services import joining


def show() -> None:
    waits = runtime.kyo().settings.KYO_REGISTRATION == "approval"
    with st.container(horizontal_alignment="center"), st.container(width=440):
        st.title("Create an account", anchor=False)
        after = "An administrator then lets you in." if waits else "Then you can sign in."
        st.markdown(f"Say who you are, and choose a user name and a password. {after} {PASSWORD_ADVICE}")
        with st.form("register"):
            name = name_field(own=True)
            email = email_field(own=True)
            username = username_field(own=True)
            new, repeated = new_password_fields("Password")
            submitted = st.form_submit_button("Create account", type="primary", width="stretch")
        if submitted:
            with shown_errors():
                _register(username, name, email, same(new, repeated))
        if st.button("Go to the sign-in", type="tertiary", icon=":material/arrow_back:"):
            to_sign_in()


def _register(username: str, name: str, email: str, password: str) -> None:
    made = joining.register(runtime.kyo(), username, name, email, password, runtime.address())
    you = f"**{inert_line(made.username, 64)}**"
    if made.awaiting_approval:
        to_sign_in(f"You are signed up as {you}. An administrator has to approve it; then sign in here.")
    else:
        to_sign_in(f"Your account is ready. Sign in as {you}.")
