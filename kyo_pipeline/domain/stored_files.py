"""What the file store holds, seen from outside."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class StoredFile:
    """The bytes with this digest, which were stored, or stored again because they were damaged, at `stored_at`."""

    sha256: str
    size_bytes: int
    stored_at: datetime
