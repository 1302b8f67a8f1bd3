"""What people may do in a collection, and to whom it can be given."""

from dataclasses import dataclass
from enum import Enum
from uuid import UUID

from kyo_pipeline.domain.actor import Role


class Access(str, Enum):
    """What somebody may do in a collection. Each includes the one before it."""

    READ = "read"
    WRITE = "write"
    APPROVE = "approve"


#: The most that a role may do in any collection, whatever it is given there: `role_rank` in SQL says the same.
MAX_ACCESS: dict[Role, Access] = {
    Role.EMPLOYEE: Access.WRITE,
    Role.MANAGER: Access.APPROVE,
    Role.ADMIN: Access.APPROVE,
}


@dataclass(frozen=True)
class PersonName:
    id: UUID
    username: str
    name: str


@dataclass(frozen=True)
class GroupName:
    id: UUID
    name: str


Recipient = PersonName | GroupName


@dataclass(frozen=True)
class Candidates:
    """Whom something can be given to."""

    people: tuple[PersonName, ...]
    groups: tuple[GroupName, ...]


def effective_access(access: Access, role: Role) -> Access:
    """What of it counts for somebody with this role."""
    ranks = list(Access)
    return min(access, MAX_ACCESS[role], key=ranks.index)
