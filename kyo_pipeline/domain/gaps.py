"""Knowledge gaps: questions that mean the same and had no good answer, and what is done about them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from uuid import UUID

#: So many questions after a gap was closed open it again: one may be an accident, or asked before anybody knew.
REOPEN_AFTER = 3

#: So many different questions of a gap are asked again when it is closed, the most central ones.
MOST_ASKED_AGAIN = 20


class GapState(str, Enum):
    """open → planned → answered, or declined; both of these come back when the same is asked again."""

    OPEN = "open"
    PLANNED = "planned"
    ANSWERED = "answered"
    DECLINED = "declined"

    @property
    def is_closed(self) -> bool:
        return self in (GapState.ANSWERED, GapState.DECLINED)


class GapKind(str, Enum):
    """Why a question belongs to a gap: see `kind_of` in domain/doubt.py."""

    NOT_FOUND = "not_found"
    DISLIKED = "disliked"
    DOUBTFUL = "doubtful"


class GapOrder(str, Enum):
    """What comes first in a list."""

    COUNT = "count"
    RECENT = "recent"
    TREND = "trend"


class Deed(str, Enum):
    """What was done about a gap."""

    ANSWER = "answer"
    ASSIGN = "assign"
    DECLINE = "decline"
    PLAN = "plan"
    REOPEN = "reopen"


class Result(str, Enum):
    """What came when a question was asked again: an answer that cites the linked document, another one, or none."""

    LINKED = "linked"
    OTHER = "other"
    NOT_FOUND = "not_found"
    FAILED = "failed"


@dataclass(frozen=True)
class Trend:
    """How many questions came in the last days, and in as many days before."""

    last_week: int
    week_before: int
    last_month: int
    month_before: int

    @property
    def growth(self) -> int:
        """Questions more in the last 30 days than in the 30 before; negative: fewer."""
        return self.last_month - self.month_before


@dataclass(frozen=True)
class Gap:
    """A gap as far as its reader may see its questions. `label` is the most central of those, "" when all are gone.

    `first_asked` and `last_asked` are days (midnight UTC). `asked_since`: how many came after it was closed.
    `collections` are those that its questions are about. `people`: how many have asked; who, nobody is told.
    `document_title`: None where there is none that the reader may see.
    """

    id: UUID
    state: GapState
    label: str
    not_found: int
    disliked: int
    doubtful: int
    people: int
    first_asked: datetime | None
    last_asked: datetime | None
    trend: Trend
    asked_since: int
    collections: tuple[str, ...]
    owner_id: UUID | None
    owner: str | None
    document_id: UUID | None
    document_title: str | None
    reason: str
    created_at: datetime
    changed_at: datetime

    @property
    def questions(self) -> int:
        return self.not_found + self.disliked + self.doubtful


@dataclass(frozen=True)
class GapQuestion:
    """A question without its asker; `asked_at` is a day (midnight UTC).

    `result` is what came when it was asked again, None when it was not.
    """

    id: UUID
    text: str
    asked_at: datetime
    kind: GapKind
    result: Result | None
    asked_again_at: datetime | None


@dataclass(frozen=True)
class AboutDocument:
    """A document that questions of a gap came near, or whose answers cite it; of those that answer questions still."""

    document_id: UUID
    version_id: UUID
    title: str
    questions: int


@dataclass(frozen=True)
class GapEvent:
    """`owner`: to whom it was given, None: to nobody. `count`: how many questions came before it was opened again."""

    at: datetime
    actor: str
    deed: Deed
    owner: str | None
    document: str | None
    reason: str
    count: int | None


@dataclass(frozen=True)
class GapDetails:
    """`is_answerable`: the linked document answers questions now; `is_withdrawn`: it is not going to, or is gone."""

    gap: Gap
    questions: tuple[GapQuestion, ...]
    documents: tuple[AboutDocument, ...]
    events: tuple[GapEvent, ...]
    is_answerable: bool
    is_withdrawn: bool

    @property
    def waits_for_document(self) -> bool:
        return self.gap.state is GapState.ANSWERED and not self.is_answerable and not self.is_withdrawn

    @property
    def is_to_be_asked_again(self) -> bool:
        """The document can be found, and nothing has been asked since it was linked."""
        asked = any(one.asked_again_at and one.asked_again_at >= self.gap.changed_at for one in self.questions)
        return self.gap.state is GapState.ANSWERED and self.is_answerable and not asked and bool(self.questions)


@dataclass(frozen=True)
class GapRun:
    """When gaps were last looked for, among how many questions."""

    at: datetime
    questions: int
    gaps: int


@dataclass(frozen=True)
class GapPage:
    """One page of a list, the number of all gaps that match, and the last look; None: nobody has looked yet."""

    gaps: tuple[Gap, ...]
    total: int
    last_run: GapRun | None


@dataclass(frozen=True)
class AnsweredQuestion:
    """A question of one's own that a document answers which came later, or was found later."""

    question_id: UUID
    text: str
    asked_at: datetime
    document_id: UUID
    title: str
    answered_at: datetime


@dataclass(frozen=True)
class GapFilter:
    """What is wanted of a list; None, and no states: whatever it is. `unowned`: of nobody."""

    states: frozenset[GapState] = frozenset()
    kind: GapKind | None = None
    owner_id: UUID | None = None
    unowned: bool = False

    def matches(self, gap: Gap) -> bool:
        return (
            (not self.states or gap.state in self.states)
            and (self.kind is None or getattr(gap, self.kind.value) > 0)
            and (self.owner_id is None or gap.owner_id == self.owner_id)
            and not (self.unowned and gap.owner_id is not None)
        )


def by_text(questions: Sequence[GapQuestion]) -> tuple[tuple[GapQuestion, ...], ...]:
    """Those in the same words together, in the order of the first of each; large and small letters are the same."""
    found: dict[str, list[GapQuestion]] = {}
    for question in questions:
        found.setdefault(" ".join(question.text.casefold().split()), []).append(question)
    return tuple(tuple(same) for same in found.values())


def ordered(gaps: tuple[Gap, ...], order: GapOrder) -> tuple[Gap, ...]:
    """The same gaps, what matters first: the most questions, the newest question, or what grows."""

    def key(gap: Gap) -> tuple[float, ...]:
        asked = gap.last_asked.timestamp() if gap.last_asked else 0.0
        first: dict[GapOrder, tuple[float, ...]] = {
            GapOrder.COUNT: (gap.questions, asked),
            GapOrder.RECENT: (asked, gap.questions),
            GapOrder.TREND: (gap.trend.growth, gap.questions, asked),
        }
        return first[order]

    return tuple(sorted(gaps, key=lambda gap: (*(-one for one in key(gap)), str(gap.id))))
