"""Bodies of `/api/retrieval/…`."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field, field_validator, model_validator
from typing_extensions import Self

from kyo_app.api.bodies import Received, Sent
from kyo_pipeline.domain.answers import Outcome
from kyo_pipeline.domain.feedback import MAX_COMMENT_LENGTH, Reason
from kyo_pipeline.services.asking import MAX_QUESTION_LENGTH


class Question(Received):
    """A question."""

    question: str = Field(
        min_length=1, max_length=MAX_QUESTION_LENGTH, examples=["How many days of paid leave do I have?"]
    )
    conversation_id: UUID | None = Field(
        None, description="One of your conversations, which the question follows up; without it, a new one begins."
    )
    anew: bool = Field(
        False, strict=True, description="Have it answered anew: neither a verified answer nor one from the cache."
    )


class Citation(Sent):
    """What the answer cites as [marker]: characters start..end of the text of this version."""

    marker: int = Field(description="The number in brackets in the answer's text.")
    document_id: UUID
    version_id: UUID
    version_number: int
    current_number: int | None = Field(description="The version that answers questions now; null when none does.")
    title: str
    file_name: str
    media_type: str
    page_from: int | None
    page_to: int | None
    heading_path: list[str]
    start: int
    end: int
    quote: str
    score: float
    is_stale: bool = Field(description="The document's review is overdue.")
    from_ocr: bool = Field(description="The passage was read from a picture.")
    is_deleted: bool = Field(description="Nothing is left of the document but its title.")


class Span(Sent):
    """Characters start..end of the answer's text."""

    start: int
    end: int


class Conflict(Sent):
    """Two citations, by their markers, that say different things about the same."""

    newer: int
    older: int
    is_dated: bool = Field(description="False: nobody knows which of both is the newer one.")


class Findings(Sent):
    """What was found about the answer when it was checked."""

    notice: str = Field(description="A sentence for the reader about how it came about; empty for none.")
    unsupported: list[Span] = Field(description="Sentences that the cited passages do not bear out.")
    emphasis: list[Span] = Field(description="The words that answer.")
    conflicts: list[Conflict]
    corrections: list[tuple[str, str]] = Field(description="Words of the question, and what was searched for instead.")


class NearDocument(Sent):
    """A document that came near a question which it does not answer, and whom to ask about it."""

    document_id: UUID
    version_id: UUID
    title: str
    owner: str


class Verification(Sent):
    """Who has verified the answer, for which question, and whether that was withdrawn since."""

    id: UUID
    by: str
    at: datetime
    withdrawn_at: datetime | None
    question: str


class Answer(Sent):
    """A stored answer. Show its text as plain text: it may quote anything that a document says."""

    id: UUID
    conversation_id: UUID | None
    question: str
    standalone: str | None = Field(description="What was searched for, where the question is a follow-up.")
    asked_at: datetime
    text: str
    outcome: Outcome = Field(
        description="`withheld`: it quotes what you may no longer read. `erased`: what it quoted was deleted."
    )
    citations: list[Citation]
    findings: Findings
    nearest: list[NearDocument] = Field(description="For `not_found`: what came nearest and whom to ask.")
    verification: Verification | None
    rating: int | None = Field(description="1 helpful, -1 not helpful; null: you have not said.")
    comment: str | None
    reason: Reason | None
    generator: str
    model: str
    prompt_tokens: int
    completion_tokens: int
    timings: dict[str, float] = Field(description="Milliseconds of each stage.")


class AnswerSummary(Sent):
    """An answer as the history lists it."""

    id: UUID
    conversation_id: UUID
    question: str
    asked_at: datetime
    outcome: Outcome
    text: str
    rating: int | None
    turns: int = Field(description="How many questions its conversation has.")
    is_verified: bool


class Feedback(Received):
    """What you think of an answer; the last word counts."""

    answer_id: UUID
    rating: Literal[1, -1] | None = Field(description="1 helpful, -1 not helpful, null takes back what you said.")
    comment: str = Field("", max_length=MAX_COMMENT_LENGTH)
    reason: Reason | None = Field(None, description="Why it did not help; with -1 alone.")
    correct_document_id: UUID | None = Field(None, description="Which document has the answer; with -1 alone.")

    @field_validator("rating", mode="before")
    @classmethod
    def _true_is_no_number(cls, value: object) -> object:
        if isinstance(value, bool):
            raise ValueError("A rating is 1, -1 or null.")
        return value

    @model_validator(mode="after")
    def _nothing_goes_with_null(self) -> Self:
        if self.rating is None and (self.comment or self.reason or self.correct_document_id):
            raise ValueError("Nothing else can be said with a rating that is taken back.")
        return self
