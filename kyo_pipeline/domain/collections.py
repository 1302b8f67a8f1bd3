"""Collections of documents, and what people and groups may do in them."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from kyo_pipeline.domain.access import Access, GroupName, PersonName, effective_access
from kyo_pipeline.domain.actor import Role
from kyo_pipeline.domain.typed_text import checked_line
from kyo_pipeline.errors import Invalid

MAX_NAME_LENGTH = 100
MAX_DESCRIPTION_LENGTH = 500
MAX_REVIEW_MONTHS = 120


@dataclass(frozen=True)
class Collection:
    """`is_default`: where uploads go that name no collection.

    `review_months`: how long an approval holds; None: for ever.
    """

    id: UUID
    name: str
    description: str
    is_default: bool
    review_months: int | None = None


@dataclass(frozen=True)
class CollectionDetails:
    """A collection with what everyone may do in it (None: nothing), and how much and how many belong to it.

    `downloadable`: whether all who may read a document may take its file away as well.
    """

    id: UUID
    name: str
    description: str
    is_default: bool
    everyone: Access | None
    documents: int
    people: int
    groups: int
    review_months: int | None = None
    downloadable: bool = True


@dataclass(frozen=True)
class Member:
    """A person who was given access to a collection by name."""

    person: PersonName
    role: Role
    active: bool
    access: Access

    @property
    def effective_access(self) -> Access | None:
        """What of it counts; None for somebody who was deactivated."""
        return effective_access(self.access, self.role) if self.active else None


@dataclass(frozen=True)
class MemberGroup:
    """A group that was given access to a collection."""

    group: GroupName
    people: int
    access: Access


@dataclass(frozen=True)
class CollectionAccess:
    """Who may do what in a collection. Admins may do everything in all, and are not named."""

    collection: CollectionDetails
    members: tuple[Member, ...]
    groups: tuple[MemberGroup, ...]


def checked_name(typed: str) -> str:
    """The name of a collection, trimmed. Raises `Invalid`."""
    return checked_line(typed, "A name", MAX_NAME_LENGTH)


def checked_description(typed: str) -> str:
    """What a collection is for, trimmed; may be empty. Raises `Invalid`."""
    return checked_line(typed, "A description", MAX_DESCRIPTION_LENGTH, may_be_empty=True)


def checked_review_months(months: int | None) -> int | None:
    """How many months an approval holds; None: for ever. Raises `Invalid`."""
    if months is not None and not 1 <= months <= MAX_REVIEW_MONTHS:
        raise Invalid(f"An approval holds for 1 to {MAX_REVIEW_MONTHS} months, or without an end.")
    return months


def default_review_by(today: date, months: int | None) -> date | None:
    """The same day so many months later, or the last of that month where it has no such day; None for ever."""
    if months is None:
        return None
    years, month = divmod(today.month - 1 + months, 12)
    year = today.year + years
    return date(year, month + 1, min(today.day, monthrange(year, month + 1)[1]))


def why_not_delete(collection: CollectionDetails) -> str | None:
    """None when a collection may be deleted, else the sentence that says why not."""
    if collection.is_default:
        return (
            f"Uploads that name no collection go to {collection.name}, so it cannot be deleted. "
            "Give it another name instead."
        )
    if collection.documents:
        held = "1 document" if collection.documents == 1 else f"{collection.documents:,} documents"
        return (
            f"{collection.name} holds {held}, archived ones included. Move or delete them first; or take away "
            "everybody's access: then only administrators see it."
        )
    return None
