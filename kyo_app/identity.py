"""Which session a request belongs to: cookies, and the middleware that checks them before Streamlit runs."""

import hashlib
import logging
import secrets
from collections.abc import Mapping

import anyio
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kyo_app import runtime
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.request import begin
from kyo_pipeline.errors import KyoError
from kyo_pipeline.services import signing_in

_log = logging.getLogger(__name__)

BROWSER_COOKIE = "kyo_browser"
SESSION_COOKIE = "kyo_session"
#: Behind TLS: browsers accept these names from this host over TLS only, so no neighbour can plant one.
SECURE_BROWSER_COOKIE = "__Host-kyo_browser"
SECURE_SESSION_COOKIE = "__Host-kyo_session"

_OUR_HEADERS = b"x-kyo-"
_SESSION_HEADER = b"x-kyo-session"
_GUARDED = ("/media/", "/_stcore/upload_file", "/_stcore/agent")
#: Streamlit's own, and for nobody: how many sessions there are, and what is cached.
_CLOSED = "/_stcore/metrics"


def session_token(cookies: Mapping[str, str], secure: bool) -> str | None:
    """The token in the cookie of this scheme. Over TLS the plain name counts for nothing: a neighbour may plant it."""
    return cookies.get(session_cookie(secure)) or None


def session_cookie(secure: bool) -> str:
    return SECURE_SESSION_COOKIE if secure else SESSION_COOKIE


def browser_name(cookies: Mapping[str, str], secure: bool) -> str | None:
    """What this browser was named when it loaded the page, in the cookie of this scheme, as with the session."""
    return cookies.get(browser_cookie(secure)) or None


def browser_cookie(secure: bool) -> str:
    return SECURE_BROWSER_COOKIE if secure else BROWSER_COOKIE


def address_of(scope: Scope) -> str:
    """Where a request came from; '' where that is not known, as on a socket of this machine."""
    client: tuple[str, int] | None = scope.get("client")
    return client[0] if client else ""


class IdentityMiddleware:
    """Pure ASGI, because Starlette's BaseHTTPMiddleware never sees the websocket."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        # Its own threads: slow API calls and static files must not hold up new websockets.
        self._threads = anyio.CapacityLimiter(8)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        if scope["path"].startswith(_CLOSED):
            await JSONResponse({"message": "There is no such page."}, 404)(scope, receive, send)
            return
        begin(address_of(scope))  # for routes; pages run in threads of their own, and begin anew
        scope = {**scope, "headers": [header for header in scope["headers"] if not _is_ours(header[0])]}
        if scope["type"] == "websocket" or scope["path"].startswith(_GUARDED):
            session, refusal = await self._identify(scope)
            if refusal is not None:
                await refusal(scope, receive, send)
                return
            scope = {**scope, "headers": [*scope["headers"], *session]}
        await self.app(scope, receive, _naming_browser(scope, send))

    async def _identify(self, scope: Scope) -> tuple[list[tuple[bytes, bytes]], Response | None]:
        """The headers that name address, scheme and session, and for http without a session the refusal."""
        secure = is_secure(scope)
        marks = [(runtime.ADDRESS_HEADER.encode(), address_of(scope).encode("ascii", "ignore"))]
        if secure:
            marks.append((runtime.SECURE_HEADER.encode(), b"yes"))
        token = session_token(HTTPConnection(scope).cookies, secure)
        try:
            actor = await anyio.to_thread.run_sync(_actor_of, token, limiter=self._threads)
        except KyoError as error:
            _log.warning("A session could not be checked: %s", error.message)
            return marks, _refusal(scope, 503, "This cannot be checked at the moment. Try again in a minute.")
        if token is None or actor is None:
            return marks, _refusal(scope, 401, "Sign in first.")
        return [*marks, (_SESSION_HEADER, hashlib.sha256(token.encode()).hexdigest().encode())], None


def is_secure(scope: Scope) -> bool:
    """Whether the browser came over TLS, to us or to a proxy that says so."""
    return scope["scheme"] in ("https", "wss")


def _is_ours(name: bytes) -> bool:
    # WSGI-style servers and proxies fold underscores into hyphens: both spellings are refused.
    return name.lower().replace(b"_", b"-").startswith(_OUR_HEADERS)


def _actor_of(token: str | None) -> Actor | None:
    return signing_in.actor_of_session(runtime.kyo(), token) if token else None


def _refusal(scope: Scope, status: int, message: str) -> Response | None:
    """None for a websocket: it stays without identity, and the page shows the sign-in form."""
    if scope["type"] == "websocket":
        return None
    return JSONResponse({"message": message}, status, headers={"Cache-Control": "no-store"})


def _naming_browser(scope: Scope, send: Send) -> Send:
    """Give each browser that loads a page a random name, to which its sign-in ticket is then bound."""
    request = HTTPConnection(scope)
    # Asked of the request, because a page that the browser has cached is answered without a content type.
    name = browser_cookie(is_secure(scope))
    if scope["type"] != "http" or name in request.cookies or not wants_page(request):
        return send
    secure = "; Secure" if is_secure(scope) else ""
    cookie = f"{name}={secrets.token_urlsafe(24)}; Path=/; HttpOnly; SameSite=Lax{secure}"

    async def send_with_name(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).append("set-cookie", cookie)
        await send(message)

    return send_with_name


def wants_page(request: HTTPConnection) -> bool:
    """Whether a person at a browser asked, and not a program or a script."""
    return "text/html" in request.headers.get("accept", "")
