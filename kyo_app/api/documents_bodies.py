"""Bodies of `/api/documents/…`."""

from datetime import date, datetime
from uuid import UUID

from pydantic import Field

from kyo_app.api.bodies import Day, Received, Sent
from kyo_pipeline.domain import documents
from kyo_pipeline.domain.documents import DocumentState, Review, Upload, VersionStatus


class Version(Sent):
    """One version of a document. `status` is what machines have done with it, `review` what people decided."""

    id: UUID
    number: int = Field(examples=[1])
    file_name: str = Field(examples=["leave policy.pdf"])
    size_bytes: int
    media_type: str = Field(examples=["application/pdf"])
    status: VersionStatus = Field(description="`ready`: it can answer questions; `failed`: see `error`.")
    review: Review
    error: str | None = Field(description="Why the file could not be read, and what to do about it.")
    pages: int | None
    chunks: int | None = Field(description="Passages that it was cut into.")
    uploaded_by: UUID
    uploaded_by_name: str
    uploaded_at: datetime
    ready_at: datetime | None
    in_progress: bool
    review_reason: str | None
    reviewed_by_name: str | None
    reviewed_at: datetime | None


class Document(Sent):
    """A document with its newest version. It answers questions once a version is both approved and ready."""

    id: UUID
    title: str = Field(examples=["Leave policy"])
    collection: str = Field(examples=["Company handbook"])
    owner_id: UUID
    owner_name: str
    state: DocumentState
    created_at: datetime
    searchable: bool = Field(description="Whether some version of it answers questions now.")
    restricted: bool = Field(description="Whether not everyone who may read the collection may read it.")
    current_number: int | None = Field(description="The number of the version that answers questions now.")
    tags: list[str]
    review_by: date | None = Field(description="The last day on which its approval holds.")
    is_overdue: bool
    latest: Version


class DocumentWithVersions(Document):
    """The same with all its versions, the newest first."""

    versions: list[Version]


class Uploaded(Sent):
    """What became of an upload."""

    document: Document
    created: bool = Field(description="False: the same bytes under the same name were there already.")
    same_as: Document | None = Field(description="Another document of yours to see, with the same bytes.")

    @classmethod
    def of(cls, upload: Upload) -> "Uploaded":
        return cls.model_validate(upload)


class Approval(Received):
    """What is approved, and for how long."""

    version_id: UUID | None = Field(
        None,
        description="The version that you have read: 409 if another one is to be decided about by now. "
        "Without it, the newest one.",
    )
    review_by: Day | None = Field(
        None,
        description="The last day on which the approval holds, at most "
        f"{documents.MAX_REVIEW_YEARS} years ahead. Without it, the collection's rule.",
    )
