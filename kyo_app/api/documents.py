"""`/api/documents/…`: documents are listed, uploaded, read, approved, archived, deleted."""

from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, HTTPException, Query, Request, Response

from kyo_app import runtime
from kyo_app.api import problems
from kyo_app.api.bodies import Page, WantedPage, page_of
from kyo_app.api.caller import Caller
from kyo_app.api.conditional import DOCUMENTED, NOT_MODIFIED, ConditionalRoute
from kyo_app.api.documents_bodies import Approval, Document, DocumentWithVersions, Uploaded, Version
from kyo_app.api.threads import Work, in_thread, run
from kyo_app.api.upload_form import UPLOAD_FORM, read_form
from kyo_pipeline.domain.actor import Permission
from kyo_pipeline.domain.collections import MAX_NAME_LENGTH
from kyo_pipeline.domain.documents import MAX_TAG_LENGTH, DocumentState, Review, VersionStatus
from kyo_pipeline.errors import NotFound
from kyo_pipeline.services import curating, library, reviewing

router = APIRouter(prefix="/documents", tags=["Documents"], route_class=ConditionalRoute)

_MAX_TEXT = 200
_UPLOADED: dict[int | str, dict[str, Any]] = {
    200: {"model": Uploaded, "description": "The same bytes under the same name are there already: nothing changed."}
}


@router.get(
    "/",
    operation_id="list_documents",
    summary="List documents",
    responses=NOT_MODIFIED,
    openapi_extra=DOCUMENTED,
)
@in_thread()
def list_documents(
    request: Request,
    caller: Caller,
    paging: WantedPage,
    q: Annotated[str, Query(max_length=_MAX_TEXT, description="Looked for in titles and file names.")] = "",
    state: DocumentState | None = None,
    status: VersionStatus | None = None,
    review: Review | None = None,
    collection: Annotated[str | None, Query(max_length=MAX_NAME_LENGTH, description="Its name.")] = None,
    tag: Annotated[str | None, Query(max_length=MAX_TAG_LENGTH)] = None,
    owner_id: UUID | None = None,
    stale: Annotated[bool, Query(description="Only those whose review is overdue.")] = False,
) -> Page[Document]:
    """Those that the caller may read, the newest upload first. Scope `documents:read`.

    Deleted ones are left out unless `state` asks for them. `status` and `review` are of the newest version.
    """
    found = library.list_documents(
        runtime.kyo(),
        caller,
        text=q,
        state=state,
        status=status,
        review=review,
        collection=collection,
        tag=tag,
        owner_id=owner_id,
        stale=stale,
        limit=paging.limit,
        offset=paging.offset,
    )
    return page_of(request, paging, [Document.model_validate(one) for one in found.documents], found.total)


@router.post(
    "/upload/",
    status_code=201,
    operation_id="upload_document",
    summary="Upload a file",
    responses={**_UPLOADED, **problems.documented(401, 404, 409, 413, 415, 422)},
    openapi_extra=UPLOAD_FORM,
)
async def upload_document(request: Request, response: Response, caller: Caller) -> Uploaded:
    """It waits for processing, which takes seconds to minutes, and for approval by somebody else.

    Ask `GET /documents/{document_id}/` for how far it is: `latest.status`. A file of a name that is in the collection
    already becomes the next version of that document, which answers questions in the place of the old one once it is
    approved. Scope `documents:upload`. How many files one person may upload in an hour is limited: 429.
    """
    caller.require(Permission.DOCUMENT_UPLOAD)  # the service does, too, but after a file of some megabytes
    async with read_form(request) as form:
        made = await run(Work.UPLOAD, form.upload, runtime.kyo(), caller)
    response.status_code = 201 if made.created else 200
    response.headers["Location"] = f"{request.scope.get('root_path', '')}/documents/{made.document.id}/"
    return Uploaded.of(made)


@router.api_route("/upload/", methods=["GET", "DELETE"], include_in_schema=False)
async def upload_is_no_id() -> None:
    """Else it would be taken for a document that is called `upload`."""
    raise HTTPException(HTTPStatus.METHOD_NOT_ALLOWED)


@router.get(
    "/{document_id}/",
    operation_id="read_document",
    summary="Read what is known about a document",
    responses={**NOT_MODIFIED, **problems.documented(404)},
    openapi_extra=DOCUMENTED,
)
@in_thread()
def read_document(document_id: UUID, caller: Caller) -> DocumentWithVersions:
    """With its versions. Poll it after an upload, with `If-None-Match`. Scope `documents:read`."""
    kyo = runtime.kyo()
    document = library.read_document(kyo, caller, document_id)
    versions = [Version.model_validate(one) for one in library.list_history(kyo, caller, document_id)]
    return DocumentWithVersions(**Document.model_validate(document).model_dump(), versions=versions)


@router.post(
    "/{document_id}/approve/",
    operation_id="approve_document",
    summary="Approve a version",
    responses=problems.documented(404, 409),
)
@in_thread()
def approve_document(document_id: UUID, caller: Caller, body: Approval | None = None) -> Document:
    """For managers and admins who may approve in its collection, but not for whoever uploaded it.

    It answers questions as soon as it is ready, in the place of the version before. Scope `documents:decide`.
    """
    caller.require(Permission.DOCUMENT_APPROVE)
    kyo, approval = runtime.kyo(), body or Approval()
    document = library.read_document(kyo, caller, document_id)
    version_id = approval.version_id or document.latest.id
    if version_id not in {one.id for one in library.list_history(kyo, caller, document_id)}:
        raise NotFound("This document has no such version.")
    return Document.model_validate(reviewing.approve(kyo, caller, version_id, approval.review_by))


@router.post(
    "/{document_id}/archive/",
    operation_id="archive_document",
    summary="Take a document out of all answers",
    responses=problems.documented(404, 409),
)
@in_thread()
def archive_document(document_id: UUID, caller: Caller) -> Document:
    """For those who may approve it. In the app it can be restored. Scope `documents:decide`."""
    return Document.model_validate(curating.archive(runtime.kyo(), caller, document_id))


@router.delete(
    "/{document_id}/",
    status_code=204,
    operation_id="delete_document",
    summary="Delete a document for good",
    responses=problems.documented(404, 409),
)
@in_thread()
def delete_document(document_id: UUID, caller: Caller) -> None:
    """For admins: its text, its files, the answers that quoted it. It cannot be undone. Scope `documents:decide`."""
    curating.delete(runtime.kyo(), caller, document_id)
