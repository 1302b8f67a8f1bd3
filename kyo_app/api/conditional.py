"""Answers that a client need not fetch again: an `ETag` of the body, and 304 for whoever has it."""

import hashlib
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

#: Unless the route says otherwise, whoever asked may keep it, and asks each time whether it still holds.
_KEEP = "private, no-cache"

#: What the document says of such an address, beside the rest.
DOCUMENTED: dict[str, Any] = {
    "parameters": [
        {
            "name": "If-None-Match",
            "in": "header",
            "required": False,
            "schema": {"type": "string"},
            "description": "The `ETag` of an answer that the client has: 304 as long as it holds.",
        }
    ]
}
NOT_MODIFIED: dict[int | str, dict[str, Any]] = {304: {"description": "What the client has still holds."}}


class ConditionalRoute(APIRoute):
    """For addresses that are read again and again. What it costs to make the body is spent all the same."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        make = super().get_route_handler()

        async def handle(request: Request) -> Response:
            response = await make(request)
            return conditional(request, response) if self.methods == {"GET"} else response

        return handle


def conditional(request: Request, response: Response) -> Response:
    """The answer with its tag, or 304 for whoever has the same one. Other than 200 stays as it is."""
    if response.status_code != 200:
        return response
    tag = f'"{hashlib.sha256(bytes(response.body)).hexdigest()[:32]}"'
    response.headers["ETag"] = tag
    response.headers.setdefault("Cache-Control", _KEEP)
    if not is_known(tag, request.headers.get("if-none-match", "")):
        return response
    kept = {name: value for name, value in response.headers.items() if name not in ("content-length", "content-type")}
    return Response(status_code=304, headers=kept)


def is_known(tag: str, header: str) -> bool:
    """Whether this tag is among those of `If-None-Match`, compared as RFC 9110 wants it: weak or not is the same."""
    return header.strip() == "*" or tag in (one.strip().removeprefix("W/") for one in header.split(","))
