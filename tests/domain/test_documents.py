from datetime import date, timedelta
from itertools import pairwise, product
from typing import Literal

import pytest

from kyo_pipeline.domain.documents import (
    MAX_TAGS,
    MAX_TITLE_LENGTH,
    STEPS,
    DocumentState,
    Review,
    VersionStatus,
    checked_review_by,
    checked_tags,
    checked_title,
    progress,
    state_after_archive,
    why_not_approve,
)
from kyo_pipeline.errors import Invalid

READY, FAILED = VersionStatus.READY, VersionStatus.FAILED


@pytest.mark.parametrize(
    ("status", "own", "rule", "people", "reason"),
    [
        (READY, False, "never", 2, None),
        (READY, True, "always", 9, None),
        (READY, True, "auto", 1, None),
        (READY, True, "auto", 0, None),
        (READY, True, "auto", 2, "somebody else has to approve it"),
        (READY, True, "never", 1, "somebody else has to approve it"),
        (VersionStatus.UPLOADED, False, "auto", 2, None),
        (FAILED, False, "always", 2, "could not be read"),
        (FAILED, True, "never", 2, "could not be read"),
    ],
)
def test_why_not_approve(
    status: VersionStatus, own: bool, rule: Literal["auto", "always", "never"], people: int, reason: str | None
) -> None:
    found = why_not_approve(status=status, own_upload=own, rule=rule, people_who_may=people)
    assert found is None if reason is None else reason in (found or "")


@pytest.mark.parametrize(
    ("status", "rule", "people"), list(product(VersionStatus, ["auto", "always", "never"], range(3)))
)
def test_what_others_uploaded_is_stopped_only_by_failure(
    status: VersionStatus, rule: Literal["auto", "always", "never"], people: int
) -> None:
    found = why_not_approve(status=status, own_upload=False, rule=rule, people_who_may=people)
    assert (found is not None) == (status is FAILED)


def test_the_steps_lead_from_uploaded_to_ready_without_a_gap() -> None:
    assert STEPS[0][0] is VersionStatus.UPLOADED
    assert STEPS[-1][1] is READY
    assert all(before[1] is after[0] for before, after in pairwise(STEPS))


def test_progress_grows_with_each_step_and_a_failure_is_an_end() -> None:
    shares = [progress(STEPS[0][0]), *(progress(after) for _, after in STEPS)]
    assert shares == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert progress(FAILED) == 1.0


@pytest.mark.parametrize("typed", ["", "  ", "x" * (MAX_TITLE_LENGTH + 1), "two\nlines", "nul\x00", "half \ud800"])
def test_titles_that_are_refused(typed: str) -> None:
    with pytest.raises(Invalid, match="A title has 1 to 300 characters"):
        checked_title(typed)


@pytest.mark.parametrize("typed", ["Leave", "😀", "<b>bold</b>", "x" * MAX_TITLE_LENGTH])
def test_titles_are_kept_but_for_blanks_around_them(typed: str) -> None:
    assert checked_title(f" {typed} ") == typed


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ([], ()),
        (["", "  "], ()),
        (["hr"], ("hr",)),
        (["Travel", " HR ", "hr", "travel"], ("hr", "travel")),
        (["Öffnungszeiten", "a b"], ("a b", "öffnungszeiten")),
        ([str(n) for n in range(MAX_TAGS)] * 2, tuple(sorted(str(n) for n in range(MAX_TAGS)))),
    ],
)
def test_tags_are_small_sorted_and_there_once(typed: list[str], expected: tuple[str, ...]) -> None:
    assert checked_tags(typed) == expected
    assert checked_tags(expected) == expected


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        (["x" * 41], "1 to 40 characters"),
        (["two\nlines"], "1 to 40 characters"),
        (["\u202eleft"], "1 to 40 characters"),
        (["a,b"], "no comma"),
        ([str(n) for n in range(MAX_TAGS + 1)], "20 tags at most"),
    ],
)
def test_tags_that_are_refused(typed: list[str], says: str) -> None:
    with pytest.raises(Invalid, match=says):
        checked_tags(typed)


TODAY = date(2028, 2, 29)


@pytest.mark.parametrize("day", [TODAY + timedelta(days=1), date(2038, 12, 31)])
def test_an_approval_ends_on_a_day_that_lies_ahead(day: date) -> None:
    assert checked_review_by(day, TODAY) == day


@pytest.mark.parametrize("day", [TODAY, TODAY - timedelta(days=1), date.min, date(2039, 1, 1), date.max])
def test_days_on_which_no_approval_ends(day: date) -> None:
    with pytest.raises(Invalid, match="Choose a day after today for the next review, within 10 years"):
        checked_review_by(day, TODAY)


@pytest.mark.parametrize(
    ("approved", "newest", "state"),
    [
        (True, Review.APPROVED, DocumentState.APPROVED),
        (True, Review.PENDING, DocumentState.APPROVED),
        (True, Review.REJECTED, DocumentState.APPROVED),
        (False, Review.DRAFT, DocumentState.DRAFT),
        (False, Review.PENDING, DocumentState.IN_REVIEW),
        (False, Review.REJECTED, DocumentState.REJECTED),
        (False, Review.APPROVED, DocumentState.IN_REVIEW),
    ],
)
def test_what_a_document_is_when_it_comes_back(approved: bool, newest: Review, state: DocumentState) -> None:
    assert state_after_archive(approved=approved, newest=newest) is state
