"""What stands in addresses: for people who are not signed in, and in links that are sent to others."""

from urllib.parse import urlencode, urlsplit
from uuid import UUID

import streamlit as st

from kyo_app import runtime

#: With the token of an invitation.
INVITATION = "invitation"
#: Whatever its value.
REGISTER = "register"
#: With the id of an answer that is shared, and in the history.
ANSWER = "answer"
#: Why somebody is to sign in, one of `REASONS`: the address is all that outlives a full load of the page.
WHY = "why"
#: Where agents connect to.
AGENTS = "/mcp"

AGAIN, ENDED, CHANGED = "again", "ended", "changed"
REASONS = {
    AGAIN: "That sign-in took too long, or was begun in another window. Please sign in once more.",
    ENDED: "You were signed out, here or somewhere else, or had not been here for some time. Please sign in again.",
    CHANGED: "Your password is saved. Sign in with it.",
}


def here(**more: str) -> str:
    """Path and query of the page that is shown, without what was for signing in alone."""
    kept = {name: value for name, value in st.query_params.to_dict().items() if name != WHY}
    query = urlencode(kept | more)
    path = urlsplit(st.context.url or "").path or "/"
    return f"{path}?{query}" if query else path


def of_invitation(token: str) -> str:
    """The whole link, as it is sent to somebody."""
    return f"{_origin()}/?{urlencode({INVITATION: token})}"


def of_answer(answer_id: UUID) -> str:
    """The whole link to an answer that is shared."""
    return f"{_origin()}/{ANSWER}?{urlencode({ANSWER: str(answer_id)})}"


def of_agents() -> str:
    """The whole address."""
    return f"{_origin()}{AGENTS}"


def _origin() -> str:
    """Where people open the app: as the settings say, else as this browser does."""
    here = urlsplit(st.context.url or "")
    return runtime.kyo().settings.KYO_PUBLIC_URL or (f"{here.scheme}://{here.netloc}" if here.netloc else "")
