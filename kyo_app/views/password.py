"""Choose a password of one's own, alone on the page, after a one-time password."""

import streamlit as st

from kyo_app import addresses, auth, runtime
from kyo_app.components import shown_errors
from kyo_app.fields import PASSWORD_ADVICE, new_password_fields, same
from kyo_pipeline.services import accounts


def show() -> None:
    actor = auth.acting()
    with st.container(horizontal_alignment="center"), st.container(width=440):
        st.title("Choose a password", anchor=False)
        st.markdown(
            "You signed in with a one-time password. Choose your own now, then sign in with it. " + PASSWORD_ADVICE
        )
        with st.form("password"):
            current = st.text_input("One-time password", type="password", autocomplete="current-password")
            new, repeated = new_password_fields()
            submitted = st.form_submit_button("Save password", type="primary", width="stretch")
        if submitted:
            with shown_errors():
                accounts.change_password(runtime.kyo(), actor, current, same(new, repeated), runtime.address())
                auth.forget_session(addresses.CHANGED)
                st.success("Your password is saved. Sign in with it.")
