from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyo_pipeline.domain.evidence import is_enough, nearest, relevant, scored_statements, strength, stretch
from kyo_pipeline.domain.retrieval import Passage, Retrieval
from kyo_pipeline.domain.stemming import stems

QUESTION = "How many days of annual leave?"
LEAVE = "Employees receive 30 days of annual leave."
PASSAGE = Passage(1, UUID(int=1), UUID(int=2), 1, "Handbook", "HR", LEAVE, 0, len(LEAVE), 3, 3, (), 1.0, 0.8, 5.0)


def retrieval_of(*passages: Passage) -> Retrieval:
    return Retrieval(passages, dict.fromkeys(stems(QUESTION), 1.0), 0.7, 1)


@pytest.mark.parametrize(
    ("text", "similarity", "is_relevant"),
    [
        (LEAVE, 0.8, True),
        (LEAVE, 0.1, True),  # the words are there, however the model sees it
        ("Vacations last six weeks.", 0.7, True),  # a paraphrase
        ("Vacations last six weeks.", 0.69, False),
        ("The printer broke two days ago.", 0.5, False),  # one word in common is no evidence
    ],
)
def test_relevant_is_what_is_similar_or_has_the_words(text: str, similarity: float, is_relevant: bool) -> None:
    passage = replace(PASSAGE, text=text, similarity=similarity)
    assert relevant(QUESTION, retrieval_of(passage, PASSAGE)) == ((0, 1) if is_relevant else (1,))


WORDS = st.lists(st.sampled_from(["days", "annual", "leave", "many", "printer", "30", ".", ":", "\n"]), max_size=30)


@given(st.lists(st.tuples(WORDS.map(" ".join), st.floats(-1, 1)), max_size=4))
def test_relevant_refuses_nothing_that_is_enough_for_quotes(found: list[tuple[str, float]]) -> None:
    retrieval = retrieval_of(*(replace(PASSAGE, text=text, title="", similarity=cosine) for text, cosine in found))
    scored = scored_statements(QUESTION, retrieval, None)
    if is_enough(strength(QUESTION, retrieval, scored), retrieval.similarity_threshold):
        assert relevant(QUESTION, retrieval)


@pytest.mark.parametrize("limit", [20, 60, 130, 200])
@pytest.mark.parametrize("before", [0, 1, 5])
def test_a_stretch_is_whole_sentences_around_the_best_statement(before: int, limit: int) -> None:
    other = "The cafeteria serves soup at noon. "
    text = other * before + LEAVE + " " + other * (5 - before)
    retrieval = retrieval_of(replace(PASSAGE, text=text))
    start, end = stretch(retrieval.passages[0], scored_statements(QUESTION, retrieval, None), limit)
    assert end - start <= limit
    if limit > len(LEAVE):
        assert LEAVE in text[start:end]
        assert text[end - 1] == "."
        assert text[start:].startswith(("The", "Employees"))
    if limit > 2 * len(LEAVE):
        assert end - start > limit - len(other) - 1


def test_a_stretch_has_context_on_both_sides() -> None:
    other = "The cafeteria serves soup at noon. "
    retrieval = retrieval_of(replace(PASSAGE, text=other * 5 + LEAVE + " " + other * 5))
    scored = scored_statements(QUESTION, retrieval, None)
    assert stretch(retrieval.passages[0], scored, 120) == (len(other) * 4, len(other) * 6 + len(LEAVE))


@pytest.mark.parametrize("text", ["12 | 13 | 14\n" * 50, "word" * 100, " " * 300])
def test_a_text_that_states_nothing_is_cut(text: str) -> None:
    start, end = stretch(replace(PASSAGE, text=text), [], 200)
    assert start == 0
    assert 100 <= end <= 200


def test_the_nearest_documents_are_those_that_come_near_at_all_each_once() -> None:
    own = replace(PASSAGE, text=LEAVE, similarity=0.0)
    far = replace(own, document_id=UUID(int=3), text="The cafeteria serves soup at noon.")
    close = replace(far, document_id=UUID(int=4), similarity=0.9)
    retrieval = retrieval_of(own, far, close, replace(own, chunk_id=9))
    assert [one.document_id for one in nearest(QUESTION, retrieval)] == [own.document_id, UUID(int=4)]
    assert len(nearest(QUESTION, retrieval, limit=1)) == 1
    assert nearest(QUESTION, retrieval_of(far)) == ()
