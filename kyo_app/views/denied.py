"""What somebody sees at an address that is not for their role."""

from urllib.parse import urlsplit

import streamlit as st

from kyo_app import wording
from kyo_app.auth import acting
from kyo_app.components import Link, record_refusal


def show() -> None:
    actor = acting()
    record_refusal(f"the page {urlsplit(st.context.url or '').path or '/'}")
    st.title("Not for your role", anchor=False)
    st.markdown(
        f"You are signed in as **{wording.ROLES[actor.role].lower()}**, and this page is for other roles. "
        "If you need it for your work, ask an administrator."
    )
    Link("", "Go to Ask", ":material/forum:").show()
