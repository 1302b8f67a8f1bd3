"""The language model's adapter against a server of the protocol that others wrote: llama.cpp's."""

import json
import logging
import time
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from kyo_pipeline.adapters.generation.extractive import ExtractiveGenerator
from kyo_pipeline.adapters.generation.fallback import QUOTED_NOTICE, FallbackGenerator
from kyo_pipeline.adapters.generation.huggingface import HuggingFaceGenerator
from kyo_pipeline.domain.answers import Draft, DraftCitation, Outcome
from kyo_pipeline.domain.retrieval import Retrieval
from kyo_pipeline.domain.token_estimate import estimated_tokens
from kyo_pipeline.errors import NotAnswered, Unavailable
from tests.adapters.faulty_proxy import Fault, running_proxy
from tests.adapters.llama_models import SENTENCE, write_chat_model
from tests.adapters.llama_server import needs_llama, running_llama
from tests.adapters.test_generation_huggingface import RETRIEVAL, finished

pytestmark = needs_llama

KEY = "sk-verysecretkey"
QUESTION = "How many days of annual leave?"
ANSWER = "".join(SENTENCE)


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    model = tmp_path_factory.mktemp("chat") / "sentence.gguf"
    write_chat_model(model)
    with running_llama(model, key=KEY) as url:
        yield url


def opened(
    url: str, waits: list[float] | None = None, key: str = KEY, timeout: float = 20.0, max_tokens: int = 2000
) -> HuggingFaceGenerator:
    wait = (waits if waits is not None else []).append
    return HuggingFaceGenerator("any", f"{url}/v1", SecretStr(key), max_tokens, timeout, wait=wait)


def asked(generator: HuggingFaceGenerator | FallbackGenerator, about: Retrieval = RETRIEVAL) -> tuple[list[str], Draft]:
    return finished(generator.generate(QUESTION, about))


def test_an_answer_streams_is_checked_and_its_tokens_are_the_servers(llama: str) -> None:
    with running_proxy(llama) as proxy:
        said, draft = asked(opened(proxy.url))
        (sent,) = json.loads(proxy.bodies[0])["messages"]
    assert tuple(said) == SENTENCE
    assert (draft.text, draft.outcome) == (ANSWER, Outcome.ANSWERED)
    assert draft.citations == (DraftCitation(1, 0, 10, 52),)
    assert draft.completion_tokens == len(SENTENCE) + 1  # the end is a token
    # Each byte is a token of this model; its template adds a beginning, a new line, and the mark of the answer.
    assert draft.prompt_tokens == len(sent["content"].encode()) + 3


def test_without_a_usage_chunk_tokens_are_estimated(llama: str) -> None:
    with running_proxy(llama, Fault(without='"usage"')) as proxy:
        _, draft = asked(opened(proxy.url))
        (sent,) = json.loads(proxy.bodies[0])["messages"]
    assert draft.text == ANSWER
    assert draft.completion_tokens == estimated_tokens(ANSWER)
    assert draft.prompt_tokens == estimated_tokens(sent["content"])


@pytest.mark.parametrize(
    ("told", "least", "most"),
    [
        ("3", 3, 3),
        (formatdate(0, usegmt=True), 0, 0),
        pytest.param(formatdate(time.time() + 3600, usegmt=True), 30, 30, id="in an hour"),
        ("99999", 30, 30),
    ],
)
def test_429_is_waited_for_as_long_as_it_says(llama: str, told: str, least: float, most: float) -> None:
    waits: list[float] = []
    with running_proxy(llama, Fault(429, {"retry-after": told})) as proxy:
        _, draft = asked(opened(proxy.url, waits))
    assert draft.text == ANSWER
    assert least <= waits[0] <= most
    assert len(proxy.bodies) == 2


@pytest.mark.parametrize("status", [424, 500, 502, 503, 504])
def test_a_server_that_fails_is_asked_once_more(llama: str, status: int) -> None:
    with running_proxy(llama, Fault(status)) as proxy:
        assert asked(opened(proxy.url))[1].text == ANSWER


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (Fault(429, {"retry-after": "0"}, body=KEY), "busy"),
        (Fault(503, body=KEY), "HTTP 503"),
        (Fault(delay=1.5), "in time"),
        (Fault(cut_after=0), "cannot be reached|broke off|in the middle"),
        (Fault(cut_after=3), "cannot be reached|broke off|in the middle"),
    ],
)
def test_what_stays_broken_is_told_without_key_or_address(
    llama: str, fault: Fault, message: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "kyo_pipeline")
    with running_proxy(llama, fault, fault) as proxy:
        with pytest.raises(Unavailable, match=message) as caught:
            asked(opened(proxy.url, timeout=0.5 if fault.delay else 20.0))
        for secret in (KEY, proxy.url, proxy.url.removeprefix("http://"), "127.0.0.1"):
            assert secret not in str(caught.value)
            assert secret not in caplog.text
    assert caught.value.__cause__ is None


def test_a_stream_that_is_cut_off_has_cost_what_came(llama: str) -> None:
    with running_proxy(llama, Fault(cut_after=4)) as proxy, pytest.raises(NotAnswered) as caught:
        asked(opened(proxy.url))
    # The first event has no text yet.
    assert caught.value.completion_tokens == estimated_tokens("".join(SENTENCE[:3]))
    assert caught.value.prompt_tokens > 200


def test_a_cut_stream_ends_in_quotes_for_the_reader_and_its_cost_is_kept(llama: str) -> None:
    with running_proxy(llama, Fault(cut_after=4)) as proxy:
        said, draft = asked(FallbackGenerator(opened(proxy.url), ExtractiveGenerator(None)))
    assert tuple(said) == SENTENCE[:3]
    assert RETRIEVAL.passages[0].text in draft.text
    assert (draft.generator, draft.notice) == ("extractive", QUOTED_NOTICE)
    assert draft.prompt_tokens > 200


def test_a_wrong_key_is_refused_by_the_server_and_not_tried_again(llama: str) -> None:
    with running_proxy(llama) as proxy, pytest.raises(Unavailable, match="refused the API key"):
        asked(opened(proxy.url, key="sk-another"))
    assert len(proxy.bodies) == 1


def test_a_prompt_beyond_the_context_is_told_by_the_server_and_quoted_instead(tmp_path: Path) -> None:
    model = tmp_path / "small.gguf"
    write_chat_model(model)
    with running_llama(model, context=512) as url:
        with pytest.raises(Unavailable, match="more than it takes") as caught:
            asked(opened(url))
        assert (caught.value.prompt_tokens, caught.value.completion_tokens) == (0, 0)  # type: ignore[attr-defined]  # NotAnswered
        _, draft = asked(FallbackGenerator(opened(url), ExtractiveGenerator(None)))
    assert draft.notice == QUOTED_NOTICE


def test_an_answer_without_end_is_cut_at_a_sentence_and_leaving_stops_the_server(tmp_path: Path) -> None:
    model = tmp_path / "endless.gguf"
    write_chat_model(model, loops=True)
    with running_llama(model, context=40_000) as url:
        said, draft = asked(opened(url))
        assert draft.completion_tokens == 500 == len(said)
        assert not "".join(said).endswith(".")
        assert draft.text.endswith(ANSWER)
        assert not _was_interrupted(url)
        pieces = opened(url, max_tokens=32_000).generate(QUESTION, RETRIEVAL)
        next(pieces)
        pieces.close()
        assert _was_interrupted(url), "the server went on to the limit of the answer"


def _was_interrupted(url: str) -> bool:
    """Once the server does nothing any more: whether it still had something to say."""
    while True:
        (slot,) = httpx.get(f"{url}/slots").json()
        if not slot["is_processing"]:
            return bool(slot["next_token"][0]["has_next_token"])
        time.sleep(0.02)
