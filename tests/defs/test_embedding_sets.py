"""The job that builds another embedding set, in this process: built, indexed, judged, and swapped in or not."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pytest
import wordllama

from kyo_pipeline import progress
from kyo_pipeline.db.engine import Database
from kyo_pipeline.definitions import defs
from kyo_pipeline.defs import embedding_sets as assets
from kyo_pipeline.defs import sensors
from kyo_pipeline.defs.jobs import reembed
from kyo_pipeline.defs.resources import KyoResource
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.database_role import DatabaseRole
from kyo_pipeline.domain.embedding_sets import SetFacts, SetState, Verdict
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import asking, following, indexing, library, reembedding, reviewing
from kyo_pipeline.services import embedding_sets as sets
from kyo_pipeline.settings import load_settings
from tests.adapters.model_server import ModelServer, Reply, Request, running

NAMES = ["otter", "heron", "lynx", "badger", "raven", "beaver", "falcon", "hare", "stoat", "weasel"]
PLACES = ["harbour", "garden", "attic", "cellar", "office", "garage", "kitchen", "tower", "bridge", "library"]
#: Documents, and what is asked about each.
RULES = {
    f"{name}-{number}": (f"Rule of the {name}: it stays in the {place} until {number}.", f"Where does the {name} stay?")
    for number, (name, place) in enumerate(zip(NAMES * 2, [*PLACES, *reversed(PLACES)], strict=True))
}


@dataclass
class Installation:
    """Documents that answer, and the rights of the pipeline."""

    kyo: Kyo
    pipeline: Kyo
    instance: dg.DagsterInstance
    folder: Path

    def run(self, steps: list[str] | None = None, **config: object) -> dg.ExecuteInProcessResult:
        ops = {"ops": {"candidate_vectors": {"config": config}}} if config else {}
        return defs.resolve_job_def(reembed.name).execute_in_process(
            instance=self.instance,
            run_config=ops,
            raise_on_error=False,
            asset_selection=[dg.AssetKey(step) for step in steps] if steps else None,
        )

    def newest(self) -> SetFacts:
        return next(iter(progress.known(self.pipeline).values()))

    def upload(self, name: str, content: str) -> None:
        document = library.upload(self.kyo, OPERATOR, name, content.encode()).document
        for step in (indexing.parse, indexing.cut, indexing.embed, indexing.publish_ready):
            step(self.pipeline, "run:1")
        reviewing.approve(self.kyo, OPERATOR, document.latest.id)

    def label(self, count: int) -> Path:
        """A KYO_EVAL_DIR of so many questions."""
        rows = list(RULES.items())[:count]
        self.folder.mkdir(exist_ok=True)
        lines = [
            json.dumps({"id": name, "title": name, "text": words, "meta": {"file": f"{name}.txt"}})
            for name, (words, _) in rows
        ]
        (self.folder / "corpus.jsonl").write_text("\n".join(lines))
        asked = [json.dumps({"id": f"q-{name}", "text": question}) for name, (_, question) in rows]
        (self.folder / "queries.jsonl").write_text("\n".join(asked))
        judged = [
            f"q-{name}\t{other}\t1"
            for name, _ in rows
            for other, _ in rows
            if other.split("-")[0] == name.split("-")[0]
        ]
        (self.folder / "qrels.tsv").write_text("\n".join(["query_id\tdoc_id\trelevance", *judged]))
        return self.folder


@pytest.fixture
def installation(stack: Kyo, own_database: str, instance: dg.DagsterInstance, tmp_path: Path) -> Iterator[Installation]:
    pipeline = replace(stack, db=Database(own_database, DatabaseRole.PIPELINE))
    made = Installation(stack, pipeline, instance, tmp_path / "labelled")
    for name, (words, _) in RULES.items():
        library.upload(stack, OPERATOR, f"{name}.txt", words.encode())
    for step in (indexing.parse, indexing.cut, indexing.embed, indexing.publish_ready):
        step(pipeline, "run:1")
    for document in library.list_documents(stack, OPERATOR).documents:
        reviewing.approve(stack, OPERATOR, document.latest.id)
    yield made
    pipeline.db.close()


@pytest.fixture
def labelled(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KYO_EVAL_DIR", str(installation.label(20)))


@pytest.fixture
def bad_model(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServer]:
    """An endpoint whose vectors have nothing to do with the texts."""
    chance = np.random.default_rng(1)

    def answer(request: Request) -> Reply:
        # Of a few directions only, so that what is far from the question is near to it now and then.
        return Reply([[*chance.normal(size=3).tolist(), *[0.0] * 381] for _ in request.body["inputs"]])

    with running(answer) as server:
        tokenizer = next(Path(wordllama.__file__).parent.glob("**/*tokenizer*.json"))
        monkeypatch.setenv("KYO_EMBEDDING_ENDPOINT", server.url)
        monkeypatch.setenv("KYO_EMBEDDING_MODEL", "all-MiniLM-L6-v2")
        monkeypatch.setenv("KYO_EMBEDDING_TOKENIZER", str(tokenizer))
        yield server


def metadata(result: dg.ExecuteInProcessResult, asset: str) -> dict[str, Any]:
    [event] = result.asset_materializations_for_node(asset)
    return {name: value.value for name, value in event.metadata.items()}


def made(result: dg.ExecuteInProcessResult) -> list[str]:
    return [
        event.materialization.asset_key.to_user_string()  # type: ignore[attr-defined]  # of a materialisation
        for event in result.get_asset_materialization_events()
        for event in [event.event_specific_data]
    ]


@pytest.mark.usefixtures("labelled")
def test_other_chunks_are_built_judged_and_answer(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHUNK_SIZE", "120")
    monkeypatch.setenv("KYO_EMBEDDING_TOKEN_PRICE", "2")
    result = installation.run()
    assert result.success
    assert made(result) == ["candidate_vectors", "candidate_index", "candidate_quality", "active_embedding_set"]
    built = metadata(result, "candidate_vectors")
    assert (built["files"], built["files_in_set"], built["percent_done"], built["failed"]) == (20, 20, 100, 0)
    assert built["passages_per_second"] > 0
    assert built["cost_in_all"] == pytest.approx(built["tokens_in_all"] * 2 / 1e6, abs=1e-4)
    judged = metadata(result, "candidate_quality")
    assert (judged["verdict"], judged["questions"]) == ("not worse", 20)
    assert "| nDCG@10 |" in judged["comparison"]
    assert "data:image/svg+xml;base64," in judged["comparison"]
    assert judged["ndcg_at_10"] > 0.5
    [check] = result.get_asset_check_evaluations()
    assert check.passed
    assert (installation.newest().state, installation.newest().verdict) == (SetState.ACTIVE, Verdict.NOT_WORSE)
    assert asking.search(installation.kyo, OPERATOR, "otter").embedding_set_id == installation.newest().id
    again = installation.run()
    assert made(again) == ["candidate_vectors"]
    assert metadata(again, "candidate_vectors")["files"] == 0


@pytest.mark.usefixtures("labelled")
def test_a_bad_model_is_kept_from_answering(
    installation: Installation, bad_model: ModelServer, resources: dict[str, KyoResource]
) -> None:
    before = progress.serving(installation.pipeline).id
    result = installation.run()
    assert not result.success
    [check] = result.get_asset_check_evaluations()
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert "fell from" in (check.description or "")
    assert "active_embedding_set" not in made(result)
    assert progress.serving(installation.pipeline).id == before
    assert metadata(result, "candidate_vectors")["model_calls"] == len(
        [one for one in bad_model.requests if len(one.body["inputs"]) > 1]
    )
    refused = installation.newest()
    assert (refused.state, refused.verdict) == (SetState.READY, Verdict.WORSE)
    with dg.build_sensor_context(instance=installation.instance, resources=resources) as context:
        assert isinstance(sensors.other_embedding_sets(context), dg.SkipReason)
    sets.activate(replace(installation.pipeline, settings=load_settings()), OPERATOR, refused.id, "I know better.")
    assert progress.serving(installation.pipeline).id == refused.id


@pytest.mark.parametrize("count", [0, 5])
def test_where_nobody_can_judge_an_admin_decides(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    if count:
        monkeypatch.setenv("KYO_EVAL_DIR", str(installation.label(count)))
    monkeypatch.setenv("CHUNK_SIZE", "120")
    result = installation.run()
    assert result.success
    [check] = result.get_asset_check_evaluations()
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert "KYO_EVAL_DIR" in (check.description or "")
    assert "active_embedding_set" not in made(result)
    assert installation.newest().state is SetState.READY


@pytest.mark.usefixtures("labelled")
def test_a_run_ends_after_its_time_and_the_next_one_goes_on(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHUNK_SIZE", "120")
    monkeypatch.setenv("KYO_REEMBED_MINUTES", "0.000001")
    monkeypatch.setattr(reembedding, "CHUNKS_A_TRANSACTION", 7)
    monkeypatch.setattr(assets, "SAY_SECONDS", 0.0)
    result = installation.run()
    assert made(result) == ["candidate_vectors"]
    assert metadata(result, "candidate_vectors")["files"] == 7
    said = installation.instance.fetch_observations(dg.AssetKey("candidate_vectors"), limit=9).records
    assert said[0].asset_observation is not None
    assert said[0].asset_observation.metadata["files_in_set"].value == 7
    monkeypatch.setenv("KYO_REEMBED_MINUTES", "1")
    assert made(installation.run())[-1] == "active_embedding_set"


@pytest.mark.usefixtures("labelled")
def test_everything_anew_by_the_same_model(installation: Installation) -> None:
    before = progress.serving(installation.pipeline)
    assert made(installation.run(begin_anew=True))[-1] == "active_embedding_set"
    after = progress.serving(installation.pipeline)
    assert (after.id > before.id, after.spec, after.cutting_id) == (True, before.spec, before.cutting_id)


def test_while_one_is_under_way_nothing_else_begins(installation: Installation) -> None:
    following.begin_anew(installation.pipeline, "by hand")
    result = installation.run(["candidate_vectors"], begin_anew=True)
    assert result.success
    assert len(progress.known(installation.pipeline)) == 2


def test_a_model_that_cannot_be_loaded_fails_the_run_and_nothing_else(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KYO_EMBEDDING_BACKEND", "local")
    monkeypatch.setenv("KYO_EMBEDDING_MODEL", str(tmp_path))
    assert not installation.run().success
    assert len(progress.known(installation.pipeline)) == 1
    assert asking.search(installation.kyo, OPERATOR, "otter").passages


# other_embedding_sets -------------------------------------------------------------------------------------------------


@pytest.fixture
def look(installation: Installation, resources: dict[str, KyoResource]) -> Callable[[], Any]:
    def run() -> Any:
        with dg.build_sensor_context(instance=installation.instance, resources=resources) as context:
            return sensors.other_embedding_sets(context)

    return run


def wanted(request: object) -> list[str]:
    assert isinstance(request, dg.RunRequest)
    assert request.asset_selection is not None
    return [key.to_user_string() for key in request.asset_selection if isinstance(key, dg.AssetKey)]


@pytest.mark.usefixtures("labelled")
def test_the_sensor_asks_for_what_is_missing_alone(
    installation: Installation, look: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    every = ["candidate_vectors", "candidate_index", "candidate_quality", "active_embedding_set"]
    assert isinstance(look(), dg.SkipReason)
    monkeypatch.setenv("CHUNK_SIZE", "120")
    for begin in range(4):
        assert wanted(look()) == every[begin:]
        assert installation.run([every[begin]]).success
    assert isinstance(look(), dg.SkipReason)
    installation.upload("new.txt", "The new one.")
    assert wanted(look()) == every  # for the way back
    installation.run()
    assert isinstance(look(), dg.SkipReason)


def test_the_sensor_waits_after_a_failure_and_beside_a_run(
    installation: Installation, look: Callable[[], Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KYO_EMBEDDING_BACKEND", "local")
    monkeypatch.setenv("KYO_EMBEDDING_MODEL", str(tmp_path))
    assert wanted(look())
    installation.run()
    assert isinstance(look(), dg.SkipReason)
    monkeypatch.setattr(sensors, "RETRY_SECONDS", 0.0)
    assert wanted(look())
    run = installation.instance.create_run_for_job(
        defs.resolve_job_def(reembed.name), status=dg.DagsterRunStatus.STARTED
    )
    assert isinstance(look(), dg.SkipReason)
    installation.instance.report_run_failed(run)
    assert wanted(look())


def test_the_sensor_frees_what_dead_runs_had_claimed(installation: Installation, look: Callable[[], Any]) -> None:
    begun = following.begin_anew(installation.pipeline, "by hand")

    class Killed(BaseException):
        pass

    def killed(_report: object) -> bool:
        raise Killed

    with pytest.raises(Killed):
        reembedding.work(installation.pipeline, "run:dead", killed)
    look()
    reembedding.work(installation.pipeline, "run:next", lambda _: True)
    assert progress.known(installation.pipeline)[begun.id].waiting == 0
