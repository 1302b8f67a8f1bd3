"""Answers that a manager has verified, as those see them who look after them."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from uuid import UUID

from kyo_pipeline.domain.answer_findings import Findings
from kyo_pipeline.domain.answers import Citation

MAX_WORDINGS = 10
MAX_WORDING_LENGTH = 500
MAX_TEXT_LENGTH = 10_000
MAX_REASON_LENGTH = 500

_MARKER = re.compile(r"\[(\d{1,3})\]")


class Change(str, Enum):
    """What has become of a document since an answer that cites it was verified."""

    REPLACED = "replaced"
    NOT_APPROVED = "not_approved"  # archived, or not approved any more
    DELETED = "deleted"


@dataclass(frozen=True)
class Changed:
    """A cited document that is not what it was. `number` is the version that answers now, `since` when it began to."""

    document_id: UUID
    title: str
    change: Change
    number: int | None
    since: datetime | None


@dataclass(frozen=True)
class VerifiedAnswer:
    """`wordings`: the question, then other ways to ask it. `uses`: how often it was given. `answer_id`: what was
    verified, None where that is gone.

    `changed` are the cited documents because of which it is given to nobody now; `withdrawn_because` says why somebody
    has withdrawn it.
    """

    id: UUID
    answer_id: UUID | None
    wordings: tuple[str, ...]
    text: str
    findings: Findings
    citations: tuple[Citation, ...]
    is_edited: bool
    verified_by: str
    verified_at: datetime
    withdrawn_by: str | None
    withdrawn_at: datetime | None
    withdrawn_because: str
    changed: tuple[Changed, ...]
    uses: int

    @property
    def question(self) -> str:
        return self.wordings[0]

    @property
    def holds(self) -> bool:
        return self.withdrawn_at is None and not self.changed


class Standing(str, Enum):
    """Which verified answers are wanted."""

    HOLDS = "holds"
    CHANGED = "changed"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True)
class VerifiedPage:
    """Some of the verified answers that match, with the number of all that do by how they stand."""

    answers: tuple[VerifiedAnswer, ...]
    total: int
    counts: dict[Standing, int]


def markers_of(text: str) -> frozenset[int]:
    """The numbers of the citations in a text that was checked, and perhaps edited since: [1][2]."""
    return frozenset(int(number) for number in _MARKER.findall(text))
