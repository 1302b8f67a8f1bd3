"""The reranking endpoint against llama.cpp's server, against MaxSim of a real model, and through a faulty proxy."""

import logging
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr, ValidationError

from kyo_pipeline.adapters.reranking.endpoint import EndpointReranker
from kyo_pipeline.adapters.reranking.factory import open_reranker
from kyo_pipeline.adapters.reranking.guarded import GuardedReranker
from kyo_pipeline.domain.circuit import FAILURES, PAUSE_SECONDS
from kyo_pipeline.errors import Unavailable
from kyo_pipeline.settings import Settings
from tests.adapters.embedding_server import TokenModel, running_embeddings
from tests.adapters.faulty_proxy import Fault, running_proxy
from tests.adapters.llama_models import write_reranker
from tests.adapters.llama_server import needs_llama, running_llama
from tests.adapters.model_server import Reply, running
from tests.adapters.test_embedding_local import MODEL, needs_model

KEY = "sk-verysecretkey"
QUESTION = "How many vacation days do I get?"
TEXTS = [
    "The printer is on the second floor.",
    "Employees receive 25 days of annual leave.",
    "Soup is served at noon.",
]


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    model = tmp_path_factory.mktemp("reranker") / "random.gguf"
    write_reranker(model)
    with running_llama(model, context=512, key=KEY, reranks=True) as url:
        yield url


@pytest.fixture(scope="module")
def minilm() -> Iterator[str]:
    with running_embeddings(TokenModel(MODEL), 384, KEY) as url:
        yield url


def opened(url: str, key: str = KEY, timeout: float = 10.0) -> EndpointReranker:
    return EndpointReranker(url, SecretStr(key), timeout)


@needs_llama
def test_a_real_cross_encoder_scores_each_text_wherever_it_stands(llama: str) -> None:
    many = [f"{text} {number}" for number in range(15) for text in TEXTS]  # two requests
    scores = opened(llama).rerank(QUESTION, many)
    assert scores[0] != pytest.approx(scores[1], abs=0.01) != pytest.approx(scores[2], abs=0.01)
    backwards = opened(llama).rerank(QUESTION, many[::-1])[::-1]
    assert scores == pytest.approx(backwards, abs=1e-3)
    asked = {"query": QUESTION, "texts": many[:3]}
    answer = httpx.post(f"{llama}/rerank", json=asked, headers={"authorization": f"Bearer {KEY}"}).json()
    assert {one["index"]: one["score"] for one in answer} == pytest.approx(dict(enumerate(scores[:3])), abs=1e-3)


@needs_llama
def test_a_text_that_the_server_does_not_cut_is_its_error(llama: str) -> None:
    with pytest.raises(Unavailable, match=r"HTTP 5|more than it takes"):
        opened(llama).rerank(QUESTION, [*TEXTS, "leave " * 1000])


@needs_llama
def test_a_wrong_key_is_refused(llama: str) -> None:
    with pytest.raises(Unavailable, match="refused the API key"):
        opened(llama, key="sk-another").rerank(QUESTION, TEXTS)


@needs_model
def test_what_answers_the_question_comes_first_and_long_texts_are_cut(minilm: str) -> None:
    scores = opened(minilm).rerank(QUESTION, [*TEXTS, "leave " * 1000])
    assert max(scores[:3]) == scores[1]
    for address in (f"{minilm}/", f"{minilm}/rerank"):
        assert opened(address).rerank(QUESTION, TEXTS) == pytest.approx(scores[:3], abs=1e-4)


@needs_model
@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (Fault(429, {"retry-after": "20"}, body=KEY), "busy"),
        (Fault(503, body=KEY), "HTTP 503"),
        (Fault(413, body=KEY), "more than it takes"),
        (Fault(307, {"location": "http://127.0.0.1:1/elsewhere"}), "HTTP 307"),
        (Fault(delay=0.8), "in time"),
        (Fault(200, body='[{"index": 0, "score": 1}]' * 9, drip=0.1), "in time"),  # each piece comes in time
        (Fault(cut_after=20), "cannot be reached"),
        (Fault(200, body="<html>login</html>"), "no list of scores"),
        (Fault(200, body='{"error": "' + KEY + '"}'), "no list of scores"),
        (Fault(200, body='[{"index": 0, "score": 1}]'), "no list of scores"),
        (
            Fault(200, body='[{"index": 0, "score": 1}, {"index": 1, "score": NaN}, {"index": 2, "score": 1}]'),
            "no list",
        ),
        (Fault(200, body='[{"index": [], "score": 1}]'), "no list of scores"),
        (Fault(200, body="[1, 2, 3]"), "no list of scores"),
        (Fault(200, body=f'[{{"index": 0, "score": 1{"0" * 400}}}]'), "no list of scores"),
    ],
)
def test_failures_are_told_at_once_without_key_or_address(
    minilm: str, fault: Fault, message: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "kyo_pipeline")
    with running_proxy(minilm, fault) as proxy:
        reranker = GuardedReranker(lambda: opened(proxy.url, timeout=0.4 if fault.delay or fault.drip else 10.0))
        with pytest.raises(Unavailable, match=message) as caught:
            reranker.rerank(QUESTION, TEXTS)
        assert len(proxy.bodies) == 1
    for secret in (KEY, proxy.url, "127.0.0.1"):
        assert secret not in str(caught.value)
        assert secret not in caplog.text
    assert "order of the search" in caplog.text


def test_no_key_of_the_machine_or_of_another_service_is_sent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HF_TOKEN", "hf_ofthemachine")
    scored = Reply([{"index": 0, "score": 0.5}])
    with running(lambda _: scored) as server:
        settings = Settings(
            KYO_RERANKER="endpoint",
            KYO_RERANKER_ENDPOINT=server.url,
            HF_EMBEDDING_API_KEY=SecretStr("hf_embeddings"),
            HF_LLM_API_KEY=SecretStr("hf_llm"),
        )
        reranker = open_reranker(settings)
        assert reranker is not None
        assert server.requests == []
        assert reranker.rerank(QUESTION, TEXTS[:1]) == [0.5]
    assert "authorization" not in server.requests[0].headers
    assert server.requests[0].body == {"query": QUESTION, "texts": TEXTS[:1], "truncate": True}


def test_a_dead_server_is_left_alone_for_a_while() -> None:
    now = [0.0]
    alive = Reply([{"index": 0, "score": 0.5}])
    with running(lambda _: alive if now[0] else Reply("no", 500)) as server:
        reranker = GuardedReranker(lambda: opened(server.url), clock=lambda: now[0])
        for _ in range(FAILURES + 2):
            with pytest.raises(Unavailable):
                reranker.rerank(QUESTION, TEXTS[:1])
        assert len(server.requests) == FAILURES
        assert reranker.rerank(QUESTION, []) == []
        now[0] = PAUSE_SECONDS
        assert reranker.rerank(QUESTION, TEXTS[:1]) == [0.5]


def test_off_is_none_and_an_endpoint_needs_its_address() -> None:
    assert open_reranker(Settings()) is None
    with pytest.raises(ValidationError, match="must be set"):
        Settings(KYO_RERANKER="endpoint")
    with pytest.raises(ValidationError, match="http://"):
        Settings(KYO_RERANKER_ENDPOINT="reranker:8080")
