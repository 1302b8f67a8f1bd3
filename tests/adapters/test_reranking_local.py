"""A cross-encoder on this machine: small and random, but loaded and run as any other."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tokenizers import Tokenizer

from kyo_pipeline.adapters.reranking.factory import open_reranker
from kyo_pipeline.adapters.reranking.local import LocalReranker
from kyo_pipeline.errors import Unavailable
from kyo_pipeline.settings import Settings
from tests.adapters.cross_encoder import MAX_TOKENS, write_cross_encoder
from tests.adapters.test_embedding_local import MODEL, needs_model

QUESTION = "How many days of leave?"
TEXTS = [
    "Employees receive 25 days of annual leave.",
    "The printer.",
    "Soup is served at noon, every day of the week.",
    "",
]


@pytest.fixture(scope="module")
def weights(folder: Path) -> NDArray[np.float32]:
    return write_cross_encoder(folder, MODEL / "tokenizer.json")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reranker")


@pytest.fixture(scope="module")
def reranker(folder: Path, weights: NDArray[np.float32]) -> LocalReranker:  # noqa: ARG001 — writes the folder
    return LocalReranker(str(folder), folder)


def expected(weights: NDArray[np.float32], texts: list[str]) -> list[float]:
    tokenizer = Tokenizer.from_file(str(MODEL / "tokenizer.json"))
    tokenizer.enable_truncation(MAX_TOKENS)
    tokenizer.no_padding()
    pairs = tokenizer.encode_batch([(QUESTION, text) for text in texts])
    return [float(weights[pair.type_ids, pair.ids].sum()) for pair in pairs]


@needs_model
def test_scores_are_the_models_in_the_order_of_the_texts(reranker: LocalReranker, weights: NDArray[np.float32]) -> None:
    many = [*TEXTS, *(f"Rule {number}. " * number for number in range(1, 30))]  # more than a batch
    scores = reranker.rerank(QUESTION, many)
    assert scores == pytest.approx(expected(weights, many), abs=1e-3)
    assert len(set(scores)) == len(many)


@needs_model
def test_a_long_passage_is_cut_and_the_question_is_not(reranker: LocalReranker) -> None:
    long = "leave " * 400
    first, same, other = reranker.rerank(QUESTION, [long, long + "printer", "printer " + long])
    assert first == pytest.approx(same, abs=1e-4)
    assert first != pytest.approx(other, abs=1e-4)
    assert reranker.rerank("printer", [long])[0] != pytest.approx(first, abs=1e-4)


@needs_model
def test_nothing_to_score_is_nothing(reranker: LocalReranker) -> None:
    assert reranker.rerank(QUESTION, []) == []


@needs_model
def test_the_settings_open_it_and_twice_is_fine(reranker: LocalReranker, folder: Path) -> None:
    opened = open_reranker(Settings(KYO_RERANKER="local", KYO_RERANKER_MODEL=str(folder)))
    assert opened is not None
    assert opened.rerank(QUESTION, TEXTS) == reranker.rerank(QUESTION, TEXTS)


def test_an_empty_folder_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"model\.onnx"):
        LocalReranker(str(tmp_path), tmp_path)


@needs_model
def test_a_damaged_file_is_unavailable(tmp_path: Path, folder: Path, weights: NDArray[np.float32]) -> None:  # noqa: ARG001
    shutil.copytree(folder, tmp_path / "broken")
    (tmp_path / "broken" / "model.onnx").write_bytes(b"no graph")
    with pytest.raises(Unavailable, match="missing or damaged"):
        LocalReranker(str(tmp_path / "broken"), tmp_path)


@needs_model
def test_an_embedding_model_is_no_cross_encoder(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="cannot score"):
        LocalReranker(str(MODEL), tmp_path).rerank(QUESTION, TEXTS)


def test_a_name_that_nobody_knows_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="KYO_RERANKER_MODEL"):
        LocalReranker("acme/no-such-model", tmp_path)


def test_without_the_extra_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "fastembed.rerank.cross_encoder", None)
    with pytest.raises(Unavailable, match=r"\[local\]"):
        LocalReranker("Xenova/ms-marco-MiniLM-L-6-v2", tmp_path)
