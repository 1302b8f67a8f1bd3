"""The application that is mounted at `/api`."""

from typing import Any

from fastapi import FastAPI
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kyo_app.api import analytics, audit, auth, documents, problems, retrieval
from kyo_pipeline.domain import request as asked

#: Of the API, not of KYO: the first number is part of a promise, see docs/api.md.
VERSION = "1.0.0"
PREFIX = "/api"


def create_api() -> FastAPI:
    """A new one; nothing is connected yet."""
    api = FastAPI(
        title="Know Your Organization",
        summary="Short answers with citations, from documents that were approved.",
        version=VERSION,
        servers=[{"url": PREFIX}],
        root_path_in_servers=False,
        docs_url=None,
        redoc_url=None,
        responses=problems.documented(400, 401, 403, 422, 429, 503),
    )
    problems.install(api)
    api.add_middleware(RequestIdMiddleware)
    for module in (auth, documents, retrieval, analytics, audit):
        api.include_router(module.router)
    api.openapi = lambda: _document(api)  # type: ignore[method-assign]  # FastAPI's own way to change it
    return api


def _document(api: FastAPI) -> dict[str, Any]:
    """What FastAPI makes of the routes, with the one schema of errors that all of them answer with."""
    if api.openapi_schema is None:
        document = FastAPI.openapi(api)
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        problem = problems.Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(problem.pop("$defs"))
        schemas["Problem"] = problem
    assert api.openapi_schema is not None  # noqa: S101 — FastAPI.openapi has set it
    return api.openapi_schema


class RequestIdMiddleware:
    """Each answer names its request as the audit log does, and no proxy or browser keeps it unless it says so."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if asked.current().id is None:  # IdentityMiddleware has begun it, where there is one
            asked.begin()

        async def send_named(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = asked.current().id or ""
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self.app(scope, receive, send_named)
