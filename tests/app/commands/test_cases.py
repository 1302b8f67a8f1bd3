"""`kyo cases` in this process: what people confirmed is written down, and `kyo eval` runs on it."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.database_role import DatabaseRole
from kyo_pipeline.kyo import open_kyo
from kyo_pipeline.services import evaluation_cases, indexing, library, reviewing, upkeep
from kyo_pipeline.settings import load_settings
from tests.shell import Shell

SUBJECTS = ("bicycle", "printer", "cafeteria", "elevator")


pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def run(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """An installation of its own. The system's temporary folder is not pytest's: servers are not let into that."""
    with tempfile.TemporaryDirectory(prefix="kyo-test-") as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield shell


@pytest.fixture
def cases(run: Shell) -> Shell:
    """A case about each of four documents."""
    kyo, pipeline = open_kyo(load_settings()), open_kyo(load_settings(), DatabaseRole.PIPELINE)
    for subject in SUBJECTS:
        words = f"The {subject} rules of the house were agreed upon in June. They are read aloud once a year."
        library.upload(kyo, OPERATOR, f"{subject}.txt", words.encode())
    claim = indexing.claim_name("0" * 16)
    for step in (indexing.parse, indexing.cut, indexing.embed, indexing.publish_ready):
        step(pipeline, claim)
    upkeep.refresh_weights(pipeline)
    for document in library.list_documents(kyo, OPERATOR).documents:
        reviewing.approve(kyo, OPERATOR, document.latest.id)
        question = f"When were the {document.title} rules agreed upon?"
        evaluation_cases.add(kyo, OPERATOR, question, [document.id], "in June")
    pipeline.close()
    kyo.close()
    return run


def test_kyo_eval_runs_on_what_was_exported(cases: Shell, tmp_path: Path) -> None:
    folder = tmp_path / "own-set"
    done = cases("cases", "export", folder, "--files")
    assert (done.code, done.out) == (0, "")
    assert "4 cases and 4 documents are in" in done.err
    for judged_by, option in (("passage", ()), ("document", ("--docs",))):
        found = cases("eval", folder, *option, "--json")
        assert found.code == 0, found.err
        assert (found.data["questions"], found.data["judged_by"]) == (len(SUBJECTS), judged_by)
        legs = {one["leg"]: one["scores"]["ndcg_at_10"] for one in found.data["legs"]}
        assert legs["lexical"] == 1, "each question has a word that one document alone has"
        [accuracy] = found.data["accuracy"]
        assert (accuracy["questions"], accuracy["among_answered"]) == (len(SUBJECTS), 1)
    assert "When were the bicycle rules agreed upon?" in cases("cases", "list").out
    assert cases("cases", "list", "--retired", "--json").data == []


def test_where_there_is_no_case_it_is_said(run: Shell, tmp_path: Path) -> None:
    done = run("cases", "export", tmp_path / "set")
    assert (done.code, done.out) == (1, "")
    assert "There is no case in the evaluation set" in done.err


def test_an_empty_list_says_so_and_how_to_fill_it(run: Shell) -> None:
    done = run("cases", "list")
    assert (done.code, "No case is in the set yet" in done.err) == (0, True)
    assert "left out" in run("cases", "list", "--retired").err
