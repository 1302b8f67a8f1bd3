"""What the watched folder holds, and what became of it."""

from pathlib import Path

from kyo_pipeline.adapters.inbox import Inbox
from kyo_pipeline.errors import Invalid
from kyo_pipeline.kyo import Kyo


def arrived(kyo: Kyo) -> list[Path]:
    """Complete files in KYO_INBOX, oldest first; none when there is no inbox. Raises `Unavailable`."""
    return _inbox(kyo).arrived() if kyo.settings.KYO_INBOX else []


def read(kyo: Kyo, path: Path) -> bytes:
    """The bytes of a file; of one that is too large, just enough to be refused for it. Raises `Unavailable`."""
    return _inbox(kyo).read(path, kyo.settings.max_file_bytes + 1)


def accept(kyo: Kyo, path: Path) -> None:
    """Move a file that has been uploaded out of the way."""
    _inbox(kyo).accept(path)


def refuse(kyo: Kyo, path: Path, reason: str) -> None:
    """Set a file aside, with a note beside it that says why."""
    _inbox(kyo).refuse(path, reason)


def _inbox(kyo: Kyo) -> Inbox:
    if kyo.settings.KYO_INBOX is None:
        raise Invalid("KYO_INBOX is not set.")
    return Inbox(kyo.settings.KYO_INBOX)
