"""The embedding model's adapter over real HTTP to a real model, and through a proxy that breaks things."""

import logging
import time
from collections.abc import Iterator
from email.utils import formatdate

import httpx
import numpy as np
import pytest
from pydantic import SecretStr

from kyo_pipeline.adapters.embedding.huggingface import HuggingFaceEmbedder
from kyo_pipeline.adapters.embedding.local import LocalEmbedder
from kyo_pipeline.errors import Invalid, Unavailable
from tests.adapters.embedding_server import MAX_BATCH, TokenModel, running_embeddings
from tests.adapters.faulty_proxy import Fault, running_proxy
from tests.adapters.test_embedding_local import MODEL, needs_model

pytestmark = needs_model

KEY = "hf_verysecretkey"
MINILM = "sentence-transformers/all-MiniLM-L6-v2"
TEXTS = ["Employees receive 25 days of annual leave.", "The printer is on the second floor.", "leave " * 400, "Urlaub"]


@pytest.fixture(scope="module")
def model() -> TokenModel:
    return TokenModel(MODEL)


@pytest.fixture(scope="module")
def server(model: TokenModel) -> Iterator[str]:
    with running_embeddings(model, 384, KEY) as url:
        yield url


@pytest.fixture(scope="module")
def wide_server(model: TokenModel) -> Iterator[str]:
    with running_embeddings(model, 768, KEY) as url:
        yield url


def opened(
    url: str, waits: list[float] | None = None, model: str = MINILM, key: str = KEY, timeout: float = 20.0
) -> HuggingFaceEmbedder:
    wait = (waits if waits is not None else []).append
    return HuggingFaceEmbedder(model, url, SecretStr(key), timeout, wait=wait)


def test_over_http_the_vectors_are_those_of_the_model_on_this_machine(server: str) -> None:
    remote, local = opened(server), LocalEmbedder(str(MODEL), MODEL)
    assert np.allclose(remote.embed_passages(TEXTS), local.embed_passages(TEXTS), atol=1e-4)
    assert np.allclose(remote.embed_query(TEXTS[0]), local.embed_query(TEXTS[0]), atol=1e-4)


def test_what_is_too_long_is_cut_by_the_server_because_it_is_asked_to(server: str) -> None:
    long = "leave " * 400
    vectors = opened(server).embed_passages([long, long + "printer"])
    assert np.allclose(vectors[0], vectors[1], atol=1e-5)
    refused = httpx.post(server, json={"inputs": long}, headers={"authorization": f"Bearer {KEY}"})
    assert refused.status_code == 413  # so it would have been without `truncate`


def test_more_texts_than_a_server_takes_go_in_several_requests(server: str) -> None:
    with running_proxy(server) as proxy:
        vectors = opened(proxy.url).embed_passages([f"Rule {number}" for number in range(MAX_BATCH + 3)])
    assert vectors.shape == (MAX_BATCH + 3, 384)
    assert len(proxy.bodies) == 2


def test_a_model_of_twice_the_width_is_asked_for_its_dimensions(wide_server: str) -> None:
    embedder = opened(wide_server, model="acme/mean-and-max")
    assert embedder.spec.dimensions == 768
    vectors = embedder.embed_passages(TEXTS)
    assert vectors.shape == (len(TEXTS), 768)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    query = embedder.embed_query("How many vacation days do I get?")
    assert query @ vectors[0] > query @ vectors[1]


def test_a_model_of_other_dimensions_than_the_configured_one_is_told(wide_server: str) -> None:
    with pytest.raises(Invalid, match=r"gives 768 numbers.*has 384.*KYO_EMBEDDING_MODEL"):
        opened(wide_server).embed_query("leave?")


@pytest.mark.parametrize(
    ("told", "least", "most"),
    [
        ("2", 2, 2),
        (formatdate(0, usegmt=True), 0, 0),
        pytest.param(formatdate(time.time() + 3600, usegmt=True), 30, 30, id="in an hour"),
        ("later", 0.25, 0.5),
    ],
)
def test_429_is_waited_for_as_long_as_it_says(server: str, told: str, least: float, most: float) -> None:
    waits: list[float] = []
    with running_proxy(server, Fault(429, {"retry-after": told}), Fault(424)) as proxy:
        assert opened(proxy.url, waits).embed_passages(["leave"]).shape == (1, 384)
    assert least <= waits[0] <= most
    assert len(waits) == 2


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (Fault(429, {"retry-after": "0"}, body=KEY), "busy"),
        (Fault(500, body=KEY), "HTTP 500"),
        (Fault(delay=0.8), "in time"),
        (Fault(cut_after=500), "cannot be reached"),
        (Fault(cut_after=0), "cannot be reached"),
        (Fault(422, body=KEY), "more than it takes"),
        (Fault(200, body='{"error": "' + KEY + '"}'), "no list of vectors"),
    ],
)
def test_what_stays_broken_is_told_without_key_or_address(
    server: str, fault: Fault, message: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "kyo_pipeline")
    with running_proxy(server, fault, fault) as proxy:
        with pytest.raises(Unavailable, match=message) as caught:
            opened(proxy.url, timeout=0.4 if fault.delay else 20.0).embed_query("leave?")
        for secret in (KEY, proxy.url, "127.0.0.1"):
            assert secret not in str(caught.value)
            assert secret not in caplog.text


def test_a_wrong_key_is_refused_by_the_server_and_not_tried_again(server: str) -> None:
    with running_proxy(server) as proxy, pytest.raises(Unavailable, match="refused the API key"):
        opened(proxy.url, key="hf_another").embed_query("leave?")
    assert len(proxy.bodies) == 1


def test_what_the_server_keeps_is_what_it_would_compute() -> None:
    texts, computing, keeping = TEXTS[:2] + TEXTS[3:], TokenModel(MODEL), TokenModel(MODEL, kept=2)
    for _ in range(2):
        for expected, kept in zip(
            computing.token_vectors(texts, truncate=True), keeping.token_vectors(texts, truncate=True), strict=True
        ):
            assert np.allclose(expected, kept, atol=0.01)
