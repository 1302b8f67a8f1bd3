"""What was deleted because its time is over."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True)
class Forgotten:
    """How many sessions that were over, tickets that nobody used, and failed sign-ins that no longer count."""

    sessions: int
    tickets: int
    failures: int


@dataclass(frozen=True)
class ExpiredVersion:
    """A version that is gone, and what is known of it."""

    id: UUID
    document_id: UUID
    title: str
    number: int
    file_name: str
    sha256: str
    uploaded_at: datetime
    chunks: int

    @property
    def on_record(self) -> dict[str, object]:
        """What the audit log says of it."""
        return {
            "document": self.document_id,
            "title": self.title,
            "number": self.number,
            "file_name": self.file_name,
            "sha256": self.sha256,
            "uploaded_at": self.uploaded_at.isoformat(),
        }


@dataclass(frozen=True)
class ExpiredVersions:
    """How many versions were deleted, with how many chunks and files.

    `left`: versions that wait for the next time, since somebody worked on their documents or time was up. `files_left`:
    files that could not be removed; `kyo doctor --repair` does it.
    """

    versions: int = 0
    chunks: int = 0
    files: int = 0
    left: int = 0
    files_left: int = 0

    def __add__(self, other: "ExpiredVersions") -> "ExpiredVersions":
        return ExpiredVersions(
            self.versions + other.versions,
            self.chunks + other.chunks,
            self.files + other.files,
            self.left + other.left,
            self.files_left + other.files_left,
        )
