"""Who asks again gets the verified answer, also past the cache."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.answers import Answer, Draft, Outcome
from kyo_pipeline.domain.verified import VerifiedAnswer
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import (
    asking,
    history,
    verifying,
)
from tests.fakes import MemoryCache, ScriptedGenerator
from tests.services.verifying.conftest import OTHER_WORDS, QUESTION


def test_the_same_question_in_other_words_gets_the_verified_answer(
    kyo: Kyo, verified: VerifiedAnswer, employee: Actor, manager: Actor, audited: Callable[[], list[str]]
) -> None:
    found = asking.ask(kyo, employee, OTHER_WORDS)
    assert found.text == "Thirty days a year [1]."
    assert (found.outcome, found.generator) == (Outcome.ANSWERED, "verified")
    assert found.verification is not None
    assert (found.verification.id, found.verification.by) == (verified.id, manager.name)
    assert (found.verification.at, found.verification.withdrawn_at) == (verified.verified_at, None)
    assert not found.verification.is_source
    assert found.verification.question == QUESTION
    assert [one.quote for one in found.citations] == [one.quote for one in verified.citations]
    assert "verified" in found.timings
    assert "search" not in found.timings
    assert audited()[-2:] == ["answer:verify", "answer:ask"]
    assert history.read_answer(kyo, employee, found.id) == found


def test_a_near_miss_is_answered_as_ever(is_given: Callable[..., bool], employee: Actor) -> None:
    assert is_given(employee, QUESTION)
    for miss in (
        "How many days of sick leave do I get?",
        "How many days of annual leave do I get in the second year?",
        "How many days of annual leave do I not get?",
        "How many days of annual leave do managers get?",
        "Who approves days of annual leave?",
    ):
        assert not is_given(employee, miss), miss


def test_asked_anew_it_is_written_anew(kyo: Kyo, verified: VerifiedAnswer, employee: Actor) -> None:
    found = asking.ask(kyo, employee, QUESTION, anew=True)
    assert found.verification is None
    assert found.text != verified.text
    assert found.generator == "extractive"


@pytest.mark.usefixtures("answer")
def test_asked_anew_nothing_comes_from_the_cache_and_what_is_written_is_kept_there(kyo: Kyo, employee: Actor) -> None:
    assert "cache" not in asking.ask(kyo, employee, QUESTION).timings
    assert "cache" in asking.ask(kyo, employee, QUESTION).timings
    anew = asking.ask(kyo, employee, QUESTION, anew=True)
    assert "cache" not in anew.timings
    assert "search" in anew.timings
    assert isinstance(kyo.cache, MemoryCache)
    kyo.cache.values.clear()
    asking.ask(kyo, employee, OTHER_WORDS, anew=True)
    assert "cache" in asking.ask(kyo, employee, OTHER_WORDS).timings


def test_other_wordings_are_found_too(kyo: Kyo, manager: Actor, employee: Actor, answer: Answer) -> None:
    others = ("What is our holiday allowance?", " ", OTHER_WORDS, QUESTION.upper())
    made = verifying.verify(kyo, manager, answer.id, QUESTION, others=others)
    assert made.wordings == (QUESTION, "What is our holiday allowance?", OTHER_WORDS)
    assert not made.is_edited
    found = asking.ask(kyo, employee, "what is our holiday allowance")
    assert found.verification is not None
    assert found.text == answer.text


def test_no_model_is_asked(
    kyo: Kyo, verified: VerifiedAnswer, employee: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(question: str) -> None:
        raise AssertionError(question)

    monkeypatch.setattr(kyo.embedder, "embed_query", refuse)
    assert asking.ask(kyo, employee, OTHER_WORDS).text == verified.text


def test_what_is_streamed_is_the_verified_text(kyo: Kyo, verified: VerifiedAnswer, employee: Actor) -> None:
    assert list(asking.stream_answer(kyo, employee, OTHER_WORDS)) == [verified.text]


def test_a_follow_up_is_matched_by_what_was_searched_for(kyo: Kyo, verified: VerifiedAnswer, employee: Actor) -> None:
    first = asking.ask(kyo, employee, "What do employees of the bakery get?")
    generator = ScriptedGenerator([], Draft("", Outcome.NOT_FOUND))
    generator.rewrite = lambda *_: OTHER_WORDS  # type: ignore[method-assign]  # only here
    rewriting = replace(kyo, generator=generator)
    found = asking.ask(rewriting, employee, "How many vacation days am I entitled to there?", first.conversation_id)
    assert found.standalone == OTHER_WORDS
    assert found.text == verified.text


def test_what_rules_made_of_a_follow_up_has_to_be_the_very_same(
    kyo: Kyo, manager: Actor, employee: Actor, answer: Answer
) -> None:
    lacking = "And for whom? (how many days annual leave)"
    verifying.verify(kyo, manager, answer.id, lacking)
    assert asking.ask(kyo, employee, lacking).verification is not None
    assert asking.ask(kyo, employee, "For whom? (how many days annual leave)").verification is None


def test_the_cache_neither_hides_it_nor_keeps_it(kyo: Kyo, manager: Actor, employee: Actor, answer: Answer) -> None:
    written = asking.ask(kyo, employee, QUESTION)
    assert "cache" in asking.ask(kyo, employee, QUESTION).timings
    made = verifying.verify(kyo, manager, answer.id, QUESTION, text="Thirty [1].")
    assert asking.ask(kyo, employee, QUESTION).text == "Thirty [1]."
    verifying.withdraw(kyo, manager, made.id)
    assert asking.ask(kyo, employee, QUESTION).text == written.text
