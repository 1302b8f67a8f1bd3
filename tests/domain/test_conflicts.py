import json
from dataclasses import replace
from datetime import datetime, timezone
from uuid import UUID

import pytest

from kyo_pipeline.domain.answer_findings import Conflict
from kyo_pipeline.domain.answers import DraftCitation
from kyo_pipeline.domain.conflicts import Said, conflicts_among, conflicts_of, is_conflict
from kyo_pipeline.domain.evidence import scored_statements
from kyo_pipeline.domain.retrieval import Passage, Retrieval
from kyo_pipeline.domain.stemming import stems
from kyo_pipeline.settings import PROJECT_ROOT

VERSIONS = PROJECT_ROOT.parent / "shared/data/versions/questions.jsonl"

HOTEL = "A night in a hotel may cost 150 euros at most on business trips."


def passage(text: str, document: int = 1, year: int | None = None) -> Passage:
    dated = None if year is None else datetime(year, 1, 1, tzinfo=timezone.utc)
    ids = (UUID(int=document), UUID(int=document + 100))
    return Passage(1, *ids, 1, "Travel", "HR", text, 0, len(text), None, None, (), 1.0, 0.9, 1.0, "Ann", dated)


def said(text: str, document: int = 1, section: str = "") -> Said:
    return Said.of(passage(text, document), text, frozenset(section.split()))


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (HOTEL, False),
        (HOTEL.replace("150", "180"), True),
        (HOTEL.replace("150 euros", "a hundred and eighty euros"), True),
        (HOTEL.replace("at most", "at most, since 2024,"), False),
        (HOTEL.replace("may cost", "must not cost"), True),
        (HOTEL.replace("may", "may never"), True),
        ("A meal may cost 20 euros at most.", False),
        ("150", False),
    ],
)
def test_what_contradicts_a_statement_of_another_document(other: str, expected: bool) -> None:
    assert is_conflict(said(HOTEL), said(other, 2)) is expected
    assert is_conflict(said(other, 2), said(HOTEL)) is expected


def test_within_a_document_only_sections_contradict_each_other() -> None:
    other = HOTEL.replace("150", "180")
    assert not is_conflict(said(HOTEL), said(other))
    assert is_conflict(said(HOTEL, section="germany"), said(other, section="france"))


def test_the_newer_comes_first_and_each_pair_once() -> None:
    old, new = passage(HOTEL, 1, 2020), passage(HOTEL.replace("150", "180"), 2, 2025)
    both = [(1, Said.of(old, old.text)), (2, Said.of(new, new.text)), (2, Said.of(new, new.text))]
    assert conflicts_among(both) == (Conflict(2, 1, is_dated=True),)
    undated = [(1, Said.of(old, old.text)), (2, Said.of(replace(new, dated=None), new.text))]
    assert conflicts_among(undated) == (Conflict(1, 2, is_dated=False),)


def test_cited_passages_are_compared_by_what_answers_the_question() -> None:
    question = "What may a hotel cost at most?"
    other = "The canteen opens at {} o'clock on every working day of the week."
    texts = (f"{HOTEL} {other.format(11)}", f"{HOTEL.replace('150', '180')} {other.format(12)}")
    passages = (passage(texts[0]), passage(texts[1], 2))
    retrieval = Retrieval(passages, dict.fromkeys(stems(question), 1.0), 0.3, 1)
    citations = tuple(DraftCitation(n + 1, n, 0, len(text)) for n, text in enumerate(texts))
    scored = scored_statements(question, retrieval, None)
    assert conflicts_of(citations, scored, retrieval) == (Conflict(1, 2, is_dated=False),)
    beside = (citations[0], replace(citations[1], start=len(HOTEL) + 1))
    assert conflicts_of(beside, scored, retrieval) == ()


@pytest.mark.skipif(not VERSIONS.is_file(), reason="there is no shared data beside this project")
def test_lines_of_real_pages_before_and_after_an_edit_contradict_each_other() -> None:
    edits = [json.loads(line) for line in VERSIONS.read_text(encoding="utf-8").splitlines()]
    assert len(edits) == 15
    missed = [one["id"] for one in edits if not is_conflict(said(one["before_line"]), said(one["after_line"], 2))]
    assert missed == []
