"""Where anchors of the audit log are kept: a file that only grows."""

import os
from pathlib import Path

from kyo_pipeline.errors import Unavailable


def append(path: Path, line: str) -> None:
    """Add a line, on the disk when this returns; what a crash has left half written stays a line of its own.

    Raises `Unavailable`.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+b") as file:
            if file.tell():
                file.seek(-1, os.SEEK_END)
                line = line if file.read(1) == b"\n" else f"\n{line}"
            file.write(f"{line}\n".encode())
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise Unavailable(f"The anchor of the audit log cannot be written: {path} ({error.strerror}).") from error


def read(path: Path) -> list[str]:
    """The lines of the file; none where there is no file yet. Raises `Unavailable`."""
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise Unavailable(f"The anchors of the audit log cannot be read: {path}.") from error
