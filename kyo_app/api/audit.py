"""`/api/audit/…`: the audit log."""

import base64
import json
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import Field

from kyo_app import runtime
from kyo_app.api.bodies import Moment, Sent
from kyo_app.api.caller import Caller
from kyo_app.api.threads import in_thread
from kyo_pipeline.domain.audit_log import AuditFilter, Cursor
from kyo_pipeline.domain.pages import MAX_PAGE
from kyo_pipeline.errors import Invalid
from kyo_pipeline.services import auditing

router = APIRouter(prefix="/audit", tags=["Audit"])

_MAX_WORD = 200
Word = Annotated[str | None, Query(max_length=_MAX_WORD)]


class AuditRecord(Sent):
    """A row of the log. `hash` is that of the row, and covers `previous_hash`: `kyo audit verify` proves the chain."""

    id: int
    at: datetime
    actor_id: UUID | None
    actor_name: str
    event: str = Field(examples=["document:approve"])
    object_type: str
    object_id: str
    outcome: str = Field(examples=["done", "refused"])
    details: dict[str, Any]
    address: str | None
    request_id: str | None
    previous_hash: str | None
    hash: str | None


class AuditPage(Sent):
    """The newest rows that are wanted. `next` is the address of older ones, null at the end."""

    items: list[AuditRecord]
    total: int
    total_is_exact: bool = Field(description="False: there are more, and counting them would take too long.")
    next: str | None


@router.get("/logs/", operation_id="list_audit_records", summary="Read the audit log")
@in_thread()
def list_audit_records(
    request: Request,
    caller: Caller,
    actor_id: UUID | None = None,
    event: Annotated[str | None, Query(max_length=_MAX_WORD, examples=["document:approve"])] = None,
    object_type: Word = None,
    object_id: Word = None,
    outcome: Word = None,
    request_id: Word = None,
    since: Annotated[Moment | None, Query(description="Included.")] = None,
    until: Annotated[Moment | None, Query(description="Not included.")] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE, description="Rows of one page.")] = 50,
    cursor: Annotated[str | None, Query(max_length=_MAX_WORD, description="From `next`, as it is.")] = None,
) -> AuditPage:
    """For admins, the newest first. Rows that are written meanwhile do not move the pages. Scope `audit:read`."""
    wanted = AuditFilter(actor_id, event, object_type, object_id, outcome, request_id, since, until)
    found = auditing.list_records(runtime.kyo(), caller, wanted, _cursor(cursor), limit)
    return AuditPage(
        items=[AuditRecord.model_validate(one) for one in found.records],
        total=found.total,
        total_is_exact=found.is_counted,
        next=_address(request, found.older),
    )


def _address(request: Request, older: Cursor | None) -> str | None:
    if older is None:
        return None
    return f"{request.url.path}?{urlencode({**request.query_params, 'cursor': _written(older)})}"


def _written(cursor: Cursor) -> str:
    values = json.dumps([cursor.at.isoformat(), cursor.id]).encode()
    return base64.urlsafe_b64encode(values).decode().rstrip("=")


def _cursor(written: str | None) -> Cursor | None:
    """The reverse. Raises `Invalid`."""
    if written is None:
        return None
    try:
        at, row = json.loads(base64.urlsafe_b64decode(written + "=" * (-len(written) % 4)))
        cursor = Cursor(datetime.fromisoformat(at), row)
        # Whatever else can be read as one, ours are written in one way alone.
        if cursor.at.tzinfo is None or type(row) is not int or not 0 <= row < 2**63 or _written(cursor) != written:
            raise ValueError(written)
    except (ValueError, TypeError) as error:
        raise Invalid("This cursor is not one of ours. Take the address in `next` as it is.") from error
    return cursor
