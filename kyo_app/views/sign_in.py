"""The sign-in form, at whatever address was asked for."""

import streamlit as st

from kyo_app import addresses, runtime, sso
from kyo_app.auth import sign_in_form
from kyo_app.components import show_notice_before_sign_in, shown_errors


def show() -> None:
    reason = addresses.REASONS.get(st.query_params.pop(addresses.WHY, ""))
    with st.container(horizontal_alignment="center"), st.container(width=440):
        st.title("Know Your Organization", anchor=False)
        st.markdown(
            "Short answers from the documents that your organisation has approved, with the passages they come from."
        )
        if reason:
            st.info(reason)
        sso.finish()
        show_notice_before_sign_in()
        with shown_errors():
            sign_in_form(addresses.here())
        sso.button()
        if runtime.kyo().settings.KYO_REGISTRATION == "off":
            st.caption("No account, or the password is lost? Ask an administrator of KYO.")
        else:
            _register()


def _register() -> None:
    if st.button("Create an account", icon=":material/person_add:", width="stretch"):
        st.query_params[addresses.REGISTER] = "yes"
        st.rerun()
    st.caption("The password is lost? Ask an administrator of KYO.")
