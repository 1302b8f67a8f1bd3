"""`GET /files/{version}`: the file of one version, for those who may take it away."""

import html
from uuid import UUID

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from kyo_app import runtime
from kyo_app.identity import is_secure, session_token, wants_page
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.errors import Forbidden, KyoError, NotFound
from kyo_pipeline.services import refusals, signing_in, sources

#: Others have written it: a browser is to store it, and if one ever showed it instead, it could do nothing.
INERT = {"Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'"}
_BYTES = "application/octet-stream"
#: What browsers say of a request that no page of ours caused.
_ELSEWHERE = ("cross-site", "same-site")

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Know Your Organization</title>
<style>body {{ font: 1rem/1.5 sans-serif; max-width: 34rem; margin: 4rem auto; padding: 0 1rem; }}</style></head>
<body><p>{message}</p><p><a href="{address}">{label}</a></p></body></html>
"""


def file_routes() -> list[BaseRoute]:
    """With a catch-all: unknown paths would else be Streamlit's page."""
    return [
        Route("/files/{version}", download, methods=["GET"]),
        Route("/files/{rest:path}", no_such_file, methods=["GET"]),
    ]


def is_from_elsewhere(request: Request) -> bool:
    """Whether a page of somebody else has caused it."""
    return request.headers.get("sec-fetch-site") in _ELSEWHERE


def download(request: Request) -> Response:
    """Stream the file as an attachment, and put on record who took it."""
    version = request.path_params["version"]
    if is_from_elsewhere(request):
        # Nobody else's page causes a download, nor a record of one: it leads to the page with the button for it.
        return no_store(RedirectResponse(f"/source?version={_uuid_or_nothing(version)}", 303))
    actor = None
    try:
        actor = signing_in.actor_of_session(runtime.kyo(), session_token(request.cookies, is_secure(request.scope)))
        if actor is None:
            return refusal(request, "Sign in first, then open this address again.", 401)
        file = sources.download(runtime.kyo(), actor, _uuid(version))
    except KyoError as error:
        return refused(request, actor, error)
    return no_store(FileResponse(file.path, headers=INERT, media_type=_BYTES, filename=file.file_name))


async def no_such_file(request: Request) -> Response:
    return refusal(request, "There is no such file.", 404)


def refused(request: Request, actor: Actor | None, error: KyoError) -> Response:
    """Say so; what a role does not allow goes on record."""
    if actor is not None and isinstance(error, Forbidden):
        refusals.record(runtime.kyo(), actor, error.message)
    return refusal(request, error.message, error.status)


def refusal(request: Request, message: str, status: int) -> Response:
    """For people a page, for programs JSON."""
    if not wants_page(request):
        return no_store(JSONResponse({"message": message}, status))
    address, label = ("/", "Sign in") if status == 401 else ("/documents", "Go to the documents")
    return no_store(HTMLResponse(_PAGE.format(message=html.escape(message), address=address, label=label), status))


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFound("There is no such file.") from error


def _uuid_or_nothing(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        return ""


def no_store(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response
