import logging
import time
from collections.abc import Generator
from dataclasses import replace
from uuid import UUID

import pytest
from pydantic import SecretStr

from kyo_pipeline.adapters.embedding.factory import open_embedder
from kyo_pipeline.adapters.generation.factory import open_generator
from kyo_pipeline.adapters.generation.huggingface import HuggingFaceGenerator
from kyo_pipeline.domain.answers import NOT_FOUND_TEXT, Draft, DraftCitation, Outcome
from kyo_pipeline.domain.conversation import Turn
from kyo_pipeline.domain.prompting import NOT_FOUND_TOKEN
from kyo_pipeline.domain.retrieval import Passage, Retrieval
from kyo_pipeline.domain.token_estimate import estimated_tokens
from kyo_pipeline.errors import Invalid, Unavailable
from kyo_pipeline.settings import Settings
from tests.adapters.model_server import ModelServer, Reply, running

KEY = "hf_verysecretkey"
TEXT = "Employees receive 30 days of annual leave."
PASSAGE = Passage(1, UUID(int=1), UUID(int=2), 1, "Handbook", "HR", TEXT, 10, 10 + len(TEXT), 1, 1, (), 1.0, 0.8, 5.0)
RETRIEVAL = Retrieval((PASSAGE, replace(PASSAGE, chunk_id=2, start=500, end=542)), {"leav": 1.0}, 0.7, 1)
USAGE = {"choices": [], "usage": {"prompt_tokens": 321, "completion_tokens": 12, "total_tokens": 333}}


def events(*pieces: str, finish: str | None = "stop", usage: bool = True) -> list[object]:
    said: list[object] = [{"choices": [{"index": 0, "delta": {"content": piece}}]} for piece in pieces]
    end = [{"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]}] if finish else []
    return [*said, *end, *([USAGE] if usage else []), "[DONE]"]


def open_at(server: ModelServer, max_tokens: int = 2000, timeout: float = 5.0) -> HuggingFaceGenerator:
    return HuggingFaceGenerator(
        "acme/model", f"{server.url}/v1", SecretStr(KEY), max_tokens, timeout, wait=lambda _: None
    )


def finished(pieces: Generator[str, None, Draft]) -> tuple[list[str], Draft]:
    said: list[str] = []
    while True:
        try:
            said.append(next(pieces))
        except StopIteration as end:
            return said, end.value


def ask(*pieces: str, **more: object) -> tuple[list[str], Draft]:
    with running(lambda _: Reply(events=events(*pieces, **more))) as server:  # type: ignore[arg-type]  # as above
        return finished(open_at(server).generate("How many days?", RETRIEVAL))


def test_pieces_stream_and_the_draft_is_checked() -> None:
    with running(lambda _: Reply(events=events("30 ", "days ", "【2†a】 [9]."))) as server:
        said, draft = finished(open_at(server).generate("How many days?", RETRIEVAL))
    assert said == ["30 ", "days ", "【2†a】 [9]."]
    assert draft == Draft("30 days [1].", Outcome.ANSWERED, (DraftCitation(1, 1, 500, 542),), 321, 12)
    (request,) = server.requests
    assert request.path == "/v1/chat/completions"
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.body["model"] == "acme/model"
    assert request.body["stream"] is True
    assert request.body["stream_options"] == {"include_usage": True}
    assert request.body["max_tokens"] == 500
    assert TEXT in request.body["messages"][0]["content"]


def test_without_usage_tokens_are_estimated() -> None:
    _, draft = ask("30 days [1].", usage=False)
    assert draft.completion_tokens == estimated_tokens("30 days [1].")
    assert draft.prompt_tokens > 100


def test_the_not_found_token_is_never_shown() -> None:
    said, draft = ask("NOT_", NOT_FOUND_TOKEN[4:], ".")
    assert said == []
    assert (draft.text, draft.outcome, draft.citations) == (NOT_FOUND_TEXT, Outcome.NOT_FOUND, ())


def test_an_answer_that_cites_nothing_is_not_found() -> None:
    assert ask("It is 99 days, trust me [7].")[1].outcome is Outcome.NOT_FOUND


def test_an_answer_cut_by_the_limit_ends_with_a_sentence() -> None:
    assert ask("30 days [1]. And furth", finish="length")[1].text == "30 days [1]."


def test_without_passages_the_model_is_not_asked() -> None:
    with running(lambda _: Reply()) as server:
        _, draft = finished(open_at(server).generate("How many days?", replace(RETRIEVAL, passages=())))
    assert draft.outcome is Outcome.NOT_FOUND
    assert server.requests == []


def test_without_a_relevant_passage_the_model_is_not_asked() -> None:
    weak = replace(RETRIEVAL, passages=tuple(replace(one, similarity=0.69) for one in RETRIEVAL.passages))
    with running(lambda _: Reply()) as server:
        said, draft = finished(open_at(server).generate("Who won the world cup?", weak))
    assert (said, draft.text, draft.outcome) == ([], NOT_FOUND_TEXT, Outcome.NOT_FOUND)
    assert (draft.prompt_tokens, draft.completion_tokens) == (0, 0)
    assert server.requests == []


def test_citations_count_the_passages_that_were_retrieved_not_those_shown() -> None:
    first, second = RETRIEVAL.passages
    mixed = replace(RETRIEVAL, passages=(replace(first, text="Soup at noon.", similarity=0.1), second))
    with running(lambda _: Reply(events=events("30 days [1]. Or [2]."))) as server:
        _, draft = finished(open_at(server).generate("How many days of leave?", mixed))
    assert draft.citations == (DraftCitation(1, 1, 500, 542),)
    assert "Soup" not in server.requests[0].body["messages"][0]["content"]


def test_a_shortened_passage_is_cited_where_it_was_shown() -> None:
    text = "Soup is served at noon. " * 200 + TEXT + " Soup is served at noon." * 200
    long = replace(PASSAGE, text=text, start=10, end=10 + len(text))
    with running(lambda _: Reply(events=events("30 days [1]."))) as server:
        _, draft = finished(open_at(server).generate("How much leave?", replace(RETRIEVAL, passages=(long,))))
    (citation,) = draft.citations
    quote = text[citation.start - 10 : citation.end - 10]
    assert TEXT in quote
    assert len(quote) < 5250
    assert quote in server.requests[0].body["messages"][0]["content"]


def test_a_question_beyond_the_budget_is_refused() -> None:
    with running(lambda _: Reply()) as server, pytest.raises(Invalid, match="too long"):
        finished(open_at(server).generate("why " * 3000, RETRIEVAL))


def test_closing_the_generator_hangs_up() -> None:
    long = Reply(events=events(*["word "] * 400), pause=0.01)
    with running(lambda _: long) as server:
        pieces = open_at(server).generate("How many days?", RETRIEVAL)
        assert next(pieces) == "word "
        pieces.close()
        assert server.was_cut.wait(3)


def test_a_busy_server_is_asked_once_more() -> None:
    replies = [Reply("busy", 429, {"retry-after": "0"}), Reply(events=events("30 days [1]."))]
    with running(lambda _: replies.pop(0)) as server:
        _, draft = finished(open_at(server).generate("How many days?", RETRIEVAL))
    assert draft.outcome is Outcome.ANSWERED
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    "reply",
    [
        Reply({"error": f"wrong key {KEY}"}, 401),
        Reply({"error": {"message": KEY}}, 500),
        Reply(KEY, 503),
        Reply(events=[{"error": f"overloaded {KEY}", "error_type": "overloaded"}]),
        Reply(events=["{not json"]),
        Reply(events=[["a list"]]),
        Reply(events=[{"choices": "x"}]),
        Reply(events=events("30 days [1].", finish=None)),
        Reply(b"<html>login</html>"),
    ],
)
def test_failures_are_unavailable_and_tell_no_secrets(reply: Reply, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with running(lambda _: reply) as server, pytest.raises(Unavailable) as caught:
        finished(open_at(server).generate("How many days?", RETRIEVAL))
    assert KEY not in str(caught.value)
    assert KEY not in caplog.text
    assert caught.value.__cause__ is None


def test_a_silent_server_is_left_after_the_timeout() -> None:
    started = time.perf_counter()
    with running(lambda _: Reply(delay=0.8)) as server, pytest.raises(Unavailable, match="in time"):
        finished(open_at(server, timeout=0.2).generate("How many days?", RETRIEVAL))
    assert time.perf_counter() - started < 3
    assert len(server.requests) == 1  # nobody waits for it twice


def test_an_endpoint_chooses_the_language_model() -> None:
    settings = Settings(KYO_LLM_ENDPOINT="http://127.0.0.1:1/v1")
    generator = open_generator(settings, open_embedder(settings))
    assert (generator.name, generator.model) == ("huggingface", "mistralai/Mistral-7B-Instruct-v0.2")


# Follow-ups -----------------------------------------------------------------------------------------------------------

TURNS = [Turn("How many days of leave are there?", False, Outcome.ANSWERED)]


def rewritten(reply: Reply, timeout: float = 5.0) -> tuple[str | None, ModelServer]:
    with running(lambda _: reply) as server:
        return open_at(server, timeout=timeout).rewrite("And for interns?", TURNS), server


def test_a_follow_up_is_rewritten_with_a_short_prompt() -> None:
    text, server = rewritten(Reply(events=events("How many days of leave", " do interns have?")))
    assert text == "How many days of leave do interns have?"
    [request] = server.requests
    assert request.body["max_tokens"] == 80
    content = request.body["messages"][0]["content"]
    assert "How many days of leave are there?" in content
    assert "And for interns?" in content
    assert estimated_tokens(content) < 400


@pytest.mark.parametrize(
    "reply",
    [
        Reply(status=500, body={"error": "down"}),
        Reply(status=429, headers={"retry-after": "60"}, body={"error": "busy"}),
        Reply(status=401, body={"error": KEY}),
        Reply(events=["not json"]),
        Reply(events=events("How many", finish=None)),
        Reply(events=events("How many days and on and on", finish="length")),
    ],
)
def test_a_model_that_fails_rewrites_nothing_and_is_asked_once(reply: Reply, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        text, server = rewritten(reply)
    assert text is None
    assert len(server.requests) == 1
    assert KEY not in caplog.text


@pytest.mark.parametrize("reply", [Reply(delay=2.0), Reply(events=events(*["a "] * 20), pause=0.15)])
def test_a_model_that_is_slow_rewrites_nothing(reply: Reply) -> None:
    """Neither one that does not begin nor one that drips: somebody waits for the search."""
    before = time.monotonic()
    text, _ = rewritten(reply, timeout=0.4)
    assert text is None
    assert time.monotonic() - before < 10  # the server of the test finishes what it has begun


def test_without_room_the_model_is_not_asked() -> None:
    with running(lambda _: Reply(events=events("x"))) as server:
        assert open_at(server).rewrite("And for interns?", [Turn("leave " * 600, False, None)]) is None
    assert server.requests == []
