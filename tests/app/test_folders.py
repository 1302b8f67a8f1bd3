"""Which files of a folder go in, and under which names."""

from pathlib import Path

from kyo_app.folders import document_names, find_files


def make_files(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)


def test_files_are_found_once_in_order_and_without_the_hidden(tmp_path: Path) -> None:
    make_files(tmp_path, "b.txt", "a/c.txt", ".git/x.txt", "a/.y.txt")
    found = find_files([tmp_path / "b.txt", tmp_path, tmp_path / "a" / ".." / "b.txt"])
    assert [str(file.place) for file in found] == ["b.txt", "a/c.txt"]


def test_a_hidden_file_that_is_named_is_meant(tmp_path: Path) -> None:
    make_files(tmp_path, ".note.txt")
    assert [file.place for file in find_files([tmp_path / ".note.txt"])] == [Path(".note.txt")]


def test_two_files_of_one_name_become_two_documents(tmp_path: Path) -> None:
    make_files(tmp_path, "uk/leave.txt", "us/Leave.txt", "us/tax.txt")
    assert document_names(find_files([tmp_path])) == ["uk - leave.txt", "us - Leave.txt", "tax.txt"]


def test_a_link_in_a_circle_ends(tmp_path: Path) -> None:
    make_files(tmp_path, "a/b.txt")
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    assert len(find_files([tmp_path])) == 1
