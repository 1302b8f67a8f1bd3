"""Evaluation through the product's own steps: ranks that are known beforehand, scores worked out by hand."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import pytest

from kyo_pipeline.domain.actor import OPERATOR, Actor
from kyo_pipeline.domain.evaluation import Leg, Scores
from kyo_pipeline.domain.labelled import LabelledPassage, Units
from kyo_pipeline.errors import Conflict, Forbidden, NotFound, Unavailable
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import evaluating, indexing, upkeep
from kyo_pipeline.services.evaluating import Shelf
from kyo_pipeline.settings import PROJECT_ROOT

SHARED = PROJECT_ROOT.parent / "shared/data"
RUN = indexing.claim_name("evaluation")


def passage(name: str, text: str, document: str | None = None) -> LabelledPassage:
    return LabelledPassage(name, name, text, document or name)


#: Titles are searched as well, so they have words of their own.
PASSAGES = (
    passage("p1", "Bicycles stand in the yard."),
    passage("p2", "The printer, that printer, is a printer in colour."),
    passage("p3", "The cafeteria: breakfast in the cafeteria, lunch in the cafeteria."),
    # Two chunks of 32 tokens at most, both with the word twice: it takes one place in the ranking.
    passage(
        "p4",
        "Our cafeteria has tables and chairs, and the tables of the cafeteria are made of old doors.\n\n"
        "In summer the cafeteria opens its windows, in winter the cafeteria closes them for the evening.",
    ),
    passage("p5", "Beside the lift and the stairs there is a door, and behind that door you will find the cafeteria."),
    passage("p6", "Ask the porter when a printer is broken and nobody else knows about it or has the time for it."),
)
QUESTIONS = {
    "rank 1": "Where is my bicycle?",
    "rank 2": "printer",  # after p2, which has the word more often
    "not found": "xylophone",
    "ranks 1 and 3": "cafeteria",  # p3, p4, p5
}
RELEVANT = {
    "rank 1": {"p1": 1},
    "rank 2": {"p6": 1},
    "not found": {"p1": 1},
    "ranks 1 and 3": {"p3": 1, "p5": 1},
}


Index = Callable[..., dict[UUID, Units]]


@pytest.fixture
def index(pipeline: Kyo) -> Index:
    """Lays passages out and takes the steps that make them searchable."""

    def make(passages: tuple[LabelledPassage, ...], shelves: dict[str, Shelf] | None = None) -> dict[UUID, Units]:
        kyo = replace(pipeline, settings=pipeline.settings.model_copy(update={"CHUNK_SIZE": 32, "CHUNK_OVERLAP": 0}))
        units = evaluating.lay_out(kyo, OPERATOR, passages, shelves or {}, RUN)
        for step in (indexing.cut, indexing.embed, indexing.publish_ready):
            assert step(kyo, RUN).done == len(units)
        upkeep.refresh_weights(kyo)
        return units

    return make


def test_scores_are_those_worked_out_by_hand(kyo: Kyo, index: Index) -> None:
    units = index(PASSAGES)
    ranked = {name: evaluating.rank(kyo, OPERATOR, text, units) for name, text in QUESTIONS.items()}
    assert {name: one.legs[Leg.LEXICAL] for name, one in ranked.items()} == {
        "rank 1": ("p1",),
        "rank 2": ("p2", "p6"),
        "not found": (),
        "ranks 1 and 3": ("p3", "p4", "p5"),
    }
    scores = {one.leg: one.scores for one in evaluating.score_legs(ranked, RELEVANT)}
    assert list(scores) == [Leg.LEXICAL, Leg.DENSE, Leg.FUSED]
    second, third = 1 / math.log2(3), 1 / math.log2(4)
    expected = Scores(
        ndcg_at_10=(1 + second + 0 + (1 + third) / (1 + second)) / 4,
        recall_at_10=(1 + 1 + 0 + 1) / 4,
        recall_at_100=(1 + 1 + 0 + 1) / 4,
        mrr_at_10=(1 + 1 / 2 + 0 + 1) / 4,
    )
    assert vars(scores[Leg.LEXICAL]) == pytest.approx(vars(expected), abs=1e-6)
    assert scores[Leg.DENSE].recall_at_10 == 1  # there are six, so each is among the first ten


def test_each_passage_is_ranked_once_by_every_leg(kyo: Kyo, index: Index) -> None:
    units = index(PASSAGES)
    ranked = evaluating.rank(kyo, OPERATOR, "cafeteria", units, weights=(0.0, 0.3, 1.0))
    everything = sorted(one.id for one in PASSAGES)
    assert sorted(ranked.legs[Leg.DENSE]) == sorted(ranked.legs[Leg.FUSED]) == everything
    assert sorted(ranked.by_weight) == [0.0, 0.3, 1.0]
    assert ranked.by_weight[1.0] == ranked.legs[Leg.DENSE]
    assert ranked.by_weight[0.0][:3] == ranked.legs[Leg.LEXICAL]
    assert ranked.milliseconds > 0


@dataclass
class Preferring:
    """A reranker that knows what it wants, or is away."""

    word: str | None

    def rerank(self, question: str, texts: Sequence[str]) -> list[float]:  # noqa: ARG002 — the port's signature
        if self.word is None:
            raise Unavailable("The reranker is away.")
        return [float(text.count(self.word)) for text in texts]


def test_a_reranker_has_a_leg_of_its_own(kyo: Kyo, index: Index) -> None:
    units = index(PASSAGES)
    legs = evaluating.rank(replace(kyo, reranker=Preferring("porter")), OPERATOR, "cafeteria", units).legs
    assert legs[Leg.RERANKED][0] == "p6"
    assert legs[Leg.FUSED][0] == "p3"
    assert sorted(legs[Leg.RERANKED]) == sorted(legs[Leg.FUSED])


def test_the_order_of_the_search_never_passes_for_the_rerankers(kyo: Kyo, index: Index) -> None:
    units = index(PASSAGES)
    with pytest.raises(Unavailable):
        evaluating.rank(replace(kyo, reranker=Preferring(None)), OPERATOR, "cafeteria", units)


def test_the_weight_is_chosen_among_those_that_were_ranked_by(kyo: Kyo, index: Index) -> None:
    units = index(PASSAGES)
    ranked = {name: evaluating.rank(kyo, OPERATOR, text, units, (0.0, 0.4, 1.0)) for name, text in QUESTIONS.items()}
    found = evaluating.fit_weight(ranked, RELEVANT, current=0.4)
    assert found.fitted in (0.0, 0.4, 1.0)
    assert found.at_fitted >= found.at_current


def test_a_passage_without_text_is_left_out(index: Index) -> None:
    assert list(index((PASSAGES[0], passage("empty", " \n"))).values()) == [{None: "p1"}]


def test_with_shelves_a_question_finds_passages_of_its_own_document_only(kyo: Kyo, index: Index) -> None:
    passages = tuple(replace(one, document="even" if number % 2 else "odd") for number, one in enumerate(PASSAGES))
    shelves = evaluating.add_shelves(kyo, OPERATOR, ["odd", "even"])
    units = index(passages, shelves)
    found = evaluating.rank(kyo, shelves["odd"].reader, "cafeteria", units)
    assert found.legs[Leg.LEXICAL] == ("p3", "p5")
    assert sorted(found.legs[Leg.DENSE]) == ["p1", "p3", "p5"]


def test_a_reply_is_what_is_quoted_without_markers(kyo: Kyo, index: Index) -> None:
    index(PASSAGES)
    said = evaluating.reply(kyo, OPERATOR, "Where do bicycles stand?")
    assert said.answered
    assert said.text == "“Bicycles stand in the yard.”"
    assert not evaluating.reply(kyo, OPERATOR, "Who won the xylophone contest of 1911?").answered


def test_evidence_is_weighed_as_the_generator_does(kyo: Kyo, index: Index) -> None:
    index(PASSAGES)
    strong = evaluating.weigh_evidence(kyo, OPERATOR, "Where do bicycles stand?")
    weak = evaluating.weigh_evidence(kyo, OPERATOR, "Who won the xylophone contest of 1911?")
    assert (strong.passage, strong.statement) == pytest.approx((1.0, 1.0))
    assert (weak.passage, weak.statement) == (0.0, 0.0)
    assert strong.similarity > weak.similarity


def test_before_anything_is_indexed_there_is_nothing_to_ask(kyo: Kyo) -> None:
    with pytest.raises(NotFound):
        evaluating.active_spec(kyo, OPERATOR)


def test_tuning_is_answered_by_at_once_and_goes_on_record(
    kyo: Kyo, pipeline: Kyo, index: Index, sql: Callable[..., list[Any]]
) -> None:
    index(PASSAGES)
    spec = evaluating.active_spec(kyo, OPERATOR)
    before = evaluating.tune(pipeline, OPERATOR, spec, 0.25, 0.5)
    assert before == spec
    after = evaluating.active_spec(kyo, OPERATOR)
    assert (after.dense_weight, after.similarity_threshold) == pytest.approx((0.25, 0.5))
    [row] = sql("select object_type, actor_id, details from audit_log where event = 'embedding_set:tune'")
    assert (row.object_type, row.actor_id) == ("embedding_set", OPERATOR.id)
    assert row.details == {
        "dense_weight": {"from": pytest.approx(spec.dense_weight), "to": 0.25},
        "similarity_threshold": {"from": pytest.approx(spec.similarity_threshold), "to": 0.5},
    }


def test_the_threshold_may_stay_as_it_is(kyo: Kyo, pipeline: Kyo, index: Index) -> None:
    index(PASSAGES)
    spec = evaluating.active_spec(kyo, OPERATOR)
    evaluating.tune(pipeline, OPERATOR, spec, 0.25, None)
    assert evaluating.active_spec(kyo, OPERATOR).similarity_threshold == pytest.approx(spec.similarity_threshold)


def test_values_of_another_vector_space_are_refused(kyo: Kyo, pipeline: Kyo, index: Index) -> None:
    index(PASSAGES)
    other = replace(evaluating.active_spec(kyo, OPERATOR), model="another")
    with pytest.raises(Conflict, match="another"):
        evaluating.require_space(pipeline, OPERATOR, other)
    with pytest.raises(Conflict, match="another"):
        evaluating.tune(pipeline, OPERATOR, other, 0.25, 0.5)


def test_only_admins_tune_and_only_with_the_role_of_the_pipeline(
    kyo: Kyo, pipeline: Kyo, index: Index, manager: Actor, admin: Actor
) -> None:
    index(PASSAGES)
    spec = evaluating.active_spec(kyo, OPERATOR)
    with pytest.raises(Forbidden):
        evaluating.tune(pipeline, manager, spec, 0.25, 0.5)
    with pytest.raises(Forbidden):  # the app's role may not write there, whoever asks
        evaluating.tune(kyo, admin, spec, 0.25, 0.5)


def test_a_slice_of_a_real_set_is_ranked_well(kyo: Kyo, index: Index) -> None:
    """Forty passages of clapnq, whose questions share words with them: far above chance, which would be 0.1."""
    if not (SHARED / "clapnq").is_dir():
        pytest.skip("the public set clapnq is not here")
    labelled = evaluating.read_labelled(SHARED / "clapnq").for_evaluation(20)
    wanted = {name for question in labelled.judged for name in labelled.relevant[question.id]}
    others = [one for one in labelled.passages if one.id not in wanted][:20]
    units = index(tuple(one for one in labelled.passages if one.id in wanted) + tuple(others))
    ranked = {one.id: evaluating.rank(kyo, OPERATOR, one.text, units) for one in labelled.judged}
    for one in evaluating.score_legs(ranked, labelled.relevant):
        assert one.scores.ndcg_at_10 > 0.8, one.leg
        assert one.scores.recall_at_100 == 1, one.leg
