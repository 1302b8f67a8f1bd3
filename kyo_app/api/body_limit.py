"""How much one request may bring along. FastAPI reads whole bodies, before it asks who has sent them."""

from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kyo_app import runtime
from kyo_app.api.problems import path_within, problem
from kyo_app.api.threads import Work, run

UPLOAD = "/documents/upload/"
MAX_JSON_BYTES = 256 * 1024
#: What the form of an upload has beside the file.
FORM_BYTES = 64 * 1024
MAX_QUERY_BYTES = 16 * 1024
MAX_HEADER_BYTES = 32 * 1024

#: The rest of what was refused is not read, so nothing more can come over this connection.
_CLOSE = {"Connection": "close"}


class BodyLimitMiddleware:
    """Refuses what says that it is too large, and stops reading what turns out to be."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        most = await _most_bytes(scope)
        refusal = _refusal(scope, most)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        received = 0

        async def receive_counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > most:
                # FastAPI lets this one through, to the handler that makes a problem of it.
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _too_large(most), _CLOSE)
            return message

        await self.app(scope, receive_counted, send)


async def _most_bytes(scope: Scope) -> int:
    if path_within(scope) != UPLOAD:
        return MAX_JSON_BYTES
    kyo = await run(Work.REQUEST, runtime.kyo)  # the first one connects
    return kyo.settings.max_file_bytes + FORM_BYTES


def _refusal(scope: Scope, most: int) -> Response | None:
    """What can be refused at once."""
    if len(scope["query_string"]) > MAX_QUERY_BYTES:
        detail = f"The part of the address behind the ? is longer than {MAX_QUERY_BYTES} bytes. Ask for less at once."
        return problem(HTTPStatus.REQUEST_URI_TOO_LONG, detail, headers=_CLOSE)
    if sum(len(name) + len(value) for name, value in scope["headers"]) > MAX_HEADER_BYTES:
        detail = f"The headers are larger than {MAX_HEADER_BYTES} bytes. Leave out what is not needed, such as cookies."
        return problem(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, detail, headers=_CLOSE)
    said = Headers(scope=scope).get("content-length", "")
    if said.isdecimal() and int(said[:20]) > most:
        return problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _too_large(most), headers=_CLOSE)
    return None


def _too_large(most: int) -> str:
    return f"The body is larger than {most} bytes, the most that this address takes. Send less."
