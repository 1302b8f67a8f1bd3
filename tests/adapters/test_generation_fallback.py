"""Quotes where the language model fails, and a model that is left alone for a while after that."""

import logging
import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from kyo_pipeline.adapters.embedding.factory import open_embedder
from kyo_pipeline.adapters.generation.extractive import ExtractiveGenerator
from kyo_pipeline.adapters.generation.factory import open_generator
from kyo_pipeline.adapters.generation.fallback import NOT_FOUND_NOTICE, QUOTED_NOTICE, FallbackGenerator
from kyo_pipeline.adapters.generation.huggingface import HuggingFaceGenerator
from kyo_pipeline.domain.answers import Draft, Outcome
from kyo_pipeline.domain.circuit import FAILURES, PAUSE_SECONDS
from kyo_pipeline.domain.retrieval import Retrieval
from kyo_pipeline.domain.token_estimate import estimated_tokens
from kyo_pipeline.errors import Invalid, Unavailable
from kyo_pipeline.settings import Settings
from tests.adapters.model_server import ModelServer, Reply, running
from tests.adapters.test_generation_huggingface import KEY, RETRIEVAL, TEXT, events, finished, open_at

QUESTION = "How many days of annual leave?"
WRITTEN = Reply(events=events("30 days [1]."))
BROKEN = Reply({"error": KEY}, 500)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def opened(server: ModelServer, clock: Clock | None = None, **more: float) -> FallbackGenerator:
    model = open_at(server, **more)  # type: ignore[arg-type]  # the timeout, a float
    return FallbackGenerator(model, ExtractiveGenerator(None), clock or Clock())


def asked(generator: FallbackGenerator, retrieval: Retrieval = RETRIEVAL) -> Draft:
    return finished(generator.generate(QUESTION, retrieval))[1]


def is_quoted(draft: Draft) -> bool:
    return draft.generator == "extractive"


def test_while_the_model_answers_nothing_is_different() -> None:
    with running(lambda _: WRITTEN) as server:
        said, draft = finished(opened(server).generate(QUESTION, RETRIEVAL))
    assert said == ["30 days [1]."]
    assert (draft.text, draft.generator, draft.notice, draft.prompt_tokens) == ("30 days [1].", "", "", 321)


@pytest.mark.parametrize(
    "reply",
    [
        BROKEN,
        Reply("busy", 429, {"retry-after": "0"}),
        Reply("no", 401),
        Reply(b"<html>login</html>"),
        Reply(events=[]),
        Reply(delay=0.6),
    ],
)
def test_where_it_fails_the_documents_are_quoted_and_the_reader_is_told(
    reply: Reply, caplog: pytest.LogCaptureFixture
) -> None:
    with running(lambda _: reply) as server:
        said, draft = finished(opened(server, timeout=0.2 if reply.delay else 5.0).generate(QUESTION, RETRIEVAL))
        assert server.url not in caplog.text
    assert TEXT in draft.text
    assert "".join(said) == draft.text
    assert draft.outcome is Outcome.ANSWERED
    assert draft.citations
    assert (draft.generator, draft.model, draft.notice) == ("extractive", "quotes", QUOTED_NOTICE)
    assert (draft.prompt_tokens, draft.completion_tokens) == (0, 0)
    assert "quoted instead of written" in caplog.text
    assert KEY not in caplog.text


def test_a_closed_port_is_such_a_failure() -> None:
    with running(lambda _: WRITTEN) as server:
        pass
    assert is_quoted(asked(opened(server)))


def test_half_an_answer_is_replaced_by_the_quotes_and_counted() -> None:
    half = Reply(events=events("It is 30 ", "or 31", finish=None, usage=False)[:-1])
    with running(lambda _: half) as server:
        said, draft = finished(opened(server).generate(QUESTION, RETRIEVAL))
        sent = server.requests[0].body["messages"][0]["content"]
    assert said == ["It is 30 ", "or 31"]
    assert TEXT in draft.text
    assert draft.notice == QUOTED_NOTICE
    assert draft.prompt_tokens == estimated_tokens(sent)
    assert draft.completion_tokens == estimated_tokens("It is 30 or 31")


def test_tokens_that_the_server_counted_before_it_broke_off_are_taken() -> None:
    usage = {"prompt_tokens": 77, "completion_tokens": 2, "total_tokens": 79}
    chunk = {"choices": [{"index": 0, "delta": {"content": "30 "}}], "usage": usage}
    with running(lambda _: Reply(events=[chunk])) as server:
        draft = asked(opened(server))
    assert (draft.prompt_tokens, draft.completion_tokens) == (77, 2)


def test_an_answer_that_is_not_found_without_the_model_says_so() -> None:
    # Similar enough for the model to be asked, and without a word of the question.
    similar = replace(RETRIEVAL, passages=(replace(RETRIEVAL.passages[0], text="Staff get thirty."),))
    with running(lambda _: BROKEN) as server:
        draft = asked(opened(server), similar)
    assert (draft.outcome, draft.notice) == (Outcome.NOT_FOUND, NOT_FOUND_NOTICE)


def test_a_question_that_is_too_long_is_refused_and_no_failure_of_the_model() -> None:
    with running(lambda _: WRITTEN) as server:
        generator = opened(server)
        for _ in range(FAILURES + 1):
            with pytest.raises(Invalid, match="too long"):
                finished(generator.generate("why " * 3000, RETRIEVAL))
        assert not is_quoted(asked(generator))


def test_after_some_failures_nobody_waits_for_the_model_until_one_tries_again() -> None:
    clock = Clock()
    replies = [BROKEN] * 2 * FAILURES  # each request is tried twice
    with running(lambda _: replies.pop() if replies else WRITTEN) as server:
        generator = opened(server, clock)
        for _ in range(FAILURES):
            assert is_quoted(asked(generator))
        called = len(server.requests)
        for _ in range(3):
            assert asked(generator).notice == QUOTED_NOTICE
        clock.now = PAUSE_SECONDS - 0.1
        assert is_quoted(asked(generator))
        assert len(server.requests) == called
        clock.now = PAUSE_SECONDS
        assert not is_quoted(asked(generator))
        assert not is_quoted(asked(generator))


def test_a_try_that_fails_opens_it_again() -> None:
    clock = Clock()
    with running(lambda _: BROKEN) as server:
        generator = opened(server, clock)
        for _ in range(FAILURES):
            asked(generator)
        clock.now = PAUSE_SECONDS
        asked(generator)
        called = len(server.requests)
        asked(generator)
    assert called == 2 * (FAILURES + 1) == len(server.requests)


def test_questions_for_which_nothing_is_relevant_do_not_close_it() -> None:
    clock = Clock()
    with running(lambda _: BROKEN) as server:
        generator = opened(server, clock)
        for _ in range(FAILURES):
            asked(generator)
        clock.now = PAUSE_SECONDS
        assert asked(generator, replace(RETRIEVAL, passages=())).outcome is Outcome.NOT_FOUND
        called = len(server.requests)
        asked(generator)  # the try, which was left for somebody who asks the model
        asked(generator)
        assert len(server.requests) == called + 2


def test_while_one_tries_all_others_are_served_at_once() -> None:
    clock, arrived, go_on = Clock(), threading.Event(), threading.Event()

    def answer(_: object) -> Reply:
        if clock.now == 0:
            return BROKEN
        arrived.set()
        assert go_on.wait(60)
        return WRITTEN

    with running(answer) as server, ThreadPoolExecutor(9) as pool:
        generator = opened(server, clock, timeout=60.0)
        assert all(map(is_quoted, pool.map(lambda _: asked(generator), range(FAILURES))))
        clock.now = PAUSE_SECONDS
        probe = pool.submit(asked, generator)
        assert arrived.wait(60)
        called = len(server.requests)
        assert all(map(is_quoted, pool.map(lambda _: asked(generator), range(8))))
        assert len(server.requests) == called
        go_on.set()
        assert not is_quoted(probe.result(60))
        assert not is_quoted(asked(generator))


def test_readers_who_leave_are_no_failures_and_hang_up() -> None:
    long = Reply(events=events(*["word "] * 400), pause=0.01)
    with running(lambda _: long) as server:
        generator = opened(server)
        for _ in range(FAILURES + 1):
            pieces: Generator[str, None, Draft] = generator.generate(QUESTION, RETRIEVAL)
            assert next(pieces) == "word "
            pieces.close()
        assert server.was_cut.wait(30)
        assert len(server.requests) == FAILURES + 1


def test_one_who_leaves_before_the_pause_is_over_does_not_end_it() -> None:
    clock = Clock()
    with running(lambda _: BROKEN) as server:
        generator = opened(server, clock)
        early = generator._breaker.enter()  # somebody who waits since before it opened
        for _ in range(FAILURES):
            asked(generator)
        called = len(server.requests)
        assert early is not None
        generator._breaker.leave(early)
        asked(generator)
        assert len(server.requests) == called


def test_settings_choose_it() -> None:
    endpoint = {"KYO_LLM_ENDPOINT": "http://127.0.0.1:1/v1"}
    with_quotes, alone = Settings(**endpoint), Settings(**endpoint, KYO_LLM_FALLBACK=False)  # type: ignore[arg-type]  # strings
    assert isinstance(open_generator(with_quotes, open_embedder(with_quotes)), FallbackGenerator)
    generator = open_generator(alone, open_embedder(alone))
    assert isinstance(generator, HuggingFaceGenerator)
    with pytest.raises(Unavailable, match="cannot be reached"):
        finished(generator.generate(QUESTION, RETRIEVAL))


def test_the_log_says_why(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    with running(lambda _: Reply("no", 403)) as server:
        asked(opened(server))
    assert "refused the API key" in caplog.text
