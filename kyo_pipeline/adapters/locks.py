"""Locks of the kernel's on private files. They go with the process that holds them, however it ends."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from kyo_pipeline.errors import Unavailable


def open_private(path: Path) -> BinaryIO:
    """Open a file for appending that only its owner may read; make it, and its folder, where absent."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "ab")
    except OSError as error:
        raise not_writable(path.parent, error) from error


@contextmanager
def locked(file: BinaryIO) -> Iterator[None]:
    """Wait for the others, and keep them waiting."""
    fcntl.flock(file, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)


def share(file: BinaryIO) -> None:
    """Become one of the users whom `is_last` counts."""
    fcntl.flock(file, fcntl.LOCK_SH)


def is_last(file: BinaryIO) -> bool:
    """Leave the users of the file; true when nobody is left."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        fcntl.flock(file, fcntl.LOCK_UN)
        return False
    return True


def not_writable(folder: Path, error: OSError) -> Unavailable:
    return Unavailable(f"{folder} cannot be written: {error.strerror}. Set KYO_HOME to a folder of your own.")
