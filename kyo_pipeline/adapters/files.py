"""The bytes of uploaded files, in a folder, by their sha256."""

import hashlib
import os
import tempfile
from pathlib import Path

from kyo_pipeline.errors import NotFound, Unavailable

_DIGITS = frozenset("0123456789abcdef")


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
        if len(sha256) == 64 and _DIGITS.issuperset(sha256) and (path := self._place(sha256)).is_file():
            return path
        raise NotFound("The bytes of this file are not in the file store.")

    def _place(self, sha256: str) -> Path:
        return self._root / sha256[:2] / sha256[2:4] / sha256

    def _make_folders(self, folder: Path) -> None:
        # One by one: `parents=True` would make all but the last with the rights of anybody's folder.
        for level in (self._root, folder.parent, folder):
            level.mkdir(mode=0o700, parents=level is self._root, exist_ok=True)


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
