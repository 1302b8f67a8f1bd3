import sys
from pathlib import Path

import numpy as np
import pytest

from kyo_pipeline.adapters.embedding.factory import open_embedder
from kyo_pipeline.adapters.embedding.local import LocalEmbedder
from kyo_pipeline.errors import Invalid
from kyo_pipeline.settings import PROJECT_ROOT, Settings

MODEL = PROJECT_ROOT.parent / "shared/models/all-MiniLM-L6-v2-onnx"
needs_model = pytest.mark.skipif(not MODEL.exists(), reason="shared/models/all-MiniLM-L6-v2-onnx is not there")


@pytest.fixture(scope="module")
def embedder() -> LocalEmbedder:
    return LocalEmbedder(str(MODEL), MODEL)


@needs_model
def test_a_folder_is_a_model_with_known_properties(embedder: LocalEmbedder) -> None:
    spec = embedder.spec
    assert (spec.backend, spec.model, spec.dimensions) == ("local", MODEL.name, 384)
    assert (spec.pooling, spec.max_tokens, spec.query_prefix) == ("mean", 256, "")
    assert len(spec.revision) == 64


@needs_model
def test_meaning_is_found(embedder: LocalEmbedder) -> None:
    texts = ["Employees receive 25 days of annual leave. " * 3, "The printer is on the second floor."]
    vectors = embedder.embed_passages(texts)
    query = embedder.embed_query("How many vacation days do I get?")
    assert vectors.shape == (2, 384)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert query @ vectors[0] > 0.4 > query @ vectors[1]


@needs_model
def test_the_model_reads_256_tokens_and_the_tokenizer_counts_all(embedder: LocalEmbedder) -> None:
    text = "leave " * 300
    assert len(embedder.tokenizer.token_spans(text)) == 300
    vectors = embedder.embed_passages([text, text + "printer " * 50])
    assert np.allclose(vectors[0], vectors[1], atol=1e-5)


@needs_model
def test_the_settings_open_it_and_twice_is_fine(embedder: LocalEmbedder) -> None:
    settings = Settings(KYO_EMBEDDING_BACKEND="local", KYO_EMBEDDING_MODEL=str(MODEL))
    assert open_embedder(settings).spec == embedder.spec


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"model\.onnx"):
        LocalEmbedder(str(tmp_path), tmp_path)


@needs_model
def test_without_the_extra_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "fastembed", None)
    with pytest.raises(Invalid, match=r"\[local\]"):
        LocalEmbedder(str(MODEL), tmp_path)
