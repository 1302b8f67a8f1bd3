"""Keys of our own: derived from SECRET_KEY for one purpose each, or kept in a file of KYO_HOME."""

import hmac
import os
import secrets
from contextlib import suppress
from functools import cache
from pathlib import Path

from kyo_pipeline.errors import Unavailable

_BYTES = 32


def derived(secret: str, purpose: bytes) -> bytes:
    """What this purpose alone uses of a secret: who knows it knows nothing of the others."""
    return hmac.digest(secret.encode(), purpose, "sha256")


@cache
def of_file(path: Path) -> bytes:
    """Made at the first use, for its owner's eyes; several processes may try at once. Raises `Unavailable`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _make(path)
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError) as error:
        raise Unavailable(f"This key cannot be read: {path}. Nothing was changed.") from error
    if len(key) != _BYTES:
        raise Unavailable(f"This key is damaged: {path}. Nothing was changed.")
    return key


def _make(path: Path) -> None:
    """Whole or not at all: it is written beside, and takes its name only where nobody has it."""
    if path.exists():
        return
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):  # another process was quicker: its key is the key
            os.link(beside, path)
    finally:
        beside.unlink()
