"""Labelled sets: which questions are asked, and what files and pages are called in the judgements."""

from dataclasses import replace

import pytest

from kyo_pipeline.domain.labelled import LabelledPassage, LabelledQuestion, LabelledSet, Units, names_of


def question(name: str, split: str | None = None, answerable: bool | None = None) -> LabelledQuestion:
    return LabelledQuestion(name, f"{name}?", split=split, answerable=answerable)


PAGES = LabelledSet(
    "pages",
    (
        LabelledPassage("Plan#p1", "Plan", "x", "Plan"),
        LabelledPassage("Plan#p2", "Plan", "x", "Plan"),
        LabelledPassage("Roles#p1", "Roles", "x", "Roles"),
    ),
    (question("q"),),
    {"q": {"Plan#p2": 1}},
)
SECTIONS = LabelledSet(
    "sections",
    (
        LabelledPassage("a.md#0", "A", "x", "a.md", "set_a.md.txt"),
        LabelledPassage("a.md#1", "A", "x", "a.md", "set_a.md.txt"),
        LabelledPassage("b.md#0", "B", "x", "b.md", "set_b.md.txt"),
    ),
    (question("q"),),
    {"q": {"a.md#0": 1, "a.md#1": 3, "b.md#0": 2}},
)


def test_only_the_test_split_is_asked_where_there_is_one() -> None:
    split = replace(PAGES, questions=(question("q", "train"), question("r", "test"), question("s")))
    assert [one.id for one in split.for_evaluation().questions] == ["r"]
    assert PAGES.for_evaluation().questions == PAGES.questions


def test_a_limit_takes_judged_and_unanswerable_questions_from_all_over_the_set() -> None:
    judged = [question(f"j{number}") for number in range(10)]
    unanswerable = [question(f"u{number}", answerable=False) for number in range(4)]
    whole = replace(
        PAGES,
        questions=(*judged, *unanswerable, question("neither")),
        relevant={one.id: {"Plan#p1": 1} for one in judged},
    )
    chosen = whole.for_evaluation(2)
    assert [one.id for one in chosen.questions] == ["j0", "j5", "u0", "u2"]
    assert whole.for_evaluation(100).judged == tuple(judged)


def test_sets_with_pages_are_judged_by_page_and_others_by_document() -> None:
    pages = PAGES.by_original()
    assert [passage.id for passage in pages.passages] == ["Plan#p1", "Plan#p2", "Roles#p1"]
    assert pages.relevant == PAGES.relevant
    sections = SECTIONS.by_original()
    assert [passage.id for passage in sections.passages] == ["a.md", "b.md"]
    assert sections.relevant == {"q": {"a.md": 3, "b.md": 2}}  # as good as the best section


@pytest.mark.parametrize(
    ("labelled", "file", "units"),
    [
        (PAGES, "Plan.pdf", {1: "Plan#p1", 2: "Plan#p2"}),
        (SECTIONS, "set_b.md.txt", {None: "b.md"}),
        (SECTIONS, "b.md", {None: "b.md"}),
        (SECTIONS, "something else.pdf", {}),
    ],
)
def test_files_are_found_in_the_judgements(labelled: LabelledSet, file: str, units: Units) -> None:
    assert labelled.by_original().units_of_file(file) == units


@pytest.mark.parametrize(
    ("pages", "units", "names"),
    [
        ((None, None), {None: "a.md"}, ["a.md"]),
        ((3, 4), {None: "a.md"}, ["a.md"]),  # the judgements know no pages
        ((1, 2), {1: "Plan#p1", 2: "Plan#p2"}, ["Plan#p1", "Plan#p2"]),
        ((2, None), {1: "Plan#p1", 2: "Plan#p2"}, ["Plan#p2"]),
        ((2, 3), {2: "Plan#p2"}, ["Plan#p2", "?#p3"]),  # a page that is not in the corpus takes its place
        ((None, None), {1: "Plan#p1"}, ["?"]),
        ((None, None), {}, ["?"]),
    ],
)
def test_chunks_have_the_names_of_their_pages(
    pages: tuple[int | None, int | None], units: Units, names: list[str]
) -> None:
    assert names_of(pages, units, "?") == names
