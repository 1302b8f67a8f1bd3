"""The form of an upload. It lies on the disk until a thread takes the file in: many at once do not fill the memory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from uuid import UUID

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException

from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.collections import MAX_NAME_LENGTH
from kyo_pipeline.domain.documents import Upload
from kyo_pipeline.errors import Invalid
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import library

_MAX_FIELDS = 8
_MAX_FIELD_BYTES = 4096
_FORM = "multipart/form-data"


class Fields(BaseModel):
    """What stands in the form beside the file."""

    model_config = ConfigDict(extra="forbid")

    collection: str | None = Field(
        None, min_length=1, max_length=MAX_NAME_LENGTH, description="Its name; the default collection without it."
    )
    document_id: UUID | None = Field(None, description="The document of which this is the next version.")
    draft: bool = Field(False, description="It asks for no decision yet; send it for review in the app.")
    password: SecretStr | None = Field(None, max_length=1024, description="Of a locked file. It is not stored.")


def _schema() -> dict[str, Any]:
    schema = Fields.model_json_schema()
    file = {"type": "string", "contentMediaType": "application/octet-stream", "description": "The file, with its name."}
    return {**schema, "properties": {"file": file, **schema["properties"]}, "required": ["file"]}


#: For the document of the API: FastAPI would bound neither the number of fields nor their length.
UPLOAD_FORM: dict[str, Any] = {"requestBody": {"required": True, "content": {_FORM: {"schema": _schema()}}}}


@dataclass(frozen=True)
class Form:
    """What has come, with the file on the disk."""

    file: UploadFile
    fields: Fields

    def upload(self, kyo: Kyo, actor: Actor) -> Upload:
        """Read the file and take it in; blocks."""
        fields = self.fields
        return library.upload(
            kyo,
            actor,
            self.file.filename or "",
            self.file.file.read(),
            fields.collection,
            document_id=fields.document_id,
            draft=fields.draft,
            password=fields.password.get_secret_value() if fields.password else None,
        )


@asynccontextmanager
async def read_form(request: Request) -> AsyncIterator[Form]:
    """The form, whose file is gone afterwards. Raises `RequestValidationError`, `Invalid`."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise HTTPException(415, f"Send the file as {_FORM}, in the field `file`.")
    try:
        form = await request.form(max_files=1, max_fields=_MAX_FIELDS, max_part_size=_MAX_FIELD_BYTES)
    except HTTPException as error:
        if error.status_code != HTTPStatus.BAD_REQUEST:  # too large
            raise
        raise Invalid(f"The form cannot be read: {error.detail}") from error
    try:
        yield _checked(form)
    finally:
        await form.close()


def _checked(form: FormData) -> Form:
    file, others = form.get("file"), {name: value for name, value in form.multi_items() if name != "file"}
    if len(form.multi_items()) != len(form):
        raise Invalid("A field of the form came twice. Send each once.")
    if not isinstance(file, UploadFile):
        raise RequestValidationError(
            [{"loc": ("body", "file"), "type": "missing", "msg": "A file is needed, with its name."}]
        )
    try:
        return Form(file, Fields.model_validate(others))
    except ValidationError as error:
        faults = [{**one, "loc": ("body", *one["loc"])} for one in error.errors(include_input=False)]
        raise RequestValidationError(faults) from error
