"""Documents, their versions, and the two lives of each: the lifecycle people decide, the processing machines do."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import Literal
from uuid import UUID

from kyo_pipeline.domain.typed_text import checked_line, composed
from kyo_pipeline.errors import Invalid

MAX_TITLE_LENGTH = 300
MAX_TAG_LENGTH = 40
MAX_TAGS = 20
MAX_REVIEW_YEARS = 10


class DocumentState(str, Enum):
    """Lifecycle: what people decided."""

    DRAFT = "draft"
    IN_REVIEW = "in_review"
    APPROVED = "approved"
    REJECTED = "rejected"
    ARCHIVED = "archived"
    DELETED = "deleted"  # a tombstone: its text and its files are gone


class VersionStatus(str, Enum):
    """Processing: the last step that this version has passed."""

    UPLOADED = "uploaded"
    PARSED = "parsed"
    CHUNKED = "chunked"
    EMBEDDED = "embedded"
    READY = "ready"
    FAILED = "failed"


class Review(str, Enum):
    """The decision about one version."""

    DRAFT = "draft"  # its uploader has not asked for a decision yet
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"


#: Steps of the pipeline in order: a version with the first status becomes the second.
STEPS: tuple[tuple[VersionStatus, VersionStatus], ...] = (
    (VersionStatus.UPLOADED, VersionStatus.PARSED),
    (VersionStatus.PARSED, VersionStatus.CHUNKED),
    (VersionStatus.CHUNKED, VersionStatus.EMBEDDED),
    (VersionStatus.EMBEDDED, VersionStatus.READY),
)


@dataclass(frozen=True)
class Version:
    """One version of a document, as a list shows it. Sizes in bytes, `pages` None until parsed or for plain text.

    `empty_pages` and `ocr_pages` count the pages without text and those read from a picture. `kept_vectors` counts the
    passages that an earlier version has too, and that were not embedded again. `reprocess_of` is the number of the
    version whose file this one has read again.
    """

    id: UUID
    number: int
    file_name: str
    sha256: str
    size_bytes: int
    media_type: str
    status: VersionStatus
    review: Review
    error: str | None
    pages: int | None
    chunks: int | None
    uploaded_by: UUID
    uploaded_by_name: str
    uploaded_at: datetime
    ready_at: datetime | None
    in_progress: bool
    review_reason: str | None = None
    reviewed_by_name: str | None = None
    reviewed_at: datetime | None = None
    empty_pages: int | None = None
    ocr_pages: int | None = None
    kept_vectors: int | None = None
    reprocess_of: int | None = None


@dataclass(frozen=True)
class Document:
    """A document with its newest version; `searchable` says whether some version of it answers questions.

    `restricted`: not everyone who may read the collection may read it. The collection has no name for somebody who was
    given this one document to read and nothing else of it. `review_by` is the last day on which its approval holds;
    `stale_since` is when that day was found to be over.
    """

    id: UUID
    title: str
    collection: str
    owner_name: str
    state: DocumentState
    created_at: datetime
    searchable: bool
    restricted: bool
    current_number: int | None
    latest: Version
    owner_id: UUID
    tags: tuple[str, ...] = ()
    review_by: date | None = None
    stale_since: datetime | None = None
    deleted_at: datetime | None = None
    deleted_by_name: str | None = None

    @property
    def is_overdue(self) -> bool:
        """Whether somebody should look at it: what is archived need not be reviewed before it comes back."""
        return self.stale_since is not None and self.state is DocumentState.APPROVED


@dataclass(frozen=True)
class Followed:
    """A version, and its document as it is now: what has become of an upload."""

    version: Version
    document: Document

    @property
    def answers(self) -> bool:
        return self.document.searchable and self.document.current_number == self.version.number

    @property
    def replaced_by(self) -> int | None:
        """The number of what has taken its place: a later version that answers questions, else the newest."""
        if self.answers or self.document.latest.number <= self.version.number:
            return None
        current = self.document.current_number if self.document.searchable else None
        return current if current is not None and current > self.version.number else self.document.latest.number

    @property
    def was_read_again(self) -> bool:
        """Whether what has taken its place is the same file."""
        latest = self.document.latest
        same = latest.reprocess_of is not None and latest.sha256 == self.version.sha256
        return same and self.replaced_by == latest.number


@dataclass(frozen=True)
class DocumentPage:
    """One page of a listing, with the number of all documents that match the filter."""

    documents: tuple[Document, ...]
    total: int


@dataclass(frozen=True)
class Upload:
    """What became of an upload: `created` is False when the same bytes under the same name were there already.

    `same_as`: another document that the uploader may see, whose newest version has the same bytes.
    """

    document: Document
    created: bool
    same_as: Document | None = None


@dataclass(frozen=True)
class PassageInContext:
    """A cited span of one version's text with what stands around it. All three parts are raw text of the document.

    `current_number` is the version that answers questions now, None when there is none, `version_number` where that one
    is made from the same file; `is_in_current` says whether the quote stands in that one too, None where that cannot be
    said. `is_stale`: the document's review is overdue. `from_ocr`: the quote was read from a picture of the page.
    """

    document_id: UUID
    version_id: UUID
    title: str
    file_name: str
    version_number: int
    media_type: str
    is_current: bool
    current_number: int | None
    is_in_current: bool | None
    is_stale: bool
    from_ocr: bool
    page_from: int | None
    page_to: int | None
    heading_path: tuple[str, ...]
    before: str
    quote: str
    after: str


def why_not_approve(
    *, status: VersionStatus, own_upload: bool, rule: Literal["auto", "always", "never"], people_who_may: int
) -> str | None:
    """None when a version may be approved, else the sentence that says why not.

    `rule` is KYO_SELF_APPROVAL: with `auto`, people approve their own uploads only while nobody else could.
    """
    if status is VersionStatus.FAILED:
        return "This file could not be read, so there is nothing to approve. Reject it, or try it again."
    if own_upload and (rule == "never" or (rule == "auto" and people_who_may > 1)):
        return "You uploaded this yourself; somebody else has to approve it."
    return None


def checked_title(typed: str) -> str:
    """A document's title, trimmed. Raises `Invalid`."""
    return checked_line(composed(typed), "A title", MAX_TITLE_LENGTH)


def checked_tags(typed: Sequence[str]) -> tuple[str, ...]:
    """Tags in small letters, each once, in alphabetical order; empty ones left out. Raises `Invalid`."""
    tags = sorted({checked_line(tag, "A tag", MAX_TAG_LENGTH).lower() for tag in typed if tag.strip()})
    if any("," in tag for tag in tags):
        raise Invalid("A tag has no comma in it. Give two tags instead.")
    if len(tags) > MAX_TAGS:
        raise Invalid(f"A document has {MAX_TAGS} tags at most.")
    return tuple(tags)


def checked_review_by(review_by: date, today: date) -> date:
    """The last day of an approval, which lies ahead. Raises `Invalid`."""
    if review_by <= today or review_by.year > today.year + MAX_REVIEW_YEARS:
        raise Invalid(f"Choose a day after today for the next review, within {MAX_REVIEW_YEARS} years.")
    return review_by


def state_after_archive(*, approved: bool, newest: Review) -> DocumentState:
    """What a document is when it comes back: what it was, as far as its versions tell."""
    if approved:
        return DocumentState.APPROVED
    return {
        Review.DRAFT: DocumentState.DRAFT,
        Review.PENDING: DocumentState.IN_REVIEW,
        Review.APPROVED: DocumentState.IN_REVIEW,  # and it could not be read
        Review.REJECTED: DocumentState.REJECTED,
    }[newest]


def progress(status: VersionStatus) -> float:
    """Share of the pipeline that is behind a version, 0 to 1; a failed one has come to its end."""
    if status is VersionStatus.FAILED:
        return 1.0
    passed = [after for _, after in STEPS]
    return (passed.index(status) + 1) / len(passed) if status in passed else 0.0
