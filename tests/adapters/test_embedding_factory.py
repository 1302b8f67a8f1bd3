"""Which model is opened for a source, where its key goes, and when it counts as another one."""

import os
from pathlib import Path

import pytest
from pydantic import SecretStr

from kyo_pipeline.adapters.embedding.factory import configured_source, fingerprint, open_embedder
from kyo_pipeline.adapters.models import Models
from kyo_pipeline.domain.embedding import ModelSource
from kyo_pipeline.settings import Settings
from tests.adapters.model_server import Reply, running

KEY = SecretStr("not to be told")
HOSTED = ModelSource("huggingface", "BAAI/bge-base-en-v1.5")


@pytest.mark.parametrize(
    ("values", "source"),
    [
        ({}, ModelSource("builtin")),
        ({"KYO_EMBEDDING_BACKEND": "local", "KYO_EMBEDDING_MODEL": "/models/x"}, ModelSource("local", "/models/x")),
        ({"HF_EMBEDDING_API_KEY": KEY}, HOSTED),
        (
            {
                "KYO_EMBEDDING_ENDPOINT": "http://me:secret@here:8080/embed?token=secret",
                "KYO_EMBEDDING_TOKENIZER": Path("/t.json"),
            },
            ModelSource("huggingface", "BAAI/bge-base-en-v1.5", "http://here:8080/embed", "/t.json"),
        ),
    ],
    ids=["built-in", "local", "hosted", "endpoint"],
)
def test_what_the_settings_say_of_a_model_has_no_secrets(values: dict[str, object], source: ModelSource) -> None:
    assert configured_source(Settings.model_construct(**values)) == source


@pytest.mark.parametrize("named", ["the same endpoint", "another endpoint", "none, and a model of this machine"])
def test_the_key_goes_to_the_endpoint_of_the_settings_alone(named: str) -> None:
    with running(lambda request: Reply([[0.1] * 768 for _ in request.body["inputs"]])) as server:
        endpoint = {"the same endpoint": server.url, "another endpoint": "http://127.0.0.1:9/"}.get(named)
        backend = "local" if endpoint is None else "huggingface"
        settings = Settings(HF_EMBEDDING_API_KEY=KEY, KYO_EMBEDDING_ENDPOINT=endpoint, KYO_EMBEDDING_BACKEND=backend)
        open_embedder(settings, ModelSource("huggingface", "bge-base-en-v1.5", server.url)).embed_query("x")
        [asked] = server.requests
    assert ("authorization" in asked.headers) is (named == "the same endpoint")


def test_another_file_in_the_folder_is_another_model(tmp_path: Path) -> None:
    settings = Settings(KYO_EMBEDDING_BACKEND="local", KYO_EMBEDDING_MODEL=str(tmp_path))
    seen = {fingerprint(settings)}
    graph = tmp_path / "model.onnx"
    graph.write_bytes(b"one")
    seen.add(fingerprint(settings))
    assert fingerprint(settings) in seen
    graph.write_bytes(b"other")
    seen.add(fingerprint(settings))
    os.utime(graph, (1, 1))
    seen.add(fingerprint(settings))
    assert len(seen) == 4


def test_models_are_opened_once_and_the_oldest_is_given_back() -> None:
    models, settings = Models(), Settings()
    sources = [ModelSource("huggingface", name, "http://127.0.0.1:9/") for name in ("one", "two", "three")]
    first, second = (models.opened(settings, source) for source in sources[:2])
    assert models.opened(settings, sources[0]) is first
    models.opened(settings, sources[2])
    assert models.opened(settings, sources[0]) is first
    assert models.opened(settings, sources[1]) is not second
