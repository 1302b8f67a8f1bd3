"""Questions with known answers: passages, questions, and which passages are relevant for which question."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

_PAGE = re.compile(r"(?P<document>.+)#p(?P<page>\d+)")
_TEST = "test"

#: What the pages of one document are called in the judgements; the key None is the whole document.
Units = Mapping[int | None, str]


@dataclass(frozen=True)
class LabelledPassage:
    """`document` is what it is a part of: itself, where the set does not say. `file`: its original, where named."""

    id: str
    title: str
    text: str
    document: str
    file: str | None = None

    @property
    def page(self) -> int | None:
        """The page of the document that this is, by the id `Document#p7`; None for other passages."""
        match = _PAGE.fullmatch(self.id)
        return int(match["page"]) if match else None


@dataclass(frozen=True)
class LabelledQuestion:
    """`answers` are strings of which one should be in an answer; `document` is where it should be looked for."""

    id: str
    text: str
    answers: tuple[str, ...] = ()
    answerable: bool | None = None
    document: str | None = None
    split: str | None = None


@dataclass(frozen=True)
class LabelledSet:
    """`relevant` maps questions to passages to grades; only grades above 0 are in it.

    `originals` are the files that the passages were cut from, empty where the set has none.
    """

    name: str
    passages: tuple[LabelledPassage, ...]
    questions: tuple[LabelledQuestion, ...]
    relevant: Mapping[str, Mapping[str, int]]
    originals: tuple[Path, ...] = ()

    @property
    def judged(self) -> tuple[LabelledQuestion, ...]:
        """The questions that a ranking can be scored by."""
        return tuple(question for question in self.questions if question.id in self.relevant)

    @property
    def unanswerable(self) -> tuple[LabelledQuestion, ...]:
        return tuple(question for question in self.questions if question.answerable is False)

    @property
    def has_answers(self) -> bool:
        return any(question.answers for question in self.judged)

    @property
    def documents(self) -> tuple[str, ...]:
        """Each document once, in the order of the passages."""
        return tuple(dict.fromkeys(passage.document for passage in self.passages))

    def for_evaluation(self, limit: int | None = None) -> "LabelledSet":
        """Only the test questions, where the set has a test split; of those `limit` judged and as many unanswerable.

        They are taken evenly from the whole, since neighbours are often about the same passage.
        """
        tested = [question for question in self.questions if question.split == _TEST] or self.questions
        chosen = replace(self, questions=tuple(tested))
        if limit is None:
            return chosen
        kept = (*_evenly(chosen.judged, limit), *_evenly(chosen.unanswerable, limit))
        return replace(chosen, questions=tuple(dict.fromkeys(kept)))

    def by_original(self) -> "LabelledSet":
        """The same judgements about the original files: by page where the ids name pages, else by document.

        The passages of the result have no text: it is in the files. A document is as relevant as its best passage.
        """
        units: dict[str, LabelledPassage] = {}
        unit_of = {passage.id: _unit(passage) for passage in self.passages}
        for passage in self.passages:
            units.setdefault(unit_of[passage.id], replace(passage, id=unit_of[passage.id], text=""))
        relevant: dict[str, dict[str, int]] = {}
        for question, grades in self.relevant.items():
            best = relevant.setdefault(question, {})
            for passage_id, grade in grades.items():
                best[unit_of[passage_id]] = max(grade, best.get(unit_of[passage_id], 0))
        return replace(self, passages=tuple(units.values()), relevant=relevant)

    def units_of_file(self, file_name: str) -> Units:
        """What an original is called in the judgements, or its pages are; nothing, if they do not know it."""
        stem = Path(file_name).stem
        return {
            passage.page: passage.id
            for passage in self.passages
            if file_name in (passage.file, passage.document) or (passage.file is None and passage.document == stem)
        }


def names_of(pages: tuple[int | None, int | None], units: Units, otherwise: str) -> list[str]:
    """What a chunk on these pages (first, last) is called in the judgements; its document, where those know no pages.

    A page that they do not know is called `otherwise` and its number: it takes a place in the ranking all the same.
    """
    if None in units:
        return [units[None]]
    first, last = pages
    if first is None:
        return [otherwise]
    return [units.get(page, f"{otherwise}#p{page}") for page in range(first, (last or first) + 1)]


def _unit(passage: LabelledPassage) -> str:
    return passage.id if passage.page is not None else passage.document


def _evenly(questions: Sequence[LabelledQuestion], limit: int) -> Sequence[LabelledQuestion]:
    if len(questions) <= limit:
        return questions
    return [questions[place * len(questions) // limit] for place in range(limit)]
