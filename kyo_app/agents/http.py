"""`/mcp`: the server over streamable HTTP. Each request names its caller anew; nothing is kept between two."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mcp.server.transport_security import TransportSecuritySettings
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from kyo_app import runtime
from kyo_app.addresses import AGENTS
from kyo_app.agents.tools import AnyContext, Caller, create_server
from kyo_app.api import problems
from kyo_app.api.threads import Work, run
from kyo_app.identity import address_of
from kyo_pipeline.errors import KyoError, NotSignedIn, Unavailable
from kyo_pipeline.services import token_access

_CALLER = "kyo.caller"
_MAX_BODY = 1 << 20
_SCHEME = "bearer "
_POST_ONLY = "Agents send each message with POST, and get its answer at once."


class McpEndpoint:
    """An ASGI app for one path. It works between the two ends of `running`, once; else it answers 503."""

    def __init__(self) -> None:
        self._app: ASGIApp | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """For the lifespan of the process, and after its logging is set up: the library's would come first."""
        server = create_server(_caller_of)
        self._app = server.streamable_http_app(
            streamable_http_path=AGENTS,
            json_response=True,  # no tool sends anything before its result
            stateless_http=True,  # so any process behind a proxy can answer
            max_request_body_size=_MAX_BODY,
            # Names of hosts and origins are checked before: see `server.py`.
            transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
        )
        try:
            async with server.session_manager.run():
                yield
        finally:
            self._app = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if self._app is None:
                raise Unavailable("KYO is starting or stopping. Try again in a moment.")
            scope[_CALLER] = await _identified(scope)
        except KyoError as error:
            await problems.of_error(error)(scope, receive, send)
            return
        if scope["method"] != "POST":
            # A stream that the server could begin would stay silent: nothing is kept between two requests.
            await problems.problem(405, _POST_ONLY, headers={"Allow": "POST"})(scope, receive, send)
            return
        await self._app(scope, receive, send)


async def _identified(scope: Scope) -> Caller:
    """Raises `NotSignedIn`."""
    headers = Headers(scope=scope).getlist("authorization")
    sent = headers[0] if len(headers) == 1 else ""
    if not sent.lower().startswith(_SCHEME):
        raise NotSignedIn("Send an API key, in the header `Authorization: Bearer …`. You make one in Profile.")
    bearer, address = sent[len(_SCHEME) :].strip(), address_of(scope)
    actor = await run(Work.REQUEST, token_access.actor_of_bearer, runtime.kyo(), bearer, address=address)
    return Caller(actor, address)


async def _caller_of(context: AnyContext) -> Caller:
    request = context.request_context.request
    assert isinstance(request, Request)  # noqa: S101 — of this transport it is
    caller = request.scope[_CALLER]
    assert isinstance(caller, Caller)  # noqa: S101 — McpEndpoint has put it there
    return caller
