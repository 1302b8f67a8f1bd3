"""The organisation's own evaluation set: questions of which somebody has said where their answer is."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from pathlib import PurePath
from uuid import UUID

from kyo_pipeline.domain.labelled import LabelledQuestion
from kyo_pipeline.domain.typed_text import checked_line, composed, storable
from kyo_pipeline.errors import Invalid

MAX_QUESTION_LENGTH = 2000
MAX_ANSWER_LENGTH = 2000
MAX_DOCUMENTS = 10


class Origin(str, Enum):
    """How somebody came to say it."""

    REVIEW = "review"  # of an answer that was found unhelpful
    ANSWER = "answer"  # of an answer that was right
    BY_HAND = "by_hand"


@dataclass(frozen=True)
class CaseDocument:
    """`answers`: it answers questions now, so that the case counts."""

    id: UUID
    title: str
    version_id: UUID | None
    answers: bool


@dataclass(frozen=True)
class EvaluationCase:
    """One question with the documents that its answer is in. Who asked it is not known here."""

    id: UUID
    question: str
    expected_answer: str
    origin: Origin
    documents: tuple[CaseDocument, ...]
    created_by_name: str
    created_at: datetime
    retired_at: datetime | None
    retired_by_name: str | None

    @property
    def is_active(self) -> bool:
        return self.retired_at is None


@dataclass(frozen=True)
class CasePage:
    """One page of the set, with the number of all cases that match."""

    cases: tuple[EvaluationCase, ...]
    total: int


@dataclass(frozen=True)
class Exported:
    """What was written for `kyo eval`."""

    cases: int
    documents: int


def labelled_of(
    cases: Iterable[EvaluationCase], here: Collection[UUID]
) -> tuple[tuple[LabelledQuestion, ...], Mapping[str, Sequence[str]]]:
    """Questions and what is relevant for them, in the names of a labelled set, as far as those documents are `here`."""
    questions, relevant = [], {}
    for case in cases:
        documents = [str(document.id) for document in case.documents if document.id in here]
        if documents:
            answers = (case.expected_answer,) if case.expected_answer else ()
            questions.append(LabelledQuestion(str(case.id), case.question, answers, answerable=True))
            relevant[str(case.id)] = documents
    return tuple(questions), relevant


def distinct_names(names: Iterable[str]) -> list[str]:
    """The names of files, as they can lie in one folder: `a.pdf`, `a (2).pdf`. On some disks A.PDF is a.pdf."""
    taken: set[str] = set()
    given = []
    for name in names:
        path, number, chosen = PurePath(name), 1, name
        while chosen.casefold() in taken:
            number += 1
            chosen = f"{path.stem} ({number}){path.suffix}"
        taken.add(chosen.casefold())
        given.append(chosen)
    return given


def checked_question(text: str) -> str:
    """On one line. Raises `Invalid` when there is nothing in it, or too much."""
    return checked_line(" ".join(composed(storable(text)).split()), "The question", MAX_QUESTION_LENGTH)


def checked_answer(text: str) -> str:
    """What should be in an answer; it may be empty. Raises `Invalid`."""
    answer = composed(storable(text))
    if len(answer) > MAX_ANSWER_LENGTH:
        raise Invalid(f"The expected answer has {MAX_ANSWER_LENGTH} characters at most.")
    return answer
