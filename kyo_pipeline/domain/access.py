"""What people may do in a collection, and to whom it can be given."""

from dataclasses import dataclass
from enum import Enum
from typing import ClassVar
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
    missing: ClassVar[str] = "There is no such person, or their account is deactivated."

    id: UUID
    username: str
    name: str

    @property
    def on_record(self) -> dict[str, str]:
        """What the audit log says of them."""
        return {"person": self.username}


@dataclass(frozen=True)
class GroupName:
    missing: ClassVar[str] = "There is no such group. Somebody may have deleted it meanwhile."

    id: UUID
    name: str

    @property
    def on_record(self) -> dict[str, str]:
        return {"group": self.name}


#: Whom something can be given to. Services know them by their id, and read anew what they are called.
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
