"""Bodies of `/api/retrieval/…`."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from kyo_app.api.bodies import Received, Sent
from kyo_pipeline.domain import answers
from kyo_pipeline.domain.answers import Outcome
from kyo_pipeline.domain.feedback import MAX_COMMENT_LENGTH, Reason
from kyo_pipeline.services.asking import MAX_QUESTION_LENGTH


class Question(Received):
    """What is asked."""

    question: str = Field(
        min_length=1, max_length=MAX_QUESTION_LENGTH, examples=["How many days of paid leave does everyone have?"]
    )
    conversation_id: UUID | None = Field(
        None, description="Of an earlier answer of yours: the question is understood as one that follows up."
    )
    anew: bool = Field(False, description="Neither a verified answer nor one from the cache.")


class Citation(Sent):
    """Where a part of an answer stands: characters `start` to `end` of the text of a version."""

    marker: int = Field(description="What stands as [1] in the text.")
    document_id: UUID
    version_id: UUID
    version_number: int
    title: str
    file_name: str
    page_from: int | None
    page_to: int | None
    heading_path: list[str]
    start: int
    end: int
    quote: str
    score: float
    current_number: int | None = Field(description="The version that answers questions now; null: none does.")
    is_stale: bool = Field(description="Its review is overdue.")
    from_ocr: bool = Field(description="It was read from a picture.")
    is_deleted: bool


class Span(Sent):
    """Characters of the answer's text."""

    start: int
    end: int


class Conflict(Sent):
    """Two citations, by their markers, that say different things about the same."""

    newer: int
    older: int
    is_dated: bool = Field(description="False: nobody knows which one is newer.")


class Findings(Sent):
    """What was found when the answer was compared with its sources."""

    unsupported: list[Span] = Field(description="Sentences that the cited passages do not bear out.")
    emphasis: list[Span] = Field(description="The words that answer.")
    conflicts: list[Conflict]
    notice: str = Field(description="A sentence for the reader; empty: there is nothing to say.")
    corrections: list[tuple[str, str]] = Field(description="Words of the question, and what was searched for.")


class NearDocument(Sent):
    """A document that came near a question which it does not answer, and whom to ask about it."""

    document_id: UUID
    version_id: UUID
    title: str
    owner: str


class Verification(Sent):
    """Who has verified the answer, for which question."""

    by: str
    at: datetime
    withdrawn_at: datetime | None
    question: str


class NamedDocument(Sent):
    """A document by its title."""

    id: UUID
    title: str


class Answer(Sent):
    """An answer as it is stored. `answered`: its text has citations; `not_found`: nothing that the caller may read."""

    id: UUID
    question_id: UUID
    conversation_id: UUID | None
    question: str
    standalone: str | None = Field(description="What was searched for, where that is not what was asked.")
    asked_at: datetime
    text: str
    outcome: Outcome
    citations: list[Citation]
    findings: Findings
    nearest: list[NearDocument] = Field(description="Where to look on, if it was not found.")
    verification: Verification | None
    generator: str
    model: str
    timings: dict[str, float] = Field(description="Milliseconds of each stage.")
    prompt_tokens: int
    completion_tokens: int
    rating: int | None = Field(description="Your own: 1, -1, or none.")
    comment: str | None
    reason: Reason | None
    correct_document: NamedDocument | None

    @classmethod
    def of(cls, answer: answers.Answer) -> "Answer":
        return cls.model_validate(answer)


class AnswerSummary(Sent):
    """An answer as a list shows it."""

    id: UUID
    question: str
    asked_at: datetime
    outcome: Outcome
    text: str
    rating: int | None
    conversation_id: UUID
    turns: int = Field(description="Questions of its conversation.")
    is_verified: bool


class Feedback(Received):
    """What you think of an answer to a question of yours; the last word counts."""

    answer_id: UUID
    rating: Literal[1, -1] | None = Field(description="1: it helped; -1: it did not; null: nothing any more.")
    comment: str = Field("", max_length=MAX_COMMENT_LENGTH)
    reason: Reason | None = Field(None, description="Why it did not help.")
    correct_document_id: UUID | None = Field(None, description="Where the answer is, if it did not help.")
