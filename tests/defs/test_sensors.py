import os
import time
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from kyo_pipeline.adapters.inbox import SETTLE_SECONDS
from kyo_pipeline.db import claims
from kyo_pipeline.definitions import defs
from kyo_pipeline.defs import sensors
from kyo_pipeline.defs.jobs import ingest
from kyo_pipeline.defs.resources import KyoResource
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.documents import VersionStatus
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import indexing, library


@pytest.fixture
def evaluate(
    stack: Kyo, instance: dg.DagsterInstance, resources: dict[str, KyoResource], monkeypatch: pytest.MonkeyPatch
) -> Any:
    """Evaluates a sensor once; it waits for a fifth of a second where it would for most of a minute."""
    assert stack
    monkeypatch.setattr(sensors, "WAIT_SECONDS", 0.2)

    def run(sensor: dg.SensorDefinition) -> Any:
        with dg.build_sensor_context(instance=instance, resources=resources) as context:
            return sensor(context)

    return run


def started(instance: dg.DagsterInstance, status: dg.DagsterRunStatus) -> dg.DagsterRun:
    return instance.create_run_for_job(defs.resolve_job_def(ingest.name), status=status)


# waiting_files --------------------------------------------------------------------------------------------------------


def test_a_waiting_file_starts_a_run(stack: Kyo, evaluate: Any) -> None:
    library.upload(stack, OPERATOR, "a.txt", b"text")
    requested = evaluate(sensors.waiting_files)
    assert isinstance(requested, dg.RunRequest)
    assert requested.tags["kyo/files_waiting"] == "1"


def test_without_files_it_waits_and_skips(evaluate: Any) -> None:
    began = time.monotonic()
    assert isinstance(evaluate(sensors.waiting_files), dg.SkipReason)
    assert time.monotonic() - began >= 0.2


@pytest.mark.parametrize("status", [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING])
def test_while_a_run_is_beginning_no_second_one_is_started(
    stack: Kyo, evaluate: Any, instance: dg.DagsterInstance, status: dg.DagsterRunStatus
) -> None:
    library.upload(stack, OPERATOR, "a.txt", b"text")
    started(instance, status)
    assert isinstance(evaluate(sensors.waiting_files), dg.SkipReason)


def test_what_a_dead_run_had_claimed_starts_a_run(stack: Kyo, evaluate: Any, instance: dg.DagsterInstance) -> None:
    library.upload(stack, OPERATOR, "a.txt", b"broken")
    dead = started(instance, dg.DagsterRunStatus.FAILURE)
    with stack.db.transaction(OPERATOR) as tx:
        until = stack.now() + indexing.LEASE
        claims.claim(tx, VersionStatus.UPLOADED, indexing.claim_name(dead.run_id), 10, stack.now(), until)
    assert indexing.count_waiting(stack) == 0
    assert isinstance(evaluate(sensors.waiting_files), dg.RunRequest)


def test_a_database_that_is_away_is_a_reason_to_skip(
    evaluate: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql://kyo@/kyo?host={tmp_path}")
    skipped = evaluate(sensors.waiting_files)
    assert isinstance(skipped, dg.SkipReason)
    assert "database does not answer" in (skipped.skip_message or "")


# inbox_files ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def inbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    monkeypatch.setenv("KYO_INBOX", str(folder))
    return folder


def put(path: Path, content: bytes, age: float = 60) -> None:
    path.write_bytes(content)
    os.utime(path, (time.time() - age,) * 2)


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_files_are_taken_refused_with_a_note_or_left_alone(stack: Kyo, evaluate: Any, inbox: Path) -> None:
    put(inbox / "good.txt", b"text")
    put(inbox / "picture.txt", b"\x89PNG\r\n\x1a\n" + b"\x00" * 40)
    put(inbox / "empty.txt", b"")
    put(inbox / "growing.txt", b"half of it", age=SETTLE_SECONDS / 4)
    put(inbox / ".hidden.txt", b"text")
    (inbox / "folder").mkdir()

    assert evaluate(sensors.inbox_files).skip_message == "1 files taken, 2 refused."

    assert files(inbox) == [
        ".hidden.txt",
        "accepted/good.txt",
        "growing.txt",
        "refused/empty.txt",
        "refused/empty.txt.reason.txt",
        "refused/picture.txt",
        "refused/picture.txt.reason.txt",
    ]
    assert "a picture" in (inbox / "refused/picture.txt.reason.txt").read_text()
    [document] = library.list_documents(stack, OPERATOR).documents
    assert (document.latest.file_name, document.latest.uploaded_by) == ("good.txt", OPERATOR.id)
    assert evaluate(sensors.inbox_files).skip_message == "Nothing new."


def test_the_same_file_again_is_taken_and_changes_nothing(stack: Kyo, evaluate: Any, inbox: Path) -> None:
    for _ in range(2):
        put(inbox / "good.txt", b"text")
        evaluate(sensors.inbox_files)
    assert files(inbox) == ["accepted/good (2).txt", "accepted/good.txt"]
    assert library.list_documents(stack, OPERATOR).total == 1


@pytest.mark.parametrize("name", [b"\xff\xfe.txt", b"new\nline.txt", "Übersicht 🙂.txt".encode(), b"$(reboot).txt"])
def test_hostile_names_are_taken_as_names(stack: Kyo, evaluate: Any, inbox: Path, name: bytes) -> None:
    put(inbox / os.fsdecode(name), b"text")
    put(inbox / os.fsdecode(b"bad " + name), b"")
    assert evaluate(sensors.inbox_files).skip_message == "1 files taken, 1 refused."
    assert library.list_documents(stack, OPERATOR).total == 1


def test_without_an_inbox_there_is_nothing_to_do(evaluate: Any) -> None:
    assert evaluate(sensors.inbox_files).skip_message == "Nothing new."


def test_an_inbox_that_has_gone_is_a_reason_to_skip(evaluate: Any, inbox: Path) -> None:
    inbox.rmdir()
    assert "cannot be read" in evaluate(sensors.inbox_files).skip_message


def test_a_file_that_cannot_be_read_is_left_and_does_not_keep_the_others_waiting(
    stack: Kyo, evaluate: Any, inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(inbox / "a.txt", b"text", age=90)
    put(inbox / "b.txt", b"text")
    real = Path.open

    def denied(path: Path, *args: Any, **options: Any) -> Any:
        if path.name == "a.txt":
            raise PermissionError(13, "Permission denied")
        return real(path, *args, **options)

    monkeypatch.setattr(Path, "open", denied)  # root may read everything, so the rights of the file would not do
    evaluate(sensors.inbox_files)
    assert files(inbox) == ["a.txt", "accepted/b.txt"]
    assert library.list_documents(stack, OPERATOR).total == 1
