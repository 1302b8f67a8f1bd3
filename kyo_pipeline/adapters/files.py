"""The bytes of uploaded files, in a folder, by their sha256."""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path

from kyo_pipeline.domain.stored_files import StoredFile
from kyo_pipeline.errors import NotFound, Unavailable

_DIGITS = frozenset("0123456789abcdef")
_DAMAGED = ".damaged"
_BLOCK_BYTES = 1 << 20


class FolderFiles:
    """The port `FileStore` on a folder of its owner alone, with two levels that keep each folder small."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, content: bytes) -> str:
        sha256 = hashlib.sha256(content).hexdigest()
        path = self._place(sha256)
        if _size(path) == len(content):
            return sha256
        try:
            self._make_folders(path.parent)
            _write_whole(path, content)
        except OSError as error:
            raise Unavailable(f"The file cannot be stored in {self._root}: {error.strerror}.") from error
        return sha256

    def path(self, sha256: str) -> Path:
        # Anything but a digest could name a file outside of the folder.
        if _is_digest(sha256) and (path := self._place(sha256)).is_file():
            return path
        raise NotFound("The bytes of this file are not in the file store.")

    def stored(self) -> Iterator[StoredFile]:
        for path in sorted(self._root.glob("??/??/*")):
            try:
                status = path.stat()
            except OSError:  # it has gone meanwhile
                continue
            if _is_digest(path.name) and self._place(path.name) == path:
                yield StoredFile(path.name, status.st_size, datetime.fromtimestamp(status.st_mtime, timezone.utc))

    def is_whole(self, sha256: str) -> bool:
        digest = hashlib.sha256()
        with self._told(), self.path(sha256).open("rb") as file:
            while block := file.read(_BLOCK_BYTES):
                digest.update(block)
        return digest.hexdigest() == sha256

    def remove(self, sha256: str) -> None:
        if _is_digest(sha256):
            with self._told():
                place = self._place(sha256)
                for path in (place, place.with_name(place.name + _DAMAGED)):  # what was set aside goes with it
                    path.unlink(missing_ok=True)

    def set_aside(self, sha256: str) -> None:
        path = self.path(sha256)
        with self._told():
            path.replace(path.with_name(path.name + _DAMAGED))

    def leftovers(self, before: datetime) -> int:
        return len(self._leftovers(before))

    def remove_leftovers(self, before: datetime) -> int:
        found = self._leftovers(before)
        for path in found:
            with self._told():
                path.unlink(missing_ok=True)
        return len(found)

    def _leftovers(self, before: datetime) -> list[Path]:
        """What writes have left behind that were cut off: their names begin with a dot, see `_write_whole`."""
        found = []
        for path in self._root.glob("??/??/.*"):
            with suppress(OSError):  # it has got its final name meanwhile
                if path.stat().st_mtime < before.timestamp():
                    found.append(path)
        return found

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise Unavailable(f"A file in {self._root} cannot be read or removed: {error.strerror}.") from error

    def _place(self, sha256: str) -> Path:
        return self._root / sha256[:2] / sha256[2:4] / sha256

    def _make_folders(self, folder: Path) -> None:
        # One by one: `parents=True` would make all but the last with the rights of anybody's folder.
        for level in (self._root, folder.parent, folder):
            level.mkdir(mode=0o700, parents=level is self._root, exist_ok=True)


def _is_digest(name: str) -> bool:
    return len(name) == 64 and _DIGITS.issuperset(name)


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _write_whole(path: Path, content: bytes) -> None:
    """All or nothing, also when the machine goes down: nobody finds half a file under the final name."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
