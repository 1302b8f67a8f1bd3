"""What is told about an embedding set, and which one is gone back to."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from kyo_pipeline.domain.embedding import EmbeddingSpec
from kyo_pipeline.domain.embedding_sets import SetFacts, SetState, Storage, way_back, why_not_activate

START = datetime(2026, 3, 1, tzinfo=timezone.utc)
SPEC = EmbeddingSpec("test", "model", "1", 4, "mean", "", "", None, 0.5, 0.5)


def hour(number: int) -> datetime:
    return START + timedelta(hours=number)


ONE = SetFacts(
    id=1,
    spec=SPEC,
    state=SetState.BUILDING,
    storage=Storage.VECTOR,
    chunk_size=500,
    chunk_overlap=50,
    reason="",
    created_by=None,
    created_at=START,
    indexed_at=hour(1),
    judged_at=None,
    activated_at=hour(2),
    retired_at=hour(3),
    dropped_at=hour(4),
    is_kept=True,
    verdict=None,
    judgement=None,
    waiting=5,
    done=3,
    failed=2,
    chunks=30,
    chunks_left=50,
    embedded=20,
    tokens=2_000_000,
    calls=0,
    work_seconds=4.0,
    problem=None,
)


@pytest.mark.parametrize(("state", "expected"), list(zip(SetState, range(5), strict=True)))
def test_since_when_it_is_in_its_state(state: SetState, expected: int) -> None:
    assert replace(ONE, state=state).since == hour(expected)


def test_how_far_it_is_and_what_it_took() -> None:
    assert (ONE.versions, ONE.share_done) == (10, 0.3)
    assert (ONE.chunks_per_second, ONE.seconds_left) == (5.0, 10.0)
    assert ONE.cost(0.5) == 1.0
    assert ONE.cost(None) is None
    fresh = replace(ONE, waiting=0, done=0, failed=0, embedded=0, work_seconds=0.0)
    assert (fresh.share_done, fresh.chunks_per_second, fresh.seconds_left) == (1.0, None, None)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"state": SetState.READY, "failed": 0}, None),
        ({"state": SetState.RETIRED, "failed": 0}, None),
        ({"state": SetState.READY, "failed": 1}, "1 file could not be embedded"),
        ({"state": SetState.READY, "failed": 1200}, "1,200 files could not be embedded"),
        ({"state": SetState.READY, "failed": 0, "indexed_at": None}, "is ready: it cannot answer"),
        ({"state": SetState.ACTIVE}, "answers questions already"),
        ({"state": SetState.BUILDING}, "is building: it cannot answer"),
        ({"state": SetState.DROPPED}, "is dropped: it cannot answer"),
    ],
)
def test_why_it_cannot_answer(changes: dict[str, Any], says: str | None) -> None:
    found = why_not_activate(replace(ONE, **changes))
    assert found is None if says is None else says in (found or "")


def retired(number: int, at: int, *, kept: bool = True, answered: bool = True) -> SetFacts:
    return replace(
        ONE,
        id=number,
        state=SetState.RETIRED,
        activated_at=START if answered else None,
        retired_at=hour(at),
        is_kept=kept,
    )


@pytest.mark.parametrize(
    ("sets", "expected"),
    [
        ([], None),
        ([ONE, replace(ONE, state=SetState.DROPPED)], None),
        ([retired(1, 1, answered=False)], None),
        ([retired(1, 1), retired(2, 2)], 2),
        ([retired(1, 2), retired(2, 1)], 1),
        ([retired(1, 1), retired(2, 2, kept=False)], 1),
        ([retired(1, 1, kept=False), retired(2, 2, kept=False)], 2),
        ([retired(1, 1), retired(2, 1)], 2),
    ],
)
def test_the_way_back(sets: list[SetFacts], expected: int | None) -> None:
    found = way_back(sets)
    assert (found and found.id) == expected
