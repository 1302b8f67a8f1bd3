"""Collections of documents, groups of people, and what these may do."""

from dataclasses import dataclass
from enum import Enum
from uuid import UUID

from kyo_pipeline.domain.actor import Role
from kyo_pipeline.errors import Invalid

MAX_NAME_LENGTH = 100
MAX_DESCRIPTION_LENGTH = 500


class Access(str, Enum):
    """What somebody may do in a collection. Each includes the one before it."""

    READ = "read"
    WRITE = "write"
    APPROVE = "approve"


#: The most that a role may do in any collection, whatever it is given there: `role_rank` in SQL says the same.
MOST: dict[Role, Access] = {Role.EMPLOYEE: Access.WRITE, Role.MANAGER: Access.APPROVE, Role.ADMIN: Access.APPROVE}


@dataclass(frozen=True)
class Collection:
    """`is_default`: where uploads go that name no collection."""

    id: UUID
    name: str
    description: str
    is_default: bool


@dataclass(frozen=True)
class CollectionDetails:
    """A collection with what everyone may do in it (None: nothing), and how much and how many belong to it."""

    id: UUID
    name: str
    description: str
    is_default: bool
    everyone: Access | None
    documents: int
    people: int
    groups: int


@dataclass(frozen=True)
class PersonName:
    id: UUID
    username: str
    name: str


@dataclass(frozen=True)
class GroupName:
    id: UUID
    name: str


@dataclass(frozen=True)
class Member:
    """A person who was given access to a collection by name."""

    person: PersonName
    role: Role
    active: bool
    access: Access

    @property
    def counts_as(self) -> Access | None:
        """What of it counts; None for somebody who was deactivated."""
        return counts_as(self.access, self.role) if self.active else None


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


@dataclass(frozen=True)
class Sharing:
    """Who may read one document, besides its owner and those who may approve in its collection.

    `restricted`: only the readers named here; else also whoever may read the collection.
    """

    restricted: bool
    published: bool
    readers: tuple[PersonName, ...]
    reader_groups: tuple[GroupName, ...]


@dataclass(frozen=True)
class Candidates:
    """Whom something can be given to."""

    people: tuple[PersonName, ...]
    groups: tuple[GroupName, ...]


def counts_as(access: Access, role: Role) -> Access:
    """What an access is worth to somebody with this role."""
    ranks = list(Access)
    return min(access, MOST[role], key=ranks.index)


def checked_name(typed: str) -> str:
    """The name of a collection or of a group, trimmed. Raises `Invalid`."""
    name = typed.strip()
    if not name or len(name) > MAX_NAME_LENGTH or not name.isprintable():
        raise Invalid(f"A name has 1 to {MAX_NAME_LENGTH} characters on one line, without control characters.")
    return name


def checked_description(typed: str) -> str:
    """What a collection is for, trimmed; may be empty. Raises `Invalid`."""
    description = typed.strip()
    if len(description) > MAX_DESCRIPTION_LENGTH or not description.isprintable():
        raise Invalid(
            f"A description has at most {MAX_DESCRIPTION_LENGTH} characters on one line, without control characters."
        )
    return description


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
            f"{collection.name} holds {held}, archived ones included, and what answers have cited must stay. "
            "Take away everybody's access instead: then only administrators see it."
        )
    return None
