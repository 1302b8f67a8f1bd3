"""Refuses what pages of other sites send, before Streamlit sees it."""

from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from kyo_app.identity import is_secure
from kyo_pipeline.domain.origins import is_own

_ORIGIN = b"origin"
_POLICY_VIOLATION = 1008


class OriginMiddleware:
    """Lets through what has no `Origin`, or that of our own pages. Pure ASGI, for the websocket's sake.

    Streamlit would ask a host on the internet for this machine's public address, to compare an `Origin` with that. It
    does so in its event loop, for anybody, and again at each request. So it never gets to see one.
    """

    def __init__(self, app: ASGIApp, names: Collection[str]) -> None:
        self.app = app
        self._names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
        elif not self._is_ours(scope):
            await _refusal(scope)(scope, receive, send)
        else:
            headers = [header for header in scope["headers"] if header[0] != _ORIGIN]
            await self.app({**scope, "headers": headers}, receive, send)

    def _is_ours(self, scope: Scope) -> bool:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        return all(
            is_own(origin, host, self._names) and not (is_secure(scope) and origin.startswith("http:"))
            for origin in headers.getlist("origin")
        )


def _refusal(scope: Scope) -> ASGIApp:
    if scope["type"] == "websocket":
        return WebSocketClose(_POLICY_VIOLATION)
    return JSONResponse(
        {"message": "This came from a page of another site."}, 403, headers={"Cache-Control": "no-store"}
    )
