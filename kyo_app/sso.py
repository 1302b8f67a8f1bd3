"""Single sign-on through the organisation's OpenID Connect provider, with Streamlit's `st.login`.

Streamlit's routes speak with the provider: state, nonce, PKCE, the signature of the identity token. What they would
make of it is a cookie that signs in for 30 days and that nobody can revoke, beside one with the provider's tokens.
Neither reaches the browser. `SignOnMiddleware` takes the proof out of the provider's return, once, and trades it for
a ticket like that of a password, which `/auth/redeem` turns into a session of ours.
"""

import json
import secrets
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit

import anyio
import streamlit as st
from itsdangerous import BadData, URLSafeTimedSerializer
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.auth_util import get_cookie_with_chunks
from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from kyo_app import runtime
from kyo_app.identity import browser_name, is_secure
from kyo_app.markup import inert
from kyo_app.routes import safe_path
from kyo_pipeline.domain.identity import Identity
from kyo_pipeline.domain.typed_text import storable
from kyo_pipeline.errors import KyoError
from kyo_pipeline.services import signing_in
from kyo_pipeline.settings import Settings

NOTICE = "sign-on"
PENDING_COOKIE = "kyo_sign_on"

_LOGIN, _CALLBACK, _LOGOUT = "/auth/login", "/oauth2callback", "/auth/logout"
_PENDING_SECONDS = 600
_NOTICE_SECONDS = 300
_LONGEST_PATH = 2000
_LONGEST_SUBJECT = 255  # says OpenID Connect
_LONGEST_NAME = 200
_STATE_COOKIE = b"_streamlit_session="

_AWAY = (
    "The sign-in service of your organisation cannot be reached at the moment. Try again in a minute, "
    "or sign in with your password."
)
_FAILED = (
    "That sign-in did not work: it took too long, was begun in another window, or your organisation refused it. "
    "Please try once more; if it happens again, tell an administrator of KYO."
)
_NO_COOKIES = "Your browser did not keep a cookie of this site. Allow cookies, then sign in once more."


def auth_section(settings: Settings) -> dict[str, str] | None:
    """What `st.login` is configured with, among the secrets of `st.App`: in memory, never in a file.

    What the cookie secret signs lives for minutes, so a new one at each start is good enough.
    """
    if settings.KYO_OIDC_CLIENT_SECRET is None:
        return None
    return {
        "redirect_uri": f"{settings.KYO_PUBLIC_URL}{_CALLBACK}",
        "cookie_secret": secrets.token_urlsafe(32),
        "client_id": settings.KYO_OIDC_CLIENT_ID or "",
        "client_secret": settings.KYO_OIDC_CLIENT_SECRET.get_secret_value(),
        "server_metadata_url": settings.KYO_OIDC_METADATA_URL or "",
    }


# On the sign-in page


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
    token = st.query_params.pop(NOTICE, None)
    if token is None or not runtime.kyo().settings.has_single_sign_on:
        return
    try:
        sentence = _signer(st.secrets["auth"], "notice").loads(token, max_age=_NOTICE_SECONDS)
    except BadData:
        sentence = _FAILED
    st.info(inert(sentence))


# Between the browser and Streamlit's routes


class SignOnMiddleware:
    """Around the three addresses of `st.login`, which it closes where single sign-on is not configured."""

    def __init__(self, app: ASGIApp, auth: Mapping[str, str] | None) -> None:
        self.app = app
        self._auth = auth
        self._threads = anyio.CapacityLimiter(4)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        send = _without_identity(send, is_secure(scope))
        if scope["path"] in (_LOGIN, _CALLBACK, _LOGOUT):
            response = await self._answer(Request(scope, receive))
            response.headers["Cache-Control"] = "no-store"
            await response(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        # Nobody has an identity of Streamlit's to be logged out of.
        if self._auth is None or request.scope["path"] == _LOGOUT or request.method != "GET":
            return PlainTextResponse("There is nothing here.", 404)
        if request.scope["path"] == _LOGIN:
            return await self._begin(request, self._auth)
        response = await self._return(request, self._auth)
        response.delete_cookie(PENDING_COOKIE, path=_CALLBACK, httponly=True, samesite="lax")
        return response

    async def _begin(self, request: Request, auth: Mapping[str, str]) -> Response:
        """On to the provider. What the return must fit to stays behind in a cookie."""
        page, public = _page(request), urlsplit(auth["redirect_uri"])
        if request.headers.get("host") != public.netloc:
            # The provider returns to the public address, where cookies of this one do not count.
            return RedirectResponse(f"{public.scheme}://{public.netloc}{page}", 303)
        browser = browser_name(request.cookies, is_secure(request.scope))
        if browser is None:
            return _back(auth, _NO_COOKIES, page)
        inner = await _called(self.app, request)
        target = inner.headers.get("location", "")
        if inner.status_code != 302 or not urlsplit(target).netloc:
            return _back(auth, _AWAY if inner.status_code != 302 else _FAILED, page)
        state = dict(parse_qsl(urlsplit(target).query)).get("state", "")
        response = _keep_state(RedirectResponse(target, 302), inner)
        response.set_cookie(
            PENDING_COOKIE,
            _signer(auth, "pending").dumps([state, browser, page]),
            max_age=_PENDING_SECONDS,
            path=_CALLBACK,
            secure=is_secure(request.scope),
            httponly=True,
            samesite="lax",
        )
        return response

    async def _return(self, request: Request, auth: Mapping[str, str]) -> Response:
        """The provider has sent the browser back: trade its proof for a ticket of ours."""
        begun = _begun(request, auth)
        if begun is None or "error" in request.query_params:
            # Not passed on: Streamlit would log what stands there, and anybody can write it.
            return _back(auth, _FAILED, begun[1] if begun else "/")
        browser, page = begun
        inner = await _called(self.app, request)
        claims = _claims(inner, auth["cookie_secret"])
        identity = identity_of(claims, auth["client_id"]) if claims else None
        if identity is None:
            return _keep_state(_back(auth, _FAILED, page), inner)
        try:
            ticket = await anyio.to_thread.run_sync(_ticket, identity, browser, limiter=self._threads)
        except KyoError as error:
            return _keep_state(_back(auth, error.message, page), inner)
        redeem = "/auth/redeem?" + urlencode({"ticket": ticket, "next": page})
        return _keep_state(RedirectResponse(redeem, 303), inner)


def identity_of(claims: Mapping[str, object], client_id: str) -> Identity | None:
    """Whom the provider vouches for; None when its token is for another client, or names nobody."""
    audience, subject = claims.get("aud"), _text(claims, "sub", _LONGEST_SUBJECT + 1)
    issuer = _text(claims, "iss", _LONGEST_PATH)
    if client_id not in (audience if isinstance(audience, list) else [audience]):
        return None
    if not issuer or not subject or len(subject) > _LONGEST_SUBJECT or subject != claims["sub"]:
        return None
    # An address that must be cut or cleaned first might become that of somebody else.
    email = _text(claims, "email", _LONGEST_NAME) or None
    email = email if email == claims.get("email") else None
    name = _text(claims, "name", _LONGEST_NAME) or _text(claims, "preferred_username", _LONGEST_NAME) or email
    # Some providers send the word instead of the value.
    verified = claims.get("email_verified") in (True, "true")
    return Identity(issuer, subject, email, email is not None and verified, name or subject)


def _text(claims: Mapping[str, object], name: str, longest: int) -> str:
    value = claims.get(name)
    return storable(value)[:longest] if isinstance(value, str) else ""


def _ticket(identity: Identity, browser: str) -> str:
    return signing_in.sign_in_with_identity(runtime.kyo(), identity, browser)


def _claims(response: Response, secret: str) -> dict[str, object] | None:
    """What the provider's token says, from the cookie that Streamlit would have set."""
    cookies = dict(header.split(";")[0].split("=", 1) for header in response.headers.getlist("set-cookie"))

    def signed(name: str) -> bytes | None:
        return decode_signed_value(secret, name, cookies.get(name, ""))

    value = get_cookie_with_chunks(signed, USER_COOKIE_NAME)
    return dict(json.loads(value)) if value else None


def _back(auth: Mapping[str, str], sentence: str, target: str) -> Response:
    """To the sign-in page, which shows the sentence. Signed, so that no link can put words into our mouth."""
    notice = urlencode({NOTICE: _signer(auth, "notice").dumps(sentence)})
    return RedirectResponse(f"{target}{'&' if '?' in target else '?'}{notice}", 303)


def _signer(auth: Mapping[str, str], what: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(auth["cookie_secret"], salt=f"kyo sign-on {what}")


def _begun(request: Request, auth: Mapping[str, str]) -> tuple[str, str] | None:
    """The browser and the page that this return belongs to; None when it was not begun by this browser.

    Streamlit's own cookie does not tell: a neighbouring site may plant one, and sign somebody in as itself.
    """
    try:
        state, browser, page = _signer(auth, "pending").loads(
            request.cookies.get(PENDING_COOKIE, ""), max_age=_PENDING_SECONDS
        )
    except BadData:
        return None
    same = (request.query_params.get("state"), browser_name(request.cookies, is_secure(request.scope)))
    return (browser, page) if (state, browser) == same else None


def _page(request: Request) -> str:
    """The page on which the button was pressed, to go on to after signing in."""
    try:
        page = urlsplit(request.headers.get("referer", ""))
    except ValueError:
        return "/"
    if page.netloc != request.headers.get("host"):
        return "/"
    pairs = parse_qsl(page.query, keep_blank_values=True)
    query = urlencode([pair for pair in pairs if pair[0] not in (NOTICE, "again")])
    path = f"{page.path}?{query}" if query else page.path
    return safe_path(path) if len(path) <= _LONGEST_PATH else "/"


async def _called(app: ASGIApp, request: Request) -> Response:
    """What Streamlit's route answers, without its body, and without sending it."""
    response = Response()

    async def keep(message: Message) -> None:
        if message["type"] == "http.response.start":
            response.status_code = message["status"]
            response.raw_headers = list(message["headers"])

    await app(request.scope, request.receive, keep)
    return response


def _keep_state(response: Response, inner: Response) -> Response:
    """Hand on the cookie in which Streamlit and Authlib keep the state of a sign-on that is under way."""
    state = [value for name, value in inner.raw_headers if name == b"set-cookie" and value.startswith(_STATE_COOKIE)]
    response.raw_headers.extend((b"set-cookie", value) for value in state)
    return response


def _without_identity(send: Send, secure: bool) -> Send:
    """Whatever the address was spelt like, Streamlit's own identity never leaves; behind TLS its state is Secure."""

    async def send_checked(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [_checked(name, value, secure) for name, value in message["headers"]]
            message = {**message, "headers": [header for header in headers if header is not None]}
        await send(message)

    return send_checked


def _checked(name: bytes, value: bytes, secure: bool) -> tuple[bytes, bytes] | None:
    if name.lower() != b"set-cookie":
        return name, value
    if value.startswith(USER_COOKIE_NAME.encode()):
        return None
    return name, value + b"; Secure" if secure and value.startswith(_STATE_COOKIE) else value
