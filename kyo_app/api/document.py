"""The OpenAPI document: what FastAPI makes of the routes, and what holds for all of them."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI

from kyo_app.api import problems
from kyo_app.api.body_limit import MAX_HEADER_BYTES, MAX_QUERY_BYTES

Document = dict[str, Any]

TAGS = [
    {"name": "Authentication", "description": "Accounts, and tokens for a password."},
    {"name": "Documents", "description": "What answers come from: uploaded, approved by somebody else, archived."},
    {"name": "Retrieval", "description": "Questions, answers with citations, one's own history, and feedback."},
    {"name": "Analytics", "description": "How KYO is used: one's own use, or that of one's collections."},
    {"name": "Audit", "description": "Who did what to what, for admins."},
]
DESCRIPTION = """\
Ask questions of your organisation's own documents. Answers are a few sentences with citations into documents that
somebody has approved and that you may read, or say honestly that nothing was found.

Send `Authorization: Bearer …` with an access token or an API key. Every error is a problem document (RFC 9457) with a
sentence that says what to do next. Additions may come at any time: ignore fields that you do not know."""

METHODS = ("get", "put", "post", "patch", "delete")
_NOT_OURS = ("HTTPValidationError", "ValidationError")
_HEADERS: Document = {
    "X-Request-Id": {
        "description": "What the audit log and the logs of the server name this request.",
        "required": True,
        "schema": {"type": "string"},
        "example": "3f6c1d0e9a5b4c7e8d2f1a0b9c8d7e6f",
    },
    "Retry-After": {
        "description": "After how many seconds it is worth trying again.",
        "schema": {"type": "integer", "minimum": 1},
        "example": 30,
    },
    "WWW-Authenticate": {
        "description": "How to say who you are: always `Bearer`.",
        "required": True,
        "schema": {"type": "string"},
        "example": "Bearer",
    },
}
_OF_STATUS = {
    HTTPStatus.UNAUTHORIZED.value: "WWW-Authenticate",
    HTTPStatus.TOO_MANY_REQUESTS.value: "Retry-After",
    HTTPStatus.SERVICE_UNAVAILABLE.value: "Retry-After",
}
#: When it is answered, and a sentence as it may come.
_PROBLEMS = {
    400: ("The body cannot be read.", "The body is not JSON. Look at `errors`."),
    401: (
        "There is no token or key, or it has expired, was revoked, or is none of ours.",
        "Send an access token or an API key, in the header `Authorization: Bearer …`.",
    ),
    403: ("Your role, or this key, does not allow it.", "Your role does not allow this. Ask an admin."),
    404: ("There is none, or it is not for you.", "There is no such thing here, or you may not see it."),
    409: ("It is not in a state for this.", "Somebody has changed it in the meantime. Read it again."),
    413: ("The body is too large.", "The file is larger than 10 MB. Split it, or ask an admin to raise the limit."),
    414: (
        "The query is too long.",
        f"The part of the address behind the ? is longer than {MAX_QUERY_BYTES} bytes. Ask for less at once.",
    ),
    415: ("The file or the body is of a type that is not read.", "Send a PDF, DOCX, TXT or Markdown file."),
    422: (
        "A parameter or a field is not what is wanted.",
        "The request is not what this address takes. Look at `errors`.",
    ),
    429: ("That was too much in a short time.", "Too many questions. Try again in a minute."),
    431: (
        "The headers are too long.",
        f"The headers are larger than {MAX_HEADER_BYTES} bytes. Leave out what is not needed.",
    ),
    503: ("Something that it needs does not answer.", "The database does not answer. Try again in a minute."),
}
#: Any route may answer so; and those for which somebody signs in, those that take a body, or a query.
_COMMON = (400, 429, 431, 503)
_SIGNED_IN = (401, 403)
_WITH_BODY = (413,)
_WITH_QUERY = (414,)
_EXTRAS: dict[int, Document] = {
    422: {"errors": [{"pointer": "query/limit", "detail": "Input should be less than or equal to 200"}]},
    429: {"retry_at": "2026-03-01T09:30:00Z"},
}


def document_of(api: FastAPI) -> Document:
    """OpenAPI 3.1, made once. FastAPI's own errors are not in it: each is answered as a problem."""
    if api.openapi_schema is None:
        document = FastAPI.openapi(api)
        _name_problem(document)
        document["components"]["headers"] = _HEADERS
        for operation in operations_of(document):
            _declare_problems(operation)
            for status, response in operation["responses"].items():
                _complete(int(status), response)
        api.openapi_schema = document
    return api.openapi_schema


def operations_of(document: Document) -> Iterator[Document]:
    """Every method of every path."""
    for path in document["paths"].values():
        yield from (operation for method, operation in path.items() if method in METHODS)


def _name_problem(document: Document) -> None:
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name in _NOT_OURS:
        schemas.pop(name, None)
    problem = problems.Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs"))
    schemas["Problem"] = problem


def _declare_problems(operation: Document) -> None:
    """The statuses that a route need not declare itself."""
    responses = operation["responses"]
    statuses = [
        *_COMMON,
        *(_SIGNED_IN if "security" in operation else ()),
        *(_WITH_BODY if "requestBody" in operation else ()),
        *(_WITH_QUERY if any(one["in"] == "query" for one in operation.get("parameters", ())) else ()),
    ]
    if "422" in responses:  # FastAPI has seen parameters or a body, and knows its own schema of errors only
        statuses.append(422)
    for status, response in problems.documented(*statuses).items():
        if status == 422 or str(status) not in responses:
            responses[str(status)] = response
    operation["responses"] = dict(sorted(responses.items()))


def _complete(status: int, response: Document) -> None:
    headers = response.setdefault("headers", {})
    for name in ("X-Request-Id", _OF_STATUS.get(status)):
        if name:
            headers.setdefault(name, {"$ref": f"#/components/headers/{name}"})
    if status in _PROBLEMS and problems.MEDIA_TYPE in response.get("content", {}):
        described, detail = _PROBLEMS[status]
        if response.get("description") in (None, HTTPStatus(status).phrase):
            response["description"] = described
        shared = response["content"]  # by all statuses that a route declares
        shown = {"example": _example(status, detail), **shared[problems.MEDIA_TYPE]}
        response["content"] = {**shared, problems.MEDIA_TYPE: shown}


def _example(status: int, detail: str) -> Document:
    named = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return {**named, "request_id": _HEADERS["X-Request-Id"]["example"], **_EXTRAS.get(status, {})}
