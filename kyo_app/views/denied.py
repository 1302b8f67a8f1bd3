"""What somebody sees at an address that is not for their role."""

import streamlit as st

from kyo_app import wording
from kyo_app.auth import acting
from kyo_app.components import Link


def show() -> None:
    actor = acting()
    st.title("Not for your role", anchor=False)
    st.markdown(
        f"You are signed in as **{wording.ROLES[actor.role].lower()}**, and this page is for other roles. "
        "If you need it for your work, ask an administrator."
    )
    Link("", "Go to Ask", ":material/forum:").show()
