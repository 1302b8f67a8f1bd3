"""Between the browser and Streamlit's routes of single sign-on.

Streamlit's routes speak with the provider: state, nonce, PKCE, the signature of the identity token. What they would
make of it is a cookie that signs in for 30 days and that nobody can revoke, beside one with the provider's tokens.
Neither reaches the browser. `SignOnMiddleware` takes the proof out of the provider's return, once, and trades it for
a ticket like that of a password, which `/auth/redeem` turns into a session of ours.
"""

import json
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit

import anyio
from itsdangerous import BadData, URLSafeTimedSerializer
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.auth_util import get_cookie_with_chunks
from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from kyo_app import addresses, runtime
from kyo_app.headers import STATE_COOKIE
from kyo_app.identity import browser_name, is_secure
from kyo_app.routes import safe_path
from kyo_pipeline.domain.identity import Identity, identity_of
from kyo_pipeline.errors import KyoError
from kyo_pipeline.services import signing_in

NOTICE = "sign-on"
PENDING_COOKIE = "kyo_sign_on"
CALLBACK = "/oauth2callback"

_LOGIN, _LOGOUT = "/auth/login", "/auth/logout"
_PENDING_SECONDS = 600
_NOTICE_SECONDS = 300
_LONGEST_PATH = 2000

_AWAY = (
    "The sign-in service of your organisation cannot be reached at the moment. Try again in a minute, "
    "or sign in with your password."
)
_FAILED = (
    "That sign-in did not work: it took too long, was begun in another window, or your organisation refused it. "
    "Please try once more; if it happens again, tell an administrator of KYO."
)
_NO_COOKIES = "Your browser did not keep a cookie of this site. Allow cookies, then sign in once more."


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
        send = _without_identity(send)
        if scope["path"] in (_LOGIN, CALLBACK, _LOGOUT):
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
        response.delete_cookie(PENDING_COOKIE, path=CALLBACK, httponly=True, samesite="lax")
        return response

    async def _begin(self, request: Request, auth: Mapping[str, str]) -> Response:
        """On to the provider."""
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
        response = _keep_state(RedirectResponse(target, 302), inner)
        _keep_begun(response, auth, _state(target), browser, page, secure=is_secure(request.scope))
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


def sentence_of(notice: str, auth: Mapping[str, str]) -> str:
    """What a page says that was called with this notice: what `_back` has signed lately, and nothing else."""
    try:
        return str(_signer(auth, "notice").loads(notice, max_age=_NOTICE_SECONDS))
    except BadData:
        return _FAILED


def _signer(auth: Mapping[str, str], what: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(auth["cookie_secret"], salt=f"kyo sign-on {what}")


def _state(target: str) -> str:
    """What the provider is to send back with its proof."""
    return dict(parse_qsl(urlsplit(target).query)).get("state", "")


def _keep_begun(
    response: Response, auth: Mapping[str, str], state: str, browser: str, page: str, *, secure: bool
) -> None:
    """What the return must fit to stays behind in a cookie."""
    response.set_cookie(
        PENDING_COOKIE,
        _signer(auth, "pending").dumps([state, browser, page]),
        max_age=_PENDING_SECONDS,
        path=CALLBACK,
        secure=secure,
        httponly=True,
        samesite="lax",
    )


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
    query = urlencode([pair for pair in pairs if pair[0] not in (NOTICE, addresses.WHY)])
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
    state = [
        value for name, value in inner.raw_headers if name == b"set-cookie" and value.startswith(STATE_COOKIE.encode())
    ]
    response.raw_headers.extend((b"set-cookie", value) for value in state)
    return response


def _without_identity(send: Send) -> Send:
    """Whatever the address was spelt like, Streamlit's own identity never leaves."""

    async def send_checked(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [header for header in message["headers"] if not _is_identity(*header)]}
        await send(message)

    return send_checked


def _is_identity(name: bytes, value: bytes) -> bool:
    return name.lower() == b"set-cookie" and value.startswith(USER_COOKIE_NAME.encode())
