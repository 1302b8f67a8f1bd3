"""The key that seals the audit log: made of SECRET_KEY, or a file in KYO_HOME. It is never in the database."""

import hmac
import os
import secrets
from contextlib import suppress
from functools import cache
from pathlib import Path

from kyo_pipeline.errors import Unavailable
from kyo_pipeline.settings import Settings

_PURPOSE = b"kyo.audit"
_BYTES = 32


def audit_key(settings: Settings) -> bytes:
    """The one in use. Raises `Unavailable` where it cannot be read or made."""
    if settings.SECRET_KEY is not None:
        return _derived(settings.SECRET_KEY.get_secret_value())
    return _of_file(settings.KYO_HOME / "audit.key")


def known_keys(settings: Settings) -> tuple[bytes, ...]:
    """Those with which rows may have been sealed: the one in use first."""
    former = tuple(_derived(one.get_secret_value()) for one in settings.KYO_FORMER_SECRET_KEYS)
    path = settings.KYO_HOME / "audit.key"
    of_file = (_of_file(path),) if path.is_file() else ()
    return tuple(dict.fromkeys((audit_key(settings), *former, *of_file)))


def _derived(secret: str) -> bytes:
    return hmac.digest(secret.encode(), _PURPOSE, "sha256")


@cache
def _of_file(path: Path) -> bytes:
    """Made at the first use, for its owner's eyes; several processes may try at the same moment."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _make(path)
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError) as error:
        raise Unavailable(f"The key of the audit log cannot be read: {path}. Nothing was changed.") from error
    if len(key) != _BYTES:
        raise Unavailable(f"The key of the audit log is damaged: {path}. Nothing was changed.")
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
