import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from kyo_pipeline.errors import Invalid, Unavailable
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import inbox


@pytest.fixture
def watched(with_settings: Callable[..., Kyo], tmp_path: Path) -> tuple[Kyo, Path]:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return with_settings(KYO_INBOX=folder, MAX_FILE_SIZE_MB=1), folder


def put(folder: Path, name: str, age: float, content: bytes = b"text") -> Path:
    path = folder / name
    path.write_bytes(content)
    os.utime(path, (time.time() - age,) * 2)
    return path


def test_complete_files_come_oldest_first(watched: tuple[Kyo, Path]) -> None:
    kyo, folder = watched
    new, old = put(folder, "a.txt", 10), put(folder, "b.txt", 20)
    put(folder, "growing.txt", 0)
    put(folder, ".hidden", 30)
    (folder / "folder").mkdir()
    (folder / "link.txt").symlink_to("/etc/hostname")
    assert inbox.arrived(kyo) == [old, new]


def test_a_file_moves_out_of_the_way_and_replaces_nothing(watched: tuple[Kyo, Path]) -> None:
    kyo, folder = watched
    for content in (b"one", b"two"):
        inbox.accept(kyo, put(folder, "a.txt", 10, content))
    assert (folder / "accepted/a.txt").read_bytes() == b"one"
    assert (folder / "accepted/a (2).txt").read_bytes() == b"two"
    assert inbox.arrived(kyo) == []


def test_a_refused_file_has_its_reason_beside_it(watched: tuple[Kyo, Path]) -> None:
    kyo, folder = watched
    inbox.refuse(kyo, put(folder, "a.txt", 10), "It is empty.")
    assert (folder / "refused/a.txt").exists()
    assert (folder / "refused/a.txt.reason.txt").read_text() == "It is empty.\n"


def test_no_more_is_read_than_shows_that_a_file_is_too_large(watched: tuple[Kyo, Path]) -> None:
    kyo, folder = watched
    large = put(folder, "a.txt", 10, b"x" * 2_000_000)
    assert len(inbox.read(kyo, large)) == kyo.settings.max_file_bytes + 1


def test_a_file_that_has_gone_meanwhile(watched: tuple[Kyo, Path]) -> None:
    kyo, folder = watched
    gone = folder / "gone.txt"
    for use in (lambda: inbox.read(kyo, gone), lambda: inbox.accept(kyo, gone), lambda: inbox.refuse(kyo, gone, "No.")):
        with pytest.raises(Unavailable):
            use()


def test_without_an_inbox(kyo: Kyo, tmp_path: Path) -> None:
    assert inbox.arrived(kyo) == []
    with pytest.raises(Invalid, match="KYO_INBOX is not set"):
        inbox.accept(kyo, tmp_path / "a.txt")
