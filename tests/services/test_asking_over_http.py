"""From a question to a stored answer with a language model and a reranker behind real HTTP."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from pydantic import SecretStr

from kyo_pipeline.adapters.generation.factory import open_generator
from kyo_pipeline.adapters.reranking.factory import open_reranker
from kyo_pipeline.domain.actor import Actor
from kyo_pipeline.domain.answers import Answer, Outcome
from kyo_pipeline.kyo import Kyo
from kyo_pipeline.services import asking
from tests.adapters.faulty_proxy import Fault, running_proxy
from tests.adapters.llama_models import SENTENCE, write_chat_model, write_reranker
from tests.adapters.llama_server import needs_llama, running_llama

pytestmark = needs_llama

QUESTION = "How many days of paid leave are there?"
LEAVE = "Everybody has 30 days of paid leave a year. Unused leave ends in March."
KEY = "sk-verysecretkey"


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    model = tmp_path_factory.mktemp("chat") / "sentence.gguf"
    write_chat_model(model)
    with running_llama(model, key=KEY) as url:
        yield url


@pytest.fixture
def over_http(kyo: Kyo, publish: Callable[[str, str], None], with_settings: Callable[..., Kyo]) -> Callable[..., Kyo]:
    publish("leave.txt", LEAVE)

    def opened(url: str, **more: object) -> Kyo:
        model = {"KYO_LLM_ENDPOINT": f"{url}/v1", "HF_LLM_API_KEY": SecretStr(KEY), **more}
        changed = with_settings(**model)
        generator = open_generator(changed.settings, kyo.embedder)
        return replace(changed, generator=generator, reranker=open_reranker(changed.settings))

    return opened


def asked(kyo: Kyo, employee: Actor) -> tuple[str, Answer]:
    stream, pieces = asking.stream_answer(kyo, employee, QUESTION), []
    while True:
        try:
            pieces.append(next(stream))
        except StopIteration as stopped:
            return "".join(pieces), stopped.value


def test_the_model_writes_and_what_it_cost_is_stored(
    over_http: Callable[..., Kyo], llama: str, employee: Actor
) -> None:
    said, answer = asked(over_http(llama), employee)
    assert said == answer.text == "".join(SENTENCE)
    assert [citation.quote for citation in answer.citations] == [LEAVE]
    assert answer.completion_tokens == len(SENTENCE) + 1
    assert answer.prompt_tokens > 500


def test_a_model_that_breaks_off_costs_what_it_wrote_and_the_documents_are_quoted(
    over_http: Callable[..., Kyo], llama: str, employee: Actor
) -> None:
    with running_proxy(llama, Fault(cut_after=3)) as proxy:
        said, answer = asked(over_http(proxy.url), employee)
    assert said == "Employees get"
    assert "30 days of paid leave" in answer.text
    assert "Employees" not in answer.text
    assert answer.outcome is Outcome.ANSWERED
    assert answer.citations[0].quote in LEAVE
    assert answer.prompt_tokens > 100


def test_a_reranker_that_is_real_has_its_stage_and_a_broken_one_too(
    over_http: Callable[..., Kyo], llama: str, employee: Actor, tmp_path_factory: pytest.TempPathFactory
) -> None:
    model = tmp_path_factory.mktemp("reranker") / "random.gguf"
    write_reranker(model)
    with running_llama(model, context=512, reranks=True) as url, running_proxy(url, Fault(), Fault(500)) as proxy:
        reranked = {"KYO_RERANKER": "endpoint", "KYO_RERANKER_ENDPOINT": proxy.url}
        kyo = over_http(llama, KYO_ANSWER_CACHE_SECONDS=0, **reranked)
        answers = [asked(kyo, employee)[1] for _ in range(2)]
        assert len(proxy.bodies) == 2
    for answer in answers:
        assert answer.text == "".join(SENTENCE)
        assert set(answer.timings) == {"embed", "search", "rerank", "generate"}
