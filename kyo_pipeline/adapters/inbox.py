"""The watched folder KYO_INBOX: what arrives, and where it goes afterwards."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

from kyo_pipeline.errors import Unavailable

#: A file that changed less than this many seconds ago may still be being written.
SETTLE_SECONDS = 2.0

ACCEPTED, REFUSED = "accepted", "refused"


@dataclass(frozen=True)
class Inbox:
    """A folder. Files that were taken move to `accepted/`, others to `refused/` with a note that says why."""

    folder: Path

    def arrived(self) -> list[Path]:
        """Complete files, oldest first. Hidden ones, folders and links are left alone. Raises `Unavailable`."""
        try:
            with os.scandir(self.folder) as entries:
                dated = sorted(
                    (changed, entry.path) for entry in entries if (changed := _changed_at(entry)) is not None
                )
        except OSError as error:
            raise Unavailable(f"The inbox {self.folder} cannot be read: {error.strerror}.") from error
        settled = time.time() - SETTLE_SECONDS
        return [Path(path) for changed, path in dated if changed <= settled]

    def read(self, path: Path, limit: int) -> bytes:
        """The bytes of a file, but not more than `limit`. Raises `Unavailable`."""
        try:
            with path.open("rb") as file:
                return file.read(limit)
        except OSError as error:
            raise Unavailable(f"{path} cannot be read: {error.strerror}.") from error

    def accept(self, path: Path) -> None:
        self._move(path, ACCEPTED)

    def refuse(self, path: Path, reason: str) -> None:
        moved = self._move(path, REFUSED)
        moved.with_name(f"{moved.name}.reason.txt").write_text(f"{reason}\n", encoding="utf-8")

    def _move(self, path: Path, folder: str) -> Path:
        try:
            (self.folder / folder).mkdir(exist_ok=True)
            target = self.folder / folder / path.name
            for number in range(2, 10_000):
                if not target.exists():
                    break
                target = self.folder / folder / f"{path.stem} ({number}){path.suffix}"
            return path.rename(target)
        except OSError as error:
            raise Unavailable(f"{path} cannot be moved out of the inbox: {error.strerror}.") from error


def _changed_at(entry: "os.DirEntry[str]") -> float | None:
    """When a file was last written; None for what is no file of its own, or has gone meanwhile."""
    try:
        # A link could bring in any file that KYO may read.
        if entry.name.startswith(".") or not entry.is_file(follow_symlinks=False):
            return None
        return entry.stat(follow_symlinks=False).st_mtime
    except FileNotFoundError:
        return None
