"""`kyo ingest`, without a daemon."""

import secrets
import threading
from collections.abc import Callable
from pathlib import Path

import psycopg2
import pytest
from reportlab.pdfgen.canvas import Canvas

from kyo_app.commands import ingest
from kyo_app.leftovers import end_leftovers
from tests.shell import Shell


def test_a_folder_goes_in_and_what_does_not_is_told(shell: Shell, folder: Path) -> None:
    done = shell("ingest", folder, "--approve", "--no-daemon", "--json")
    assert done.code == 1, "one of the files is broken"
    assert isinstance(done.data, dict)
    by_name = {Path(file["path"]).name: file for file in done.data["files"]}
    assert set(by_name) == {"handbook.txt", "printers.txt", "broken.pdf"}
    assert [by_name[name]["status"] for name in ("handbook.txt", "printers.txt")] == ["ready", "ready"]
    assert by_name["broken.pdf"]["problem"]
    assert f"{folder}/office/broken.pdf: {by_name['broken.pdf']['problem']}" in done.err
    assert done.data["skipped"] == [f"{folder}/logo.png"]
    assert "3 files, 2 ready, 1 failed, 1 skipped (png)." in done.err


def test_the_same_again_changes_nothing(ingested: Shell, folder: Path) -> None:
    done = ingested("ingest", folder / "handbook.txt", "--approve", "--json")
    assert done.code == 0
    assert isinstance(done.data, dict)
    assert [(file["created"], file["status"]) for file in done.data["files"]] == [(False, "ready")]
    assert "1 known already" in done.err


@pytest.fixture
def held(shell: Shell, database: str, tmp_path: Path) -> Callable[[str], Path]:
    """A new file that is in, and that a run has taken up which was killed: it holds the file for as long as is said."""

    def upload(interval: str) -> Path:
        path = tmp_path / f"held-{secrets.token_hex(4)}.txt"
        path.write_text(f"The lift number {secrets.token_hex(4)} is repaired on Mondays.\n")
        assert shell("ingest", path).code == 0
        with psycopg2.connect(database.replace("+psycopg2", "")) as connection, connection.cursor() as cursor:
            cursor.execute(
                "update kyo.document_versions set claimed_by = 'local:killed', claimed_until = now() + %s::interval"
                " where file_name = %s",
                (interval, path.name),
            )
        connection.close()
        return path

    return upload


def test_what_a_killed_run_still_holds_is_waited_for(shell: Shell, held: Callable[[str], Path], home: Path) -> None:
    path, ended = held("8 seconds"), []
    # A `kyo up` that starts meanwhile must take nothing of this for a leftover.
    starting = threading.Timer(5, lambda: ended.extend(end_leftovers(home)))
    starting.start()
    done = shell("ingest", path, "--no-daemon", "--json")
    starting.join()
    assert ended == []
    assert done.code == 0, done.err
    assert "Waiting for 1 files that an earlier run holds" in done.err
    assert isinstance(done.data, dict)
    assert [file["status"] for file in done.data["files"]] == ["ready"]


def test_nobody_waits_for_what_nothing_works_on(
    shell: Shell, held: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = held("1 hour")
    monkeypatch.setattr(ingest, "process_here", lambda *_: None)  # as if it had ended without being done
    done = shell("ingest", path, "--no-daemon")
    assert done.code == 3
    assert "1 of 1 files are not done, and nothing works on them now." in done.err


def test_waiting_for_a_daemon_that_is_not_there(shell: Shell, folder: Path) -> None:
    done = shell("ingest", folder, "--wait")
    assert (done.code, done.out) == (3, "")
    assert "--no-daemon" in done.err


def test_a_locked_file_goes_in_with_a_password_out_of_a_file(shell: Shell, tmp_path: Path) -> None:
    locked, passwords = tmp_path / "salaries.pdf", tmp_path / "passwords"
    canvas = Canvas(str(locked), encrypt="open sesame")
    canvas.drawString(72, 700, "Salaries are paid on the last working day of each month.")
    canvas.save()
    refused = shell("ingest", locked)  # there is no terminal
    assert refused.code == 1
    assert "It is protected with a password." in refused.err
    passwords.write_text("not this one\nopen sesame\n")
    done = shell("ingest", locked, "--password-file", passwords, "--no-daemon", "--json")
    assert done.code == 0, done.err
    assert isinstance(done.data, dict)
    assert [file["status"] for file in done.data["files"]] == ["ready"]
    assert "open sesame" not in done.out + done.err


def test_nothing_to_ingest(shell: Shell, folder: Path) -> None:
    done = shell("ingest", folder / "logo.png")
    assert done.code == 1
    assert "no file of a type that is allowed (pdf, docx, txt)" in done.err


def test_an_unknown_collection_is_told_for_each_file(shell: Shell, folder: Path) -> None:
    done = shell("ingest", folder / "handbook.txt", "--collection", "Nowhere")
    assert done.code == 1
    assert "handbook.txt: " in done.err
