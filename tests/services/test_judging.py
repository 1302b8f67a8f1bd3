"""Judging a set beside the one that serves, on real texts in the real database: good models and bad ones."""

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter
from sqlalchemy import text

from kyo_pipeline.adapters.models import OpenedModel
from kyo_pipeline.db import chunks, embedding_sets
from kyo_pipeline.db.embedding_sets import EmbeddingSet
from kyo_pipeline.domain.actor import OPERATOR, Actor
from kyo_pipeline.domain.embedding import ModelSource
from kyo_pipeline.domain.embedding_sets import Storage, Verdict
from kyo_pipeline.domain.judging import Judgement
from kyo_pipeline.domain.ports import Embedder, Tokenizer, Vectors
from kyo_pipeline.errors import Forbidden, Invalid, Unavailable
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import asking, following, history, judging, reembedding
from tests.fakes import MemoryCache, OtherEmbedder
from tests.office import OFFICE, RUN, UNANSWERABLE, labelled, open_office


@dataclass
class RandomEmbedder:
    """A bad model: what it says of a text has nothing to do with it, but is always the same."""

    inner: Embedder
    asked: list[str] = field(default_factory=list)

    @property
    def spec(self) -> Any:
        return replace(self.inner.spec, model="random", dense_weight=1.0)

    @property
    def tokenizer(self) -> Tokenizer:
        return self.inner.tokenizer

    def embed_passages(self, texts: Any) -> Vectors:
        return np.stack([self._vector(f"passage: {one}") for one in texts])

    def embed_query(self, text: str) -> Vectors:
        return self._vector(f"query: {text}")

    def _vector(self, words: str) -> Vectors:
        seed = int.from_bytes(hashlib.sha256(words.encode()).digest()[:8], "big")
        vector = np.random.default_rng(seed).normal(size=self.spec.dimensions).astype(np.float32)
        return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)


@pytest.fixture(autouse=True)
def office(pipeline: Kyo) -> None:
    """All documents are there, approved and indexed."""
    open_office(pipeline)


@pytest.fixture
def active(pipeline: Kyo) -> EmbeddingSet:
    with pipeline.db.transaction(OPERATOR) as tx:
        found = embedding_sets.active(tx)
    assert found is not None
    return found


@pytest.fixture
def candidate(pipeline: Kyo, active: EmbeddingSet) -> Callable[[Embedder], EmbeddingSet]:
    """Builds a set with this model beside the active one, of the same chunks."""

    def build(model: Embedder) -> EmbeddingSet:
        source = ModelSource("local", model.spec.model)
        pipeline.models.give(source, OpenedModel(model, pipeline.generator))
        with pipeline.db.transaction(OPERATOR) as tx:
            made = embedding_sets.begin(tx, model.spec, active.cutting, source, Storage.VECTOR, pipeline.now())
            versions = tx.scalars(text("select id from document_versions")).all()
            waiting = chunks.waiting(tx, made.id, made.cutting_id, versions)
            vectors = model.embed_passages([one.indexed_text for one in waiting])
            chunks.replace_vectors(tx, made.id, [one.id for one in waiting], vectors)
            embedding_sets.build_index(tx, made.id, None, None)
        return made

    return build


@pytest.fixture
def folder(pipeline: Kyo, tmp_path: Path) -> Callable[[int], Kyo]:
    """Kyo with a KYO_EVAL_DIR of the first so many questions, two without an answer, and one about what is not here."""

    def write(count: int) -> Kyo:
        return labelled(pipeline, tmp_path, count)

    return write


Candidate = Callable[[Embedder], EmbeddingSet]
Folder = Callable[[int], Kyo]


def twin(embedder: Embedder, **values: Any) -> OtherEmbedder:
    """The same vectors under another name."""
    return OtherEmbedder(embedder, replace(embedder.spec, model="twin"), **values)


def test_a_twin_is_not_worse(folder: Folder, active: EmbeddingSet, candidate: Candidate, embedder: Embedder) -> None:
    found = judging.judge(folder(len(OFFICE)), OPERATOR, active, candidate(twin(embedder)))
    assert (found.verdict, found.overlap) == (Verdict.NOT_WORSE, 1.0)
    assert (found.questions, found.unanswerable, found.left_out) == (len(OFFICE), len(UNANSWERABLE), 1)
    assert found.sources == {"KYO_EVAL_DIR": len(OFFICE)}
    times = {"p50_ms": None, "p95_ms": None}
    assert replace(found.active, **times) == replace(found.candidate, **times)
    assert found.active.ndcg_at_10 is not None
    assert found.active.ndcg_at_10 > 0.9
    assert found.active.answered_wrongly == 0
    for side in (found.active, found.candidate):
        assert side.p50_ms is not None
        assert side.p95_ms is not None
        assert 0 < side.p50_ms <= side.p95_ms


def test_a_model_that_understands_nothing_is_worse(
    folder: Folder, active: EmbeddingSet, candidate: Candidate, embedder: Embedder
) -> None:
    found = judging.judge(folder(len(OFFICE)), OPERATOR, active, candidate(RandomEmbedder(embedder)))
    assert found.verdict is Verdict.WORSE
    assert found.reasons[0].startswith("nDCG@10 fell from ")
    assert found.overlap is not None
    assert found.overlap < 0.8
    assert found.candidate.refused_wrongly is not None
    assert found.active.refused_wrongly is not None
    assert found.candidate.refused_wrongly > found.active.refused_wrongly
    adapter = TypeAdapter(Judgement)
    assert adapter.validate_json(adapter.dump_json(found)) == found


def test_sets_that_are_cut_otherwise_are_judged_by_what_the_judgements_name(
    pipeline: Kyo, folder: Folder, active: EmbeddingSet
) -> None:
    """The same model over smaller pieces: no chunk of one set is a chunk of the other."""
    kyo = folder(len(OFFICE))
    kyo = replace(kyo, settings=kyo.settings.model_copy(update={"CHUNK_SIZE": 32, "CHUNK_OVERLAP": 0}))
    made = following.begin_anew(kyo, "Smaller pieces.")
    [report] = reembedding.work(kyo, RUN, lambda _: True)
    assert report.versions == len(OFFICE)
    reembedding.finish(kyo, made.id, None, None)
    with pipeline.db.transaction(OPERATOR) as tx:
        counts = tx.scalars(text("select count(*) from chunks group by cutting_id order by 1")).all()
    assert made.cutting_id != active.cutting_id
    assert counts == [len(OFFICE), len(OFFICE) + 1]
    found = judging.judge(kyo, OPERATOR, active, made)
    assert found.verdict is Verdict.NOT_WORSE
    assert found.overlap is not None
    assert found.overlap > 0.8


def test_a_few_questions_judge_nothing(
    folder: Folder, active: EmbeddingSet, candidate: Candidate, embedder: Embedder
) -> None:
    found = judging.judge(folder(19), OPERATOR, active, candidate(RandomEmbedder(embedder)))
    assert (found.verdict, found.questions) == (Verdict.UNJUDGED, 19)
    assert "set KYO_EVAL_DIR" in found.reasons[0]
    assert found.candidate.ndcg_at_10 is not None  # the figures are shown all the same


def test_without_questions_no_model_is_asked(
    pipeline: Kyo, active: EmbeddingSet, candidate: Candidate, embedder: Embedder
) -> None:
    other = twin(embedder)
    found = judging.judge(pipeline, OPERATOR, active, candidate(other))
    assert (found.verdict, found.questions, found.active.p50_ms) == (Verdict.UNJUDGED, 0, None)
    assert other.queries == []


def test_what_people_liked_counts_beside_the_folder(
    kyo: Kyo, folder: Folder, employee: Actor, active: EmbeddingSet, candidate: Candidate, embedder: Embedder
) -> None:
    for _, _, question in OFFICE[:2]:
        answer = asking.ask(kyo, employee, question)
        history.rate(kyo, employee, answer.id, 1)
    found = judging.judge(folder(18), OPERATOR, active, candidate(twin(embedder)))
    assert found.sources == {"liked": 2, "KYO_EVAL_DIR": 18}
    assert (found.verdict, found.questions) == (Verdict.NOT_WORSE, 20)


def test_both_take_turns_and_embed_each_question_anew(
    folder: Folder, active: EmbeddingSet, candidate: Candidate, embedder: Embedder
) -> None:
    asked: list[str] = []

    @dataclass
    class Noting:
        inner: Embedder
        name: str

        @property
        def spec(self) -> Any:
            return self.inner.spec

        @property
        def tokenizer(self) -> Tokenizer:
            return self.inner.tokenizer

        def embed_passages(self, texts: Any) -> Vectors:
            return self.inner.embed_passages(texts)

        def embed_query(self, text: str) -> Vectors:
            asked.append(self.name)
            return self.inner.embed_query(text)

    kyo, heard = folder(3), []
    made = candidate(Noting(twin(embedder), "candidate"))
    noting = replace(kyo, embedder=Noting(embedder, "active"))
    judging.judge(noting, OPERATOR, active, made, lambda done, total: heard.append((done, total)))
    first, second = ["active", "candidate"], ["candidate", "active"]
    # One to get warm, then three with an answer and two without.
    assert asked == [*first, *first, *second, *first, *second, *first]
    assert heard == [(number, 5) for number in range(1, 6)]
    assert isinstance(kyo.cache, MemoryCache)
    assert kyo.cache.values == {}


def test_half_a_judgement_is_none(
    folder: Folder, active: EmbeddingSet, candidate: Candidate, embedder: Embedder
) -> None:
    other = twin(embedder)
    made = candidate(other)
    other.broken, other.calls_left = Unavailable("The model is away."), 5
    with pytest.raises(Unavailable, match="The model is away"):
        judging.judge(folder(len(OFFICE)), OPERATOR, active, made)


def test_no_question_is_in_an_error_or_a_log(
    folder: Folder,
    active: EmbeddingSet,
    candidate: Candidate,
    embedder: Embedder,
    caplog: pytest.LogCaptureFixture,
) -> None:
    kyo, other = folder(len(OFFICE)), twin(embedder)
    made = candidate(other)
    caplog.set_level(logging.DEBUG)
    found = judging.judge(kyo, OPERATOR, active, made)
    other.broken = ValueError(f"Cannot embed {OFFICE[0][2]!r}.")
    with pytest.raises(RuntimeError) as caught:
        judging.judge(kyo, OPERATOR, active, made)
    assert (caught.value.__cause__, caught.value.__suppress_context__) == (None, True)
    said = " ".join([caplog.text, str(caught.value), TypeAdapter(Judgement).dump_json(found).decode()])
    assert [question for _, _, question in OFFICE if question in said] == []


def test_a_folder_that_cannot_be_read_is_named(
    folder: Folder, active: EmbeddingSet, candidate: Candidate, embedder: Embedder, tmp_path: Path
) -> None:
    kyo = folder(3)
    (tmp_path / "qrels.tsv").unlink()
    with pytest.raises(Invalid, match=r"qrels\.tsv is missing"):
        judging.judge(kyo, OPERATOR, active, candidate(twin(embedder)))


def test_only_admins_judge_and_only_with_the_role_of_the_pipeline(
    kyo: Kyo, pipeline: Kyo, manager: Actor, active: EmbeddingSet, candidate: Candidate, embedder: Embedder
) -> None:
    made = candidate(twin(embedder))
    with pytest.raises(Forbidden):
        judging.judge(pipeline, manager, active, made)
    with pytest.raises(Forbidden):
        judging.judge(replace(kyo, models=pipeline.models), OPERATOR, active, made)
