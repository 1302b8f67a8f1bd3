"""Where anchors of the audit log are kept: a file that only grows."""

import os
from pathlib import Path

from kyo_pipeline.errors import Unavailable


def append(path: Path, line: str) -> None:
    """Add a line, on the disk when this returns. Raises `Unavailable`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
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
