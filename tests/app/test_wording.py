from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from kyo_app import wording
from kyo_pipeline.domain.actor import Role
from kyo_pipeline.domain.answers import Answer, Outcome
from kyo_pipeline.domain.documents import Document, DocumentState, Followed, Review, Version, VersionStatus
from kyo_pipeline.domain.evaluation_cases import Origin
from kyo_pipeline.domain.feedback import Reason
from kyo_pipeline.domain.feedback_items import Resolution
from kyo_pipeline.domain.people import PersonState

NOON = datetime(2025, 3, 12, 12, 0, tzinfo=timezone.utc)
NOBODY = UUID(int=0)
VERSION = Version(
    id=NOBODY,
    number=2,
    file_name="a.pdf",
    sha256="",
    size_bytes=1,
    media_type="application/pdf",
    status=VersionStatus.READY,
    review=Review.PENDING,
    error=None,
    pages=14,
    chunks=1200,
    uploaded_by=NOBODY,
    uploaded_by_name="Erin",
    uploaded_at=NOON,
    ready_at=NOON,
    in_progress=False,
)


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
    ("moment", "said"),
    [(date(2025, 1, 1), "1 Jan"), (date(2024, 12, 31), "31 Dec 2024"), (date(2026, 3, 12), "12 Mar 2026")],
)
def test_days(moment: date, said: str) -> None:
    assert wording.day(moment, NOON.date()) == said


@pytest.mark.parametrize(
    ("empty", "ocr", "said"),
    [
        (None, None, []),
        (0, 0, []),
        (1, 0, ["1 of 14 pages has no text"]),
        (12, 0, ["12 of 14 pages have no text"]),
        (12, 2, ["12 of 14 pages have no text", "2 pages read by OCR: check the numbers and names"]),
    ],
)
def test_how_a_version_was_read(empty: int | None, ocr: int | None, said: list[str]) -> None:
    assert wording.findings(replace(VERSION, empty_pages=empty, ocr_pages=ocr)) == said


@pytest.mark.parametrize(
    ("number", "kept", "said"),
    [
        (1, 0, ""),
        (2, None, ""),
        (2, 0, ""),
        (3, 1199, "kept 1,199 of 1,200 passages unchanged"),
    ],
)
def test_what_a_version_kept(number: int, kept: int | None, said: str) -> None:
    assert wording.kept(replace(VERSION, number=number, kept_vectors=kept)) == said


@pytest.mark.parametrize(("likeness", "said"), [(0.5, "50 %"), (0.876, "88 %"), (1.0, "99 %")])
def test_an_estimate_is_never_everything(likeness: float, said: str) -> None:
    assert wording.alike(likeness) == f"The text is about {said} the same as in"


def followed(
    number: int, latest: int, current: int | None, state: DocumentState = DocumentState.APPROVED, **of_latest: Any
) -> Followed:
    newest = replace(VERSION, number=latest, **of_latest)
    document = Document(
        NOBODY, "a", "General", "Erin", state, NOON, current is not None, False, current, newest, owner_id=NOBODY
    )
    return Followed(replace(VERSION, number=number), document)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (followed(1, 1, None), ""),
        (followed(1, 1, 1), ""),
        (followed(2, 2, 1), ""),  # rolled back, or waiting
        (followed(1, 2, 1), "Version 1, answers questions"),
        (followed(1, 2, 2), "Replaced by version 2"),
        (followed(1, 2, None), "Replaced by version 2"),
        (followed(1, 3, 2), "Replaced by version 2"),
        (followed(2, 3, 1), "Replaced by version 3"),
        (followed(1, 2, 2, reprocess_of=1), "Read again as version 2"),
        (followed(1, 2, 1, reprocess_of=1), "Version 1, answers questions"),  # as yet
        (followed(1, 3, 3, reprocess_of=2, sha256="of another file"), "Replaced by version 3"),
        (followed(1, 3, 2, reprocess_of=1), "Replaced by version 2"),
        (followed(1, 2, None, DocumentState.ARCHIVED), "Replaced by version 2"),
        (followed(1, 1, None, DocumentState.DELETED), "Deleted"),
        (followed(1, 2, None, DocumentState.DELETED), "Deleted"),
    ],
)
def test_what_became_of_a_version(found: Followed, said: str) -> None:
    assert wording.became(found) == said


@pytest.mark.parametrize("review", Review)
def test_every_decision_has_words(review: Review) -> None:
    expected = "Waiting for approval" if review is Review.PENDING else review.value.capitalize()
    assert wording.reviewed(replace(VERSION, review=review))[0] == expected


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
    assert set(wording.REASONS) == set(Reason)
    assert set(wording.RESOLUTIONS) == set(wording.TOLD) == set(Resolution)
    assert set(wording.ORIGINS) == set(Origin)
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


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (61, "2 min"),
        (3599, "1 h"),
        (3600, "1 h"),
        (3700, "1 h 2 min"),
        (86_399, "1 d 0 h"),
        (100_000, "1 d 3 h"),
    ],
)
def test_how_long_something_takes(seconds: float, said: str) -> None:
    assert wording.duration(seconds) == said


@pytest.mark.parametrize(("share", "said"), [(0, "0 %"), (0.999, "99 %"), (1.0, "100 %")])
def test_a_share_is_all_only_when_it_is_all(share: float, said: str) -> None:
    assert wording.percent(share) == said


@pytest.mark.parametrize(
    ("amount", "said"), [(0, "0.00"), (0.001, "under 0.01"), (0.01, "0.01"), (1234.567, "1,234.57")]
)
def test_money_is_never_nothing_when_it_is_something(amount: float, said: str) -> None:
    assert wording.money(amount) == said


def test_nothing_is_said_to_be_quoted_where_nothing_was_found() -> None:
    answered = Answer(
        UUID(int=1),
        UUID(int=2),
        "Why?",
        datetime(2026, 1, 1, tzinfo=timezone.utc),
        "So.",
        Outcome.ANSWERED,
        "extractive",
        "",
        (),
        {"search": 5.0},
        0,
        0,
    )
    assert wording.spent(answered) == "5 ms · quoted word for word, no language model"
    assert wording.spent(replace(answered, outcome=Outcome.NOT_FOUND)) == "5 ms · no language model"
