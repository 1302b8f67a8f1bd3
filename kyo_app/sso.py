"""Single sign-on through the organisation's OpenID Connect provider: how `st.login` is set up, and begins."""

import secrets

import streamlit as st

from kyo_app import runtime
from kyo_app.markup import inert
from kyo_app.sign_on import CALLBACK, NOTICE, sentence_of
from kyo_pipeline.settings import Settings


def auth_section(settings: Settings) -> dict[str, str] | None:
    """What `st.login` is configured with, among the secrets of `st.App`: in memory, never in a file.

    What the cookie secret signs lives for minutes, so a new one at each start is good enough.
    """
    if settings.KYO_OIDC_CLIENT_SECRET is None:
        return None
    return {
        "redirect_uri": f"{settings.KYO_PUBLIC_URL}{CALLBACK}",
        "cookie_secret": secrets.token_urlsafe(32),
        "client_id": settings.KYO_OIDC_CLIENT_ID or "",
        "client_secret": settings.KYO_OIDC_CLIENT_SECRET.get_secret_value(),
        "server_metadata_url": settings.KYO_OIDC_METADATA_URL or "",
    }


def button() -> None:
    """Draw "Sign in with …", if single sign-on is configured. It begins only when somebody presses it."""
    settings = runtime.kyo().settings
    if not settings.has_single_sign_on:
        return
    st.markdown(":small[or]", text_alignment="center")
    label = f"Sign in with {inert(settings.KYO_OIDC_NAME)}"
    if st.button(label, key="sign-on", icon=":material/badge:", width="stretch"):
        st.login()


def finish() -> None:
    """Say why a sign-on came back without signing anybody in. Only sentences that this app has signed are shown."""
    notice = st.query_params.pop(NOTICE, None)
    if notice is not None and runtime.kyo().settings.has_single_sign_on:
        st.info(inert(sentence_of(notice, st.secrets["auth"])))
