"""What stands in addresses for people who are not signed in."""

from urllib.parse import urlencode, urlsplit

import streamlit as st

from kyo_app import runtime

#: With the token of an invitation.
INVITATION = "invitation"
#: Whatever its value.
REGISTER = "register"


def of_invitation(token: str) -> str:
    """The whole link, as it is sent to somebody."""
    here = urlsplit(st.context.url or "")
    origin = runtime.kyo().settings.KYO_PUBLIC_URL or (f"{here.scheme}://{here.netloc}" if here.netloc else "")
    return f"{origin}/?{urlencode({INVITATION: token})}"
