"""The nights that are measured: good ones, worse ones, and those in which nothing can be said."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter

from kyo_pipeline.db import evaluation_cases
from kyo_pipeline.domain.actor import OPERATOR, Actor
from kyo_pipeline.domain.known_questions import CASES, FOLDER, LIKED
from kyo_pipeline.domain.quality import QualityRun
from kyo_pipeline.errors import Conflict, Forbidden, Invalid, NotFound, Unavailable
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import asking, history, quality
from tests.conftest import Clock
from tests.fakes import OtherEmbedder
from tests.office import OFFICE, UNANSWERABLE, labelled, open_office

Sql = Callable[..., list[Any]]


@pytest.fixture
def measured(pipeline: Kyo, tmp_path: Path) -> Kyo:
    """Documents that answer, and as many questions about them."""
    open_office(pipeline)
    return labelled(pipeline, tmp_path, len(OFFICE))


def night(kyo: Kyo, clock: Clock) -> QualityRun:
    clock.advance(days=1)
    found = quality.run(kyo, OPERATOR).run
    assert found is not None
    return found


def worse(kyo: Kyo) -> Kyo:
    """Nothing is found by what it means: all vectors of questions are the same."""

    class Dull(OtherEmbedder):
        def embed_query(self, text: str) -> Any:  # noqa: ARG002 — the port's signature
            return np.ones(self.spec.dimensions, dtype=np.float32)

    with kyo.db.transaction(OPERATOR) as tx:
        tx.exec_driver_sql("update embedding_sets set dense_weight = 1.0")
    return replace(kyo, embedder=Dull(kyo.embedder, kyo.embedder.spec))


def test_a_night_keeps_figures_of_all_and_by_origin(
    measured: Kyo, clock: Clock, audited: Callable[[], list[str]], sql: Sql
) -> None:
    found = night(measured, clock)
    assert (found.figures.questions, found.figures.unanswerable, found.left_out) == (len(OFFICE), 2, 1)
    assert found.figures.ndcg_at_10 is not None
    assert found.figures.ndcg_at_10 > 0.9
    assert found.figures.mrr_at_10 is not None
    assert found.figures.answered_wrongly == 0
    assert found.figures.p50_ms is not None
    assert found.figures.p95_ms is not None
    assert 0 < found.figures.p50_ms <= found.figures.p95_ms
    assert list(found.origins) == [FOLDER]
    assert (found.nights, found.drops, found.has_dropped) == (0, (), False)
    assert (found.conditions.model, found.conditions.chunks) == (measured.embedder.spec.model, len(OFFICE))
    assert "quality:run" in audited()
    assert sql("select count(*) from quality_scores") == [(len(OFFICE) + 2,)]
    assert quality.history(measured, OPERATOR) == (found,)


def test_the_same_documents_are_as_good_every_night(measured: Kyo, clock: Clock) -> None:
    runs = [night(measured, clock) for _ in range(3)]
    assert [one.nights for one in runs] == [0, 1, 2]
    assert [one.drops for one in runs] == [()] * 3
    assert runs[-1].shared == len(OFFICE) + 2
    assert [one.id for one in quality.history(measured, OPERATOR, 2)] == [runs[2].id, runs[1].id]


def test_what_became_worse_is_told_until_it_is_good_again_or_accepted(
    measured: Kyo, kyo: Kyo, admin: Actor, clock: Clock, audited: Callable[[], list[str]], sql: Sql
) -> None:
    good = [night(measured, clock) for _ in range(2)]
    bad = worse(measured)
    fell = [night(bad, clock) for _ in range(9)]
    for one in fell:
        assert one.has_dropped
        assert one.drops[0].measure == "nDCG@10"
        assert one.drops[0].since == fell[0].at
        assert "dense weight" in one.drops[0].sentence
        assert one.nights == len(good)
    assert quality.accept(kyo, admin).id == fell[-1].id
    assert "quality:accept" in audited()
    with pytest.raises(Conflict, match="nothing to accept"):
        quality.accept(kyo, admin)
    after = night(bad, clock)
    assert (after.nights, after.drops) == (1, ())
    weight = measured.embedder.spec.dense_weight
    sql("update embedding_sets set dense_weight = :weight", weight=weight)
    assert not night(measured, clock).drops


def test_no_question_is_kept_in_words(measured: Kyo, clock: Clock, caplog: pytest.LogCaptureFixture, sql: Sql) -> None:
    caplog.set_level(logging.DEBUG)
    found = night(measured, clock)
    kept = sql("select r.*, s.* from quality_runs r join quality_scores s on s.run_id = r.id")
    kept += sql("select details from audit_log")
    said = " ".join([caplog.text, str(kept), TypeAdapter(QualityRun).dump_json(found).decode()]).casefold()
    names = [name for name, _, _ in OFFICE if f"'{name}'" in said or f'"{name}"' in said]
    assert (names, [one for *_, one in OFFICE if one.casefold() in said]) == ([], [])
    assert [one for one in UNANSWERABLE if one.casefold() in said] == []


def test_what_fails_tells_no_question_and_keeps_nothing(measured: Kyo, clock: Clock, sql: Sql) -> None:
    broken = OtherEmbedder(measured.embedder, measured.embedder.spec, broken=ValueError(f"No: {OFFICE[3][2]}"))
    broken.calls_left = 4
    with pytest.raises(RuntimeError) as caught:
        night(replace(measured, embedder=broken), clock)
    assert str(caught.value) == "A question could not be asked: ValueError."
    assert caught.value.__suppress_context__
    broken.broken = Unavailable("The model is away.")
    with pytest.raises(Unavailable, match="The model is away"):
        night(replace(measured, embedder=broken), clock)
    assert sql("select count(*) from quality_runs") == [(0,)]


def test_a_few_questions_measure_nothing(pipeline: Kyo, tmp_path: Path, sql: Sql) -> None:
    open_office(pipeline)
    found = quality.run(labelled(pipeline, tmp_path, 3), OPERATOR)
    assert (found.run, found.known) == (None, 3)
    assert found.reason.startswith("Not measured: 3 of at least 20 questions are known. Confirm answers")
    assert sql("select count(*) from quality_runs") == [(0,)]


def test_before_anything_is_indexed_nothing_is_measured(pipeline: Kyo) -> None:
    found = quality.run(pipeline, OPERATOR)
    assert (found.run, found.reason) == (None, "Not measured: nothing is indexed here yet.")


def test_a_folder_that_cannot_be_read_is_named(measured: Kyo, tmp_path: Path) -> None:
    (tmp_path / "qrels.tsv").unlink()
    with pytest.raises(Invalid, match=r"qrels\.tsv is missing"):
        quality.run(measured, OPERATOR)


def test_cases_liked_and_labelled_questions_are_kept_apart(
    kyo: Kyo, measured: Kyo, employee: Actor, admin: Actor, clock: Clock, sql: Sql
) -> None:
    for _, _, question in OFFICE[:3]:
        history.rate(kyo, employee, asking.ask(kyo, employee, question).id, 1)
    [(bicycles,)] = sql("select id from documents where title = 'Bicycles'")
    with kyo.db.transaction(admin) as tx:
        # In other letters than it was liked in: it is the same question, and counts as a case alone.
        assert evaluation_cases.add(tx, OFFICE[0][2].upper(), [bicycles], "", kyo.now())
    found = night(measured, clock)
    assert {name: one.questions for name, one in found.origins.items()} == {
        CASES: 1,
        FOLDER: len(OFFICE),
        LIKED: 2,
    }
    assert found.figures.questions == len(OFFICE) + 3


def test_scores_of_questions_go_after_a_while_and_figures_stay(
    measured: Kyo, clock: Clock, sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kyo_pipeline.db.quality.KEPT", 2)
    runs = [night(measured, clock) for _ in range(4)]
    left = [row[0] for row in sql("select distinct run_id from quality_scores order by 1")]
    assert left == [one.id for one in runs[2:]]
    assert len(quality.history(measured, OPERATOR)) == 4


def test_the_order_that_people_get_is_measured_with_the_reranker(measured: Kyo, clock: Clock) -> None:
    class LastFirst:
        def rerank(self, question: str, texts: Sequence[str]) -> list[float]:  # noqa: ARG002 — the port's signature
            return [float(place) for place, _ in enumerate(texts)]

    class Away:
        def rerank(self, question: str, texts: Sequence[str]) -> list[float]:
            raise Unavailable(f"No answer to {question!r} about {len(texts)}.")

    good = night(measured, clock)
    bad = night(replace(measured, reranker=LastFirst()), clock)
    assert good.figures.mrr_at_10 is not None
    assert bad.figures.mrr_at_10 is not None
    assert bad.figures.mrr_at_10 < good.figures.mrr_at_10 / 2
    assert "MRR@10" in [drop.measure for drop in bad.drops]
    with pytest.raises(Unavailable):  # figures of the search's order must not pass for those of the reranker's
        night(replace(measured, reranker=Away()), clock)


def test_progress_is_told(measured: Kyo) -> None:
    heard: list[tuple[int, int]] = []
    quality.run(measured, OPERATOR, lambda done, total: heard.append((done, total)))
    total = len(OFFICE) + 2
    assert heard == [(number, total) for number in range(1, total + 1)]


def test_managers_read_the_nights_and_admins_accept(
    kyo: Kyo, measured: Kyo, employee: Actor, manager: Actor, admin: Actor, clock: Clock
) -> None:
    with pytest.raises(NotFound, match="Nothing has been measured"):
        quality.accept(kyo, admin)
    found = night(measured, clock)
    assert quality.history(kyo, manager) == quality.history(kyo, admin) == (found,)
    with pytest.raises(Forbidden):
        quality.history(kyo, employee)
    with pytest.raises(Forbidden):
        quality.accept(kyo, manager)
    with pytest.raises(Conflict):
        quality.accept(kyo, admin)


def test_without_the_role_of_the_pipeline_nobody_measures(kyo: Kyo, measured: Kyo) -> None:
    with pytest.raises(Forbidden):
        quality.run(replace(measured, db=kyo.db), OPERATOR)


def test_a_night_of_a_month_ago_is_no_norm(measured: Kyo, clock: Clock) -> None:
    night(measured, clock)
    clock.time += timedelta(days=31)
    assert night(measured, clock).nights == 0
