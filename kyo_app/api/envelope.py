"""What all answers of the API have in common, whatever happens inside."""

import logging
from http import HTTPStatus
from urllib.parse import quote

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kyo_app.api import problems
from kyo_pipeline.domain import request as asked

_log = logging.getLogger(__name__)


class EnvelopeMiddleware:
    """Each answer names its request as the audit log does, and no proxy or browser keeps it unless it says so.

    What nobody has foreseen is answered here and goes to the log with that name: the outermost handler of FastAPI lets
    the error go on to Streamlit's and the server's, which log it without.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if asked.current().id is None:  # IdentityMiddleware has begun it, where there is one
            asked.begin()
        name, has_begun = asked.current().id or "", False

        async def send_named(message: Message) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = name
                headers.setdefault("Cache-Control", "no-store")
                if message["status"] == HTTPStatus.TEMPORARY_REDIRECT:
                    headers["Location"] = _other_slash(scope)
            await send(message)

        try:
            await self.app(scope, receive, send_named)
        except Exception:
            _log.exception("%s: %s %r failed", name, scope["method"], scope["path"])
            if has_begun:  # the server can only hang up
                raise
            await problems.unexpected()(scope, receive, send_named)


def _other_slash(scope: Scope) -> str:
    """The same address with a slash at its end, or without it, on this host. Starlette's own names the client's."""
    path: str = scope["path"]
    path = path.rstrip("/") if path.endswith("/") else f"{path}/"
    query = scope["query_string"].decode("latin-1")
    return quote(path, safe="/") + (f"?{query}" if query else "")
