"""`kyo embeddings`, in this process, on an installation of its own."""

import io
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from kyo_app.commands import building, embeddings
from kyo_app.commands.building import is_done
from kyo_pipeline import progress
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.database_role import DatabaseRole
from kyo_pipeline.domain.embedding_sets import SetFacts, SetState, Verdict
from kyo_pipeline.errors import Conflict
from kyo_pipeline.kyo import Kyo, open_kyo
from kyo_pipeline.services import embedding_sets, health, indexing, library, reviewing
from kyo_pipeline.settings import load_settings
from tests import embedding_sets as made
from tests.fakes import PlainTextParser
from tests.shell import Shell

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def run(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))  # whoever is asked says nothing
    return replace(shell, before=("embeddings",))


@pytest.fixture
def pipeline(database: str) -> Iterator[Kyo]:
    """What Dagster's runs have, on the same database."""
    assert database
    kyo = replace(open_kyo(load_settings(), DatabaseRole.PIPELINE), parser=PlainTextParser())
    yield kyo
    kyo.close()


@pytest.fixture
def indexed(pipeline: Kyo, monkeypatch: pytest.MonkeyPatch) -> Kyo:
    """Two files that answer, and settings that ask for smaller chunks since."""
    app = open_kyo(load_settings())
    for number in range(2):
        content = f"Paragraph {number}: everybody has thirty days of leave in a calendar year. " * 20
        uploaded = library.upload(app, OPERATOR, f"leave {number}.txt", content.encode())
        reviewing.approve(app, OPERATOR, uploaded.document.latest.id)
    app.close()
    for step in (indexing.parse, indexing.cut, indexing.embed, indexing.publish_ready):
        step(pipeline, "run:1")
    monkeypatch.setenv("CHUNK_SIZE", "64")
    monkeypatch.setenv("CHUNK_OVERLAP", "8")
    return pipeline


@pytest.fixture
def sql(database: str) -> Iterator[Callable[..., None]]:
    engine = create_engine(database, connect_args={"options": "-csearch_path=kyo,public"})

    def execute(statement: str, **values: object) -> None:
        with engine.begin() as connection:
            connection.execute(text(statement), values)

    yield execute
    engine.dispose()


def states(kyo: Kyo) -> dict[int, str]:
    return {one.id: one.state.value for one in embedding_sets.overview(kyo, OPERATOR).sets}


# Looking --------------------------------------------------------------------------------------------------------------


def test_before_anything_is_indexed(run: Shell) -> None:
    done = run("list")
    assert done.code == 0
    assert "Nothing is indexed here yet" in done.out
    assert run("list", "--json").data == {"sets": [], "failures": {}, "is_requested": False, "price": None}
    refused = run("build")
    assert (refused.code, refused.out) == (1, "")
    assert "Nothing is indexed here yet" in refused.err


def test_what_there_is_and_how_far_it_is(
    run: Shell, indexed: Kyo, monkeypatch: pytest.MonkeyPatch, sql: Callable[..., None]
) -> None:
    monkeypatch.setenv("KYO_EMBEDDING_TOKEN_PRICE", "1000000")
    assert run("build").code == 0
    header, building_row, active_row = run("list").out.splitlines()
    assert header.split() == list(embeddings._HEADER)
    assert " building " in building_row
    assert " 64/8 " in building_row
    assert " 0/2 files, 0 % " in building_row
    assert " active " in active_row
    assert "wordllama/l2_supercat (builtin, 256)" in active_row
    assert " 2 files " in active_row
    made.finish(indexed)
    sql("update embedding_sets set problem = :text where id = 2", text="The model\x1b[31m is away.")
    sql(
        "update embedding_work set state = 'failed', error = 'Too long.' "
        "where version_id = (select id from document_versions where file_name = 'leave 1.txt')"
    )
    done = run("list")
    assert "1/2 files, 50 %" in done.out
    assert "Set 2 does not go on: The model [31m is away." in done.out
    assert "Set 2, 1 file failed:\n  leave 1.txt: Too long." in done.out
    data = run("list", "--json").data
    assert data["failures"] == {"2": [{"file_name": "leave 1.txt", "reason": "Too long."}]}
    assert [(one["id"], one["state"], one["chunk_size"]) for one in data["sets"]] == [
        (2, "ready", 64),
        (1, "active", 500),
    ]
    assert f"{data['sets'][0]['tokens']:,}.00" in done.out


# Building -------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("indexed")
def test_a_set_is_begun_and_who_builds_it_is_said(run: Shell) -> None:
    done = run("build", "--json")
    assert done.code == 0, done.err
    assert "Embedding set 2 is being built: wordllama/l2_supercat (builtin, 256), 2 files." in done.err
    assert "the pipeline builds it when KYO runs" in done.err
    assert (done.data["id"], done.data["state"]) == (2, "building")
    again = run("build")
    assert (again.code, again.out) == (1, "")
    assert "Embedding set 2 (wordllama/l2_supercat) is building already." in again.err


def test_nobody_waits_for_a_daemon_that_is_not_there(run: Shell, indexed: Kyo) -> None:
    done = run("build", "--wait")
    assert (done.code, done.out) == (3, "")
    assert "Start KYO with `kyo up`." in done.err
    assert "--no-daemon" not in done.err
    assert states(indexed) == {1: "active"}


@pytest.fixture
def daemon(indexed: Kyo, monkeypatch: pytest.MonkeyPatch) -> Callable[..., threading.Thread]:
    """Does what the daemon does, once a set is there; `deed` is what becomes of it then."""
    monkeypatch.setattr(building, "_POLL_SECONDS", 0.05)
    health.beat(indexed)

    def start(deed: Callable[[int], object]) -> threading.Thread:
        def build() -> None:
            deadline = time.monotonic() + 30
            while progress.next_step(indexed) is None and time.monotonic() < deadline:
                time.sleep(0.05)
            made.finish(indexed)
            deed(2)

        thread = threading.Thread(target=build)
        thread.start()
        return thread

    return start


def test_it_is_followed_until_it_answers(run: Shell, indexed: Kyo, daemon: Callable[..., threading.Thread]) -> None:
    def judge_and_activate(set_id: int) -> None:
        made.judge(indexed, set_id, Verdict.NOT_WORSE)
        time.sleep(0.2)  # ready and not worse is not the end
        embedding_sets.activate(indexed, OPERATOR, set_id)

    thread = daemon(judge_and_activate)
    done = run("build", "--wait", "--json")
    thread.join()
    assert done.code == 0, done.err
    assert done.data["state"] == "active"
    assert "passages" in done.err
    assert "Embedding set 2 answers now. `kyo embeddings rollback` goes back." in done.err


def test_it_is_followed_until_it_was_found_worse(
    run: Shell, indexed: Kyo, daemon: Callable[..., threading.Thread]
) -> None:
    thread = daemon(lambda set_id: made.judge(indexed, set_id, Verdict.WORSE, {"reasons": ["nDCG@10 fell."]}))
    done = run("build", "--wait")
    thread.join()
    assert (done.code, done.out) == (0, "")
    assert "Embedding set 2 is ready, and does not answer yet. It was found worse. nDCG@10 fell." in done.err


def test_one_that_is_given_up_is_waited_for_no_longer(
    run: Shell, indexed: Kyo, daemon: Callable[..., threading.Thread]
) -> None:
    thread = daemon(lambda set_id: embedding_sets.retire(indexed, OPERATOR, set_id))
    done = run("build", "--wait")
    thread.join()
    assert done.code == 1
    assert "Embedding set 2 was given up meanwhile: it is retired." in done.err


#: State, what else is known, whether it is activated once it is judged, and whether nothing more happens by itself.
ENDS: tuple[tuple[SetState, dict[str, Any], bool, bool], ...] = (
    (SetState.BUILDING, {}, True, False),
    (SetState.READY, {}, True, False),
    (SetState.READY, {"verdict": Verdict.NOT_WORSE}, True, False),
    (SetState.READY, {"verdict": Verdict.NOT_WORSE}, False, True),
    (SetState.READY, {"verdict": Verdict.NOT_WORSE, "failed": 1}, True, True),
    (SetState.READY, {"verdict": Verdict.NOT_WORSE, "problem": "No."}, True, True),
    (SetState.READY, {"verdict": Verdict.WORSE}, True, True),
    (SetState.READY, {"verdict": Verdict.UNJUDGED}, True, True),
    (SetState.ACTIVE, {}, True, True),
)


def test_when_nothing_more_happens_by_itself(indexed: Kyo) -> None:
    [one] = embedding_sets.overview(indexed, OPERATOR).sets
    for state, changes, judged, done in ENDS:
        at = datetime.now(timezone.utc) if "verdict" in changes else None
        assert is_done(replace(one, state=state, judged_at=at, **changes), judged) is done, (state, changes)
    for ended in (SetState.RETIRED, SetState.DROPPED):
        with pytest.raises(Conflict, match="given up meanwhile"):
            is_done(replace(one, state=ended), True)


# Activating, going back -----------------------------------------------------------------------------------------------


def built(kyo: Kyo, verdict: Verdict | None) -> SetFacts:
    embedding_sets.build(replace(kyo, settings=load_settings()), OPERATOR)
    made.finish(kyo)
    if verdict:
        made.judge(kyo, 2, verdict, {"reasons": ["nDCG@10 fell."]})
    return embedding_sets.overview(kyo, OPERATOR).sets[0]


def test_what_is_not_worse_is_activated_and_taken_back(run: Shell, indexed: Kyo) -> None:
    built(indexed, Verdict.NOT_WORSE)
    done = run("activate", "2")
    assert (done.code, done.out) == (0, "")
    model = "wordllama/l2_supercat (builtin, 256)"
    assert f"Embedding set 2 ({model}) answers now instead of 1 ({model})." in done.err
    assert states(indexed) == {2: "active", 1: "retired"}
    assert "retired, kept" in run("list").out
    back = run("rollback", "--reason", "Complaints.", "--json")
    assert (back.code, back.data["id"]) == (0, 1)
    assert states(indexed) == {2: "retired", 1: "active"}
    again = run("activate", "1", "--reason", "x", "--yes")
    assert (again.code, again.out) == (1, "")
    assert "answers questions already" in again.err


@pytest.mark.parametrize(
    ("verdict", "says"), [(Verdict.WORSE, "was found worse"), (Verdict.UNJUDGED, "was not judged")]
)
def test_any_other_needs_a_reason_and_asks(run: Shell, indexed: Kyo, verdict: Verdict, says: str) -> None:
    built(indexed, verdict)
    refused = run("activate", "2", "--yes")
    assert (refused.code, refused.out) == (1, "")
    assert "Use --reason TEXT." in refused.err
    unanswered = run("activate", "2", "--reason", "It reads German.")
    assert unanswered.code == 130
    assert f"Embedding set 2 {says}. Have it answer all the same?" in unanswered.err
    assert states(indexed)[2] == "ready"
    assert run("activate", "2", "--reason", "x" * 501, "--yes").code == 1
    assert run("activate", "2", "--reason", "It reads German.", "--yes").code == 0
    assert states(indexed)[2] == "active"


@pytest.mark.usefixtures("indexed")
def test_there_is_no_way_back_at_first(run: Shell) -> None:
    done = run("rollback")
    assert (done.code, done.out) == (1, "")
    assert "no embedding set to go back to" in done.err


# Giving up, dropping --------------------------------------------------------------------------------------------------


def test_a_set_is_given_up_resumed_and_dropped(run: Shell, indexed: Kyo) -> None:
    assert run("build").code == 0
    retired = run("retire", "2")
    assert (retired.code, retired.out) == (0, "")
    assert "`kyo embeddings build 2` goes on with it" in retired.err
    assert run("build", "2", "--json").data["state"] == "building"
    asked = run("drop", "2")
    assert asked.code == 130
    assert "for ever?" in asked.err
    assert states(indexed)[2] == "building"
    assert run("drop", "2", "--yes", "--json").data["state"] == "dropped"
    assert run("drop", "2").code == 0  # nothing is left to ask about
    for command in (["retire", "2"], ["build", "2"], ["activate", "2", "--reason", "x", "--yes"]):
        done = run(*command)
        assert (done.code, done.out) == (1, "")
        assert "is dropped" in done.err
    assert "set 1 answers questions" in run("drop", "1").err


@pytest.mark.usefixtures("indexed")
def test_an_unknown_set_is_said_in_a_sentence(run: Shell) -> None:
    for command in ("activate", "retire", "drop", "build"):
        for unknown in (4711, 10**30):
            done = run(command, str(unknown))
            assert (done.code, done.out) == (1, ""), done.err
            assert f"There is no embedding set {unknown}" in done.err
        for wrong in ("0", "-1", "two"):
            assert run(command, wrong).code == 2
