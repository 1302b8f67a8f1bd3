"""Questions with known answers, as they can be asked about the documents that are here."""

from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from kyo_pipeline.domain.known_questions import FOLDER, LIKED, KnownQuestion, KnownQuestions, of_documents, of_set
from kyo_pipeline.domain.labelled import LabelledPassage, LabelledQuestion, LabelledSet
from kyo_pipeline.domain.retrieval import Passage

LEAVE, TRIPS, OTHER = uuid4(), uuid4(), uuid4()


def passage(document: UUID, pages: tuple[int | None, int | None] = (None, None)) -> Passage:
    return Passage(1, document, uuid4(), 1, "Title", "General", "Text.", 0, 5, *pages, (), 1.0, 1.0, 1.0)


def labelled(
    *passages: LabelledPassage, relevant: dict[str, dict[str, int]], questions: list[LabelledQuestion]
) -> LabelledSet:
    return LabelledSet("set", passages, tuple(questions), relevant)


BY_DOCUMENT = labelled(
    LabelledPassage("1", "Leave", "Thirty days.", "leave", "leave.txt"),
    LabelledPassage("2", "Leave", "Until March.", "leave", "leave.txt"),
    LabelledPassage("3", "Trips", "150 euros.", "trips"),
    questions=[
        LabelledQuestion("how many", "How many days?"),
        LabelledQuestion("both", "Days and euros?"),
        LabelledQuestion("none", "Who won?", answerable=False),
    ],
    relevant={"how many": {"1": 1, "2": 2}, "both": {"1": 1, "3": 1}},
)
BY_PAGE = labelled(
    LabelledPassage("Leave#p1", "Leave", "Thirty days.", "Leave", "Leave.pdf"),
    LabelledPassage("Leave#p2", "Leave", "Until March.", "Leave", "Leave.pdf"),
    questions=[LabelledQuestion("until", "Until when?")],
    relevant={"until": {"Leave#p2": 1}},
)


def grades(known: KnownQuestions) -> dict[str, dict[str, int]]:
    return {question.text: dict(question.grades) for question in known.questions}


def test_a_document_is_as_relevant_as_its_best_passage() -> None:
    known = of_set(BY_DOCUMENT, {LEAVE: "leave.txt", TRIPS: "trips.docx", OTHER: "other.txt"})
    assert grades(known) == {
        "How many days?": {"leave": 2},
        "Days and euros?": {"leave": 1, "trips": 1},
        "Who won?": {},
    }
    assert {question.source for question in known.questions} == {FOLDER}
    assert [question.is_judged for question in known.questions] == [True, True, False]
    assert known.left_out == 0


def test_what_is_relevant_elsewhere_is_not_missed() -> None:
    known = of_set(BY_DOCUMENT, {TRIPS: "trips.docx"})
    assert grades(known) == {"Days and euros?": {"trips": 1}, "Who won?": {}}
    assert known.left_out == 1  # how many days


def test_without_any_of_the_documents_nothing_is_known() -> None:
    assert of_set(BY_DOCUMENT, {OTHER: "other.txt"}) == KnownQuestions((), 2)


def test_only_test_questions_are_asked_where_there_are_any() -> None:
    questions = tuple(replace(one, split="test" if one.id == "both" else "train") for one in BY_DOCUMENT.questions)
    known = of_set(replace(BY_DOCUMENT, questions=questions), {LEAVE: "leave.txt"})
    assert list(grades(known)) == ["Days and euros?"]


def test_the_same_file_twice_is_one_thing() -> None:
    [question, *_] = of_set(BY_DOCUMENT, {LEAVE: "leave.txt", OTHER: "leave.txt"}).questions
    assert question.ranked([passage(OTHER), passage(LEAVE)]) == ("leave",)


def test_each_name_stands_where_its_best_passage_is() -> None:
    [question, *_] = of_set(BY_DOCUMENT, {LEAVE: "leave.txt", TRIPS: "trips.docx"}).questions
    found = [passage(TRIPS), passage(OTHER), passage(TRIPS), passage(LEAVE), passage(OTHER)]
    assert question.ranked(found) == ("trips", str(OTHER), "leave")


def test_pages_are_found_by_passages_on_them() -> None:
    [question] = of_set(BY_PAGE, {LEAVE: "Leave.pdf"}).questions
    assert question.ranked([passage(OTHER, (7, 7)), passage(LEAVE, (1, 2)), passage(LEAVE, (2, 3))]) == (
        f"{OTHER}#p7",
        "Leave#p1",
        "Leave#p2",
        f"{LEAVE}#p3",
    )


def test_what_somebody_liked_is_judged_by_document() -> None:
    question = of_documents("How many days?", [LEAVE, TRIPS])
    assert (question.source, question.grades) == (LIKED, {str(LEAVE): 1, str(TRIPS): 1})
    assert question.ranked([passage(TRIPS, (1, 1)), passage(TRIPS, (2, 2)), passage(LEAVE)]) == (str(TRIPS), str(LEAVE))


@pytest.mark.parametrize("question", [of_documents("a secret", [LEAVE]), KnownQuestion("a secret", FOLDER, {}, {})])
def test_no_text_is_in_what_might_be_logged(question: KnownQuestion) -> None:
    assert "secret" not in repr(KnownQuestions((question,)))
