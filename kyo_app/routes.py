"""HTTP routes beside the Streamlit UI: health, files, and what of signing in and out needs a real response."""

import logging

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from kyo_app import addresses, runtime
from kyo_app.agents.http import McpEndpoint
from kyo_app.api.app import create_api, mounted
from kyo_app.api.envelope import EnvelopeMiddleware
from kyo_app.downloads import file_routes
from kyo_app.exports import export_routes
from kyo_app.identity import (
    SECURE_SESSION_COOKIE,
    SESSION_COOKIE,
    address_of,
    browser_name,
    is_secure,
    session_cookie,
    session_token,
)
from kyo_pipeline.errors import KyoError, NotAllowed
from kyo_pipeline.services import health, signing_in

_log = logging.getLogger(__name__)


def routes(mcp: McpEndpoint | None = None) -> list[BaseRoute]:
    """Plain `def` endpoints run in a thread pool. What is under a mount and unknown is its own 404, not a page."""
    return [
        Route("/healthz", healthz, methods=["GET"]),
        Route("/readyz", readyz, methods=["GET"]),
        Route("/auth/redeem", redeem, methods=["GET"]),
        Route("/auth/sign-out", sign_out, methods=["GET"]),
        *file_routes(),
        *export_routes(),
        mounted(create_api()),
        Route(addresses.AGENTS, endpoint=EnvelopeMiddleware(mcp or McpEndpoint())),
    ]


async def healthz(request: Request) -> Response:  # noqa: ARG001 - Starlette calls endpoints with the request
    """The process is alive. Touches nothing else, so that a database outage does not restart the app."""
    return _no_store(JSONResponse({"alive": True}))


def readyz(request: Request) -> Response:  # noqa: ARG001 - Starlette calls endpoints with the request
    """Everything that the app needs answers. Reasons go to the log: they name hosts, and anyone may ask here."""
    state = health.check_health(runtime.kyo())
    for check in state.checks:
        if not check.ok:
            _log.warning("Not ready: %s: %s", check.name, check.message)
    body = {"ready": state.ready, "checks": {check.name: check.ok for check in state.checks}}
    return _no_store(JSONResponse(body, 200 if state.ready else 503))


def redeem(request: Request) -> Response:
    """A ticket from the sign-in form becomes the session cookie."""
    ticket = request.query_params.get("ticket", "")
    target = safe_path(request.query_params.get("next", "/"))
    secure = is_secure(request.scope)
    try:
        token, expires = signing_in.redeem_ticket(
            runtime.kyo(),
            ticket,
            browser_name(request.cookies, secure) or "",
            device=request.headers.get("user-agent", ""),
            address=address_of(request.scope),
            replaced=session_token(request.cookies, secure),
        )
    except NotAllowed:
        return _no_store(RedirectResponse(f"/?{addresses.WHY}={addresses.AGAIN}", 303))
    except KyoError as error:
        return _no_store(JSONResponse({"message": error.message}, error.status))
    response = _no_store(RedirectResponse(target, 303))
    response.set_cookie(
        session_cookie(secure), token, expires=expires, path="/", secure=secure, httponly=True, samesite="lax"
    )
    return response


def sign_out(request: Request) -> Response:
    """Forget the cookie of a session that has ended.

    The app ends the session itself, over its websocket, before it sends the browser here. A session that is alive
    stays: so a link or an image on another site cannot sign anybody out, and this may be a GET.
    """
    why = request.query_params.get(addresses.WHY, "")
    response = _no_store(RedirectResponse(f"/?{addresses.WHY}={why}" if why in addresses.REASONS else "/", 303))
    token = session_token(request.cookies, is_secure(request.scope))
    try:
        alive = signing_in.actor_of_session(runtime.kyo(), token) is not None
    except KyoError as error:
        _log.warning("A session could not be checked: %s", error.message)
        return response
    if not alive:
        if token:  # no other site can cause this: the cookie would not come along
            response.headers["Clear-Site-Data"] = '"cache", "storage"'
        response.delete_cookie(SESSION_COOKIE, path="/", httponly=True, samesite="lax")
        response.delete_cookie(SECURE_SESSION_COOKIE, path="/", secure=True, httponly=True, samesite="lax")
    return response


def safe_path(path: str) -> str:
    """`path` if it stays on this site, else the start page."""
    if not path.startswith("/") or path.startswith(("//", "/auth/")) or "\\" in path:
        return "/"
    return path if path.isascii() and path.isprintable() else "/"


def _no_store(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response
