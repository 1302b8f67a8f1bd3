"""An answer with its citations."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from uuid import UUID

from kyo_pipeline.domain.answer_findings import NOTHING, Findings
from kyo_pipeline.domain.feedback import NamedDocument, Reason

WITHHELD_TEXT = "This answer quoted documents that you may no longer read."
ERASED_TEXT = "A document that this answer quoted has since been deleted, and the answer with it."
NOT_FOUND_TEXT = "This was not found in the approved documents that you may read."


class Outcome(str, Enum):
    ANSWERED = "answered"
    NOT_FOUND = "not_found"
    STOPPED = "stopped"
    FAILED = "failed"
    ERASED = "erased"  # a document that it quoted was deleted, and its text with it
    WITHHELD = "withheld"  # never stored: it quotes what its reader may no longer read


@dataclass(frozen=True)
class DraftCitation:
    """Marker [n] in a generated text: it cites characters start..end of the version's text, out of passages[index]."""

    marker: int
    index: int
    start: int
    end: int


@dataclass(frozen=True)
class Draft:
    """What a generator returns when it has finished. Token counts are 0 where no model was asked.

    `generator` and `model` say who wrote it, where that is somebody else than who was asked. `notice` is a sentence for
    the reader about how it came about, "" when there is nothing to say.
    """

    text: str
    outcome: Outcome
    citations: tuple[DraftCitation, ...] = ()
    prompt_tokens: int = 0
    completion_tokens: int = 0
    generator: str = ""
    model: str = ""
    notice: str = ""
    findings: Findings = NOTHING


@dataclass(frozen=True)
class Citation:
    """A stored citation: it names version and offsets, never a position in a list.

    `current_number` is the version of the document that answers questions now, None when there is none,
    `version_number` where that one is made from the same file. `is_stale`: its review is overdue. `from_ocr`: the
    passage was read from a picture. `is_deleted`: nothing is left but the title. `dated`: when the version was
    uploaded.
    """

    marker: int
    chunk_id: int | None
    document_id: UUID
    version_id: UUID
    version_number: int
    title: str
    file_name: str
    page_from: int | None
    page_to: int | None
    heading_path: tuple[str, ...]
    start: int
    end: int
    quote: str
    score: float
    media_type: str
    current_number: int | None
    is_stale: bool
    from_ocr: bool
    is_deleted: bool
    dated: datetime | None = None


@dataclass(frozen=True)
class NearDocument:
    """A document that came near a question which it does not answer, and whom to ask about it.

    `version_id` is of the version that answers questions now.
    """

    document_id: UUID
    version_id: UUID
    title: str
    owner: str


@dataclass(frozen=True)
class Verification:
    """Who has verified an answer and when, and whether that was withdrawn since.

    `is_source`: it was written for its asker, and others get a copy of it since. `question`: the one that it was
    verified for, in its first wording.
    """

    id: UUID
    by: str
    at: datetime
    withdrawn_at: datetime | None
    is_source: bool
    question: str


@dataclass(frozen=True)
class Answer:
    """A stored answer. `timings` maps a stage to milliseconds: rewrite, embed, search, rerank, generate; or cache, or
    verified.

    `nearest` are the documents that came nearest to a question which was not answered, as far as they may be read.

    `standalone` is what was searched for, where that is not what was asked: a follow-up. `shared_at`: when its asker
    shared it, None when it is theirs alone. `reason` and `correct_document` go with a thumb down: why, and where the
    asker says that the answer is, as far as they may still read that. `verification`: None where nobody has verified
    it.
    """

    id: UUID
    question_id: UUID
    question: str
    asked_at: datetime
    text: str
    outcome: Outcome
    generator: str
    model: str
    citations: tuple[Citation, ...]
    timings: dict[str, float]
    prompt_tokens: int
    completion_tokens: int
    rating: int | None = None
    comment: str | None = None
    findings: Findings = NOTHING
    nearest: tuple[NearDocument, ...] = ()
    conversation_id: UUID | None = None
    standalone: str | None = None
    shared_at: datetime | None = None
    reason: Reason | None = None
    correct_document: NamedDocument | None = None
    verification: Verification | None = None


@dataclass(frozen=True)
class SharedAnswer:
    """An answer as those see it with whom it is shared: without the opinion of its asker, and with their name."""

    answer: Answer
    shared_by: str
    shared_at: datetime


@dataclass(frozen=True)
class AnswerSummary:
    """An answer as the history lists it, with how many questions its conversation has.

    `is_verified`: it was given because a manager had verified it.
    """

    id: UUID
    question: str
    asked_at: datetime
    outcome: Outcome
    text: str
    rating: int | None
    conversation_id: UUID
    turns: int
    is_verified: bool = False


@dataclass(frozen=True)
class AnswerPage:
    """One page of the history, with the number of all entries that match."""

    answers: tuple[AnswerSummary, ...]
    total: int
