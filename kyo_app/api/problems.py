"""Every error as problem details (RFC 9457), with a sentence that says what to do next."""

import logging
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from math import ceil
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import compile_path
from starlette.types import Scope

from kyo_app import runtime
from kyo_app.api.threads import Work, run
from kyo_pipeline.domain import request as asked
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.errors import Forbidden, KyoError, TooMany
from kyo_pipeline.services import refusals

_log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
UNEXPECTED = "Something unexpected went wrong. Nothing is lost; try again, or tell whoever runs KYO the request_id."


class Fault(BaseModel):
    """What is wrong with one part of a request."""

    pointer: str = Field(description="Where: a JSON pointer into the body, or `query/limit`, `path/document_id`.")
    detail: str


class Problem(BaseModel):
    """Problem details, RFC 9457."""

    type: str = Field("about:blank", description="`about:blank`: the status says it all.")
    title: str = Field(description="The name of the status.")
    status: int
    detail: str = Field(description="A sentence for a person, which says what to do next.")
    request_id: str | None = Field(None, description="What the audit log and the answer's X-Request-Id name it.")
    retry_at: datetime | None = Field(None, description="From when on it works again, as Retry-After says too.")
    errors: list[Fault] | None = Field(None, description="What is wrong with the request, part by part.")


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For a route: that it may answer so. What every route may answer is added in `document.py`."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": HTTPStatus(status).phrase, "content": content} for status in statuses}


def problem(
    status: int,
    detail: str,
    *,
    retry_at: datetime | None = None,
    errors: list[Fault] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The answer that tells of it."""
    title = HTTPStatus(status).phrase
    body = Problem(
        title=title, status=status, detail=detail, request_id=asked.current().id, retry_at=retry_at, errors=errors
    )
    sent = {**(headers or {})}
    if status == HTTPStatus.UNAUTHORIZED:
        sent["WWW-Authenticate"] = "Bearer"
    if retry_at is not None:
        sent["Retry-After"] = str(max(ceil((retry_at - runtime.kyo().now()).total_seconds()), 1))
    return JSONResponse(body.model_dump(mode="json", exclude_none=True), status, sent, MEDIA_TYPE)


def of_error(error: KyoError) -> Response:
    """What a service says; what is our own fault goes to the log with it."""
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.warning("%s: %s", asked.current().id, error.message)
    retry_at = error.retry_at if isinstance(error, TooMany) else None
    message = error.sentence("{:%Y-%m-%d %H:%M %Z}".format) if isinstance(error, TooMany) else error.message
    return problem(error.status, message, retry_at=retry_at)


def install(api: FastAPI) -> None:
    """Have all errors of this API answered so."""
    api.add_exception_handler(KyoError, _on_kyo_error)
    api.add_exception_handler(RequestValidationError, _on_invalid)
    api.add_exception_handler(HTTPException, _on_http_exception)


async def _put_on_record(request: Request, error: KyoError) -> None:
    """What role or key do not allow, as in the app."""
    actor: Actor | None = getattr(request.state, "actor", None)
    if actor is not None and isinstance(error, Forbidden):
        await run(Work.REQUEST, refusals.record, runtime.kyo(), actor, error.message)


async def answered(request: Request, error: KyoError) -> Response:
    """What a service says, put on record where it has to be."""
    try:
        await _put_on_record(request, error)
    except KyoError as unrecorded:  # what cannot be put on record is refused all the same
        return of_error(unrecorded)
    return of_error(error)


async def _on_kyo_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, KyoError)  # noqa: S101 — Starlette calls it with nothing else
    return await answered(request, error)


async def _on_invalid(request: Request, error: Exception) -> Response:  # noqa: ARG001 — Starlette calls it so
    assert isinstance(error, RequestValidationError)  # noqa: S101 — Starlette calls it with nothing else
    faults = [Fault(pointer=_pointer(one["loc"]), detail=one["msg"]) for one in error.errors()]
    if any(one["type"] == "json_invalid" for one in error.errors()):
        return problem(HTTPStatus.BAD_REQUEST, "The body is not JSON. Look at `errors`.", errors=faults)
    return problem(
        HTTPStatus.UNPROCESSABLE_ENTITY, "The request is not what this address takes. Look at `errors`.", errors=faults
    )


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 — Starlette calls it with nothing else
    address = f"{request.method} {request.url.path}"
    told = {
        HTTPStatus.BAD_REQUEST: "The body cannot be read. Send JSON in UTF-8, or the form that this address takes.",
        HTTPStatus.NOT_FOUND: f"There is no {address}. GET /api/docs lists what there is.",
        HTTPStatus.METHOD_NOT_ALLOWED: f"There is no {address}. The header Allow lists the methods that there are.",
    }
    headers = {**(error.headers or {})}
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        others = _methods(request.app, request.scope)
        headers["Allow"] = ", ".join(sorted(others)) or headers.get("Allow", "")
    return problem(error.status_code, told.get(HTTPStatus(error.status_code), error.detail), headers=headers)


def _methods(api: FastAPI, scope: Scope) -> set[str]:
    """All that this path takes; a route knows its own alone."""
    path = path_within(scope)
    paths: dict[str, dict[str, Any]] = api.openapi()["paths"]
    matching = [methods for template, methods in paths.items() if compile_path(template)[0].match(path)]
    if path in paths:  # one with a parameter that matches too, such as /documents/{document_id}/, is not meant
        matching = [paths[path]]
    return {method.upper() for methods in matching for method in methods}


def path_within(scope: Scope) -> str:
    """The path without what this API is mounted at."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))


def unexpected() -> Response:
    """What nobody has foreseen: the log has the rest."""
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, UNEXPECTED)


def _pointer(place: tuple[int | str, ...]) -> str:
    where, *rest = place
    return "/" + "/".join(map(str, rest)) if where == "body" else "/".join(map(str, place))
