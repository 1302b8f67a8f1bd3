"""Reranking on this machine's CPU by a cross-encoder, through fastembed: a model by its name, or out of a folder."""

import hashlib
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kyo_pipeline.adapters.embedding.vectors import by_length
from kyo_pipeline.errors import Unavailable

if TYPE_CHECKING:
    from fastembed.rerank.cross_encoder import TextCrossEncoder

_BATCH = 16  # on a CPU larger batches only cost memory
_REGISTERING = threading.Lock()


class LocalReranker:
    """Implements the port `Reranker`. Making one loads the model, and downloads it when it is a name.

    The model's own tokenizer cuts passages that are too long for it. Raises `Unavailable` when the extra is not
    installed, the folder incomplete, or a download fails.
    """

    def __init__(self, model: str, cache_dir: Path) -> None:
        folder = Path(model)
        self._model = _from_folder(folder) if folder.is_dir() else _by_name(model, cache_dir)

    def rerank(self, question: str, texts: Sequence[str]) -> list[float]:
        order = by_length(list(texts))  # a batch is padded to its longest text
        scores = np.empty(len(texts))
        try:
            scores[order] = list(self._model.rerank(question, [texts[i] for i in order], batch_size=_BATCH))
        except Exception as error:  # onnxruntime raises many kinds for a graph that is no cross-encoder
            raise Unavailable("The model in KYO_RERANKER_MODEL cannot score passages.") from error
        if not np.isfinite(scores).all():
            raise Unavailable("The model in KYO_RERANKER_MODEL gives scores that are not finite.")
        return [float(score) for score in scores]


def _by_name(model: str, cache_dir: Path) -> "TextCrossEncoder":
    encoder = _cross_encoder()
    try:
        loaded: TextCrossEncoder = encoder(model, cache_dir=str(cache_dir))
    except Exception as error:  # fastembed raises many kinds, from network to missing files
        raise Unavailable(
            f"The reranker {model} cannot be loaded or downloaded. Set KYO_RERANKER_MODEL to a cross-encoder that "
            "fastembed knows, or to a folder with model.onnx."
        ) from error
    return loaded


def _from_folder(folder: Path) -> "TextCrossEncoder":
    graph = next((name for name in ("model.onnx", "onnx/model.onnx") if (folder / name).exists()), None)
    if graph is None or not (folder / "tokenizer.json").exists():
        raise Unavailable(f"{folder} is no cross-encoder: model.onnx or tokenizer.json is missing.")
    encoder = _cross_encoder()
    name = _register(encoder, folder, graph)
    try:
        loaded: TextCrossEncoder = encoder(name, specific_model_path=str(folder))
    except Exception as error:  # fastembed raises many kinds for files that are wrong
        raise Unavailable(f"The cross-encoder in {folder} has a file that is missing or damaged.") from error
    return loaded


def _register(encoder: Any, folder: Path, graph: str) -> str:
    """Tell fastembed of the model, once a process, under a name that stands for the folder; return it."""
    from fastembed.common.model_description import ModelSource

    name = f"kyo/{hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]}"
    with _REGISTERING:
        if name not in {known["model"] for known in encoder.list_supported_models()}:
            encoder.add_custom_model(model=name, sources=ModelSource(hf=name), model_file=graph)
    return name


def _cross_encoder() -> Any:
    try:
        from fastembed.rerank.cross_encoder import TextCrossEncoder  # late: an extra that need not be installed
    except ImportError as error:
        raise Unavailable(
            "A local reranker needs the extra `local`: pip install 'know-your-organization[local]'."
        ) from error
    return TextCrossEncoder
