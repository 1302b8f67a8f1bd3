"""The file store: whole files by their digest, or nothing."""

import hashlib
import os
import subprocess
import sys
import textwrap
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from kyo_pipeline.adapters.files import FolderFiles
from kyo_pipeline.errors import NotFound, Unavailable


def everything(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_it_gives_back_what_it_got(tmp_path: Path) -> None:
    files = FolderFiles(tmp_path / "files")
    sha256 = files.put(b"%PDF-1.7")
    assert sha256 == hashlib.sha256(b"%PDF-1.7").hexdigest()
    assert files.path(sha256) == tmp_path / "files" / sha256[:2] / sha256[2:4] / sha256
    assert files.path(sha256).read_bytes() == b"%PDF-1.7"


def test_twice_the_same_is_once(tmp_path: Path) -> None:
    files = FolderFiles(tmp_path)
    first = files.path(files.put(b"same")).stat()
    second = files.path(files.put(b"same")).stat()
    assert (first.st_ino, first.st_mtime_ns) == (second.st_ino, second.st_mtime_ns)
    assert len(everything(tmp_path)) == 1


def test_a_damaged_file_is_written_anew(tmp_path: Path) -> None:
    files = FolderFiles(tmp_path)
    path = files.path(files.put(b"whole"))
    path.write_bytes(b"wh")
    files.put(b"whole")
    assert path.read_bytes() == b"whole"


def test_only_the_owner_may_read(tmp_path: Path) -> None:
    previous = os.umask(0)
    try:
        path = FolderFiles(tmp_path / "a" / "files").put(b"secret")
        path = FolderFiles(tmp_path / "a" / "files").path(path)
    finally:
        os.umask(previous)
    assert [place.stat().st_mode & 0o077 for place in (path, *path.parents[:3])] == [0, 0, 0, 0]


@pytest.mark.parametrize(
    "name",
    ["0" * 64, "", "../../etc/passwd", "A" * 64, f"{'0' * 63}\n"],
    ids=["absent", "empty", "a path", "capitals", "a line"],
)
def test_what_is_not_there(name: str, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        FolderFiles(tmp_path).path(name)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="cannot be stored"):
        FolderFiles(tmp_path / "file" / "files").put(b"content")


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path) -> None:
    """A limit on the size of files stands in for the disk: the write fails in the same place."""
    script = """
        import resource, signal, sys
        from pathlib import Path
        from kyo_pipeline.adapters.files import FolderFiles
        from kyo_pipeline.errors import Unavailable
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
        try:
            FolderFiles(Path(sys.argv[1])).put(b"x" * 100_000)
        except Unavailable as error:
            sys.exit(error.message)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), tmp_path], capture_output=True, text=True, check=False
    )
    assert "cannot be stored" in done.stderr
    assert done.returncode == 1
    assert everything(tmp_path) == []


# Looking after it -------------------------------------------------------------------------------------------------


def test_it_lists_what_it_holds_and_nothing_else(tmp_path: Path) -> None:
    files = FolderFiles(tmp_path)
    assert list(files.stored()) == []
    digests = sorted(files.put(content) for content in (b"one", b"another"))
    (files.path(digests[0]).parent / ".begun").write_bytes(b"an")
    (files.path(digests[0]).parent / "note.txt").write_text("not ours")
    (tmp_path / "ab").mkdir(exist_ok=True)
    stored = list(files.stored())
    assert [file.sha256 for file in stored] == digests
    assert sorted(file.size_bytes for file in stored) == [3, 7]
    assert all(abs(file.stored_at.timestamp() - time.time()) < 60 for file in stored)


def test_bytes_that_have_changed_are_noticed_and_can_be_stored_again(tmp_path: Path) -> None:
    files = FolderFiles(tmp_path)
    sha256 = files.put(b"whole")
    assert files.is_whole(sha256)
    files.path(sha256).write_bytes(b"wholf")
    assert not files.is_whole(sha256)
    files.set_aside(sha256)
    with pytest.raises(NotFound):
        files.path(sha256)
    assert [path.name for path in everything(tmp_path)] == [f"{sha256}.damaged"]
    assert list(files.stored()) == []
    assert files.put(b"whole") == sha256
    assert files.is_whole(sha256)
    files.remove(sha256)
    assert everything(tmp_path) == [], "of a deleted document, the damaged bytes go as well"


@pytest.mark.parametrize("name", ["0" * 64, "../../file"])
def test_removing_what_is_not_there_removes_nothing(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    files = FolderFiles(tmp_path / "a" / "files")
    sha256 = files.put(b"content")
    files.remove(name)
    assert files.is_whole(sha256)
    files.remove(sha256)
    assert everything(tmp_path) == [tmp_path / "file"]


def test_only_old_leftovers_are_removed(tmp_path: Path) -> None:
    files = FolderFiles(tmp_path)
    path = files.path(files.put(b"content"))
    old, new = path.with_name(".old"), path.with_name(".new")
    for leftover in (old, new):
        leftover.write_bytes(b"cont")
    os.utime(old, (0, 0))
    os.utime(path, (0, 0))
    before = datetime.now(timezone.utc) - timedelta(hours=1)
    assert files.leftovers(before) == 1
    assert files.remove_leftovers(before) == 1
    assert sorted(everything(tmp_path)) == sorted([new, path])


def test_a_file_that_cannot_be_removed_is_told(tmp_path: Path) -> None:
    files = FolderFiles(tmp_path)
    path = files.path(files.put(b"content"))
    sha256 = path.name
    path.unlink()
    path.mkdir()
    with pytest.raises(Unavailable, match="cannot be read or removed"):
        files.remove(sha256)
