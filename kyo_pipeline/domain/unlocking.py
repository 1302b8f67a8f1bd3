"""What comes of a file that may be protected with a password."""

from dataclasses import dataclass
from enum import Enum


class Lock(str, Enum):
    """Whether a file can be read, and if not, what is missing."""

    NOT_LOCKED = "not locked"
    UNLOCKED = "unlocked"
    NEEDS_PASSWORD = "needs a password"  # noqa: S105  a state, not a password
    WRONG_PASSWORD = "wrong password"  # noqa: S105  the same
    REFUSED = "refused"


@dataclass(frozen=True)
class Unlocked:
    """`content` is the file to go on with: as it came when it was not locked, without its lock when the password was
    right, empty otherwise. `reason` is the sentence for the person who uploaded it; empty when there is content.
    """

    state: Lock
    content: bytes = b""
    reason: str = ""

    @property
    def is_open(self) -> bool:
        return self.state in (Lock.NOT_LOCKED, Lock.UNLOCKED)
