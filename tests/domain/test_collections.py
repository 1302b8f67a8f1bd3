"""Names, what counts of an access, what may be deleted."""

import re
from uuid import UUID

import pytest

from kyo_pipeline.domain.access import Access, PersonName
from kyo_pipeline.domain.actor import Role
from kyo_pipeline.domain.collections import (
    MAX_DESCRIPTION_LENGTH,
    MAX_NAME_LENGTH,
    CollectionDetails,
    Member,
    checked_description,
    checked_name,
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


def test_access_of_somebody_deactivated_is_worth_nothing() -> None:
    person = PersonName(UUID(int=1), "anna", "Anna")
    assert Member(person, Role.MANAGER, True, Access.APPROVE).effective_access is Access.APPROVE
    assert Member(person, Role.MANAGER, False, Access.APPROVE).effective_access is None


@pytest.mark.parametrize(
    ("is_default", "documents", "says"),
    [
        (True, 0, "Uploads that name no collection go to Board"),
        (True, 5, "Uploads that name no collection go to Board"),
        (False, 1, "Board holds 1 document, archived ones included"),
        (False, 1200, "Board holds 1,200 documents"),
    ],
)
def test_what_cannot_be_deleted(is_default: bool, documents: int, says: str) -> None:
    found = CollectionDetails(UUID(int=1), "Board", "", is_default, None, documents, 3, 1)
    assert re.match(says, why_not_delete(found) or "")


def test_an_empty_collection_can_be_deleted() -> None:
    assert why_not_delete(CollectionDetails(UUID(int=1), "Board", "", False, None, 0, 3, 1)) is None
