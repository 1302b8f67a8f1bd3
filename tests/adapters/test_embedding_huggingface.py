import logging
import traceback
from email.utils import formatdate
from pathlib import Path

import httpx
import numpy as np
import pytest
from huggingface_hub import constants
from pydantic import SecretStr

from kyo_pipeline.adapters.embedding.factory import open_embedder
from kyo_pipeline.adapters.embedding.huggingface import HuggingFaceEmbedder
from kyo_pipeline.errors import Invalid, KyoError, Unavailable
from kyo_pipeline.settings import Settings
from tests.adapters.model_server import ModelServer, Reply, Request, running

KEY = "hf_verysecretkey"


def vector_of(text: str, dimensions: int) -> list[float]:
    return [float(len(text) % 7 + 1), 2.0] + [0.5] * (dimensions - 2)


def answers_vectors(request: Request) -> Reply:
    return Reply([vector_of(text, 768) for text in request.body["inputs"]])


def in_turn(*replies: Reply):  # type: ignore[no-untyped-def]  # the type is long and says nothing here
    left = list(replies)
    return lambda request: left.pop(0) if left else answers_vectors(request)


def open_at(
    server: ModelServer, waits: list[float] | None = None, model: str = "BAAI/bge-base-en-v1.5", **more: object
) -> HuggingFaceEmbedder:
    wait = (waits if waits is not None else []).append
    arguments: dict[str, object] = {"key": SecretStr(KEY), "timeout": 5.0, "wait": wait, **more}
    return HuggingFaceEmbedder(model, server.url, **arguments)  # type: ignore[arg-type]  # made up just above


def test_batches_keep_the_order_and_rows_have_length_one() -> None:
    texts = ["x" * (n * 13 % 50) for n in range(70)]
    with running(answers_vectors) as server:
        vectors = open_at(server).embed_passages(texts)
    expected = np.array([vector_of(text, 768) for text in texts], dtype=np.float32)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    assert np.allclose(vectors, expected, atol=1e-6)
    assert [len(request.body["inputs"]) for request in server.requests] == [32, 32, 6]
    assert all(request.body["truncate"] for request in server.requests)
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"


def test_questions_carry_the_prefix_of_bge_and_passages_do_not() -> None:
    with running(answers_vectors) as server:
        embedder = open_at(server)
        assert embedder.embed_query("leave?").shape == (768,)
        embedder.embed_passages(["leave."])
    sent = [request.body["inputs"][0] for request in server.requests]
    assert sent == ["Represent this sentence for searching relevant passages: leave?", "leave."]


def test_without_a_key_no_credentials_of_the_machine_are_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_ofthemachine")
    with running(answers_vectors) as server:
        open_at(server, key=None).embed_query("leave?")
    assert "authorization" not in server.requests[0].headers


def test_busy_and_broken_servers_are_asked_again() -> None:
    waits: list[float] = []
    replies = (
        Reply("busy", 429, {"retry-after": "3"}),
        Reply("busy", 429, {"retry-after": formatdate(usegmt=True)}),
        Reply("broken", 500),
        Reply("starting", 503, {"retry-after": "9999"}),
    )
    with running(in_turn(*replies)) as server:
        assert open_at(server, waits).embed_passages(["leave"]).shape == (1, 768)
    assert waits[0] == 3
    assert waits[1] == 0
    assert 1 <= waits[2] <= 2
    assert waits[3] == 30


def test_a_timeout_is_tried_again_then_told() -> None:
    waits: list[float] = []
    with running(lambda _: Reply([], delay=0.6)) as server, pytest.raises(Unavailable, match="in time"):
        open_at(server, waits, timeout=0.2).embed_query("leave?")
    assert len(waits) == 1


def test_a_closed_port_is_unavailable() -> None:
    with running(answers_vectors) as server:
        pass
    with pytest.raises(Unavailable, match="cannot be reached"):
        open_at(server).embed_query("leave?")


@pytest.mark.parametrize(
    "reply",
    [
        Reply({"error": f"wrong key {KEY}"}, 401),
        Reply({"error": f"wrong key {KEY}"}, 500),
        Reply({"error": KEY}),
        Reply(b"<html>login</html>"),
        Reply([[0.1] * 768] * 2),
        Reply([]),
        Reply([["a"] * 768]),
        Reply([[float("nan")] * 768]),
        Reply([0.1] * 768),
        Reply([[[0.1] * 768, [0.2]]]),
    ],
)
def test_useless_answers_are_errors_without_the_key(reply: Reply, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with running(lambda _: reply) as server, pytest.raises(KyoError) as caught:
        open_at(server).embed_query("leave?")
    assert isinstance(caught.value, Unavailable)
    assert KEY not in "".join(traceback.format_exception(caught.value))
    assert KEY not in caplog.text


def test_refused_keys_are_not_tried_again() -> None:
    with running(lambda _: Reply("no", 401)) as server, pytest.raises(Unavailable, match="API key"):
        open_at(server).embed_passages(["leave"])
    assert len(server.requests) == 1


def test_of_token_level_vectors_the_first_is_taken() -> None:
    with running(lambda _: Reply([[[3.0] + [0.0] * 767, [9.0] * 768]])) as server:
        vector = open_at(server).embed_query("leave?")
    assert vector[0] == 1
    assert vector[1] == 0


def test_token_level_vectors_of_a_mean_model_are_refused() -> None:
    with (
        running(lambda _: Reply([[[3.0] * 384, [9.0] * 384]])) as server,
        pytest.raises(Invalid, match="pool"),
    ):
        open_at(server, model="sentence-transformers/all-MiniLM-L6-v2").embed_query("leave?")


def test_another_model_than_configured_is_noticed() -> None:
    with running(lambda _: Reply([[1.0] * 384])) as server, pytest.raises(Invalid, match="KYO_EMBEDDING_MODEL"):
        open_at(server).embed_query("leave?")


def test_an_unknown_model_is_asked_for_its_dimensions_once() -> None:
    with running(lambda request: Reply([[1.0] * 17 for _ in request.body["inputs"]])) as server:
        embedder = open_at(server, model="acme/own-model")
        assert embedder.spec.dimensions == embedder.spec.dimensions == 17
    assert len(server.requests) == 1


def test_nobody_is_called_before_the_first_use() -> None:
    with running(answers_vectors) as server:
        settings = Settings(KYO_EMBEDDING_ENDPOINT=server.url)
        embedder = open_embedder(settings)
        assert server.requests == []
        assert embedder.spec.backend == "huggingface"
        assert embedder.spec.revision == "unknown"
        assert embedder.embed_query("leave?").shape == (768,)


def test_the_hub_is_not_asked_who_the_model_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise AssertionError("somebody was called")

    monkeypatch.setattr(httpx.Client, "send", fail)
    embedder = HuggingFaceEmbedder("BAAI/bge-base-en-v1.5", None, SecretStr(KEY), timeout=5.0)
    assert (embedder.spec.revision, embedder.spec.dimensions) == ("unknown", 768)


def test_the_tokenizer_comes_from_the_named_file(tmp_path: Path) -> None:
    file = tmp_path / "tokenizer.json"
    file.write_text(
        '{"version": "1.0", "added_tokens": [], "pre_tokenizer": {"type": "Whitespace"}, "model":'
        ' {"type": "WordLevel", "vocab": {"[UNK]": 0}, "unk_token": "[UNK]"}}'
    )
    with running(answers_vectors) as server:
        tokenizer = open_at(server, tokenizer_file=file).tokenizer
    assert tokenizer.token_spans("annual  leave") == [(0, 6), (8, 13)]


def test_a_file_that_is_no_tokenizer_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "tokenizer.json"
    file.write_text("hello")
    with running(answers_vectors) as server, pytest.raises(Invalid, match="KYO_EMBEDDING_TOKENIZER"):
        _ = open_at(server, tokenizer_file=file).tokenizer


def test_without_the_hub_the_error_names_the_setting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with running(answers_vectors) as server, pytest.raises(Unavailable, match="KYO_EMBEDDING_TOKENIZER"):
        _ = open_at(server, model="acme/no-such-model").tokenizer
