"""The application that is mounted at `/api`."""

import re

from fastapi import FastAPI
from starlette.routing import Mount
from starlette.types import ASGIApp

from kyo_app.api import analytics, audit, auth, document, documents, problems, reference, retrieval
from kyo_app.api.body_limit import BodyLimitMiddleware
from kyo_app.api.envelope import EnvelopeMiddleware

#: Of the API, not of KYO: the first number is part of a promise, see docs/api.md.
VERSION = "1.0.0"
PREFIX = "/api"


def mounted(api: ASGIApp) -> Mount:
    """At its prefix, whatever follows that: to Starlette alone, an address with an end of line is none of the API's."""
    mount = Mount(PREFIX, app=api)
    mount.path_regex = re.compile(mount.path_regex.pattern, re.DOTALL)
    return mount


def create_api() -> FastAPI:
    """A new one; nothing is connected yet."""
    api = FastAPI(
        title="Know Your Organization",
        summary="Short answers with citations, from documents that were approved.",
        description=document.DESCRIPTION,
        version=VERSION,
        license_info={"name": "MIT", "identifier": "MIT"},
        openapi_tags=document.TAGS,
        servers=[{"url": PREFIX}],
        root_path_in_servers=False,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    problems.install(api)
    api.add_middleware(BodyLimitMiddleware)
    api.add_middleware(EnvelopeMiddleware)  # what is added last is the outermost
    for module in (auth, documents, retrieval, analytics, audit):
        api.include_router(module.router)
    reference.install(api)
    api.openapi = lambda: document.document_of(api)  # type: ignore[method-assign]  # FastAPI's own way to change it
    return api
