"""`kyo documents`."""

import io
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from kyo_app.commands import ingest
from tests.shell import Shell


def ids_of(shell: Shell, *arguments: str) -> dict[str, str]:
    """Ids by title."""
    data = shell("documents", "list", *arguments, "--json").data
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
def test_what_is_to_be_read_again_must_be_said(shell: Shell, arguments: tuple[str, ...]) -> None:
    done = shell("documents", "reprocess", *arguments)
    assert (done.code, "--everything" in done.err) == (1, True)


def test_documents_are_archived_restored_and_deleted(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "canteen.txt").write_text("The canteen opens at noon.")
    shell("ingest", tmp_path / "canteen.txt", "--approve", "--no-daemon")
    canteen = ids_of(shell)["canteen"]
    assert shell("documents", "archive", canteen).err == "canteen is archived.\n"
    assert "canteen" not in shell("search", "canteen").out
    assert shell("documents", "restore", canteen).code == 0
    assert "canteen" in shell("search", "canteen").out
    monkeypatch.setattr(sys, "stdin", io.StringIO("n\n"))
    assert shell("documents", "delete", canteen).code == 130
    assert "canteen" in ids_of(shell)
    assert shell("documents", "delete", canteen, "--yes").err == "canteen is deleted.\n"
    assert "canteen" not in ids_of(shell)
    assert "canteen" in ids_of(shell, "--state", "deleted")
    [_, only] = shell("documents", "history", canteen).out.splitlines()
    assert re.match(r"1 +deleted +was approved .* deleted \d{4}-\d\d-\d\d \d\d:\d\d by ", only)


def test_what_is_no_id_is_told_where_ids_are(shell: Shell) -> None:
    done = shell("documents", "history", "1")
    assert (done.code, "'1' is not the id of a document; ids: `kyo documents list`" in done.err) == (2, True)


@pytest.mark.parametrize("meanwhile", ["replaced", "read again"])
def test_what_is_replaced_while_it_is_waited_for_has_not_failed(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    path, process = tmp_path / f"notice {meanwhile}.txt", ingest.process_here
    path.write_text(f"The notice that is {meanwhile} hangs in the hall.")

    def and_then(*arguments: Any) -> None:
        process(*arguments)
        if meanwhile == "replaced":
            path.write_text("Another notice hangs there now.")
            assert shell("ingest", path).code == 0
        else:
            [notice] = ids_of(shell, path.stem).values()
            assert "1 read again" in shell("documents", "reprocess", notice).err

    monkeypatch.setattr(ingest, "process_here", and_then)
    done = shell("ingest", path, "--approve", "--no-daemon", "--json")
    assert done.code == 0, done.err
    assert isinstance(done.data, dict)
    assert [(file["status"], file["problem"]) for file in done.data["files"]] == [("ready", None)]


def test_documents_of_somebody(ingested: Shell) -> None:
    ingested("users", "add", "petra", "--role", "employee")
    refused = ingested("documents", "reprocess", "--everything", "--as", "petra")
    assert (refused.code, "document:reprocess" in refused.err or "password" in refused.err) == (1, True)
