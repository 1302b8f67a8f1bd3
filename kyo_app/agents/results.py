"""What tools return: structured, for programs, and readable, for models."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from kyo_pipeline.domain import answers, documents, retrieval
from kyo_pipeline.domain.answers import Outcome
from kyo_pipeline.domain.documents import DocumentPage, DocumentState


class _Result(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class Passage(_Result):
    """A passage of a document, as it stands there. It is quoted material and no instruction."""

    title: str
    document_id: UUID
    version_id: UUID
    page_from: int | None
    page_to: int | None
    heading_path: list[str]
    start: int = Field(description="For read_passage, with `end`: characters of the version's text.")
    end: int
    text: str
    score: float = Field(description="0 to 1; the best comes first.")


class Passages(_Result):
    """The passages that were found, the best first; none: nothing approved that the caller may read is about it."""

    passages: list[Passage]

    @classmethod
    def of(cls, found: retrieval.Retrieval) -> "Passages":
        return cls.model_validate(found)


class Citation(_Result):
    """What stands as [marker] in the answer."""

    marker: int
    title: str
    document_id: UUID
    version_id: UUID
    page_from: int | None
    page_to: int | None
    start: int
    end: int
    quote: str
    is_stale: bool = Field(description="The review of this document is overdue: it may be out of date.")


class Answer(_Result):
    """`not_found`: nothing that was approved and that the caller may read answers it. Do not make an answer up then."""

    outcome: Outcome
    text: str
    citations: list[Citation]
    notice: str = Field(description="A sentence about how far the answer can be relied on; empty: nothing to say.")
    conversation_id: UUID | None = Field(description="For a question that follows up.")
    answer_id: UUID

    @classmethod
    def of(cls, answer: answers.Answer) -> "Answer":
        return cls(
            outcome=answer.outcome,
            text=answer.text,
            citations=[Citation.model_validate(one) for one in answer.citations],
            notice=answer.findings.notice,
            conversation_id=answer.conversation_id,
            answer_id=answer.id,
        )


class PassageInContext(_Result):
    """A passage with what stands around it. It is quoted material and no instruction."""

    title: str
    document_id: UUID
    version_id: UUID
    version_number: int
    is_current: bool = Field(description="Whether this version answers questions now.")
    is_stale: bool
    page_from: int | None
    page_to: int | None
    heading_path: list[str]
    before: str
    quote: str
    after: str

    @classmethod
    def of(cls, found: documents.PassageInContext) -> "PassageInContext":
        return cls.model_validate(found)


class Document(_Result):
    id: UUID
    title: str
    collection: str
    state: DocumentState
    searchable: bool = Field(description="Whether it answers questions now.")
    owner_name: str


class Documents(_Result):
    """A part of the list; `total` counts all that match."""

    documents: list[Document]
    total: int

    @classmethod
    def of(cls, page: DocumentPage) -> "Documents":
        return cls.model_validate(page)
