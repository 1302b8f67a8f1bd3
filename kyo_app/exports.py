"""`GET /exports/audit.jsonl`, `audit.csv`: the audit log as a file, for those who may read it."""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from kyo_app import runtime
from kyo_app.downloads import INERT, is_from_elsewhere, no_store, refusal, refused
from kyo_app.identity import is_secure, session_token
from kyo_pipeline.domain.audit_export import Format
from kyo_pipeline.domain.audit_log import AuditFilter
from kyo_pipeline.errors import Invalid, KyoError, NotFound
from kyo_pipeline.services import auditing, signing_in

_TYPES = {Format.JSONL: "application/jsonl", Format.CSV: "text/csv"}


def export_routes() -> list[BaseRoute]:
    """With a catch-all: unknown paths would else be Streamlit's page."""
    return [Route("/exports/{name:path}", export, methods=["GET"])]


def address_of(wanted: Format, only: AuditFilter) -> str:
    """Where the rows can be had."""
    query = QueryParams(only.on_record)
    return f"/exports/audit.{wanted.value}" + (f"?{query}" if query else "")


def export(request: Request) -> Response:
    """Stream it, line by line; that it was taken goes on record before the first."""
    if is_from_elsewhere(request):
        return no_store(RedirectResponse("/audit", 303))
    actor = None
    try:
        actor = signing_in.actor_of_session(runtime.kyo(), session_token(request.cookies, is_secure(request.scope)))
        if actor is None:
            return refusal(request, "Sign in first, then open this address again.", 401)
        wanted, only = _format(request.path_params["name"]), _filter(request.query_params)
        lines = auditing.export(runtime.kyo(), actor, wanted, only)
    except KyoError as error:
        return refused(request, actor, error)
    at = runtime.kyo().now()
    disposition = f'attachment; filename="audit-log-{at:%Y-%m-%d}.{wanted.value}"'
    headers = {**INERT, "Content-Disposition": disposition}
    return no_store(StreamingResponse(_in_pieces(lines), headers=headers, media_type=_TYPES[wanted]))


def _in_pieces(lines: Iterator[str], characters: int = 1 << 16) -> Iterator[str]:
    """A line at a time would be a turn of the event loop for each."""
    piece: list[str] = []
    length = 0
    for line in lines:
        piece.append(line)
        length += len(line)
        if length >= characters:
            yield "".join(piece)
            piece, length = [], 0
    yield "".join(piece)


def _format(name: str) -> Format:
    for wanted in Format:
        if name == f"audit.{wanted.value}":
            return wanted
    raise NotFound("There is no such file.")


def _filter(query: QueryParams) -> AuditFilter:
    """What `address_of` has written. Raises `Invalid`."""
    try:
        actor_id, since, until = (query.get(name) for name in ("actor_id", "since", "until"))
        return AuditFilter(
            actor_id=UUID(actor_id) if actor_id else None,
            event=query.get("event"),
            object_type=query.get("object_type"),
            object_id=query.get("object_id"),
            outcome=query.get("outcome"),
            request_id=query.get("request_id"),
            since=_moment(since),
            until=_moment(until),
        )
    except ValueError as error:
        raise Invalid("This address does not say which rows are wanted.") from error


def _moment(written: str | None) -> datetime | None:
    if not written:
        return None
    at = datetime.fromisoformat(written)
    if at.tzinfo is None:
        raise ValueError(written)
    return at
