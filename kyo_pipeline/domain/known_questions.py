"""Questions of which it is known where their answers are, as this installation can be asked them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from kyo_pipeline.domain.labelled import LabelledSet, Units, names_of
from kyo_pipeline.domain.retrieval import Passage

LIKED, CASES, FOLDER = "liked", "cases", "KYO_EVAL_DIR"

#: What documents, or their pages, are called in judgements.
UnitsOf = Mapping[UUID, Units]


@dataclass(frozen=True)
class KnownQuestion:
    """`grades` maps what is relevant to how much; it is empty where there is no answer.

    `units` says what passages are called there; without them a passage is called by the id of its document. The text is
    not in the `repr`: some are what people asked, and none of them may get into a log.
    """

    text: str = field(repr=False)
    source: str
    grades: Mapping[str, int]
    units: UnitsOf | None = field(default=None, repr=False)

    @property
    def is_judged(self) -> bool:
        """Whether a ranking can be scored by it."""
        return bool(self.grades)

    def ranked(self, passages: Iterable[Passage]) -> tuple[str, ...]:
        """What was found, best first; each name once, where its best passage is, however the texts are cut."""
        return tuple(dict.fromkeys(name for passage in passages for name in self._names(passage)))

    def _names(self, passage: Passage) -> Sequence[str]:
        document = str(passage.document_id)
        if self.units is None:
            return [document]
        pages = (passage.page_from, passage.page_to)
        return names_of(pages, self.units.get(passage.document_id, {}), document)


@dataclass(frozen=True)
class KnownQuestions:
    """`left_out`: how many have an answer, but none of the documents with it is here."""

    questions: tuple[KnownQuestion, ...] = ()
    left_out: int = 0


def of_documents(text: str, documents: Iterable[UUID]) -> KnownQuestion:
    """A question that was answered from these documents, and somebody liked the answer."""
    return KnownQuestion(text, LIKED, {str(document): 1 for document in documents})


def without_repeated(questions: Iterable[KnownQuestion], before: Iterable[KnownQuestion]) -> tuple[KnownQuestion, ...]:
    """Those that are not asked in the same words in `before`, but for spaces and capitals."""
    known = {_folded(question.text) for question in before}
    return tuple(question for question in questions if _folded(question.text) not in known)


def of_case(text: str, documents: Iterable[UUID]) -> KnownQuestion:
    """A question of the organisation's own evaluation set, and the documents that its answer is in."""
    return KnownQuestion(text, CASES, {str(document): 1 for document in documents})


def of_set(labelled: LabelledSet, file_names: Mapping[UUID, str]) -> KnownQuestions:
    """The questions of a labelled set about the documents here, `file_names` by their ids, where they have an answer.

    What is relevant elsewhere is not missed. Nothing is known where none of the documents is here.
    """
    chosen = labelled.for_evaluation().by_original()
    units = _units(chosen, file_names)
    here = {name for names in units.values() for name in names.values()}
    judged = [
        KnownQuestion(question.text, FOLDER, _within(chosen.relevant[question.id], here), units)
        for question in chosen.judged
    ]
    unanswerable = [
        KnownQuestion(question.text, FOLDER, {}, units)
        for question in chosen.unanswerable
        if here and question.id not in chosen.relevant
    ]
    known = [question for question in judged if question.is_judged]
    return KnownQuestions((*known, *unanswerable), len(judged) - len(known))


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


def _units(labelled: LabelledSet, file_names: Mapping[UUID, str]) -> dict[UUID, Units]:
    """Of the documents that the set knows."""
    # Comparing each file with each passage takes minutes where there are many of both.
    known = {name for passage in labelled.passages for name in (passage.file, passage.document)}
    found = {
        document: labelled.units_of_file(name)
        for document, name in file_names.items()
        if name in known or Path(name).stem in known
    }
    return {document: units for document, units in found.items() if units}


def _within(grades: Mapping[str, int], here: set[str]) -> dict[str, int]:
    return {name: grade for name, grade in grades.items() if name in here}
