"""The application that is mounted at `/api`."""

from fastapi import FastAPI
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kyo_app.api import analytics, audit, auth, document, documents, problems, reference, retrieval
from kyo_pipeline.domain import request as asked

#: Of the API, not of KYO: the first number is part of a promise, see docs/api.md.
VERSION = "1.0.0"
PREFIX = "/api"


def create_api() -> FastAPI:
    """A new one; nothing is connected yet."""
    api = FastAPI(
        title="Know Your Organization",
        summary="Short answers with citations, from documents that were approved.",
        description=document.DESCRIPTION,
        version=VERSION,
        openapi_tags=document.TAGS,
        servers=[{"url": PREFIX}],
        root_path_in_servers=False,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        responses=problems.documented(400, 401, 403, 422, 429, 503),
    )
    problems.install(api)
    api.add_middleware(RequestIdMiddleware)
    for module in (auth, documents, retrieval, analytics, audit):
        api.include_router(module.router)
    reference.install(api)
    api.openapi = lambda: document.document_of(api)  # type: ignore[method-assign]  # FastAPI's own way to change it
    return api


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
