from dataclasses import replace
from datetime import datetime, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyo_pipeline.domain.evaluation_cases import (
    CaseDocument,
    EvaluationCase,
    Origin,
    checked_answer,
    checked_question,
    distinct_names,
    labelled_of,
)
from kyo_pipeline.errors import Invalid

ONE, TWO = (CaseDocument(UUID(int=number), "Title", UUID(int=9), answers=True) for number in (1, 2))
CASE = EvaluationCase(
    UUID(int=5), "Why?", "", Origin.BY_HAND, (ONE, TWO), "Anna", datetime(2025, 3, 1, tzinfo=timezone.utc), None, None
)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([], []),
        (["a.pdf", "b.pdf"], ["a.pdf", "b.pdf"]),
        (["a.pdf", "a.pdf", "A.PDF"], ["a.pdf", "a (2).pdf", "A (3).PDF"]),
        (["a (2).pdf", "a.pdf", "a.pdf"], ["a (2).pdf", "a.pdf", "a (3).pdf"]),
        (["README", "README"], ["README", "README (2)"]),
    ],
)
def test_names_in_one_folder(names: list[str], expected: list[str]) -> None:
    assert distinct_names(names) == expected


@given(st.lists(st.sampled_from(["a.txt", "A.txt", "a (2).txt", "a (3).txt", "b.md", "c"])))
def test_no_two_files_have_one_name_and_each_keeps_its_kind(names: list[str]) -> None:
    given_ = distinct_names(names)
    assert len({name.casefold() for name in given_}) == len(names)
    assert [name.rpartition(".")[2] for name in given_ if "." in name] == [
        name.rpartition(".")[2] for name in names if "." in name
    ]


def test_questions_are_labelled_with_the_documents_that_are_here() -> None:
    both = replace(CASE, id=UUID(int=6), expected_answer="Thirty")
    elsewhere = replace(CASE, id=UUID(int=8), documents=(TWO,))
    questions, relevant = labelled_of([CASE, both, elsewhere], {ONE.id})
    assert [(one.text, one.answers, one.answerable) for one in questions] == [
        ("Why?", (), True),
        ("Why?", ("Thirty",), True),
    ]
    assert relevant == {str(CASE.id): [str(ONE.id)], str(both.id): [str(ONE.id)]}


def test_what_is_typed_is_put_on_one_line() -> None:
    assert checked_question("  How\n many\tdays? \x00") == "How many days?"
    assert checked_answer(" Thirty\n days ") == "Thirty\n days"
    for wrong in ("", " ", "a\x07b", "x" * 2001):
        with pytest.raises(Invalid):
            checked_question(wrong)
    with pytest.raises(Invalid):
        checked_answer("x" * 2001)
