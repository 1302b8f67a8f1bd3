from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from kyo_app import wording
from kyo_pipeline.domain.actor import Role
from kyo_pipeline.domain.answers import Outcome
from kyo_pipeline.domain.documents import DocumentState, VersionStatus
from kyo_pipeline.domain.people import PersonState

NOON = datetime(2025, 3, 12, 12, 0, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "0 bytes"),
        (1023, "1023 bytes"),
        (1536, "1.5 KB"),
        (120_000, "117 KB"),
        (3 << 20, "3.0 MB"),
        (3 << 30, "3.0 GB"),
    ],
)
def test_sizes(count: int, said: str) -> None:
    assert wording.human_size(count) == said


@pytest.mark.parametrize(
    ("before", "said"),
    [
        (timedelta(hours=1), "today 12:00"),
        (timedelta(days=1), "yesterday 13:00"),
        (timedelta(days=20), "20 Feb, 13:00"),
        (timedelta(days=400), "6 Feb 2024, 13:00"),
    ],
)
def test_times_in_the_readers_zone(before: timedelta, said: str) -> None:
    assert wording.human_time(NOON - before, NOON, ZoneInfo("Europe/Berlin")) == said


@pytest.mark.parametrize(
    ("first", "last", "said"), [(None, None, ""), (3, None, "p. 3"), (3, 3, "p. 3"), (3, 4, "pp. 3–4")]
)
def test_pages(first: int | None, last: int | None, said: str) -> None:
    assert wording.pages(first, last) == said


def test_counts() -> None:
    assert [wording.counted(n, "file") for n in (0, 1, 1200)] == ["0 files", "1 file", "1,200 files"]


def test_numbers_of_people() -> None:
    assert [wording.people(n) for n in (0, 1, 1200)] == ["0 people", "1 person", "1,200 people"]


def test_every_state_has_words() -> None:
    assert set(wording.STATES) == set(DocumentState)
    assert set(wording.STEPS) == set(VersionStatus)
    assert set(wording.OUTCOMES) == set(Outcome)
    assert set(wording.PEOPLE) == set(PersonState)
    assert set(wording.ROLES) == set(Role)


@pytest.mark.parametrize(
    ("via", "said"),
    [
        ("everyone", "like everyone"),
        ("member", "by name"),
        ("admin", "as an administrator"),
        ("group Bakers", "through the group Bakers"),
    ],
)
def test_ways_to_access(via: str, said: str) -> None:
    assert wording.way(via) == said
