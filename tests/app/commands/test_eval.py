"""`kyo eval` in this process, on small sets with servers of its own, as somebody calls it from a shell."""

import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from kyo_pipeline.domain.database_role import DatabaseRole
from kyo_pipeline.kyo import open_kyo
from kyo_pipeline.services import indexing
from kyo_pipeline.settings import PROJECT_ROOT, load_settings
from tests.shell import Shell

SUBJECTS = ("bicycle", "printer", "cafeteria", "elevator", "parking", "holiday", "payroll", "laptop", "badge", "garden")


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The system's temporary folder, for this test alone. Not pytest's: as root, the server is not let into that."""
    with tempfile.TemporaryDirectory(prefix="kyo-test-") as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield Path(folder)


@pytest.fixture
def run(shell: Shell, temporary: Path) -> Iterator[Shell]:
    yield replace(shell, before=("eval",))
    assert list(temporary.iterdir()) == []  # nothing stays, whatever came of it


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Ten passages, each with a question that has its word and an answer; three more have no answer anywhere."""
    folder = tmp_path / "small"
    (folder / "docs").mkdir(parents=True)
    passages, questions = [], []
    for number, subject in enumerate(SUBJECTS):
        body = f"The {subject} rules of the house were agreed upon in {1990 + number}. They are read aloud once a year."
        meta = {"document": "even" if number % 2 == 0 else "odd"}
        passages.append({"id": f"p{number}", "title": subject.title(), "text": body, "meta": meta})
        asked = f"When were the {subject} rules agreed upon?"
        questions.append({"id": f"q{number}", "text": asked, "answers": [str(1990 + number)], "meta": meta})
    for number in range(3):
        asked = f"Which zebra number {number} won the xylophone contest?"
        questions.append({"id": f"u{number}", "text": asked, "meta": {"answerable": False, "document": "odd"}})
    _write(folder / "corpus.jsonl", passages)
    _write(folder / "queries.jsonl", questions)
    judgements = [f"q{number}\tp{number}\t1" for number in range(len(SUBJECTS))]
    (folder / "qrels.tsv").write_text("\n".join(["query_id\tdoc_id\trelevance", *judgements]))
    for name, rest in (("even", 0), ("odd", 1)):
        (folder / "docs" / f"{name}.txt").write_text("\n\n".join(str(one["text"]) for one in passages[rest::2]))
    (folder / "docs" / "picture.png").write_bytes(b"\x89PNG")
    return folder


def _write(path: Path, rows: list[dict[str, object]]) -> None:
    path.write_text("\n".join(map(json.dumps, rows)))


@pytest.fixture
def own_database(database: str) -> str:
    """An installation: its documents are embedded with the built-in model, and there are none yet."""
    kyo = open_kyo(load_settings(), DatabaseRole.PIPELINE)
    indexing.serving_set(kyo)
    kyo.close()
    return database


def _tuned(url: str) -> tuple[float, float]:
    engine = create_engine(url)
    with engine.connect() as connection:
        row = connection.execute(text("select dense_weight, similarity_threshold from kyo.embedding_sets")).one()
    engine.dispose()
    return row.dense_weight, row.similarity_threshold


def test_a_set_is_scored_and_printed_as_tables(run: Shell, folder: Path) -> None:
    done = run(folder)
    assert done.code == 0
    legs = {
        line.split()[0]: line.split()[1:] for line in done.out.splitlines() if line[:5] in ("lexic", "dense", "fused")
    }
    assert legs["lexical"] == ["1.0000"] * 4  # each question has a word that one passage alone has
    assert legs.keys() == {"lexical", "dense", "fused"}
    assert "judged by passage" in done.out
    assert "0 of 3" in done.out  # of the questions that have no answer, none was answered
    assert "answer string within the quotes" in done.out
    assert "Embedding" in done.err  # progress goes where it is in nobody's way
    assert "Embedding " not in done.out


def test_values_fitted_within_documents_are_printed_and_given_to_the_installation(
    run: Shell, folder: Path, own_database: str
) -> None:
    before = _tuned(own_database)
    done = run(folder, "--within", "document", "--fit", "--apply", "--limit-queries", "6", "--json")
    assert done.code == 0
    assert [one["scores"]["recall_at_10"] for one in done.data["legs"]] == [1, 1, 1]  # five passages a document
    assert done.data["questions"] == 6
    fitted = {one["parameter"]: one for one in done.data["fitted"]}
    assert list(fitted) == ["dense weight", "similarity threshold", "refusal limit"]
    assert len(fitted["dense weight"]["chosen_in_folds"]) == 5
    assert _tuned(own_database) == pytest.approx(
        (fitted["dense weight"]["fitted"], fitted["similarity threshold"]["fitted"])
    )
    assert f"until now {before[0]:g}" in done.err


def test_original_files_are_judged_by_document_and_foreign_questions_are_refused(
    run: Shell, folder: Path, tmp_path: Path
) -> None:
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    _write(foreign / "corpus.jsonl", [{"id": "z", "text": "Zebras play the xylophone."}])
    _write(foreign / "queries.jsonl", [{"id": "q0", "text": "What do zebras play?"}])
    (foreign / "qrels.tsv").write_text("header\nq0\tz\t1")
    done = run(folder, "--docs", "--foreign", foreign, "--limit-queries", "4", "--json")
    assert done.code == 0
    found = done.data
    assert (found["judged_by"], found["passages"]) == ("document", 2)
    assert found["legs"][0]["leg"] == "lexical"
    assert found["legs"][0]["scores"]["recall_at_10"] == 1
    assert [name for name, _ in found["failed"]] == ["picture.png"]
    assert found["refusal"]["foreign"] is True
    assert found["refusal"]["unanswerable"] == 3 + 1
    assert found["refusal"]["answered_although_unanswerable"] == 0


@pytest.mark.parametrize(
    ("file", "content", "arguments", "complaint"),
    [
        ("corpus.jsonl", None, [], "corpus.jsonl is missing"),
        ("corpus.jsonl", '{"id": "p0", "text": "x"}\n{oops', [], "corpus.jsonl, line 2: this is not JSON."),
        ("qrels.tsv", "header\nq0\tnowhere\t1", [], "qrels.tsv, line 2: there is no 'nowhere' in corpus.jsonl."),
        ("qrels.tsv", "header\nq0\tp0\t0", [], "no question has a relevant passage"),
        ("queries.jsonl", '{"id": "q0", "text": "?"}', ["--within", "document"], "of question 'q0' names no document"),
    ],
)
def test_a_bad_set_is_refused_in_a_sentence(
    run: Shell, folder: Path, file: str, content: str | None, arguments: list[str], complaint: str
) -> None:
    (folder / "qrels.tsv").write_text("header\nq0\tp0\t1")
    path = folder / file
    path.unlink()
    if content is not None:
        path.write_text(content)
    done = run(folder, *arguments)
    assert (done.code, done.out) == (1, "")
    assert complaint in done.err


def test_a_set_without_originals_cannot_be_evaluated_by_them(run: Shell, folder: Path) -> None:
    for path in (folder / "docs").iterdir():
        path.unlink()
    done = run(folder, "--docs")
    assert done.code == 1
    assert "there are no original files" in done.err


def test_originals_of_which_none_can_be_read_are_refused_with_a_reason(run: Shell, folder: Path) -> None:
    for path in (folder / "docs").glob("*.txt"):
        path.unlink()
    done = run(folder, "--docs")
    assert done.code == 1
    assert "there is no text in it (picture.png: " in done.err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--apply"], "--apply needs --fit"),
        (["--docs", "--within", "document"], "--within cannot be used with --docs or --foreign"),
        (["--foreign", ".", "--within", "document"], "--within cannot be used with --docs or --foreign"),
        (["--limit-queries", "0"], "--limit-queries"),
        (["--backend", "magic"], "magic"),
    ],
)
def test_a_wrong_command_line_is_refused(run: Shell, folder: Path, arguments: list[str], complaint: str) -> None:
    done = run(folder, *arguments)
    assert done.code == 2
    assert complaint in done.err


def test_values_are_not_fitted_for_documents_in_another_space(run: Shell, folder: Path, own_database: str) -> None:
    engine = create_engine(own_database)
    with engine.begin() as connection:
        connection.execute(text("update kyo.embedding_sets set model = 'another'"))
    engine.dispose()
    done = run(folder, "--fit", "--apply")
    assert done.code == 1
    assert "another" in done.err
    assert "Embedding " not in done.err  # it was found out before the work


def test_without_the_evaluator_its_extra_is_named(run: Shell, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pytrec_eval", None)
    done = run(folder)
    assert done.code == 3
    assert "extra `eval`" in done.err


def test_ctrl_c_leaves_nothing_behind(folder: Path, tmp_path: Path, temporary: Path) -> None:
    variables = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(PROJECT_ROOT), "TMPDIR": str(temporary)}
    with subprocess.Popen(
        [sys.executable, "-m", "kyo_app.cli", "eval", str(folder)],
        env=variables | {"KYO_HOME": str(tmp_path / "home")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
    ) as process:
        deadline = time.monotonic() + 60
        while not list(temporary.glob("kyo-apart-*/home/postgres/postmaster.pid")) and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, b"")
    assert list(temporary.iterdir()) == []
