"""Names, what counts of an access, what may be deleted."""

import re
from datetime import date
from uuid import UUID

import pytest

from kyo_pipeline.domain.access import Access, PersonName
from kyo_pipeline.domain.actor import Role
from kyo_pipeline.domain.collections import (
    MAX_DESCRIPTION_LENGTH,
    MAX_NAME_LENGTH,
    MAX_REVIEW_MONTHS,
    CollectionDetails,
    Member,
    checked_description,
    checked_name,
    checked_review_months,
    default_review_by,
    why_not_delete,
)
from kyo_pipeline.errors import Invalid

REFUSED = ["nul\x00", "half \ud800", "turned \u202e", "two\nlines", "\x1b[31m", "x" * 1_000_000]
KEPT = [
    "Finance & Law",
    "😀",
    "'; drop table collections; --",
    "<script>alert(1)</script>",
    "日本語",
    "x" * MAX_NAME_LENGTH,
]


@pytest.mark.parametrize("typed", ["", "   ", "x" * (MAX_NAME_LENGTH + 1), *REFUSED])
def test_names_that_are_refused(typed: str) -> None:
    with pytest.raises(Invalid, match="1 to 100 characters"):
        checked_name(typed)


@pytest.mark.parametrize("typed", KEPT)
def test_names_are_kept_as_they_are_but_for_blanks_around_them(typed: str) -> None:
    assert checked_name(f"  {typed} ") == typed


@pytest.mark.parametrize("typed", ["x" * (MAX_DESCRIPTION_LENGTH + 1), *REFUSED])
def test_descriptions_that_are_refused(typed: str) -> None:
    with pytest.raises(Invalid, match="at most 500 characters"):
        checked_description(typed)


@pytest.mark.parametrize("typed", ["", *KEPT, "x" * MAX_DESCRIPTION_LENGTH])
def test_descriptions_may_be_empty(typed: str) -> None:
    assert checked_description(typed) == typed


@pytest.mark.parametrize("months", [0, -1, MAX_REVIEW_MONTHS + 1])
def test_how_long_an_approval_cannot_hold(months: int) -> None:
    with pytest.raises(Invalid, match="1 to 120 months"):
        checked_review_months(months)


@pytest.mark.parametrize("months", [None, 1, MAX_REVIEW_MONTHS])
def test_how_long_an_approval_holds(months: int | None) -> None:
    assert checked_review_months(months) == months


@pytest.mark.parametrize(
    ("today", "months", "expected"),
    [
        ("2026-11-22", None, None),
        ("2026-11-22", 1, "2026-12-22"),
        ("2026-12-31", 1, "2027-01-31"),
        ("2026-01-31", 1, "2026-02-28"),
        ("2028-01-31", 1, "2028-02-29"),
        ("2028-02-29", 12, "2029-02-28"),
        ("2026-10-31", 13, "2027-11-30"),
        ("2026-11-22", 120, "2036-11-22"),
    ],
)
def test_the_day_so_many_months_later(today: str, months: int | None, expected: str | None) -> None:
    found = default_review_by(date.fromisoformat(today), months)
    assert found == (date.fromisoformat(expected) if expected else None)


def test_access_of_somebody_deactivated_is_worth_nothing() -> None:
    person = PersonName(UUID(int=1), "anna", "Anna")
    assert Member(person, Role.MANAGER, True, Access.APPROVE).effective_access is Access.APPROVE
    assert Member(person, Role.MANAGER, False, Access.APPROVE).effective_access is None


@pytest.mark.parametrize(
    ("is_default", "documents", "says"),
    [
        (True, 0, "Uploads that name no collection go to Board"),
        (True, 5, "Uploads that name no collection go to Board"),
        (False, 1, "Board holds 1 document, archived ones included. Move or delete them first"),
        (False, 1200, "Board holds 1,200 documents"),
    ],
)
def test_what_cannot_be_deleted(is_default: bool, documents: int, says: str) -> None:
    found = CollectionDetails(UUID(int=1), "Board", "", is_default, None, documents, 3, 1)
    assert re.match(says, why_not_delete(found) or "")


def test_an_empty_collection_can_be_deleted() -> None:
    assert why_not_delete(CollectionDetails(UUID(int=1), "Board", "", False, None, 0, 3, 1)) is None
