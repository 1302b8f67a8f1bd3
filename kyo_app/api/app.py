"""The application that is mounted at `/api`."""

from typing import Any

from fastapi import FastAPI

from kyo_app.api import analytics, audit, auth, documents, problems, retrieval
from kyo_app.api.body_limit import BodyLimitMiddleware
from kyo_app.api.envelope import EnvelopeMiddleware

#: Of the API, not of KYO: the first number is part of a promise, see docs/api.md.
VERSION = "1.0.0"
PREFIX = "/api"

_DESCRIPTION = """\
Every address answers as its caller: what they may not read does not exist for them. Sign in at `POST /auth/login/`, or
make an API key in the app, and send it as `Authorization: Bearer …`. Errors are problem details (RFC 9457). Each answer
has an `X-Request-Id`, under which the audit log knows the request.
"""
_TAGS = [
    {"name": "Authentication", "description": "Accounts, and tokens for them."},
    {"name": "Documents", "description": "Uploaded, approved, and taken out of use."},
    {"name": "Retrieval", "description": "Questions, their answers, and what their askers say about those."},
    {"name": "Analytics", "description": "Figures about use and quality."},
    {"name": "Audit", "description": "Who did what, and when."},
]

#: Any route may answer so; and those for which somebody signs in, and those that take a body.
_COMMON = (400, 429, 503)
_SIGNED_IN = (401, 403)
_WITH_BODY = (413,)


def create_api() -> FastAPI:
    """A new one; nothing is connected yet."""
    api = FastAPI(
        title="Know Your Organization",
        summary="Short answers with citations, from documents that were approved.",
        description=_DESCRIPTION,
        version=VERSION,
        license_info={"name": "MIT", "identifier": "MIT"},
        openapi_tags=_TAGS,
        servers=[{"url": PREFIX}],
        root_path_in_servers=False,
        docs_url=None,
        redoc_url=None,
    )
    problems.install(api)
    api.add_middleware(BodyLimitMiddleware)
    api.add_middleware(EnvelopeMiddleware)  # what is added last is the outermost
    for module in (auth, documents, retrieval, analytics, audit):
        api.include_router(module.router)
    api.openapi = lambda: _document(api)  # type: ignore[method-assign]  # FastAPI's own way to change it
    return api


def _document(api: FastAPI) -> dict[str, Any]:
    """What FastAPI makes of the routes, with the one schema of errors that all of them answer with."""
    if api.openapi_schema is None:
        document = FastAPI.openapi(api)
        for operations in document["paths"].values():
            for operation in operations.values():
                _declare_problems(operation)
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        problem = problems.Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(problem.pop("$defs"))
        schemas["Problem"] = problem
    assert api.openapi_schema is not None  # noqa: S101 — FastAPI.openapi has set it
    return api.openapi_schema


def _declare_problems(operation: dict[str, Any]) -> None:
    """The statuses that a route need not declare itself."""
    responses = operation["responses"]
    statuses = [
        *_COMMON,
        *(_SIGNED_IN if "security" in operation else ()),
        *(_WITH_BODY if "requestBody" in operation else ()),
    ]
    if "422" in responses:  # FastAPI has seen parameters or a body, and knows its own schema of errors only
        statuses.append(422)
    for status, response in problems.documented(*statuses).items():
        if status == 422 or str(status) not in responses:
            responses[str(status)] = response
    operation["responses"] = dict(sorted(responses.items()))
