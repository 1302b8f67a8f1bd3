"""Groups of people."""

from dataclasses import dataclass
from uuid import UUID

from kyo_pipeline.domain.access import Access, PersonName
from kyo_pipeline.domain.typed_text import checked_line

MAX_NAME_LENGTH = 100


@dataclass(frozen=True)
class Group:
    """A group, with how many people are in it and how many collections and single documents it gives them."""

    id: UUID
    name: str
    people: int
    collections: int
    documents: int


@dataclass(frozen=True)
class GroupDetails:
    """The people in a group, and what they may do in which collections because of it."""

    group: Group
    members: tuple[PersonName, ...]
    access: tuple[tuple[str, Access], ...]


def checked_name(typed: str) -> str:
    """The name of a group, trimmed. Raises `Invalid`."""
    return checked_line(typed, "A name", MAX_NAME_LENGTH)
