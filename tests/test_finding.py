"""The passages for a question, with and without somebody who puts them into a better order."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from kyo_pipeline import finding
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.reranking import CANDIDATES
from kyo_pipeline.domain.retrieval import Passage
from kyo_pipeline.errors import Unavailable
from kyo_pipeline.finding import Stages
from kyo_pipeline.kyo import Kyo

QUESTION = "How much leave?"
RULES = ("Leave", "Parental leave", "Unpaid leave", "Sick leave and other leave")


class ByLength:
    """Longer texts are better; it keeps what it was asked."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def rerank(self, question: str, texts: Sequence[str]) -> list[float]:
        assert question == QUESTION
        self.texts = list(texts)
        return [float(len(text)) for text in texts]


class Away:
    def rerank(self, question: str, texts: Sequence[str]) -> list[float]:
        raise Unavailable(f"{question} {len(texts)}")


@pytest.fixture
def filled(kyo: Kyo, publish: Callable[[str, str], None]) -> Kyo:
    for number, rule in enumerate(RULES):
        publish(f"{rule.lower().replace(' ', '-')}.txt", f"{rule} is granted. " + "It is. " * number)
    return kyo


def found(kyo: Kyo, employee: Actor, limit: int) -> tuple[tuple[Passage, ...], Stages]:
    stages = Stages()
    return finding.retrieve(kyo, employee, QUESTION, limit, stages).passages, stages


def test_the_order_is_the_rerankers_also_of_what_the_search_had_further_down(filled: Kyo, employee: Actor) -> None:
    (first, *_), stages = found(filled, employee, 4)
    reranker = ByLength()
    passages, with_stage = found(replace(filled, reranker=reranker), employee, 2)
    assert [passage.text.split(" is granted")[0] for passage in passages] == [RULES[3], RULES[2]]
    assert len(reranker.texts) == len(RULES) <= CANDIDATES
    assert passages[0].score == first.score
    assert set(with_stage.timings) == {*stages.timings, "rerank"}


def test_it_reads_title_and_headings_too(filled: Kyo, employee: Actor) -> None:
    reranker = ByLength()
    passages, _ = found(replace(filled, reranker=reranker), employee, 4)
    assert {f"{passage.title}\n{passage.text}" for passage in passages} == set(reranker.texts)


def test_one_that_is_away_costs_nothing_but_its_order(filled: Kyo, employee: Actor) -> None:
    expected, _ = found(filled, employee, 3)
    assert found(replace(filled, reranker=Away()), employee, 3)[0] == expected


def test_where_nothing_is_found_nothing_is_scored(kyo: Kyo, employee: Actor) -> None:
    assert found(replace(kyo, reranker=ByLength()), employee, 3)[0] == ()
