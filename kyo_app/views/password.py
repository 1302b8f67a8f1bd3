"""Choose a password of one's own, alone on the page, after a one-time password."""

import streamlit as st

from kyo_app import auth, runtime
from kyo_app.components import shown_errors
from kyo_pipeline.errors import Invalid
from kyo_pipeline.services import accounts


def show() -> None:
    actor = auth.acting()
    with st.container(horizontal_alignment="center"), st.container(width=440):
        st.title("Choose a password", anchor=False)
        st.markdown(
            "You signed in with a one-time password. Choose your own now: at least 12 characters; "
            "a few words in a row are easy to remember. Then sign in with it."
        )
        with st.form("password"):
            current = st.text_input("One-time password", type="password", autocomplete="current-password")
            new = st.text_input("New password", type="password", autocomplete="new-password")
            repeated = st.text_input("New password again", type="password", autocomplete="new-password")
            submitted = st.form_submit_button("Save password", type="primary", width="stretch")
        if submitted:
            with shown_errors():
                if new != repeated:
                    raise Invalid("The two new passwords are not the same.")
                accounts.change_password(runtime.kyo(), actor, current, new)
                auth.forget_session()
                st.success("Your password is saved. Sign in with it.")
