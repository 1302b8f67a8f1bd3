from datetime import datetime, timedelta, timezone
from uuid import UUID

import pytest

from kyo_pipeline.domain.gaps import (
    Gap,
    GapFilter,
    GapKind,
    GapOrder,
    GapQuestion,
    GapState,
    Trend,
    by_text,
    ordered,
)

NOW = datetime(2027, 5, 1, tzinfo=timezone.utc)


def gap(number: int, *, days_ago: int = 0, growth: int = 0, owner: int | None = None, disliked: int = 0) -> Gap:
    return Gap(
        id=UUID(int=number),
        state=GapState.OPEN if number % 2 else GapState.ANSWERED,
        label=str(number),
        not_found=number,
        disliked=disliked,
        doubtful=0,
        people=1,
        first_asked=NOW,
        last_asked=NOW - timedelta(days=days_ago),
        trend=Trend(0, 0, max(growth, 0), max(-growth, 0)),
        asked_since=0,
        collections=(),
        owner_id=None if owner is None else UUID(int=owner),
        owner=None,
        document_id=None,
        document_title=None,
        reason="",
        created_at=NOW,
        changed_at=NOW,
    )


GAPS = (gap(1, days_ago=1, growth=5), gap(3, days_ago=9, growth=-2, owner=7), gap(2, days_ago=0, growth=0, disliked=1))


@pytest.mark.parametrize(
    ("order", "found"),
    [
        (GapOrder.COUNT, ["2", "3", "1"]),  # as many as 3, and asked later
        (GapOrder.RECENT, ["2", "1", "3"]),
        (GapOrder.TREND, ["1", "2", "3"]),
    ],
)
def test_what_matters_comes_first(order: GapOrder, found: list[str]) -> None:
    assert [one.label for one in ordered(GAPS, order)] == found


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (GapFilter(), ["1", "3", "2"]),
        (GapFilter(frozenset({GapState.OPEN})), ["1", "3"]),
        (GapFilter(kind=GapKind.DISLIKED), ["2"]),
        (GapFilter(owner_id=UUID(int=7)), ["3"]),
        (GapFilter(unowned=True), ["1", "2"]),
        (GapFilter(frozenset({GapState.PLANNED})), []),
    ],
)
def test_what_is_wanted(wanted: GapFilter, found: list[str]) -> None:
    assert [one.label for one in GAPS if wanted.matches(one)] == found


def test_the_same_words_are_one_question() -> None:
    texts = ("Dogs?", "Cats?", "dogs? ", "Dogs")
    questions = [
        GapQuestion(UUID(int=number), text, NOW, GapKind.NOT_FOUND, None, None) for number, text in enumerate(texts)
    ]
    assert [[one.text for one in same] for same in by_text(questions)] == [["Dogs?", "dogs? "], ["Cats?"], ["Dogs"]]
