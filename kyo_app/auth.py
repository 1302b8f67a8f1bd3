"""Signing in and out, and who acts in the current run.

The form is streamlit-authenticator's; nobody else imports it. Its user list and its cookie, which JavaScript can read
and nobody can revoke, are replaced: `signing_in` decides, and a route sets an HttpOnly cookie for a single-use ticket.
"""

from urllib.parse import urlencode

import streamlit as st
import streamlit_authenticator as stauth
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.scriptrunner import get_script_run_ctx

from kyo_app import addresses, runtime
from kyo_app.identity import browser_name, session_token
from kyo_pipeline.domain import request
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.errors import Invalid
from kyo_pipeline.services import signing_in

_FIELDS = {"Form name": "Sign in", "Username": "User name", "Password": "Password", "Login": "Sign in"}


def current_actor() -> Actor | None:
    """Whoever is signed in, from the database at each call: callbacks run before the page that would refuse."""
    if request.current().id is None:  # a callback or a fragment, which skip the page's entry
        request.begin(runtime.address())
    return signing_in.actor_of_session(runtime.kyo(), token())


def acting() -> Actor:
    """The actor of this page or fragment. When the session has ended, the whole app runs again, to the form."""
    actor = current_actor()
    if actor is None:
        st.rerun()
    return actor


def sign_in_form(next_path: str) -> None:
    """Show the form; a right password sends the browser on to `next_path`. Raises `KyoError`."""
    _SignInForm(next_path).login(fields=_FIELDS, key="sign-in")


def sign_out() -> None:
    """End the session in the database at once, then have the browser forget its cookie."""
    if own := token():
        signing_in.sign_out(runtime.kyo(), own)
    forget_session()


def forget_session(why: str = "") -> None:
    """Have the browser forget the cookie of a session that has ended. `why`: one of `addresses.REASONS`."""
    _redirect("/auth/sign-out" + (f"?{urlencode({addresses.WHY: why})}" if why else ""))


def load_anew() -> None:
    """Of a page that somebody was signed in to nothing is to be left, the open drawer of a phone neither."""
    _redirect(addresses.here(**{addresses.WHY: addresses.ENDED}))


def token() -> str | None:
    """The token of the session of this page, for what names sessions; never to be shown."""
    return session_token(runtime.cookies(), runtime.is_secure())


class _Gate:
    """In the place of the library's controller, which keeps users in memory and strips passwords."""

    def __init__(self) -> None:
        self.ticket = ""

    def login(self, username: str, password: str, *_options: object, **_more: object) -> bool:
        if not username.strip() or not password:
            raise Invalid("Enter your user name and your password.")
        browser = browser_name(runtime.cookies(), runtime.is_secure())
        if not browser:
            raise Invalid("Your browser did not keep a cookie of this site. Allow cookies, then reload the page.")
        self.ticket = signing_in.sign_in(runtime.kyo(), username, password, browser, runtime.address())
        return True


class _TicketCookie:
    """In the place of its cookie controller: once the gate has opened, a route sets the cookie."""

    def __init__(self, gate: _Gate, next_path: str) -> None:
        self._gate = gate
        self._next_path = next_path

    def get_cookie(self) -> None:
        return None

    def set_cookie(self) -> None:
        _redirect("/auth/redeem?" + urlencode({"ticket": self._gate.ticket, "next": self._next_path}))


class _SignInForm(stauth.Authenticate):  # type: ignore[misc] # the library has no types
    def __init__(self, next_path: str) -> None:
        # Not super().__init__(): it would build the user list and the cookie component that this replaces.
        self.path = None
        self.attrs = {"login_sleep_time": 0}
        self.authentication_controller = _Gate()
        self.cookie_controller = _TicketCookie(self.authentication_controller, next_path)


def _redirect(url: str) -> None:
    """Send the browser to `url` with a full load: cookies are read only at the websocket's handshake.

    This is the message behind `st.login` and `st.logout`, a private interface, which is why Streamlit is pinned.
    The public way, a script in `st.html`, would need 'unsafe-inline' in the Content-Security-Policy.
    """
    context = get_script_run_ctx()
    if context is not None:
        message = ForwardMsg()
        message.auth_redirect.url = url
        context.enqueue(message)
