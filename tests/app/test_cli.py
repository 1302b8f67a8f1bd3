"""The command line, in this process, on a database of its own: what it prints where, and its exit codes."""

import io
import os
import re
import secrets
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg2
import pytest
from reportlab.pdfgen.canvas import Canvas

from kyo_app import cli
from kyo_app.commands import ingest
from kyo_app.commands.output import printable, table
from kyo_app.folders import document_names, find_files
from kyo_app.leftovers import end_leftovers
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.answers import NOT_FOUND_TEXT, Draft, Outcome
from kyo_pipeline.domain.retrieval import Retrieval
from kyo_pipeline.errors import NotAllowed
from kyo_pipeline.kyo import open_kyo
from kyo_pipeline.services import health, joining, signing_in, verifying
from kyo_pipeline.settings import Settings, load_settings
from tests.shell import Shell

HANDBOOK = """Leave

Every employee has thirty days of paid holiday in a calendar year. Unused days expire at the end of March.

Bicycles

Bicycles may be parked in the cellar. The key hangs beside the lift.
"""


@pytest.fixture(scope="module")
def module_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def own_database(new_database: Callable[[], str]) -> str:
    return new_database()


@pytest.fixture
def _environment(monkeypatch: pytest.MonkeyPatch, module_home: Path, own_database: str, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KYO_HOME", str(module_home))
    monkeypatch.setenv("DATABASE_URL", own_database)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def kyo(_environment: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    """Calls the console script as a shell would."""

    return Shell(monkeypatch, capsys)


@pytest.fixture
def migrated(kyo: Shell) -> Shell:
    assert kyo("migrate").code == 0
    return kyo


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two good files, one broken, and some that nobody wants."""
    folder = tmp_path_factory.mktemp("documents")
    (folder / "handbook.txt").write_text(HANDBOOK)
    (folder / "office").mkdir()
    (folder / "office" / "printers.txt").write_text("The printer on the third floor prints in colour.\n")
    (folder / "office" / "broken.pdf").write_text("this is no PDF")
    (folder / "logo.png").write_bytes(b"\x89PNG")
    (folder / ".hidden.txt").write_text("secret")
    (folder / ".git").mkdir()
    (folder / ".git" / "notes.txt").write_text("secret")
    return folder


# Before there is a database


def test_help_tells_the_exit_codes_and_all_commands(kyo: Shell) -> None:
    done = kyo("--help")
    assert done.code == 0
    assert "Exit codes:" in done.out
    for name in cli._COMMANDS:
        assert f"\n  {name} " in done.out
        assert kyo(name, "--help").code == 0


def test_version(kyo: Shell) -> None:
    assert kyo("version").out.count(".") == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("users", "add"),
        ("search", "x", "-k", "0"),
        ("ingest", "/nowhere"),
        ("users", "add", "x", "--role", "king"),
    ],
)
def test_a_wrong_command_line(kyo: Shell, arguments: tuple[str, ...]) -> None:
    done = kyo(*arguments)
    assert (done.code, done.out) == (2, "")
    assert "Error:" in done.err


def test_all_wrong_settings_are_named(kyo: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KYO_PORT", "x")
    monkeypatch.setenv("CHUNK_SIZE", "1")
    done = kyo("users", "list")
    assert done.code == 1
    assert {line.split(":")[1].strip() for line in done.err.splitlines()} == {"KYO_PORT", "CHUNK_SIZE"}


def test_a_database_that_is_down(kyo: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    done = kyo("users", "list")
    assert (done.code, done.out) == (3, "")
    assert done.err.startswith("kyo: The database does not answer")
    assert done.err.count("\n") == 1


def test_a_database_that_is_behind(
    kyo: Shell, monkeypatch: pytest.MonkeyPatch, new_database: Callable[[], str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", new_database())
    done = kyo("search", "holiday")
    assert done.code == 3
    assert "kyo migrate" in done.err


def test_what_nobody_expected_leaves_a_line_here_and_the_rest_in_a_log(
    migrated: Shell, monkeypatch: pytest.MonkeyPatch, module_home: Path
) -> None:
    def explode(*_: object) -> None:
        raise ZeroDivisionError("not even this")

    monkeypatch.setattr(health, "check_health", explode)
    done = migrated("status")
    assert done.code == 1
    assert (
        done.err == f"kyo: something unexpected went wrong (ZeroDivisionError). Details: {module_home}/logs/cli.log\n"
    )
    assert "not even this" in (module_home / "logs" / "cli.log").read_text()


def test_status_of_what_was_never_started_makes_nothing(
    kyo: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("DATABASE_URL")
    monkeypatch.setenv("KYO_HOME", str(tmp_path / "never"))
    done = kyo("status")
    assert done.code == 3
    assert "kyo up" in done.err
    assert not (tmp_path / "never").exists()


# With one


def test_migrate_says_what_it_applied_and_once(
    kyo: Shell, monkeypatch: pytest.MonkeyPatch, new_database: Callable[[], str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", new_database())
    first, second = kyo("migrate"), kyo("migrate", "--json")
    assert first.out.splitlines()[0].startswith("0001_")
    assert second.data == {"applied": []}


def test_people(migrated: Shell) -> None:
    added = migrated("users", "add", "ada", "--name", "Ada Lovelace", "--role", "manager", "--json").data
    assert isinstance(added, dict)
    assert (added["username"], added["role"]) == ("ada", "manager")
    assert migrated("users", "add", "ada").code == 1, "the name is taken"
    listed = migrated("users", "list").out
    assert "ada" in listed
    assert "Ada Lovelace" in listed
    people = migrated("users", "list", "--json").data
    assert isinstance(people, list)
    assert [person["role"] for person in people if person["username"] == "ada"] == ["manager"]
    reset = migrated("users", "reset-password", "ada", "--json").data
    assert isinstance(reset, dict)
    assert reset["one_time_password"] != added["one_time_password"]
    assert migrated("users", "reset-password", "nobody").code == 1


def test_people_from_invitation_to_deactivation(migrated: Shell) -> None:
    invited = migrated("users", "invite", "grace", "--name", "Grace", "--email", "grace@example.org", "--json").data
    assert isinstance(invited, dict)
    assert invited["path"].startswith("/?invitation=")
    again = migrated("users", "invite", "grace", "--again")
    assert again.out.startswith("grace  /?invitation=")
    assert invited["path"] not in again.out
    assert "works once" in again.err
    assert "invited" in migrated("users", "list", "--state", "invited").out
    assert migrated("users", "set-role", "grace", "manager", "--json").data == {"username": "grace", "role": "manager"}
    assert migrated("users", "end-sessions", "grace", "--json").data == {"username": "grace", "ended": 0}
    assert migrated("users", "deactivate", "grace").out == "grace is deactivated.\n"
    assert "deactivated" in migrated("users", "list", "grace@").out
    assert migrated("users", "reactivate", "grace").out == "grace is active again.\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("invite", "two words"), "A user name has"),
        (("invite", "ida", "--email", "nowhere"), "An e-mail address has"),
        (("invite", "nobody", "--again"), "There is no user called nobody."),
        (("set-role", "nobody", "admin"), "There is no user called nobody."),
        (("deactivate", "nobody"), "There is no user called nobody."),
        (("reactivate", "<b>"), "There is no user called <b>."),
        (("unblock", "ada"), "ada is not blocked."),
        (("approve", "ada"), "ada is not waiting for approval."),
        (("approve", "ada", "--decline"), "ada is not waiting for approval."),
        (("end-sessions", ""), "There is no user called"),
    ],
)
def test_what_is_refused_about_people_is_a_sentence(migrated: Shell, arguments: tuple[str, ...], said: str) -> None:
    migrated("users", "add", "ada")
    done = migrated("users", *arguments)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(f"kyo: {said}")


def test_whoever_has_registered_is_let_in_or_not(migrated: Shell) -> None:
    settings = load_settings().model_copy(update={"KYO_REGISTRATION": "approval"})
    with closing(open_kyo(settings)) as bundle:
        for name in ("hedy", "ivan"):
            joining.register(bundle, name, name.title(), f"{name}@example.org", "plum tree river")
        for _ in range(5):
            with pytest.raises(NotAllowed):
                signing_in.sign_in(bundle, "hedy", "plum tree river", "browser")
    assert "awaiting, blocked" in migrated("users", "list", "hedy").out
    assert migrated("users", "unblock", "hedy").out == "hedy may try again.\n"
    assert migrated("users", "approve", "hedy", "--role", "manager").out == "hedy may sign in now.\n"
    assert migrated("users", "approve", "ivan", "--decline").code == 0
    assert migrated("users", "list", "--state", "awaiting", "--json").data == []


@pytest.fixture
def ingested(migrated: Shell, folder: Path) -> Iterator[Shell]:
    """The folder is in and approved; the first test that needs it does the work."""
    if "handbook" not in migrated("search", "holiday").out.lower():
        migrated("ingest", folder, "--approve", "--no-daemon")
    return migrated


def test_a_folder_goes_in_and_what_does_not_is_told(migrated: Shell, folder: Path) -> None:
    done = migrated("ingest", folder, "--approve", "--no-daemon", "--json")
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
def held(migrated: Shell, own_database: str, tmp_path: Path) -> Callable[[str], Path]:
    """A new file that is in, and that a run has taken up which was killed: it holds the file for as long as is said."""

    def upload(interval: str) -> Path:
        path = tmp_path / f"held-{secrets.token_hex(4)}.txt"
        path.write_text(f"The lift number {secrets.token_hex(4)} is repaired on Mondays.\n")
        assert migrated("ingest", path).code == 0
        with psycopg2.connect(own_database.replace("+psycopg2", "")) as connection, connection.cursor() as cursor:
            cursor.execute(
                "update kyo.document_versions set claimed_by = 'local:killed', claimed_until = now() + %s::interval"
                " where file_name = %s",
                (interval, path.name),
            )
        connection.close()
        return path

    return upload


def test_what_a_killed_run_still_holds_is_waited_for(
    migrated: Shell, held: Callable[[str], Path], module_home: Path
) -> None:
    path, ended = held("8 seconds"), []
    # A `kyo up` that starts meanwhile must take nothing of this for a leftover.
    starting = threading.Timer(5, lambda: ended.extend(end_leftovers(module_home)))
    starting.start()
    done = migrated("ingest", path, "--no-daemon", "--json")
    starting.join()
    assert ended == []
    assert done.code == 0, done.err
    assert "Waiting for 1 files that an earlier run holds" in done.err
    assert isinstance(done.data, dict)
    assert [file["status"] for file in done.data["files"]] == ["ready"]


def test_nobody_waits_for_what_nothing_works_on(
    migrated: Shell, held: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = held("1 hour")
    monkeypatch.setattr(ingest, "process_here", lambda *_: None)  # as if it had ended without being done
    done = migrated("ingest", path, "--no-daemon")
    assert done.code == 3
    assert "1 of 1 files are not done, and nothing works on them now." in done.err


def test_waiting_for_a_daemon_that_is_not_there(migrated: Shell, folder: Path) -> None:
    done = migrated("ingest", folder, "--wait")
    assert (done.code, done.out) == (3, "")
    assert "--no-daemon" in done.err


def test_a_locked_file_goes_in_with_a_password_out_of_a_file(migrated: Shell, tmp_path: Path) -> None:
    locked, passwords = tmp_path / "salaries.pdf", tmp_path / "passwords"
    canvas = Canvas(str(locked), encrypt="open sesame")
    canvas.drawString(72, 700, "Salaries are paid on the last working day of each month.")
    canvas.save()
    refused = migrated("ingest", locked)  # there is no terminal
    assert refused.code == 1
    assert "It is protected with a password." in refused.err
    passwords.write_text("not this one\nopen sesame\n")
    done = migrated("ingest", locked, "--password-file", passwords, "--no-daemon", "--json")
    assert done.code == 0, done.err
    assert isinstance(done.data, dict)
    assert [file["status"] for file in done.data["files"]] == ["ready"]
    assert "open sesame" not in done.out + done.err


def test_nothing_to_ingest(migrated: Shell, folder: Path) -> None:
    done = migrated("ingest", folder / "logo.png")
    assert done.code == 1
    assert "no file of a type that is allowed (pdf, docx, txt)" in done.err


def test_an_unknown_collection_is_told_for_each_file(migrated: Shell, folder: Path) -> None:
    done = migrated("ingest", folder / "handbook.txt", "--collection", "Nowhere")
    assert done.code == 1
    assert "handbook.txt: " in done.err


def test_search(ingested: Shell) -> None:
    shown = ingested("search", "how many days of holiday", "-k", "1")
    assert shown.code == 0
    assert shown.out.startswith("1. ")
    assert "thirty days" in shown.out
    found = ingested("search", "how many days of holiday", "--json").data
    assert isinstance(found, dict)
    assert "thirty days" in found["passages"][0]["text"]


def test_ask(ingested: Shell) -> None:
    shown = ingested("ask", "How many days of paid holiday has every employee?")
    assert shown.code == 0
    assert "*thirty days* of paid holiday" in shown.out
    assert "[1] " in shown.out
    answer = ingested("ask", "How many days of paid holiday has every employee?", "--json").data
    assert isinstance(answer, dict)
    assert answer["outcome"] == "answered"
    assert answer["citations"][0]["file_name"] == "handbook.txt"
    [bold] = answer["findings"]["emphasis"]
    assert answer["text"][bold["start"] : bold["end"]] == "thirty days"


def test_a_question_follows_up_on_a_conversation(ingested: Shell) -> None:
    first = ingested("ask", "How many days of paid holiday has every employee?", "--json").data
    assert isinstance(first, dict)
    assert first["standalone"] is None
    shown = ingested("ask", "When do they expire?", "--conversation", first["conversation_id"])
    assert shown.code == 0
    assert shown.out.startswith("Searched for: When do they expire? (")
    assert "end of March" in shown.out
    unknown = ingested("ask", "And then?", "--conversation", "00000000-0000-0000-0000-000000000009")
    assert (unknown.code, "no such conversation" in unknown.err) == (1, True)
    assert ingested("ask", "And then?", "--conversation", "7").code == 2


def test_a_verified_answer_says_by_whom_and_can_be_passed_by(ingested: Shell) -> None:
    question = "Where may bicycles be parked in the cellar?"
    answer = ingested("ask", question, "--json").data
    with closing(open_kyo(load_settings())) as bundle:
        verifying.verify(bundle, OPERATOR, UUID(answer["id"]), question, text="Down there [1].")
    shown = ingested("ask", question).out
    assert shown.startswith("Verified by KYO operator on ")
    assert f" for: {question}" in shown.splitlines()[0]
    assert ingested("ask", question, "--json").data["text"] == "Down there [1]."
    anew = ingested("ask", question, "--anew").out
    assert "Down there" not in anew
    assert "in the cellar" in anew


class _Rambling:
    """A model that writes something and has nothing to support it."""

    name, model = "huggingface", "rambling"

    def generate(self, question: str, retrieval: Retrieval) -> Generator[str, None, Draft]:
        yield f"Of course the answer to {question} [1]"
        yield f" is in one of {len(retrieval.passages)} passages [7]."
        return Draft(NOT_FOUND_TEXT, Outcome.NOT_FOUND)


def test_only_what_was_checked_and_stored_is_printed(ingested: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kyo_pipeline.kyo.open_generator", lambda *_: _Rambling())
    done = ingested("ask", "How many days of paid holiday has every employee?")
    [said, nearest] = [line for line in done.out.splitlines() if line]
    assert (done.code, said) == (0, NOT_FOUND_TEXT)
    assert nearest.startswith("Nearest document: handbook (owner: ")


def test_acting_as_somebody(ingested: Shell) -> None:
    assert ingested("ask", "How many days?", "--as", "nobody").code == 1
    ingested("users", "add", "eve")
    done = ingested("search", "holiday", "--as", "eve")
    assert done.code == 1, "she must choose a password first, so she may do nothing yet"
    assert done.err.count("\n") == 1


def test_acting_as_somebody_uses_up_their_limits_and_says_when_they_begin_anew(
    ingested: Shell, own_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingested("users", "add", "lena")
    with closing(psycopg2.connect(own_database.replace("+psycopg2", ""))) as owner, owner, owner.cursor() as cursor:
        cursor.execute("update kyo.users set must_change_password = false where username = 'lena'")
    now = datetime.now(timezone.utc)
    monkeypatch.setattr("kyo_pipeline.kyo.utc_now", lambda: now)
    monkeypatch.setenv("MAX_QUERIES_PER_DAY", "1")
    assert ingested("ask", "How many days?", "--as", "lena").code == 0
    refused = ingested("ask", "How many days?", "--as", "lena")
    assert refused.code == 1
    tomorrow = f"{now + timedelta(days=1):%Y-%m-%d} 00:00 UTC"
    assert refused.err.endswith(f"It works again from {tomorrow} on.\n")
    assert [ingested("ask", "How many days?").code for _ in range(2)] == [0, 0], "the operator is not limited"


def test_status(migrated: Shell) -> None:
    shown, data = migrated("status"), migrated("status", "--json")
    assert (shown.code, data.code) == (3, 3), "no daemon runs here"
    assert ["migrations", "ok", "up", "to", "date"] in [line.split() for line in shown.out.splitlines()]
    assert isinstance(data.data, dict)
    assert data.data["ready"] is False
    assert {check["name"] for check in data.data["checks"]} >= {
        "database",
        "database role",
        "migrations",
        "daemon",
        "redis",
    }
    assert data.data["overview"]["numbers"]["people"] >= 0


# Documents


def ids_of(kyo: Shell, *arguments: str) -> dict[str, str]:
    """Ids by title."""
    data = kyo("documents", "list", *arguments, "--json").data
    assert isinstance(data, list)
    return {one["title"]: one["id"] for one in data}


def test_documents_are_listed_by_what_is_asked_for(ingested: Shell) -> None:
    assert set(ids_of(ingested)) >= {"handbook", "printers"}
    assert set(ids_of(ingested, "hand", "--collection", "General", "--state", "approved")) == {"handbook"}
    assert ids_of(ingested, "--tag", "nobody's") == ids_of(ingested, "--overdue") == {}
    shown = ingested("documents", "list", "hand").out.splitlines()
    assert shown[0].split() == ["ID", "STATE", "ANSWERS", "NEWEST", "COLLECTION", "TITLE"]
    assert shown[1].split()[-2:] == ["General", "handbook"]


def test_a_document_is_read_again_and_can_be_rolled_back(ingested: Shell, folder: Path) -> None:
    handbook = ids_of(ingested)["handbook"]
    assert "1 read again" in ingested("documents", "reprocess", handbook).err
    assert "1 waiting already" in ingested("documents", "reprocess", handbook).err
    ingested("ingest", folder / "handbook.txt", "--no-daemon")
    history = ingested("documents", "history", handbook).out.splitlines()
    assert [line.split()[:3] for line in history[1:]] == [["2", "ready", "approved"], ["1", "ready", "approved"]]
    assert "version 1, read again" in history[1]
    assert "version 2" in ingested("search", "holiday").out
    assert "answers questions with version 1 now" in ingested("documents", "roll-back", handbook, "1").err
    assert "version 1" in ingested("search", "holiday").out
    unknown = ingested("documents", "roll-back", handbook, "7")
    assert (unknown.code, "no version 7" in unknown.err) == (1, True)
    assert ingested("documents", "roll-back", handbook, "2").code == 0


@pytest.mark.parametrize("arguments", [(), ("--everything", "--collection", "General")])
def test_what_is_to_be_read_again_must_be_said(migrated: Shell, arguments: tuple[str, ...]) -> None:
    done = migrated("documents", "reprocess", *arguments)
    assert (done.code, "--everything" in done.err) == (1, True)


def test_documents_are_archived_restored_and_deleted(
    migrated: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "canteen.txt").write_text("The canteen opens at noon.")
    migrated("ingest", tmp_path / "canteen.txt", "--approve", "--no-daemon")
    canteen = ids_of(migrated)["canteen"]
    assert migrated("documents", "archive", canteen).err == "canteen is archived.\n"
    assert "canteen" not in migrated("search", "canteen").out
    assert migrated("documents", "restore", canteen).code == 0
    assert "canteen" in migrated("search", "canteen").out
    monkeypatch.setattr(sys, "stdin", io.StringIO("n\n"))
    assert migrated("documents", "delete", canteen).code == 130
    assert "canteen" in ids_of(migrated)
    assert migrated("documents", "delete", canteen, "--yes").err == "canteen is deleted.\n"
    assert "canteen" not in ids_of(migrated)
    assert "canteen" in ids_of(migrated, "--state", "deleted")
    [_, only] = migrated("documents", "history", canteen).out.splitlines()
    assert re.match(r"1 +deleted +was approved .* deleted \d{4}-\d\d-\d\d \d\d:\d\d by ", only)


def test_what_is_no_id_is_told_where_ids_are(migrated: Shell) -> None:
    done = migrated("documents", "history", "1")
    assert (done.code, "'1' is not the id of a document; ids: `kyo documents list`" in done.err) == (2, True)


@pytest.mark.parametrize("meanwhile", ["replaced", "read again"])
def test_what_is_replaced_while_it_is_waited_for_has_not_failed(
    migrated: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    path, process = tmp_path / f"notice {meanwhile}.txt", ingest.process_here
    path.write_text(f"The notice that is {meanwhile} hangs in the hall.")

    def and_then(*arguments: Any) -> None:
        process(*arguments)
        if meanwhile == "replaced":
            path.write_text("Another notice hangs there now.")
            assert migrated("ingest", path).code == 0
        else:
            [notice] = ids_of(migrated, path.stem).values()
            assert "1 read again" in migrated("documents", "reprocess", notice).err

    monkeypatch.setattr(ingest, "process_here", and_then)
    done = migrated("ingest", path, "--approve", "--no-daemon", "--json")
    assert done.code == 0, done.err
    assert isinstance(done.data, dict)
    assert [(file["status"], file["problem"]) for file in done.data["files"]] == [("ready", None)]


def test_documents_of_somebody(ingested: Shell) -> None:
    ingested("users", "add", "petra", "--role", "employee")
    refused = ingested("documents", "reprocess", "--everything", "--as", "petra")
    assert (refused.code, "document:reprocess" in refused.err or "password" in refused.err) == (1, True)


# Damage


def test_the_doctor_finds_damage_says_what_to_do_and_repairs(ingested: Shell, module_home: Path) -> None:
    well = ingested("doctor", "--deep", "--json")
    assert well.code == 3, "all is well but for the daemon, which does not run here"
    assert isinstance(well.data, dict)
    assert all(finding["problems"] == 0 for finding in well.data["findings"])

    stored = module_home / "files" / "ab" / "cd" / ("abcd" + "0" * 60)
    stored.parent.mkdir(parents=True)
    stored.write_bytes(b"nobody's")
    os.utime(stored, (0, 0))
    found = ingested("doctor")
    assert found.code == 1
    assert "files have versions" in found.out
    assert stored.name in found.out
    assert "kyo doctor --repair" in found.out

    repaired = ingested("doctor", "--repair")
    assert repaired.code == 3
    assert "1 files that no document has are removed" in repaired.out
    assert not stored.exists()


def test_the_doctor_of_what_was_never_started(kyo: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("DATABASE_URL")
    monkeypatch.setenv("KYO_HOME", str(tmp_path / "none"))
    done = kyo("doctor")
    assert (done.code, "was never started" in done.err) == (3, True)
    assert not (tmp_path / "none").exists()


# The pure parts


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


def test_a_document_cannot_command_the_terminal() -> None:
    assert printable("a\x1b[2Jb\nc\x9bd\u202e") == "a [2Jb\nc d "


def test_tables_line_up() -> None:
    assert table(("A", "B"), [("long", "x"), ("s", "y\x07")]) == "A     B\nlong  x\ns     y"


# Collections and groups


def test_how_long_approvals_hold_and_who_takes_files_away(migrated: Shell) -> None:
    def rules(name: str) -> tuple[object, object]:
        [found] = [one for one in migrated("collections", "list", "--json").data if one["name"] == name]
        return found["review_months"], found["downloadable"]

    migrated("collections", "add", "Law", "--review-months", "12", "--no-downloads")
    assert rules("Law") == (12, False)
    assert migrated("collections", "set-rules", "law", "--downloads").code == 0
    assert rules("Law") == (12, True)
    migrated("collections", "rename", "Law", "Legal")
    assert rules("Legal") == (12, True)
    migrated("collections", "set-rules", "Legal", "--review-months", "0")
    assert rules("Legal") == (None, True)
    assert migrated("collections", "set-rules", "Legal", "--review-months", "121").code == 2
    migrated("collections", "delete", "Legal")


def test_collections_and_groups_are_made_given_and_taken_away(migrated: Shell) -> None:
    assert migrated("users", "add", "carla").code == 0
    assert migrated("collections", "add", "Board", "--description", "Minutes.").out == ""
    added = migrated("collections", "add", "Council", "--everyone", "read", "--json").data
    assert (added["name"], added["everyone"], added["is_default"]) == ("Council", "read", False)
    assert migrated("groups", "add", "Crew", "--json").data["people"] == 0
    for arguments in (
        ("groups", "add-member", "crew", "carla"),
        ("collections", "grant", "board", "approve", "--person", "carla"),
        ("collections", "grant", "board", "read", "--group", "crew"),
        ("collections", "set-access", "Board", "read"),
    ):
        done = migrated(*arguments)
        assert (done.code, done.out) == (0, ""), done.err
    shown = migrated("collections", "show", "Board").out.splitlines()
    assert [line.split() for line in shown] == [
        ["ACCESS", "COUNTS", "AS", "WHO", "NAME"],
        ["read", "read", "everyone"],
        ["read", "read", "group", "Crew"],
        ["approve", "write", "person", "carla", "carla"],
    ]
    data = migrated("collections", "show", "Board", "--json").data
    assert (data["members"][0]["access"], data["groups"][0]["people"]) == ("approve", 1)
    assert "carla" in migrated("groups", "show", "Crew").out
    assert migrated("groups", "show", "Crew", "--json").data["access"] == [["Board", "read"]]
    for arguments in (
        ("collections", "revoke", "Board", "--person", "carla"),
        ("collections", "revoke", "Board", "--group", "Crew"),
        ("collections", "set-access", "Board", "none"),
        ("groups", "remove-member", "Crew", "carla"),
        ("groups", "rename", "Crew", "Team"),
    ):
        assert migrated(*arguments).code == 0
    assert migrated("collections", "show", "Board").out.splitlines()[1:] == ["none    none       everyone"]
    assert migrated("groups", "list").out.split()[-4:] == ["0", "0", "0", "Team"]
    assert migrated("collections", "rename", "Board", "Panel").code == 0
    listed = {one["name"]: one for one in migrated("collections", "list", "--json").data}
    assert listed["Panel"]["description"] == "Minutes."
    assert listed["General"]["is_default"]
    assert "General (default)" in migrated("collections", "list").out
    assert migrated("groups", "list", "--json").data[0]["name"] == "Team"
    for arguments in (
        ("collections", "delete", "Panel"),
        ("collections", "delete", "Council"),
        ("groups", "delete", "Team"),
    ):
        assert migrated(*arguments).code == 0
    assert [one["name"] for one in migrated("collections", "list", "--json").data] == ["General"]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("collections", "show", "Nowhere"), 1, "There is no collection with this name."),
        (("collections", "add", "general"), 1, "already a collection called General"),
        (("collections", "add", "a\u202eb"), 1, "A name has 1 to 100 characters"),
        (("collections", "add", "half \udcff"), 1, "A name has 1 to 100 characters"),
        (("collections", "delete", "General"), 1, "Give it another name instead"),
        (("collections", "grant", "General", "read"), 2, "Name either a --person or a --group."),
        (("collections", "grant", "General", "read", "--person", "a", "--group", "b"), 2, "Name either a --person"),
        (("collections", "grant", "General", "all", "--person", "a"), 2, "is not one of"),
        (("collections", "grant", "General", "read", "--person", "nobody"), 1, "There is no user called nobody."),
        (("collections", "revoke", "General", "--group", "Nobody"), 1, "There is no group with this name."),
        (("groups", "delete", "half \udcff"), 1, "There is no group with this name."),
        (("groups", "add", ""), 1, "A name has 1 to 100 characters"),
    ],
)
def test_what_cannot_be_done_to_collections_and_groups_is_said(
    migrated: Shell, arguments: tuple[str, ...], code: int, says: str
) -> None:
    done = migrated(*arguments)
    assert (done.code, done.out) == (code, "")
    assert says in done.err
